use jwt_verify::require;

#[require(role = "admin")]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
