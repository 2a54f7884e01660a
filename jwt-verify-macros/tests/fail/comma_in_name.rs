use jwt_verify::require;

#[require(roles = "admin,editor")]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
