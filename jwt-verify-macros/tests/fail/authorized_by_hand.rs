use jwt_verify::require;

#[require]
async fn handler(_: jwt_verify::Authorized<()>) -> &'static str {
    "x"
}

fn main() {}
