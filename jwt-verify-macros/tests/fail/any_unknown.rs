use jwt_verify::require;

#[require(any(role = "a", permission = "b"))]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
