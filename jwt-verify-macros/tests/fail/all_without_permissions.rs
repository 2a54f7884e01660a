use jwt_verify::require;

#[require(roles = ["a", "b"], all)]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
