use jwt_verify::require;

#[require]
struct NotAHandler;

fn main() {}
