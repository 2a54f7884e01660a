fn main() {
    let _ = jwt_verify::mcp::tools! {
        search => require,
    };
}
