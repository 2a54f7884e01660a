use jwt_verify::require;

#[require(not(fresh))]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
