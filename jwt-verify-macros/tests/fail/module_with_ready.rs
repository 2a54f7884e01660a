use jwt_verify::require;

#[require(roles = "admin")]
mod admin {
    use std::future::{Ready, ready};

    type Reply = Ready<&'static str>;

    pub fn stats() -> Ready<&'static str> {
        ready("secret")
    }

    pub fn totals() -> Reply {
        ready("secret")
    }
}

fn main() {
    let _ = (admin::stats, admin::totals);
}
