use jwt_verify::require;

#[require(permisions = "read")]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
