use jwt_verify::{Decision, require};

fn policy(_: u32) -> Decision {
    Decision::Allow
}

#[require(policy = policy)]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
