use jwt_verify::require;

#[require(permissions = "a", all_roles)]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
