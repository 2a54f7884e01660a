fn main() {
    let _ = jwt_verify::mcp::tools! {
        "a" => require,
        "b" => require(roles = "x"),
        "a" => require(roles = "y"),
    };
}
