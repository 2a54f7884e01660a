fn main() {
    let _ = jwt_verify::mcp::tools! {
        "a" => require(any(policy = own, roles = "admin")),
        "b" => require(refresh),
        "c" => require(claim("sub" == path.id)),
    };
}
