use jwt_verify::require;

#[require(roles = ["admin", 5])]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
