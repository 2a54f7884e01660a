use jwt_verify::require;

#[require(roles = "admin")]
mod admin {
    pub struct Users;

    pub trait Crud {
        async fn list() -> &'static str;

        fn of(self) -> &'static str;
    }

    impl Crud for Users {
        async fn list() -> &'static str {
            "all users"
        }

        fn of(self) -> &'static str {
            "no handler"
        }
    }
}

fn main() {
    let _ = <admin::Users as admin::Crud>::list;
}
