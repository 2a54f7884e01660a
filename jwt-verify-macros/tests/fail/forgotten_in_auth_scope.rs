use actix_web::get;
use jwt_verify::AuthScope;

#[get("/forgotten")]
async fn forgotten() -> &'static str {
    "x"
}

fn main() {
    let _ = AuthScope::new("/api").service(forgotten);
}
