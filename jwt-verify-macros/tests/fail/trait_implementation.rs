use jwt_verify::require;

trait Handlers {
    fn list() -> u8;
}

struct Posts;

#[require(roles = "admin")]
impl Handlers for Posts {
    fn list() -> u8 {
        0
    }
}

fn main() {}
