//! What is asked once for a request, and what is asked for each.
#![allow(unused_qualifications, reason = "one function has several spellings")]

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use actix_web::{App, HttpRequest, web};
use jwt_verify::{
    AuthError, BoxFuture, Claims, CurrentUser, Decision, ForbiddenReason, Lookup, OptionalClaims,
    Requirement, StoreUnavailable, VerifiedClaims,
    authorization::Authorizer,
    extract::{UserLoader, UserLoaderData},
    require,
};
use jwt_verify_tests::{TestBed, TestServer};
use serde_json::{Value, json};

/// How often a policy was asked, and says yes the first time alone.
#[derive(Default)]
struct Asked(AtomicUsize);

impl Asked {
    fn first(&self) -> Decision {
        Decision::from(self.0.fetch_add(1, Ordering::SeqCst) == 0)
    }
}

async fn first(_: &VerifiedClaims, asked: web::Data<Asked>) -> Decision {
    tokio::task::yield_now().await;
    asked.first()
}

async fn generic<const N: u8>(_: &VerifiedClaims, asked: web::Data<Asked>) -> Decision {
    asked.first()
}

fn yes(_: &VerifiedClaims) -> Decision {
    Decision::Allow
}

fn no(_: &VerifiedClaims) -> Decision {
    Decision::Deny
}

/// Two pointers of one type.
const YES: fn(&VerifiedClaims) -> Decision = yes;
const NO: fn(&VerifiedClaims) -> Decision = no;

struct Once(Asked);

impl Authorizer for Once {
    fn authorize(
        &self,
        _: &VerifiedClaims,
        _: &Requirement,
    ) -> Lookup<'static, Result<(), AuthError>> {
        Lookup::Ready(match self.0.first() {
            Decision::Allow => Ok(()),
            Decision::Deny => Err(AuthError::Forbidden(ForbiddenReason::Policy)),
        })
    }
}

macro_rules! handlers {
    ($($name:ident: #[$attribute:meta];)+) => {
        $(#[$attribute] async fn $name() -> &'static str { "ran" })+

        fn routes(config: &mut web::ServiceConfig) {
            $(config.route(concat!("/", stringify!($name)), web::get().to($name));)+
        }
    };
}

handlers! {
    twice: #[require(policy = first, policy = first)];
    spelled: #[require(policy = first, any(roles = "x", policy = crate::once::first))];
    opposite: #[require(policy = first, not(policy = self::first))];
    group: #[require(all_of(policy = first), all_of(policy = first))];
    generics: #[require(policy = generic::<1>, policy = generic::<1>)];
    other_generics: #[require(policy = generic::<1>, policy = generic::<2>)];
    pointers: #[require(policy = YES, policy = NO)];
    authorizers: #[require(authorizer = Once, authorizer = crate::once::Once)];
}

/// DEV-10: one answer for one request, however often and in whatever way its name is written.
#[test]
fn a_policy_that_is_named_twice_is_asked_once() {
    let bed = TestBed::new();
    let auth = bed.auth().build().unwrap();
    for (path, status, times) in [
        ("/twice", 200, 1),
        ("/spelled", 200, 1),
        ("/opposite", 403, 1),
        ("/group", 200, 1),
        ("/generics", 200, 1),
        ("/other_generics", 403, 2),
        ("/pointers", 403, 0),
        ("/authorizers", 200, 1),
    ] {
        let asked = web::Data::new(Asked::default());
        let once = web::Data::new(Once(Asked::default()));
        let data = (asked.clone(), once.clone());
        let auth = auth.clone();
        let api = TestServer::start(move || {
            App::new()
                .app_data(auth.clone())
                .app_data(data.0.clone())
                .app_data(data.1.clone())
                .configure(routes)
        });
        let response = api.get(path).bearer(bed.token_with(&json!({}))).send();
        assert_eq!(response.status, status, "{path}: {}", response.everything());
        let number = asked.0.load(Ordering::SeqCst) + once.0.0.load(Ordering::SeqCst);
        assert_eq!(number, times, "{path}");
    }
}

/// Refuses who is suspended, at once or later, and notes for what it was asked.
#[derive(Clone, Default)]
struct NotSuspended {
    asked: Arc<Mutex<Vec<String>>>,
    is_slow: bool,
}

impl NotSuspended {
    fn judge(claims: &Claims) -> Result<(), AuthError> {
        match claims.get("suspended") {
            Some(_) => Err(AuthError::Forbidden(ForbiddenReason::Policy)),
            None => Ok(()),
        }
    }
}

impl Authorizer for NotSuspended {
    fn authorize(
        &self,
        claims: &VerifiedClaims,
        requirement: &Requirement,
    ) -> Lookup<'static, Result<(), AuthError>> {
        self.asked.lock().unwrap().push(requirement.to_string());
        if !self.is_slow {
            return Lookup::Ready(Self::judge(claims));
        }
        let claims = claims.clone();
        Lookup::Pending(Box::pin(async move {
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
            Self::judge(&claims)
        }))
    }
}

struct User(String);

struct Directory;

impl UserLoader for Directory {
    type User = User;

    fn load<'a>(
        &'a self,
        claims: &'a VerifiedClaims,
    ) -> BoxFuture<'a, Result<Option<User>, StoreUnavailable>> {
        Box::pin(async move { Ok(claims.subject().map(|name| User(name.to_owned()))) })
    }
}

