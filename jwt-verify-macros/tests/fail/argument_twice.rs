use jwt_verify::require;

#[require(roles = "a", roles = "b")]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
