use jwt_verify::require;

struct Posts;

#[require(roles = "admin")]
impl Posts {
    #[require(roles = "editor")]
    async fn edit(self) -> &'static str {
        "x"
    }
}

fn main() {
    let _ = Posts::edit;
}