async fn claims(claims: VerifiedClaims) -> String {
    claims.subject().unwrap_or_default().to_owned()
}

async fn own(claims: VerifiedClaims<Value>, body: web::Bytes) -> String {
    format!("{} {}", claims.get("sub").unwrap_or(&Value::Null), body.len())
}

async fn maybe(OptionalClaims(claims): OptionalClaims) -> String {
    claims.map_or("guest".to_owned(), |claims| claims.subject().unwrap_or_default().to_owned())
}

async fn user(user: CurrentUser<User>) -> String {
    user.0.clone()
}

async fn several(
    _: VerifiedClaims,
    _: CurrentUser<User>,
    _: OptionalClaims,
    user: CurrentUser<User>,
    _: VerifiedClaims<Value>,
) -> String {
    user.0.clone()
}

#[require(roles = "user")]
async fn required(_: CurrentUser<User>, claims: VerifiedClaims) -> String {
    claims.subject().unwrap_or_default().to_owned()
}

/// A policy that takes the user, at once and later.
async fn known(_: &VerifiedClaims, _: CurrentUser<User>, request: HttpRequest) -> Decision {
    tokio::task::yield_now().await;
    Decision::from(VerifiedClaims::extract(&request).await.is_ok())
}

#[require(policy = known)]
async fn by_policy(user: CurrentUser<User>) -> String {
    user.0.clone()
}

/// Goes on where the requirement is not met.
async fn nevertheless(
    allowed: Option<jwt_verify::Authorized<Boss>>,
    claims: VerifiedClaims,
) -> String {
    format!("{} {}", allowed.is_some(), claims.subject().unwrap_or_default())
}

/// Takes the claims once the requirement has been decided.
async fn later(
    allowed: Option<jwt_verify::Authorized<Boss>>,
    request: HttpRequest,
) -> Result<String, actix_web::Error> {
    let claims = VerifiedClaims::extract(&request).await?;
    Ok(format!("{} {}", allowed.is_some(), claims.subject().unwrap_or_default()))
}

struct Boss;

impl jwt_verify::authorization::HandlerRequirement for Boss {
    const HANDLER: &'static str = "boss";

    fn requirement() -> &'static Requirement {
        static REQUIREMENT: std::sync::LazyLock<Requirement> =
            std::sync::LazyLock::new(|| Requirement::roles(["boss"]));
        &REQUIREMENT
    }
}

fn handlers_that_take_claims(config: &mut web::ServiceConfig) {
    config
        .route("/claims", web::get().to(claims))
        .route("/own", web::get().to(own))
        .route("/maybe", web::get().to(maybe))
        .route("/user", web::get().to(user))
        .route("/several", web::get().to(several))
        .route("/required", web::get().to(required))
        .route("/by_policy", web::get().to(by_policy))
        .route("/nevertheless", web::get().to(nevertheless));
}

