use jwt_verify::{public, require};

struct Posts;

#[require(roles = "admin")]
impl Posts {
    #[public(roles = "boss")]
    async fn open() -> &'static str {
        "x"
    }
}

fn main() {
    let _ = Posts::open;
}
