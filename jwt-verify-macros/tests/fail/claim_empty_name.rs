use jwt_verify::require;

#[require(claim("" == "b"))]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
