use jwt_verify::require;

#[require(claim("a" == 9223372036854775808))]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
