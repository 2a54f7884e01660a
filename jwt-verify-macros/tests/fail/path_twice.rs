use jwt_verify::require;

#[require(roles = [A, A])]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
