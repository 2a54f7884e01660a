use jwt_verify::require;

#[require(claim(a == "b"))]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
