use jwt_verify::{VerifiedClaims, require};

async fn policy(_: &VerifiedClaims) -> bool {
    true
}

#[require(policy = policy)]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
