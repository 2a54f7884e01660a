use jwt_verify::require;

#[require(max_age)]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
