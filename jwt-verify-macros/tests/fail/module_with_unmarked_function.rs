use jwt_verify::require;

#[require(roles = "admin")]
mod admin {
    pub async fn handler() -> &'static str {
        "x"
    }
}

fn main() {
    let _ = admin::handler;
}
