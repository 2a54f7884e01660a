use jwt_verify::require;

#[require(claim("a"))]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
