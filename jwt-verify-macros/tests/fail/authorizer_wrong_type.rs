use jwt_verify::require;

struct NoAuthorizer;

#[require(authorizer = NoAuthorizer)]
async fn handler() -> &'static str {
    "x"
}

fn main() {}
