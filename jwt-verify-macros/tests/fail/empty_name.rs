use jwt_verify::require;

#[require(roles = "")]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
