use jwt_verify::require;

#[require(claim("a" == 5u8))]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
