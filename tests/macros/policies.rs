//! Decisions of the application's own.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use actix_web::{App, HttpRequest, error::ErrorNotFound, http::Method, web};
use jwt_verify::{
    AuthError, AuthScope, Decision, ForbiddenReason, Lookup, Requirement, VerifiedClaims,
    VerifiedClaimsExt as _,
    authorization::{AuditEvent, AuditOutcome, AuditSink, Authorizer},
    require,
};
use jwt_verify_tests::{TestBed, TestServer};
use serde_json::json;

/// Who wrote what, and how often that was asked.
#[derive(Default)]
struct Posts(AtomicUsize);

impl Posts {
    async fn author(&self, id: u64) -> Option<&'static str> {
        self.0.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        match id {
            1 => Some("alice"),
            2 => Some("bob"),
            _ => None,
        }
    }
}

async fn owns_post(
    claims: &VerifiedClaims,
    id: web::Path<u64>,
    posts: web::Data<Posts>,
) -> Result<Decision, actix_web::Error> {
    let author = posts.author(*id).await.ok_or_else(|| ErrorNotFound("no such post"))?;
    Ok(Decision::from(claims.subject() == Some(author)))
}

fn at_once(claims: &VerifiedClaims) -> Decision {
    Decision::from(claims.subject() == Some("alice"))
}

#[expect(clippy::needless_pass_by_value, reason = "extractors are given")]
fn at_once_with(claims: &VerifiedClaims, request: HttpRequest) -> Result<(), AuthError> {
    match (claims.subject(), request.match_info().get("id")) {
        (Some("alice"), Some("1")) => Ok(()),
        _ => Err(AuthError::Forbidden(ForbiddenReason::Policy)),
    }
}

async fn borrows_only(claims: &VerifiedClaims) -> Result<Decision, AuthError> {
    tokio::task::yield_now().await;
    Ok((claims.subject() == Some("alice")).into())
}

fn boxed(claims: &VerifiedClaims, _: HttpRequest) -> Pin<Box<dyn Future<Output = Decision> + '_>> {
    Box::pin(async move { at_once(claims) })
}

async fn wants_recent_login(_: &VerifiedClaims) -> Result<(), AuthError> {
    Err(AuthError::StepUp { max_age: Some(Duration::from_secs(60)), acr_values: None })
}

/// Lets pass who has paid.
struct Subscription;

impl Authorizer for Subscription {
    fn authorize(
        &self,
        claims: &VerifiedClaims,
        requirement: &Requirement,
    ) -> Lookup<'static, Result<(), AuthError>> {
        if claims.get("unpaid").is_some() {
            return Lookup::Ready(Err(AuthError::Forbidden(ForbiddenReason::Policy)));
        }
        assert!(requirement.to_string().contains("authorizer = Subscription"));
        let is_late = claims.get("late").is_some();
        Lookup::Pending(Box::pin(async move {
            tokio::task::yield_now().await;
            if is_late {
                return Err(AuthError::Unavailable { retry_after: Duration::from_secs(7) });
            }
            Ok(())
        }))
    }
}

macro_rules! handlers {
    ($($name:ident: #[$attribute:meta];)+) => {
        $(#[$attribute] async fn $name(_: web::Path<String>, body: web::Bytes) -> String {
            format!("ran with {} bytes", body.len())
        })+

        fn scope() -> AuthScope {
            AuthScope::new("")
                $(.route(Method::POST, concat!("/", stringify!($name), "/{id}"), $name))+
        }
    };
}

handlers! {
    owner: #[require(policy = owns_post)];
    owner_or_admin: #[require(permissions = "write", any(roles = "admin", policy = owns_post))];
    not_owner: #[require(not(policy = owns_post))];
    sync_policy: #[require(policy = at_once)];
    at_once_with_path: #[require(policy = at_once_with)];
    borrowing: #[require(policy = borrows_only)];
    boxed_future: #[require(policy = boxed)];
    two_policies: #[require(policy = at_once, policy = owns_post)];
    step_up: #[require(policy = wants_recent_login)];
    authorizer_of_type: #[require(authorizer = Subscription)];
    subscribed_or_owner: #[require(any(authorizer = Subscription, policy = owns_post))];
    not_subscribed: #[require(not(authorizer = Subscription))];
    authorizer_not_there: #[require(authorizer = NotInData)];
}

