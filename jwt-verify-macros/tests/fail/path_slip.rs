use actix_web::get;
use jwt_verify::require;

#[require(any(roles = "support", claim("sub" == path.user)))]
#[get("/users/{user_id}")]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
