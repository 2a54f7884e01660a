use jwt_verify::{public, require};

#[public]
#[require]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
