use jwt_verify::require;

#[require("admin")]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
