use jwt_verify::require;

#[require(fresh("10m"))]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
