//! Claims as arguments.

use std::pin::Pin;

use actix_web::{Error, FromRequest, HttpRequest, HttpResponse, dev::Payload, get, web};
use jwt_verify::{
    AuthError, ForbiddenReason, Lookup, OptionalClaims, Requirement, VerifiedClaims,
    authorization::Authorizer,
    extract::{ClaimsArg, FromClaims, ServiceAccount},
    require,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::*;

#[derive(Debug, Deserialize)]
struct Employee {
    sub: String,
    exp: u64,
    department: Department,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Department {
    Sales,
    Support,
}

#[get("/employee")]
async fn employee(caller: VerifiedClaims<Employee>) -> String {
    format!("{} {:?} {}", caller.sub, caller.department, caller.exp)
}

#[get("/maybe")]
async fn maybe(OptionalClaims(caller): OptionalClaims<Employee>) -> String {
    caller.map_or("guest".into(), |caller| caller.sub.clone())
}

#[get("/roles")]
async fn roles(claims: VerifiedClaims<Employee>) -> web::Json<serde_json::Value> {
    let held: Vec<_> = claims.roles().collect();
    let permissions: Vec<_> = claims.permissions().collect();
    web::Json(json!({
        "roles": held,
        "permissions": permissions,
        "admin": claims.has_role("admin"),
        "iss": claims.standard().issuer(),
    }))
}

fn api(bed: &TestBed) -> TestServer {
    let auth = bed.auth().build().unwrap();
    TestServer::start(move || App::new().wrap(auth.optional()).service((employee, maybe, roles)))
}

#[test]
fn claims_come_as_the_applications_own_type() {
    let bed = TestBed::new();
    let api = api(&bed);
    let token = bed.token().claim("department", "sales").sign(&bed.key);
    let expected = format!("alice Sales {}", jwt_verify_tests::START + 600);
    assert_eq!(api.get("/employee").bearer(&token).send().text(), expected);
    assert_eq!(api.get("/maybe").bearer(&token).send().text(), "alice");
    assert_eq!(api.get("/maybe").send().text(), "guest");
}

#[test]
fn claims_of_another_shape_are_an_invalid_token() {
    let bed = TestBed::new();
    let api = api(&bed);
    for token in [
        bed.token(),
        bed.token().claim("department", "kitchen"),
        bed.token().claim("department", "support").without("sub"),
    ] {
        for path in ["/employee", "/maybe"] {
            let response = api.get(path).bearer(token.sign(&bed.key)).send();
            assert_eq!((response.status, response.challenge()), (401, Some(INVALID)));
            assert!(!response.everything().contains("kitchen"));
        }
    }
}

#[test]
fn roles_and_permissions_are_there_whatever_the_type() {
    let bed = TestBed::new();
    let api = api(&bed);
    let token =
        bed.token().claim("department", "support").roles(&["admin"]).permissions(&["r", "w"]);
    assert_eq!(
        api.get("/roles").bearer(token.sign(&bed.key)).send().json(),
        json!({"roles": ["admin"], "permissions": ["r", "w"], "admin": true, "iss": bed.issuer.url()})
    );
}

/// WEA-15: `serde_json` makes something else of members that it has names for, where the issuer lets
/// users write them. A type of the application's is not made of them; the library's own claims are
/// read as they stand.
#[test]
fn a_type_is_not_made_of_what_was_not_signed() {
    #[get("/meta")]
    async fn meta(claims: VerifiedClaims<serde_json::Value>) -> String {
        claims["meta"].to_string()
    }
    #[get("/own")]
    async fn own(claims: VerifiedClaims) -> String {
        format!("{} {:?}", claims.get("meta").is_some(), claims.get_as::<bool>("meta"))
    }
    let bed = TestBed::new();
    let auth = bed.auth().build().unwrap();
    let api = TestServer::start(move || App::new().wrap(auth.clone()).service((meta, own)));
    for (member, status, text) in [
        (json!({"$serde_json::private::RawValue": "true"}), 401, "true None"),
        (json!({"a": [{"$serde_json::private::Number": "1"}]}), 401, "true None"),
        (json!(true), 200, "true Some(true)"),
    ] {
        let token = bed.token().claim("meta", member.clone()).sign(&bed.key);
        assert_eq!(api.get("/meta").bearer(&token).send().status, status, "{member}");
        assert_eq!(api.get("/own").bearer(&token).send().text(), text, "{member}");
    }
}

struct Tenant(String);

impl FromClaims for Tenant {
    fn from_claims(claims: &VerifiedClaims) -> Result<Self, AuthError> {
        let tenant = claims.get_as("org_id").map(Tenant);
        tenant.ok_or(AuthError::Forbidden(ForbiddenReason::UnmetCondition))
    }
}

#[require]
#[get("/tenant")]
async fn of_tenant(tenant: ClaimsArg<Tenant>) -> String {
    let shown = format!("{} ", tenant.name());
    shown + &tenant.into_inner().0
}

impl Tenant {
    fn name(&self) -> &str {
        &self.0
    }
}

/// An argument of the application's is made of the claims, and its error is a refusal like every other:
/// the hook answers it, inside the middleware and without it.
#[test]
fn an_argument_made_of_claims_is_refused_by_the_hook() {
    let bed = TestBed::new();
    let auth = bed
        .auth()
        .error_response(|error, _| HttpResponse::ImATeapot().body(error.reason()))
        .build()
        .unwrap();
    let wrapped = auth.clone();
    let apis = [
        TestServer::start(move || App::new().wrap(wrapped.clone()).service(of_tenant)),
        TestServer::start(move || App::new().app_data(auth.clone()).service(of_tenant)),
    ];
    for api in apis {
        let acme = bed.token().claim("org_id", "acme").sign(&bed.key);
        assert_eq!(api.get("/tenant").bearer(acme).send().text(), "acme acme");
        let refused = api.get("/tenant").bearer(bed.good()).send();
        assert_eq!((refused.status, refused.text()), (418, "condition_not_met"));
        let refused = api.get("/tenant").send();
        assert_eq!((refused.status, refused.text()), (418, "missing_token"));
    }
}

#[require]
#[get("/caller")]
async fn of_account(ClaimsArg(account): ClaimsArg<ServiceAccount>) -> String {
    format!("{} of {}", account.name(), account.namespace())
}

#[test]
fn a_service_account_of_kubernetes_is_an_argument() {
    let bed = TestBed::new();
    let auth = bed.auth().build().unwrap();
    let api = TestServer::start(move || App::new().wrap(auth.clone()).service(of_account));
    let send = |subject: &str| {
        let token = bed.token().claim("sub", subject).sign(&bed.key);
        api.get("/caller").bearer(token).send()
    };
    assert_eq!(send("system:serviceaccount:shop:orders").text(), "orders of shop");
    for other in
        ["alice", "system:node:n1", "system:serviceaccount:shop", "system:serviceaccount:a:b:c"]
    {
        assert_eq!(send(other).status, 403, "{other}");
    }
}

#[test]
fn an_argument_made_of_claims_is_asked_after_the_authorizer() {
    struct Closed;

    impl Authorizer for Closed {
        fn authorize(
            &self,
            _: &VerifiedClaims,
            _: &Requirement,
        ) -> Lookup<'static, Result<(), AuthError>> {
            Lookup::Ready(Err(AuthError::Forbidden(ForbiddenReason::Policy)))
        }
    }

    async fn open(tenant: ClaimsArg<Tenant>) -> String {
        tenant.into_inner().0
    }

    let bed = TestBed::new();
    let auth = bed.auth().authorizer(Closed).build().unwrap();
    let api = TestServer::start(move || {
        App::new().app_data(auth.clone()).route("/", web::get().to(open))
    });
    let acme = bed.token().claim("org_id", "acme").sign(&bed.key);
    assert_eq!(api.get("/").bearer(acme).send().status, 403);
    assert_eq!(format!("{:?}", ClaimsArg(Tenant("acme".into()))), "ClaimsArg(..)");
}

/// An extractor that takes the claims by hand names no type of them.
struct Caller(String);

impl FromRequest for Caller {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let claims = VerifiedClaims::from_request(request, payload);
        let own = VerifiedClaims::<Employee>::from_request(request, payload);
        let again = VerifiedClaims::extract(request);
        Box::pin(async move {
            let (claims, own, again) = (claims.await?, own.await?, again.await?);
            assert_eq!(claims.subject(), again.subject());
            Ok(Self(format!("{} {}", claims.subject().unwrap_or_default(), own.sub)))
        })
    }
}

