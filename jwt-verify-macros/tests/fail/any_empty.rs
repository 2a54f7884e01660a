use jwt_verify::require;

#[require(any())]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
