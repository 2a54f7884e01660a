use jwt_verify::require;

#[require(role = "admin")]
mod admin {
    #[actix_web::get("/a")]
    pub async fn one() -> &'static str {
        "x"
    }

    #[actix_web::get("/b")]
    pub async fn other() -> &'static str {
        "x"
    }
}

fn main() {
    let _ = (admin::one, admin::other);
}
