use jwt_verify::{authorization::AccessName, require};

enum Role {
    Admin,
}

impl AccessName for Role {
    fn access_name(&self) -> &'static str {
        "admin"
    }
}

#[require(roles = Role::Admim)]
async fn handler() -> &'static str {
    "x"
}

fn main() {
    let _ = Role::Admin;
}
