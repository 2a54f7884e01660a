use jwt_verify::require;

#[require(claim("a" == query.b))]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
