use jwt_verify::require;

#[require(policy(owns))]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