/// WEA-15: an authorizer is asked where there is no middleware and no requirement, too; once for a
/// request, however many arguments take claims, and not beside a requirement, which asks by itself.
#[test]
fn who_is_suspended_is_refused_wherever_claims_are_taken() {
    for is_slow in [false, true] {
        let authorizer = NotSuspended { is_slow, ..NotSuspended::default() };
        let bed = TestBed::new();
        let auth = bed.auth().authorizer(authorizer.clone()).build().unwrap();
        let api = TestServer::start(move || {
            App::new()
                .app_data(UserLoaderData::new(Directory))
                .service(
                    web::scope("/data").app_data(auth.clone()).configure(handlers_that_take_claims),
                )
                .service(
                    web::scope("/wrapped").wrap(auth.clone()).configure(handlers_that_take_claims),
                )
        });
        let user = json!({"roles": ["user"]});
        let suspended = json!({"roles": ["user"], "suspended": true});
        let authenticated: &[&str] = &["authenticated"];
        let required: &[&str] = &[r#"roles = "user""#];
        let by_policy: &[&str] = &["policy = known"];
        for (path, asked) in [
            ("/claims", authenticated),
            ("/own", authenticated),
            ("/maybe", authenticated),
            ("/user", authenticated),
            ("/several", authenticated),
            ("/required", required),
            ("/by_policy", by_policy),
            ("/nevertheless", authenticated),
        ] {
            // Twice: before and after there are keys.
            for _ in 0..2 {
                for (claims, status) in [(&user, 200), (&suspended, 403)] {
                    let token = bed.token_with(claims);
                    let at_data = format!("/data{path}");
                    authorizer.asked.lock().unwrap().clear();
                    let response = api.get(&at_data).bearer(&token).send();
                    let case = format!("{at_data} {claims} {is_slow}");
                    assert_eq!(response.status, status, "{case}: {}", response.everything());
                    assert_eq!(*authorizer.asked.lock().unwrap(), asked, "{case}");
                }
            }
            // Behind the middleware that asks already, claims ask no more.
            authorizer.asked.lock().unwrap().clear();
            let wrapped = format!("/wrapped{path}");
            let response = api.get(&wrapped).bearer(bed.token_with(&user)).send();
            assert_eq!(response.status, 200, "{wrapped}: {}", response.everything());
            let mut all = vec!["authenticated"];
            all.extend(asked.iter().filter(|asked| **asked != "authenticated"));
            assert_eq!(*authorizer.asked.lock().unwrap(), all, "{wrapped}");
            let refused = api.get(&wrapped).bearer(bed.token_with(&suspended)).send();
            assert_eq!(refused.status, 403, "{wrapped}");
        }
        assert_eq!(api.get("/data/maybe").send().text(), "guest");
        assert_eq!(api.get("/data/claims").send().status, 401);
    }
}

/// WEA-15: what is only reported lets pass there too, and the innermost decides whether it counts.
#[test]
fn who_is_suspended_passes_while_refusals_are_only_reported() {
    let authorizer = NotSuspended::default();
    let bed = TestBed::new();
    let auth = bed.auth().authorizer(authorizer.clone()).build().unwrap();
    let api = TestServer::start(move || {
        App::new().app_data(UserLoaderData::new(Directory)).service(
            web::scope("/tried")
                .wrap(auth.report_only())
                .configure(handlers_that_take_claims)
                .service(
                    web::scope("/counts")
                        .app_data(auth.clone())
                        .configure(handlers_that_take_claims),
                ),
        )
    });
    let suspended = bed.token_with(&json!({"suspended": true}));
    for (path, status) in [
        ("/tried/claims", 200),
        ("/tried/several", 200),
        ("/tried/counts/claims", 403),
        ("/tried/counts/several", 403),
    ] {
        assert_eq!(api.get(path).bearer(&suspended).send().status, status, "{path}");
    }
}

/// WEA-15: a requirement that is only reported does not let pass who is suspended, at once or later,
/// whether the caller meets it or not.
#[test]
fn who_is_suspended_is_refused_where_one_requirement_is_only_reported() {
    async fn plain() -> &'static str {
        "ran"
    }

    for is_slow in [false, true] {
        let bed = TestBed::new();
        let authorizer = NotSuspended { is_slow, ..NotSuspended::default() };
        let auth = bed.auth().authorizer(authorizer).build().unwrap();
        let api = TestServer::start(move || {
            let tried = auth.require(Requirement::roles(["user"])).report_only();
            App::new().app_data(UserLoaderData::new(Directory)).service(
                web::scope("/tried")
                    .wrap(tried)
                    .route("/plain", web::get().to(plain))
                    .configure(handlers_that_take_claims),
            )
        });
        for roles in [json!(["user"]), json!([])] {
            let good = bed.token_with(&json!({"roles": roles}));
            let suspended = bed.token_with(&json!({"roles": roles, "suspended": true}));
            for path in ["/tried/plain", "/tried/claims", "/tried/several"] {
                assert_eq!(api.get(path).bearer(&good).send().status, 200, "{path} {roles}");
                assert_eq!(api.get(path).bearer(&suspended).send().status, 403, "{path} {roles}");
            }
        }
    }
}

/// WEA-15: a handler that goes on after a refusal gets no claims of who is suspended.
#[test]
fn who_is_suspended_is_refused_where_a_handler_goes_on() {
    for is_slow in [false, true] {
        let bed = TestBed::new();
        let authorizer = NotSuspended { is_slow, ..NotSuspended::default() };
        let auth = bed.auth().authorizer(authorizer).build().unwrap();
        let api = TestServer::start(move || {
            App::new()
                .app_data(auth.clone())
                .route("/beside", web::get().to(nevertheless))
                .route("/later", web::get().to(later))
        });
        for path in ["/beside", "/later"] {
            let boss = |claims| api.get(path).bearer(bed.token_with(&claims)).send();
            assert_eq!(boss(json!({"roles": ["boss"]})).text(), "true alice", "{path}");
            let suspended = boss(json!({"roles": ["boss"], "suspended": true}));
            assert_eq!(suspended.status, 403, "{path} {is_slow}");
        }
    }
}

/// WEA-15: no body is read before it has decided.
#[test]
fn who_is_suspended_is_refused_before_the_body() {
    for is_slow in [false, true] {
        let bed = TestBed::new();
        let authorizer = NotSuspended { is_slow, ..NotSuspended::default() };
        let auth = bed.auth().authorizer(authorizer).build().unwrap();
        let api = TestServer::start(move || {
            App::new().app_data(auth.clone()).route("/own", web::post().to(own))
        });
        let token = bed.token_with(&json!({"suspended": true}));
        let request = api.request("POST", "/own").bearer(token).header("content-length", "5");
        assert_eq!(request.send().status, 403);
        let request = api.request("POST", "/own").bearer(bed.token_with(&json!({})));
        assert_eq!(request.body("text/plain", "hello").send().text(), "\"alice\" 5");
    }
}