#[test]
fn claims_are_extracted_by_hand_without_naming_their_type() {
    async fn caller(caller: Caller) -> String {
        caller.0
    }
    let bed = TestBed::new();
    let auth = bed.auth().build().unwrap();
    let api = TestServer::start(move || {
        App::new().app_data(auth.clone()).route("/", web::get().to(caller))
    });
    let token = bed.token().claim("department", "sales").sign(&bed.key);
    assert_eq!(api.get("/").bearer(token).send().text(), "alice alice");
    assert_eq!(api.get("/").send().status, 401);
}

#[test]
fn claims_are_a_body_of_json() {
    #[derive(Deserialize, Serialize)]
    struct Shown {
        sub: String,
    }

    async fn all(claims: VerifiedClaims) -> HttpResponse {
        HttpResponse::Ok().json(&claims)
    }

    async fn own(claims: VerifiedClaims<Shown>) -> web::Json<VerifiedClaims<Shown>> {
        web::Json(claims)
    }

    let bed = TestBed::new();
    let auth = bed.auth().build().unwrap();
    let api = TestServer::start(move || {
        App::new()
            .app_data(auth.clone())
            .route("/all", web::get().to(all))
            .route("/own", web::get().to(own))
    });
    let token = bed.token().claim("department", json!({"name": "sales"}));
    let all = api.get("/all").bearer(token.sign(&bed.key)).send().json();
    assert_eq!((&all["sub"], &all["department"]), (&json!("alice"), &json!({"name": "sales"})));
    assert_eq!(all["iss"], bed.issuer.url());
    let own = api.get("/own").bearer(bed.good()).send().json();
    assert_eq!(own, json!({"sub": "alice"}));
}
