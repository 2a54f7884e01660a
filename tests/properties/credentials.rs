//! A route answers an API key and an opaque token as it answers a JWT with the same grants.

use std::{collections::BTreeSet, sync::LazyLock};

use actix_web::{
    App, HttpResponse,
    body::to_bytes,
    http::header::WWW_AUTHENTICATE,
    rt::System,
    test::{TestRequest, call_service, init_service},
    web,
};
use jwt_verify::{
    ClaimsMapping, Clock as _, JwtAuth, RoleHierarchy, ScopeHierarchy, VerifiedClaims,
    api_keys::{ApiKeys, MemoryApiKeys},
    introspection::Introspection,
    require,
};
use jwt_verify_tests::IntrospectionEndpoint;
use serde_json::json;

use super::*;

/// Names that include each other, look alike, or are not what they seem.
const NAMES: &[&str] = &[
    "admin",
    "editor",
    "Admin",
    "read",
    "write",
    "read:posts",
    "write:posts",
    "posts:*",
    "posts:read",
    "*",
    "a",
    "ab",
    "read:posts,admin",
    "\"admin\"",
    "[admin]",
    "ädmin",
    "admin editor",
    "read write",
];

#[derive(Debug, Clone)]
struct Grants {
    subject: String,
    roles: Vec<String>,
    permissions: Vec<String>,
    scopes: Vec<String>,
}

fn names() -> impl Strategy<Value = Vec<String>> {
    let name = prop::sample::select(NAMES).prop_map(str::to_owned);
    prop::collection::vec(name, 0..5)
}

fn grants() -> impl Strategy<Value = Grants> {
    (prop::sample::select(&["ada", "bob \"b\"", "ü"][..]), names(), names(), names()).prop_map(
        |(subject, roles, permissions, scopes)| {
            let is_scope = |name: &String| name.is_ascii() && !name.contains([' ', '"', '\\']);
            let scopes = scopes.into_iter().filter(is_scope).collect();
            Grants { subject: subject.to_owned(), roles, permissions, scopes }
        },
    )
}

#[require(roles = ["admin", "editor"])]
async fn roles() -> &'static str {
    "roles"
}

#[require(roles = ["admin", "editor"], permissions = "write:posts", all)]
async fn roles_and_permissions() -> &'static str {
    "both"
}

#[require(permissions = "read:posts")]
async fn permissions() -> &'static str {
    "permissions"
}

#[require(scopes = ["posts:read", "write"])]
async fn scopes() -> &'static str {
    "scopes"
}

#[require(not(roles = "admin"))]
async fn others() -> &'static str {
    "others"
}

/// All that a handler sees of grants.
#[require]
async fn seen(claims: VerifiedClaims) -> HttpResponse {
    let sorted = |names: BTreeSet<&str>| json!(names);
    HttpResponse::Ok().json(json!([
        claims.subject(),
        sorted(claims.roles().collect()),
        sorted(claims.permissions().collect()),
        sorted(claims.scopes().collect()),
    ]))
}

const PATHS: [&str; 7] =
    ["/roles", "/both", "/permissions", "/scopes", "/others", "/seen", "/nothing"];

static STORE: LazyLock<MemoryApiKeys> = LazyLock::new(MemoryApiKeys::new);

static KEYS: LazyLock<ApiKeys> = LazyLock::new(|| {
    let secret = "the secret of the hashes, 32 bytes".into();
    ApiKeys::builder(secret, STORE.clone()).build().unwrap()
});

static ENDPOINT: LazyLock<IntrospectionEndpoint> = LazyLock::new(IntrospectionEndpoint::start);

/// Mappings that grant as little and as much as they can.
static AUTHS: LazyLock<[JwtAuth; 2]> = LazyLock::new(|| {
    let roles =
        RoleHierarchy::new().role("admin", ["editor"]).permissions("editor", ["write:posts"]);
    let scopes = ScopeHierarchy::new().scope("write", ["read"]).wildcard_segments(':');
    let all = ClaimsMapping::default().scopes_as_permissions(true).role_hierarchy(roles);
    [ClaimsMapping::default(), all.scope_hierarchy(scopes)].map(|mapping| {
        let key = VerificationKey::from_jwk(&KEY.jwk().to_string()).unwrap();
        let issuer = TrustedIssuer::new(ISSUER, AUDIENCE).algorithms([Algorithm::ES256]);
        let issuer = issuer.keys(JwkSet::new([key])).claims_mapping(mapping);
        let introspection =
            Introspection::at(ENDPOINT.url()).client_secret_basic("api", "a secret of this client");
        let auth = JwtAuth::for_issuer(issuer).api_keys(KEYS.clone()).introspection(introspection);
        auth.clock(TestClock::new()).build().unwrap()
    })
});

/// Status, challenge and body of each route.
async fn answers(auth: &JwtAuth, header: (&str, &str)) -> Vec<(u16, Option<String>, Vec<u8>)> {
    let app = init_service(
        App::new()
            .wrap(auth.clone())
            .route("/roles", web::to(roles))
            .route("/both", web::to(roles_and_permissions))
            .route("/permissions", web::to(permissions))
            .route("/scopes", web::to(scopes))
            .route("/others", web::to(others))
            .route("/seen", web::to(seen)),
    )
    .await;
    let mut answers = Vec::new();
    for path in PATHS {
        let request = TestRequest::with_uri(path).insert_header(header).to_request();
        let answer = call_service(&app, request).await;
        let challenge = answer.headers().get(WWW_AUTHENTICATE);
        let challenge = challenge.map(|value| value.to_str().unwrap().to_owned());
        let status = answer.status().as_u16();
        answers.push((status, challenge, to_bytes(answer.into_body()).await.unwrap().to_vec()));
    }
    answers
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_route_answers_each_kind_of_credential_alike(grants in grants(), auth in 0..2_usize) {
        let Grants { subject, roles, permissions, scopes } = grants;
        let expires_at = TestClock::new().now().as_secs() + 3600;
        let opaque = format!("opaque.{}", KEYS.generate().unwrap().expose());
        ENDPOINT.activate(&opaque, &json!({
            "sub": subject, "aud": AUDIENCE, "exp": expires_at, "token_type": "Bearer",
            "roles": roles, "permissions": permissions, "scope": scopes.join(" "),
        }));
        let token = Token::of(ISSUER).claim("sub", json!(subject)).claim("roles", json!(roles));
        let token = token.claim("permissions", json!(permissions));
        let token = token.claim("scope", json!(scopes.join(" "))).sign(&KEY);
        let key = KEYS.generate().unwrap();
        let record = KEYS.record(&key, subject).roles(roles).permissions(permissions).scopes(scopes);
        STORE.insert_now(record.build().unwrap());
        System::new().block_on(async {
            let auth = &AUTHS[auth];
            let by_token = answers(auth, ("authorization", &format!("Bearer {token}"))).await;
            for header in [
                ("x-api-key", key.expose().to_owned()),
                ("authorization", format!("ApiKey {}", key.expose())),
                ("authorization", format!("Bearer {}", key.expose())),
                ("authorization", format!("Bearer {opaque}")),
            ] {
                let by_key = answers(auth, (header.0, &header.1)).await;
                prop_assert_eq!(&by_key, &by_token);
            }
            Ok(())
        })?;
    }
}
