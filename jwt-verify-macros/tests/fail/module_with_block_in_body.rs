use jwt_verify::require;

#[require(roles = "admin")]
mod admin {
    pub struct Users;

    const _: () = {
        impl Users {
            pub async fn list() -> &'static str {
                "users"
            }
        }
    };
}

fn main() {
    let _ = admin::Users::list;
}
