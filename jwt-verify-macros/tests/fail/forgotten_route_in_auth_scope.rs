use actix_web::{http::Method, web};
use jwt_verify::AuthScope;

async fn forgotten(_: web::Path<u32>) -> &'static str {
    "x"
}

async fn takes_nothing() -> &'static str {
    "x"
}

fn main() {
    let _ = AuthScope::new("/api")
        .route(Method::GET, "/{id}", forgotten)
        .route(Method::GET, "/", takes_nothing);
}
