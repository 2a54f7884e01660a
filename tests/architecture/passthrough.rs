//! The example of an MCP server never reads the caller's token, and has no way to hand it on.

use super::{read, root, sources};

const EXAMPLE: &str = "examples/mcp-server";

/// What would give a tool the credential of a request, or a way to send one somewhere.
const FORBIDDEN: [&str; 10] = [
    "authorization",
    "bearer",
    "dpop\"",
    "headers()",
    "parts",
    "keep_credentials",
    "passthrough",
    "awc",
    "reqwest",
    "tcpstream",
];

/// The code of a file in lower case, without its comments.
fn code(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n").to_lowercase()
}

/// What of these words is in a text.
fn found(text: &str) -> Vec<&'static str> {
    let code = code(text);
    FORBIDDEN.into_iter().filter(|word| code.contains(word)).collect()
}

#[test]
fn no_file_of_the_server_reads_a_credential() {
    let mut files = 0;
    for path in sources(&root().join(EXAMPLE)) {
        let text = std::fs::read_to_string(&path).unwrap();
        // It prints requests with tokens of the example's own issuer, and sees none of a caller.
        if path.ends_with("tryout.rs") {
            assert!(!text.contains("HttpRequest") && !text.contains("rmcp"), "{}", path.display());
            continue;
        }
        files += 1;
        assert_eq!(found(&text), [""; 0], "{}", path.display());
    }
    assert!(files >= 3, "{files} files");
}

#[test]
fn what_would_read_one_is_found() {
    for text in [
        "request.headers().get(AUTHORIZATION)",
        "extensions.get::<AuthorizationHeader>()",
        "context.extensions.get::<http::request::Parts>()",
        "McpGuard::builder(&auth, rules).keep_credentials()",
    ] {
        assert_ne!(found(text), [""; 0], "{text}");
    }
    assert_eq!(found("// Never the Authorization header."), [""; 0]);
}

/// The transport strips the field, unless a feature has it handed on.
#[test]
fn the_transport_hands_on_no_token() {
    let workspace = read("Cargo.toml");
    let line = workspace.lines().find(|line| line.starts_with("rmcp-actix-web ")).unwrap();
    assert!(line.contains("default-features = false"), "{line}");
    assert!(line.contains("features = [\"transport-streamable-http\"]"), "{line}");
    let manifest = read(format!("{EXAMPLE}/Cargo.toml"));
    assert!(manifest.contains("\nrmcp-actix-web.workspace = true\n"));
    assert!(manifest.contains("\nrmcp.workspace = true\n"));
    for member in ["tests/Cargo.toml", "examples/mcp-server/Cargo.toml", "Cargo.toml"] {
        assert!(!read(member).contains("passthrough"), "{member}");
    }
    for client in ["awc", "reqwest", "hyper"] {
        assert!(!manifest.contains(client), "the example has no client to send a token with");
    }
}
