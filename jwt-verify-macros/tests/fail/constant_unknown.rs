use jwt_verify::require;

#[require(roles = Role::Admin)]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
