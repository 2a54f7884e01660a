use jwt_verify::require;

struct Posts;

#[require(roles = "admin")]
impl Posts {
    async fn list() -> &'static str {
        Self::load().await
    }

    async fn load() -> &'static str {
        "x"
    }
}

fn main() {
    let _ = Posts::list;
}
