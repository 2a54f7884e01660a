use actix_web::get;
use jwt_verify::{AuthScope, require};

#[get("/below")]
#[require]
async fn below() -> &'static str {
    "x"
}

fn main() {
    let _ = AuthScope::new("/api").service(below);
}
