use jwt_verify::require;

macro_rules! handlers {
    ($name:ident) => {
        pub async fn $name() -> &'static str {
            "x"
        }
    };
}

#[require(roles = "admin")]
mod admin {
    handlers!(list);
}

fn main() {
    let _ = admin::list;
}
