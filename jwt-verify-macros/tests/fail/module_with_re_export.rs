use jwt_verify::require;

async fn list() -> &'static str {
    "users"
}

#[require(roles = "admin")]
mod admin {
    pub use super::list;
}

fn main() {
    let _ = admin::list;
}
