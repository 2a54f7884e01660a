use actix_web::get;
use jwt_verify::require;

struct Posts;

#[require(roles = "admin")]
impl Posts {
    #[get("/posts")]
    async fn list() -> &'static str {
        "x"
    }
}

fn main() {
    let _ = Posts::list;
}
