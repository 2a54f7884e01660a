//! What an OpenAPI document says about kinds of credentials, and about refusals.

use actix_web::http::Method;
use jwt_verify::{
    AuthScope, JwtAuth, Requirement,
    extract::{Attempt, Authenticator, CredentialKind, Presented},
    public, require,
    routes::AccessMatrix,
};
use serde_json::{Value, json};
use utoipa::{
    Modify,
    openapi::{
        HttpMethod, OpenApiBuilder, PathItem, path::OperationBuilder, response::ResponseBuilder,
    },
};

macro_rules! handlers {
    ($($name:ident: #[$attribute:meta];)+) => {
        $(#[$attribute] async fn $name() -> &'static str { "ran" })+

        fn api() -> AuthScope {
            AuthScope::new("")$(.route(Method::GET, concat!("/", stringify!($name)), $name))+
        }
    };
}

handlers! {
    anyone: #[require];
    reading: #[require(scopes = "read")];
    editing: #[require(roles = "editor", permissions = "write")];
    keys_alone: #[require(credential = "api-key", scopes = "read")];
    no_keys: #[require(not(credential = "api-key"), scopes = "read")];
    either: #[require(any(credential = "api-key", scopes = "read"))];
    nothing: #[require(credential = "other")];
    open: #[public];
    refreshing: #[require(refresh)];
}

struct Kind(CredentialKind);

impl Authenticator for Kind {
    fn credential_kind(&self) -> CredentialKind {
        self.0
    }

    fn authenticate<'r>(&'r self, _: Presented<'r>) -> Attempt<'r> {
        Attempt::not_mine()
    }
}

fn auth(kinds: &[CredentialKind]) -> JwtAuth {
    let builder = JwtAuth::builder("https://issuer.example", "https://api.example");
    let add = |builder: jwt_verify::JwtAuthBuilder, kind: &CredentialKind| {
        builder.authenticator(Kind(*kind))
    };
    kinds.iter().fold(builder, add).build().unwrap()
}

/// A document with an operation at each route.
fn document(matrix: &AccessMatrix, modifier: &impl Modify) -> Value {
    let mut document = OpenApiBuilder::new().build();
    for route in matrix.routes() {
        let item = PathItem::new(HttpMethod::Get, OperationBuilder::new());
        document.paths.paths.insert(route.path().to_owned(), item);
    }
    modifier.modify(&mut document);
    serde_json::to_value(document).unwrap()
}

fn security<'d>(document: &'d Value, name: &str) -> &'d Value {
    document.pointer(&format!("/paths/~1{name}/get/security")).unwrap_or(&Value::Null)
}

#[test]
fn each_kind_that_is_accepted_is_an_alternative() {
    let auth = auth(&[CredentialKind::ApiKey, CredentialKind::OpaqueToken, CredentialKind::ApiKey]);
    let matrix = api().access_matrix().for_auth(&auth);
    let document = document(&matrix, &matrix);
    for (name, expected) in [
        ("anyone", json!([{"bearer": []}, {"apiKey": []}, {"opaqueToken": []}])),
        ("reading", json!([{"bearer": ["read"]}, {"apiKey": ["read"]}, {"opaqueToken": ["read"]}])),
        ("keys_alone", json!([{"apiKey": ["read"]}])),
        ("no_keys", json!([{"bearer": ["read"]}, {"opaqueToken": ["read"]}])),
        (
            "either",
            json!([{"bearer": ["read"]}, {"apiKey": []}, {"apiKey": ["read"]}, {"opaqueToken": ["read"]}]),
        ),
        ("nothing", json!([{"other": []}])),
        ("open", json!([])),
        ("refreshing", json!([{"refresh": []}])),
    ] {
        assert_eq!(security(&document, name), &expected, "{name}");
    }
    let schemes = &document["components"]["securitySchemes"];
    assert_eq!(schemes["bearer"]["bearerFormat"], "JWT");
    assert_eq!(schemes["opaqueToken"]["scheme"], "bearer");
    assert_eq!(schemes["opaqueToken"]["bearerFormat"], Value::Null);
    let key = &schemes["apiKey"];
    assert_eq!(
        (&key["type"], &key["in"], &key["name"]),
        (&json!("apiKey"), &json!("header"), &json!("X-Api-Key"))
    );
}

/// Without a `JwtAuth` a document names JWTs, and what requirements name.
#[test]
fn an_unknown_auth_accepts_tokens_alone() {
    let matrix = api().access_matrix();
    let document = document(&matrix, &matrix);
    for (name, expected) in [
        ("reading", json!([{"bearer": ["read"]}])),
        ("keys_alone", json!([{"apiKey": ["read"]}])),
        ("no_keys", json!([{"bearer": ["read"]}])),
        ("nothing", json!([{"other": []}])),
    ] {
        assert_eq!(security(&document, name), &expected, "{name}");
    }
    assert_eq!(document["components"]["securitySchemes"]["opaqueToken"], Value::Null);
}

#[test]
fn refusals_are_documented_where_the_application_has_not() {
    let matrix = api().access_matrix();
    let shown = document(&matrix, &matrix);
    for (name, statuses) in [
        ("anyone", &["401"][..]),
        ("reading", &["401", "403"]),
        ("refreshing", &["401"]),
        ("open", &[]),
    ] {
        let responses = &shown["paths"][format!("/{name}")]["get"]["responses"];
        let found: Vec<_> = responses.as_object().unwrap().keys().collect();
        assert_eq!(found, statuses, "{name}");
    }
    let refused = &shown["paths"]["/reading"]["get"]["responses"]["403"];
    assert_eq!(refused["headers"]["WWW-Authenticate"]["schema"]["type"], "string");

    let own = ResponseBuilder::new().description("ask ada").build();
    let operation = OperationBuilder::new().response("403", own).build();
    let mut described = OpenApiBuilder::new().build();
    let item = PathItem::new(HttpMethod::Get, operation);
    described.paths.paths.insert("/reading".to_owned(), item);
    matrix.modify(&mut described);
    let described = serde_json::to_value(described).unwrap();
    let responses = &described["paths"]["/reading"]["get"]["responses"];
    assert_eq!(responses["403"], json!({"description": "ask ada"}));
    assert!(responses["401"].is_object());
}

#[test]
fn requirements_are_documented_on_request() {
    let matrix = api().access_matrix();
    let of = |document: Value| document["paths"]["/editing"]["get"]["x-requirement"].clone();
    assert_eq!(of(document(&matrix, &matrix)), Value::Null);
    let whole = document(&matrix, &matrix.with_requirements());
    assert_eq!(of(whole.clone()), r#"roles = "editor", permissions = "write""#);
    assert_eq!(whole["paths"]["/open"]["get"]["x-requirement"], Value::Null);
}

#[test]
fn a_matrix_shows_kinds_as_they_are_written() {
    let shown = api().access_matrix().to_string();
    for line in [
        r#"credential = "api-key""#,
        r#"not(credential = "api-key")"#,
        r#"any(credential = "api-key", scopes = "read")"#,
    ] {
        assert!(shown.contains(line), "{shown}");
    }
    let kinds = Requirement::credentials([CredentialKind::ApiKey, CredentialKind::Jwt]);
    assert_eq!(kinds.to_string(), r#"credential = ["api-key", "jwt"]"#);
    assert_eq!(
        serde_json::to_value(&kinds).unwrap(),
        json!({"terms": [{"credential": ["api-key", "jwt"]}]})
    );
    assert_eq!(Requirement::credentials([""; 0]).to_string(), "credential = <none>");
}
