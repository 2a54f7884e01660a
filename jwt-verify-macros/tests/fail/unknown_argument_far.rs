use jwt_verify::require;

#[require(audience = "api")]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
