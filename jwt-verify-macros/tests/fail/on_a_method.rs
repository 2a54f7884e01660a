use jwt_verify::require;

struct Api;

impl Api {
    #[require]
    async fn handler(&self) -> &'static str {
        "x"
    }
}

fn main() {}
