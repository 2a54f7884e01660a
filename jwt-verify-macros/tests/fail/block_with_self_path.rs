use jwt_verify::{Decision, VerifiedClaims, require};

struct Posts;

#[require(policy = Self::owns)]
impl Posts {
    async fn list() -> &'static str {
        "x"
    }

    fn owns(_: &VerifiedClaims) -> Decision {
        Decision::Allow
    }
}

fn main() {
    let _ = Posts::list;
}
