use jwt_verify::require;

#[require(x = "a")]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