struct NotInData;

impl Authorizer for NotInData {
    fn authorize(
        &self,
        _: &VerifiedClaims,
        _: &Requirement,
    ) -> Lookup<'static, Result<(), AuthError>> {
        Lookup::Ready(Ok(()))
    }
}

struct Api {
    bed: TestBed,
    posts: web::Data<Posts>,
    server: TestServer,
}

impl Api {
    fn start(configure: impl FnOnce(jwt_verify::JwtAuthBuilder) -> jwt_verify::JwtAuth) -> Self {
        let bed = TestBed::new();
        let auth = configure(bed.auth());
        let posts = web::Data::new(Posts::default());
        let data = posts.clone();
        let server = TestServer::start(move || {
            App::new()
                .app_data(auth.clone())
                .app_data(data.clone())
                .app_data(web::Data::new(Subscription))
                .service(scope())
        });
        Self { bed, posts, server }
    }

    fn ask(&self, path: &str, claims: &serde_json::Value) -> jwt_verify_tests::Response {
        let token = self.bed.token_with(claims);
        self.server.request("POST", path).bearer(token).body("text/plain", "hello").send()
    }
}

#[test]
fn a_policy_decides_with_what_the_application_knows() {
    let api = Api::start(|auth| auth.build().unwrap());
    for (path, claims, status) in [
        ("/owner/1", json!({}), 200),
        ("/owner/2", json!({}), 403),
        ("/owner/3", json!({}), 404),
        ("/owner_or_admin/1", json!({"permissions": ["write"]}), 200),
        ("/owner_or_admin/2", json!({"permissions": ["write"]}), 403),
        ("/owner_or_admin/2", json!({"permissions": ["write"], "roles": ["admin"]}), 200),
        ("/owner_or_admin/1", json!({"roles": ["admin"]}), 403),
        ("/not_owner/1", json!({}), 403),
        ("/not_owner/2", json!({}), 200),
        ("/not_owner/3", json!({}), 404),
        ("/sync_policy/1", json!({}), 200),
        ("/sync_policy/1", json!({"sub": "bob"}), 403),
        ("/at_once_with_path/1", json!({}), 200),
        ("/at_once_with_path/2", json!({}), 403),
        ("/at_once_with_path/1", json!({"sub": "bob"}), 403),
        ("/borrowing/1", json!({}), 200),
        ("/borrowing/1", json!({"sub": "bob"}), 403),
        ("/boxed_future/1", json!({}), 200),
        ("/boxed_future/1", json!({"sub": "bob"}), 403),
        ("/two_policies/1", json!({}), 200),
        ("/two_policies/2", json!({}), 403),
        ("/two_policies/2", json!({"sub": "bob"}), 403),
        ("/step_up/1", json!({}), 401),
        ("/authorizer_of_type/1", json!({}), 200),
        ("/authorizer_of_type/1", json!({"unpaid": true}), 403),
        ("/authorizer_of_type/1", json!({"late": true}), 503),
        ("/subscribed_or_owner/2", json!({}), 200),
        ("/subscribed_or_owner/1", json!({"unpaid": true}), 200),
        ("/subscribed_or_owner/2", json!({"unpaid": true}), 403),
        ("/subscribed_or_owner/1", json!({"late": true}), 503),
        ("/not_subscribed/1", json!({}), 403),
        ("/not_subscribed/1", json!({"unpaid": true}), 200),
        ("/authorizer_not_there/1", json!({}), 500),
    ] {
        let response = api.ask(path, &claims);
        assert_eq!(response.status, status, "{path} {claims}: {}", response.everything());
        if status == 200 {
            assert_eq!(response.text(), "ran with 5 bytes", "{path}");
        }
        if status == 403 {
            let challenge = response.challenge().unwrap();
            assert!(challenge.contains("insufficient_scope"), "{challenge}");
        }
    }
    let step_up = api.ask("/step_up/1", &json!({}));
    assert!(step_up.challenge().unwrap().contains(r#"max_age="60""#));
    assert_eq!(api.ask("/owner/3", &json!({})).text(), "no such post");
    assert_eq!(
        api.ask("/authorizer_of_type/1", &json!({"late": 1})).header("retry-after"),
        Some("7")
    );
}

#[test]
fn a_policy_is_asked_only_where_it_matters() {
    let api = Api::start(|auth| auth.build().unwrap());
    let asked = || api.posts.0.swap(0, Ordering::SeqCst);
    api.ask("/owner_or_admin/2", &json!({"permissions": ["write"], "roles": ["admin"]}));
    assert_eq!(asked(), 0, "an admin is an admin");
    api.ask("/owner_or_admin/1", &json!({}));
    assert_eq!(asked(), 0, "without the permission it does not matter");
    api.ask("/two_policies/1", &json!({"sub": "bob"}));
    assert_eq!(asked(), 0, "the first has refused");
    api.ask("/owner_or_admin/1", &json!({"permissions": ["write"]}));
    assert_eq!(asked(), 1);
    let request = api.server.request("POST", "/owner/1").body("text/plain", "hello");
    assert_eq!(request.send().status, 401);
    assert_eq!(asked(), 0, "nobody is not asked about");
}

/// A body that never comes does not keep the answer from coming.
#[test]
fn nobody_is_refused_only_after_the_body() {
    let api = Api::start(|auth| auth.build().unwrap());
    for (path, claims, status) in [
        ("/owner/2", json!({}), 403),
        ("/owner/3", json!({}), 404),
        ("/sync_policy/2", json!({"sub": "bob"}), 403),
        ("/authorizer_of_type/2", json!({"unpaid": 1}), 403),
    ] {
        let token = api.bed.token_with(&claims);
        let request = api.server.request("POST", path).bearer(token);
        // Its head says that a body follows, and none does.
        let response = request.header("content-length", "5").send();
        assert_eq!(response.status, status, "{path}: {}", response.everything());
    }
}

/// An application that goes on without an argument gets the body that it then waits for.
#[test]
fn a_body_is_there_for_who_goes_on_after_a_refusal() {
    async fn handler(claims: Option<VerifiedClaims>, body: web::Bytes) -> String {
        format!("{} {}", claims.is_some(), body.len())
    }

    let bed = TestBed::new();
    let auth = bed.auth().build().unwrap();
    let api = TestServer::start(move || {
        App::new().app_data(auth.clone()).route("/x", web::post().to(handler))
    });
    let other = jwt_verify_tests::SigningKey::new(jwt_verify::Algorithm::ES256, "unknown");
    let bad = jwt_verify_tests::Token::of(bed.issuer.url()).sign(&other);
    // The first has to wait for keys, the second for whether there are new ones.
    for token in [bed.token_with(&json!({"iss": "https://other.example"})), bad] {
        let answer = api.request("POST", "/x").bearer(token).body("text/plain", "hello").send();
        assert_eq!((answer.status, answer.text()), (200, "false 5"));
    }
}

/// Writes down what is decided.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

impl AuditSink for Notes {
    fn record(&self, event: &AuditEvent<'_>) {
        let reason = match event.outcome {
            AuditOutcome::Refused(error) | AuditOutcome::Reported(error) => error.reason(),
            _ => "",
        };
        self.0.lock().unwrap().push(format!(
            "{} {} {} {:?} [{}] {} {reason}",
            event.claims.subject().unwrap_or_default(),
            event.method,
            event.route,
            event.handler,
            event.requirement,
            event.outcome.code(),
        ));
    }
}

#[test]
fn every_decision_is_noted_once() {
    let notes = Notes::default();
    let sink = notes.clone();
    let api = Api::start(|auth| auth.audit_log(sink).build().unwrap());
    for (path, claims) in [
        ("/owner/1", json!({})),
        ("/owner/2", json!({})),
        ("/owner/3", json!({})),
        ("/sync_policy/1", json!({"sub": "bob"})),
    ] {
        api.ask(path, &claims);
    }
    api.server.request("POST", "/owner/1").send();
    assert_eq!(
        *notes.0.lock().unwrap(),
        [
            r#"alice POST /owner/{id} Some("owner") [policy = owns_post] allowed "#,
            r#"alice POST /owner/{id} Some("owner") [policy = owns_post] refused denied_by_policy"#,
            r#"alice POST /owner/{id} Some("owner") [policy = owns_post] failed "#,
            r#"bob POST /sync_policy/{id} Some("sync_policy") [policy = at_once] refused denied_by_policy"#,
        ]
    );
}

#[test]
fn rules_can_be_tried_before_they_count() {
    let notes = Notes::default();
    let sink = notes.clone();
    let api = Api::start(|auth| auth.audit_log(sink).build().unwrap().report_only());
    for path in ["/owner/1", "/owner/2", "/owner/3", "/authorizer_not_there/1"] {
        assert_eq!(api.ask(path, &json!({})).status, 200, "{path}");
    }
    let request = api.server.request("POST", "/owner/1");
    assert_eq!(request.send().status, 401, "who nobody knows is still nobody");
    let request = api.server.request("POST", "/owner/1").bearer("a.b.c");
    assert_eq!(request.send().status, 401);
    let outcomes: Vec<String> = notes.0.lock().unwrap().clone();
    for (line, outcome) in
        outcomes.iter().zip(["allowed ", "reported denied", "reported denied", "reported"])
    {
        assert!(line.contains(outcome), "{line}");
    }
}

/// Of several around each other the innermost counts.
#[test]
fn a_scope_further_in_decides_whether_refusals_count() {
    #[require(roles = "admin")]
    async fn admin(request: HttpRequest) -> String {
        request.verified_claims().unwrap().subject().unwrap().to_owned()
    }

    #[require]
    async fn anybody() -> &'static str {
        "ran"
    }

    let bed = TestBed::new();
    let auth = bed.auth().build().unwrap();
    let api = TestServer::start(move || {
        App::new()
            .service(
                web::scope("/data")
                    .app_data(auth.clone())
                    .route("/x", web::get().to(admin))
                    .service(
                        web::scope("/tried")
                            .wrap(auth.report_only())
                            .route("/x", web::get().to(admin))
                            .service(
                                web::scope("/counts")
                                    .app_data(auth.clone())
                                    .route("/x", web::get().to(admin)),
                            ),
                    ),
            )
            .service(
                web::scope("/tried")
                    .wrap(auth.report_only())
                    .route("/x", web::get().to(admin))
                    .service(
                        web::scope("/counts").wrap(auth.clone()).route("/x", web::get().to(admin)),
                    ),
            )
            .service(
                web::scope("/counts")
                    .wrap(auth.clone())
                    .route("/x", web::get().to(admin))
                    .service(
                        web::scope("/tried")
                            .wrap(auth.report_only())
                            .route("/x", web::get().to(admin)),
                    )
                    .service(
                        web::scope("/rule")
                            .wrap(auth.require(Requirement::roles(["boss"])).report_only())
                            .route("/x", web::get().to(admin))
                            .route("/y", web::get().to(anybody)),
                    ),
            )
    });
    let user = bed.token_with(&json!({}));
    for (path, status) in [
        ("/tried/x", 200),
        ("/tried/counts/x", 403),
        ("/counts/x", 403),
        ("/counts/tried/x", 200),
        ("/counts/rule/x", 403),
        ("/counts/rule/y", 200),
        ("/data/x", 403),
        ("/data/tried/x", 200),
        ("/data/tried/counts/x", 403),
    ] {
        assert_eq!(api.get(path).bearer(&user).send().status, status, "{path}");
        assert_eq!(api.get(path).send().status, 401, "{path}");
    }
}

/// One in the data of a scope decides there, also where the same one is in the data of the whole app.
#[test]
fn who_is_put_there_further_in_decides() {
    #[require(roles = "admin")]
    async fn admin() -> &'static str {
        "ran"
    }

    let bed = TestBed::new();
    let of = |claim: &str| {
        let mapping = jwt_verify::ClaimsMapping::default().roles_claim(claim);
        bed.auth_with(|issuer| issuer.claims_mapping(mapping)).build().unwrap()
    };
    let (outer, inner) = (of("outer_roles"), of("inner_roles"));
    let api = TestServer::start(move || {
        App::new()
            .app_data(inner.clone())
            .wrap(outer.optional())
            .service(AuthScope::new("/inner").auth(inner.clone()).route(Method::GET, "/x", admin))
            .route("/outer/x", web::get().to(admin))
    });
    for (claim, at_outer, at_inner) in [("outer_roles", 200, 403), ("inner_roles", 403, 200)] {
        let mut claims = json!({});
        claims[claim] = json!(["admin"]);
        let token = bed.token_with(&claims);
        assert_eq!(api.get("/outer/x").bearer(&token).send().status, at_outer, "{claim}");
        assert_eq!(api.get("/inner/x").bearer(&token).send().status, at_inner, "{claim}");
    }
}

