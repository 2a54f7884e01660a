use jwt_verify::require;

#[require(roles = "admin")]
mod admin {
    use std::future::{Ready, ready};

    pub const LIST: fn() -> Ready<&'static str> = || ready("users");
}

fn main() {
    let _ = admin::LIST;
}
