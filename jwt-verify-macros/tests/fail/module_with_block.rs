use jwt_verify::require;

#[require(roles = "admin")]
mod admin {
    pub struct Users;

    impl Users {
        pub async fn list() -> &'static str {
            "x"
        }

        pub fn new() -> Self {
            Self
        }
    }
}

fn main() {
    let _ = (admin::Users::list, admin::Users::new);
}