/// A decision that has to be waited for, in front of a whole scope.
#[test]
fn an_authorizer_can_wait_in_front_of_a_scope() {
    struct Slow;
    impl Authorizer for Slow {
        fn authorize(
            &self,
            claims: &VerifiedClaims,
            _: &Requirement,
        ) -> Lookup<'static, Result<(), AuthError>> {
            let is_suspended = claims.get("suspended").is_some();
            Lookup::Pending(Box::pin(async move {
                tokio::task::yield_now().await;
                if is_suspended {
                    Err(AuthError::Forbidden(ForbiddenReason::Policy))
                } else {
                    Ok(())
                }
            }))
        }
    }
    async fn open() -> &'static str {
        "ran"
    }

    let bed = TestBed::new();
    let auth = bed.auth().authorizer(Slow).build().unwrap();
    let api = TestServer::start(move || {
        let users = auth.require(Requirement::roles(["user"]));
        App::new()
            .service(web::scope("/plain").wrap(auth.clone()).route("", web::get().to(open)))
            .service(web::scope("/maybe").wrap(auth.optional()).route("", web::get().to(open)))
            .service(
                web::scope("/maybe-user")
                    .wrap(auth.optional().require(Requirement::authenticated()))
                    .route("", web::get().to(open)),
            )
            .service(web::scope("").wrap(users).route("/x", web::get().to(open)))
    });
    let suspended = bed.token_with(&json!({"suspended": 1}));
    for (path, anonymous) in [("/plain", 401), ("/maybe", 200), ("/maybe-user", 401)] {
        assert_eq!(api.get(path).send().status, anonymous, "{path}");
        assert_eq!(api.get(path).bearer(bed.token_with(&json!({}))).send().status, 200, "{path}");
        assert_eq!(api.get(path).bearer(&suspended).send().status, 403, "{path}");
    }
    for (claims, status) in [
        (json!({"roles": ["user"]}), 200),
        (json!({"roles": ["user"], "suspended": 1}), 403),
        (json!({}), 403),
    ] {
        // Twice: before and after there are keys.
        for _ in 0..2 {
            let response = api.get("/x").bearer(bed.token_with(&claims)).send();
            assert_eq!(response.status, status, "{claims}");
        }
    }
}

