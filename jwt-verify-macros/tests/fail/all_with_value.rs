use jwt_verify::require;

#[require(permissions = ["a", "b"], all = true)]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
