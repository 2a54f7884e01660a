use jwt_verify::require;

#[require(fresh = "0s")]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
