use jwt_verify::require;

#[require(role = "a", permissions = 5, all = 1)]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
