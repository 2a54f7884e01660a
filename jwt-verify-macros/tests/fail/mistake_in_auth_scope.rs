use actix_web::get;
use jwt_verify::{AuthScope, require};

#[require(role = "admin")]
#[get("/a")]
async fn list() -> &'static str {
    "x"
}

fn main() {
    let _ = AuthScope::new("/api").service(list);
}
