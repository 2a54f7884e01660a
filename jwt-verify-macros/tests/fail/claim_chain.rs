use jwt_verify::require;

#[require(claim("a" == "b" && "c" == "d"))]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
