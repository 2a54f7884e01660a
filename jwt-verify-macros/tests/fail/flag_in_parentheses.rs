use jwt_verify::require;

#[require(refresh())]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
