use std::pin::Pin;

use jwt_verify::require;

type Reply = Pin<Box<dyn Future<Output = &'static str>>>;

struct Admin;

#[require(roles = "admin")]
impl Admin {
    fn stats() -> Reply {
        Box::pin(async { "secret" })
    }
}

fn main() {
    let _ = Admin::stats;
}
