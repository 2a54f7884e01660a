use jwt_verify::require;

#[require(roles = "a")]
#[require(permissions = "b")]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
