use jwt_verify::require;

#[require(roles = "admin")]
mod admin {
    pub trait Crud {
        async fn wipe() -> &'static str {
            "wiped"
        }
    }
}

fn main() {}
