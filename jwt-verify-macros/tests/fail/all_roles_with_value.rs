use jwt_verify::require;

#[require(roles = ["a", "b"], all_roles = true)]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
