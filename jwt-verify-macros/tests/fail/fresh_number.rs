use jwt_verify::require;

#[require(fresh = 10)]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
