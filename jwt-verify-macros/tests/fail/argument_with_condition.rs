use actix_web::web;
use jwt_verify::require;

#[require(roles = "admin")]
async fn handler(#[cfg(unix)] id: web::Path<u32>) -> String {
    id.to_string()
}

fn main() {}
