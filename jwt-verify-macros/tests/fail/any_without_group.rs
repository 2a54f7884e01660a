use jwt_verify::require;

#[require(any = "a")]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
