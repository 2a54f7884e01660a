use jwt_verify::{public, require};

struct Posts;

#[require(role = "admin")]
impl Posts {
    #[require(roles = "editor")]
    async fn edit() -> &'static str {
        "x"
    }

    #[public]
    async fn open() -> &'static str {
        "x"
    }
}

fn main() {
    let _ = (Posts::edit, Posts::open);
}
