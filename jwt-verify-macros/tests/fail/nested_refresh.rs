use jwt_verify::require;

#[require(any(refresh, roles = "a"))]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
