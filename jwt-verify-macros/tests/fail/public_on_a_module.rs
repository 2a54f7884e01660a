use jwt_verify::public;

#[public]
mod handlers {}

fn main() {}
