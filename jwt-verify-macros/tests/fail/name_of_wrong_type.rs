use jwt_verify::require;

enum Role {
    Admin,
}

#[require(roles = Role::Admin)]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
