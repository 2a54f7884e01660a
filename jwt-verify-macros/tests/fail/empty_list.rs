use jwt_verify::require;

#[require(permissions = [])]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
