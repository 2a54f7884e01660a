use jwt_verify::require;

#[require(all(roles = "a"))]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
