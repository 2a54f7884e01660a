use jwt_verify::require;

#[require(roles = "admin")]
mod admin {
    pub fn list() -> impl Future<Output = &'static str> {
        async { "x" }
    }

    pub fn helper() -> u8 {
        0
    }
}

fn main() {
    let _ = (admin::list(), admin::helper());
}
