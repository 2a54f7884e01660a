use jwt_verify::require;

#[require(roles = "admin", refresh)]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
