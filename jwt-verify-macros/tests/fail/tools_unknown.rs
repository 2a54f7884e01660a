fn main() {
    let _ = jwt_verify::mcp::tools! {
        "a" => require(role = "admin"),
        "b" => demand,
    };
}
