use jwt_verify::require;

#[require(any(permissions = ["a", "b"], all))]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
