//! What the attributes generate, word by word: the files in `snapshots/`. `UPDATE_SNAPSHOTS=1` writes
//! them anew; read the difference before it is committed.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use proc_macro2::TokenStream;

use super::{open, protect};

fn check(name: &str, expansion: TokenStream) {
    let shown = prettyplease::unparse(&syn::parse2(expansion).unwrap());
    let file = format!("{}/snapshots/{name}.rs", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&file, &shown).unwrap();
    }
    assert_eq!(std::fs::read_to_string(file).unwrap_or_default(), shown, "{name}");
}

fn required(name: &str, args: &str, item: &str) {
    check(name, protect(&args.parse().unwrap(), item.parse().unwrap()).unwrap());
}

#[test]
fn a_handler_with_roles_and_permissions() {
    required(
        "handler",
        r#"roles = ["editor", "admin"], permissions = ["read", "write"], all"#,
        r#"
        /// Its documentation stays.
        #[put("/posts/{id}")]
        pub async fn edit(id: web::Path<u64>) -> impl Responder { id.to_string() }
        "#,
    );
}

#[test]
fn a_handler_with_everything() {
    required(
        "everything",
        r#"roles = Role::Admin, all_roles, scopes = "s", any(claim("a" == true), not(claim("b" contains path.c))),
           acr = "mfa", max_age = "5m", fresh = "1h", policy = crate::owns, authorizer = Accounts<u8>"#,
        "#[cfg(unix)] async fn handler<T>(value: T) -> T where T: FromRequest { value }",
    );
}

#[test]
fn a_module() {
    required(
        "module",
        r#"roles = "admin""#,
        r#"
        pub mod admin {
            #[get("/a")] async fn routed() {}
            #[require(permissions = "write")] async fn marked() {}
            #[public] #[get("/b")] async fn open() {}
            fn helper() {}
            mod inner {}
        }
        "#,
    );
}

#[test]
fn a_block() {
    required(
        "block",
        r#"permissions = "read""#,
        r#"
        impl<T> Posts<T> {
            async fn list() {}
            #[require(roles = "editor")] async fn edit() {}
            #[public] async fn count() {}
            fn helper(&self) {}
        }
        "#,
    );
}

#[test]
fn an_exception() {
    let item = r#"#[get("/news")] async fn news() -> &'static str { "news" }"#;
    check("public", open(&TokenStream::new(), item.parse().unwrap()).unwrap());
}

/// What is half written is the compiler's business, not this attribute's.
#[test]
fn a_body_is_not_looked_into() {
    let item = "async fn handler(id: u64) { let x = ; id. }";
    let expansion = protect(&TokenStream::new(), item.parse().unwrap()).unwrap().to_string();
    assert!(expansion.contains("Authorized"), "{expansion}");
    assert!(expansion.contains("let x = ; id ."), "{expansion}");
}
