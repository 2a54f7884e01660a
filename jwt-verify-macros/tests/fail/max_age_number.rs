use jwt_verify::require;

#[require(max_age = 300)]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
