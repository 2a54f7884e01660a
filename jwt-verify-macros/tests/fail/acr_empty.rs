use jwt_verify::require;

#[require(acr = [])]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
