use jwt_verify::require;

#[require(authorizer = "Type")]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
