use jwt_verify::require;

#[require(credential = "API key")]
async fn handler() {}

fn main() {}
