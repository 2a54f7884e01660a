//! Snapshots of the generated code: the files in `snapshots/`. `UPDATE_SNAPSHOTS=1` rewrites them;
//! review the difference before you commit.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use proc_macro2::TokenStream;

use quote::{ToTokens as _, quote};
use syn::{Attribute, parse::ParseStream};

use super::{open, protect, rules_of_tools};

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
fn rules_of_tools_are_a_builder() {
    let rules = r#"
        "whoami" => require,
        "search" => require(scopes = ["notes:read", SCOPE], all),
        "delete_note" => require(roles = "admin", not(claim("acr" == "0"))),
    "#;
    let rules = rules_of_tools(rules.parse().unwrap()).unwrap();
    check("tools", quote! { fn rules() -> ::jwt_verify::mcp::Rules { #rules } });
}

#[test]
fn what_reads_the_arguments_comes_first() {
    let item = r#"#[utoipa::path(get)] #[get("/{id}")] async fn show(id: web::Path<u64>) {}"#;
    let expansion = protect(&r#"roles = "a""#.parse().unwrap(), item.parse().unwrap()).unwrap();
    let expected = quote! {
        #[utoipa::path(get)]
        #[::jwt_verify::require(roles = "a")]
        #[get("/{id}")]
        async fn show(id: web::Path<u64>) {}
    };
    assert_eq!(expansion.to_string(), expected.to_string());
}

#[test]
fn a_handler_with_everything() {
    required(
        "everything",
        r#"roles = Role::Admin, all_roles, scopes = "s", credential = "api-key", any(claim("a" == true), not(claim("b" contains path.c))),
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

/// The compiler, not the attribute, reports mistakes in a body.
#[test]
fn a_body_is_not_looked_into() {
    let item = "async fn handler(id: u64) { let x = ; id. }";
    let expansion = protect(&TokenStream::new(), item.parse().unwrap()).unwrap().to_string();
    assert!(expansion.contains("Authorized"), "{expansion}");
    assert!(expansion.contains("let x = ; id ."), "{expansion}");
}

/// Expands every annotated item of a file without the compiler, and returns the output and the
/// errors.
fn answers(file: &str) -> Vec<(TokenStream, Vec<String>)> {
    let source = std::fs::read_to_string(file).unwrap();
    let Ok(file) = syn::parse_file(&source) else { return Vec::new() };
    file.items.iter().filter_map(|item| answer(item.to_token_stream())).collect()
}

fn answer(item: TokenStream) -> Option<(TokenStream, Vec<String>)> {
    let (attributes, rest) = syn::parse::Parser::parse2(
        |input: ParseStream<'_>| {
            Ok((input.call(Attribute::parse_outer)?, input.parse::<TokenStream>()?))
        },
        item,
    )
    .ok()?;
    let is = |attribute: &Attribute, name: &str| {
        attribute.path().segments.last().is_some_and(|segment| segment.ident == name)
    };
    let place = attributes.iter().position(|one| is(one, "require") || is(one, "public"))?;
    let args = match &attributes.get(place)?.meta {
        syn::Meta::Path(_) => TokenStream::new(),
        syn::Meta::List(list) => list.tokens.clone(),
        syn::Meta::NameValue(_) => return None,
    };
    let others = attributes.iter().enumerate().filter(|(at, _)| *at != place);
    let others = others.map(|(_, attribute)| attribute);
    let item = quote! { #(#others)* #rest };
    let outcome = if is(attributes.get(place)?, "require") {
        protect(&args, item)
    } else {
        open(&args, item)
    };
    Some(match outcome {
        Ok(expansion) => {
            let complaints = complaints(&expansion.to_string());
            (expansion, complaints)
        }
        Err(error) => {
            let texts = error.into_iter().map(|one| one.to_string()).collect();
            (TokenStream::new(), texts)
        }
    })
}

/// Returns the texts of the errors in an expansion.
fn complaints(expansion: &str) -> Vec<String> {
    let errors = expansion.split("compile_error ! {").skip(1);
    let literals = errors.filter_map(|error| error.split('}').next());
    literals
        .filter_map(|text| syn::parse_str::<syn::LitStr>(text.trim()).ok())
        .map(|text| text.value())
        .collect()
}

fn words(text: &str) -> String {
    text.split_whitespace().filter(|word| *word != "|").collect::<Vec<_>>().join(" ")
}

#[test]
fn what_it_complains_about_is_what_users_are_shown() {
    let mut complained = 0;
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fail")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let shown = words(&std::fs::read_to_string(path.with_extension("stderr")).unwrap());
        for (expansion, complaints) in answers(path.to_str().unwrap()) {
            assert!(syn::parse2::<syn::File>(expansion).is_ok(), "{}", path.display());
            for complaint in &complaints {
                assert!(shown.contains(&words(complaint)), "{}: {complaint}", path.display());
            }
            complained += usize::from(!complaints.is_empty());
        }
    }
    assert!(complained > 60, "only {complained} of the mistakes are found by the attribute itself");
}

#[test]
fn it_complains_about_nothing_that_compiles() {
    let cases = answers(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/pass/handlers.rs"));
    assert!(cases.len() > 20, "{}", cases.len());
    for (expansion, complaints) in cases {
        assert!(complaints.is_empty(), "{complaints:?}");
        assert!(syn::parse2::<syn::File>(expansion.clone()).is_ok(), "{expansion}");
    }
}
