use jwt_verify::require;

#[require(refresh = true)]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
