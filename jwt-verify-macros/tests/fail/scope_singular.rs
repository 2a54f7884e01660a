use jwt_verify::require;

#[require(scope = "a")]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
