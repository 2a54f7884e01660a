use jwt_verify::require;

#[require(scopes = "read write")]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
