use jwt_verify::require;

#[require(claim("a" == 1.5))]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
