use jwt_verify::require;

#[require(roles = " admin")]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
