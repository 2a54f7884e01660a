use jwt_verify::require;

#[require(any_of(roles = "a"))]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
