use jwt_verify::require;

pub const ADMIN: &str = "admin";

#[require(any(roles = ADMIN, roles = crate::ADMIN))]
mod admin {
    #[actix_web::get("/a")]
    pub async fn list() -> &'static str {
        "x"
    }
}

fn main() {
    let _ = admin::list;
}
