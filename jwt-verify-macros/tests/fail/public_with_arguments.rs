use jwt_verify::public;

#[public(roles = "admin")]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