#[test]
fn a_handler_can_ask_on_its_way() {
    async fn figures(claims: VerifiedClaims, kind: web::Path<String>) -> Result<String, AuthError> {
        claims.check(&Requirement::permissions([format!("read:{kind}")]))?;
        Ok(format!("{kind} figures"))
    }
    async fn own(request: HttpRequest) -> Result<&'static str, AuthError> {
        let own = Requirement::claim_equals_segment("sub", "user");
        request.check(&(own & Requirement::authenticated().max_age(Duration::from_secs(60))))?;
        Ok("yours")
    }

    let bed = TestBed::new();
    let auth = bed.auth().build().unwrap();
    let api = TestServer::start(move || {
        App::new()
            .wrap(auth.clone())
            .route("/figures/{kind}", web::get().to(figures))
            .route("/users/{user}", web::get().to(own))
    });
    let reader = bed.token_with(&json!({"permissions": ["read:basic"]}));
    assert_eq!(api.get("/figures/basic").bearer(&reader).send().status, 200);
    let refused = api.get("/figures/premium").bearer(&reader).send();
    assert_eq!(refused.status, 403);
    assert!(refused.challenge().unwrap().contains(r#"scope="read:premium""#));
    // By the clock of the verifier, which stands still here.
    let recent = bed.token_with(&json!({"auth_time": jwt_verify_tests::START - 60}));
    assert_eq!(api.get("/users/alice").bearer(&recent).send().status, 200);
    assert_eq!(api.get("/users/bob").bearer(&recent).send().status, 403);
    let old = bed.token_with(&json!({"auth_time": jwt_verify_tests::START - 61}));
    assert_eq!(api.get("/users/alice").bearer(&old).send().status, 401);
}
