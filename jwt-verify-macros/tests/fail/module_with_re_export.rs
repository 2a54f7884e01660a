use jwt_verify::require;

pub async fn list() -> &'static str {
    "users"
}

#[require(roles = "admin")]
mod admin {
    pub use super::list;
}

fn main() {
    let _ = admin::list;
}
