//! Refusals that a handler returns from a check on its way.

use std::{
    pin::Pin,
    sync::{Arc, Mutex},
};

use actix_web::{
    App, Error, FromRequest, HttpMessage as _, HttpRequest, HttpResponse, ResponseError as _,
    body::{BoxBody, EitherBody, MessageBody as _},
    dev::{Payload, ServiceResponse},
    get,
    http::{
        StatusCode,
        header::{CONTENT_ENCODING, HeaderValue},
    },
    middleware::{DefaultHeaders, ErrorHandlerResponse, ErrorHandlers, Logger},
    test::{TestRequest, call_service, init_service, read_body},
    web,
};
use jwt_verify::{
    AuthError, ForbiddenReason, JwtAuth, Requirement, VerifiedClaims, VerifiedClaimsExt as _,
    authorization::{AuditEvent, AuditSink},
    extract::{ClaimsArg, FromClaims},
    require,
    testing::{TestClaims, TestIssuer, TestRequestExt as _},
};
use jwt_verify_tests::CapturedLog;
use tracing_subscriber::filter::LevelFilter;

#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

impl AuditSink for Notes {
    fn record(&self, event: &AuditEvent<'_>) {
        // `#[require]` decides as well, and allows.
        if let Some(reason) = event.error.map(AuthError::reason) {
            let (outcome, handler) = (event.outcome.code(), event.handler);
            let note = format!("{outcome} [{}] {reason} {handler:?}", event.requirement);
            self.0.lock().unwrap().push(note);
        }
    }
}

async fn by_claims(claims: VerifiedClaims) -> Result<&'static str, AuthError> {
    claims.check(&Requirement::permissions(["read:figures"]))?;
    Ok("figures")
}

#[require]
#[get("/users/{user}")]
async fn by_request(request: HttpRequest) -> Result<&'static str, AuthError> {
    request.check(&Requirement::claim_equals_segment("sub", "user"))?;
    Ok("yours")
}

async fn without_segment(request: HttpRequest) -> Result<&'static str, AuthError> {
    request.check(&Requirement::claim_equals_segment("sub", "nothing"))?;
    Ok("yours")
}

async fn goes_on(request: HttpRequest) -> String {
    request.check(&Requirement::roles(["admin"])).is_ok().to_string()
}

async fn own(_claims: Option<VerifiedClaims<String>>) -> Result<&'static str, AuthError> {
    Err(AuthError::Forbidden(ForbiddenReason::Policy))
}

async fn out_of_reach() -> Result<&'static str, AuthError> {
    Err(AuthError::Unavailable { retry_after: std::time::Duration::from_secs(7) })
}

fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/claims", web::get().to(by_claims))
        .service(by_request)
        .route("/segment", web::get().to(without_segment))
        .route("/goes-on", web::get().to(goes_on))
        .route("/own", web::get().to(own))
        .route("/out", web::get().to(out_of_reach));
}

/// Makes a response that has the error as one of a handler has.
fn hook(error: &AuthError, _: &HttpRequest) -> HttpResponse {
    let mut response = HttpResponse::from_error(error.clone());
    response.head_mut().headers_mut().insert(
        actix_web::http::header::HeaderName::from_static("x-hook"),
        HeaderValue::from_static(error.code()),
    );
    response
}

#[test]
fn a_check_of_a_handler_is_answered_and_recorded_like_every_other_refusal() {
    let log = CapturedLog::start(LevelFilter::DEBUG);
    let (issuer, notes) = (TestIssuer::start(), Notes::default());
    let auth = issuer.auth().realm("api").error_response(hook).audit_log(notes.clone());
    let auth = auth.build().unwrap();
    let ask = |auth: &JwtAuth, path: &str| {
        actix_web::rt::System::new().block_on(async {
            let inner =
                web::scope("").wrap(DefaultHeaders::new().add(("x-inside", "1"))).configure(routes);
            let inner = web::scope("").wrap(auth.clone()).service(inner);
            let app = init_service(App::new().wrap(auth.clone()).service(inner)).await;
            log.take("");
            notes.0.lock().unwrap().clear();
            let request = TestRequest::with_uri(path);
            let request = request.to_request_as(auth, TestClaims::new().subject("alice"));
            let response = call_service(&app, request).await;
            let header = |name: &str| {
                let values = response.headers().get_all(name);
                values.map(|value| value.to_str().unwrap().to_owned()).collect::<Vec<_>>()
            };
            let (status, hooked) = (response.status().as_u16(), header("x-hook").concat());
            let (challenge, inside) = (header("www-authenticate").concat(), header("x-inside"));
            assert_eq!(inside, ["1"], "{path}");
            drop(read_body(response).await);
            let audit = std::mem::take(&mut *notes.0.lock().unwrap());
            (status, hooked, challenge, log.take(" a request"), audit)
        })
    };
    let (status, hooked, challenge, lines, audit) = ask(&auth, "/claims");
    assert_eq!((status, &*hooked), (403, "insufficient_scope"));
    assert!(challenge.contains(r#"realm="api""#) && challenge.contains("read:figures"));
    assert!(lines.len() == 1 && lines[0].contains(r#"reason="missing_permission""#), "{lines:?}");
    assert!(lines[0].contains(r#"method="GET" route="/claims""#), "{lines:?}");
    assert!(!lines[0].contains("requirement"), "{lines:?}");
    assert_eq!(audit, ["refused [authenticated] missing_permission None"]);

    let (status, hooked, _, lines, audit) = ask(&auth, "/users/bob");
    assert_eq!((status, &*hooked), (403, "insufficient_scope"));
    let part = r#"claims_read="sub" method="GET" route="/users/{user}" handler="by_request""#;
    assert!(lines.len() == 1 && lines[0].contains(part), "{lines:?}");
    assert!(!lines[0].contains("bob") && !lines[0].contains("requirement"), "{lines:?}");
    assert_eq!(
        audit,
        [r#"refused [claim("sub" == path.user)] condition_not_met Some("by_request")"#]
    );

    let (status, hooked, _, lines, audit) = ask(&auth, "/segment");
    assert_eq!((status, &*hooked), (500, "server_error"));
    assert!(lines.len() == 1 && lines[0].contains(r#"segment="nothing""#), "{lines:?}");
    assert_eq!(audit, [r#"failed [claim("sub" == path.nothing)] server_error None"#]);

    // An optional argument has been refused before, and the request has not.
    let (status, hooked, _, lines, audit) = ask(&auth, "/own");
    assert_eq!((status, &*hooked), (403, "insufficient_scope"));
    assert!(lines.last().unwrap().contains(r#"reason="denied_by_policy""#), "{lines:?}");
    assert_eq!(audit, ["refused [authenticated] denied_by_policy None"]);

    for (path, status) in [("/users/alice", 200), ("/goes-on", 200), ("/out", 503)] {
        let (answered, hooked, _, lines, audit) = ask(&auth, path);
        assert_eq!((answered, &*hooked), (status, ""), "{path}");
        assert!(lines.is_empty() && audit.is_empty(), "{path} {lines:?} {audit:?}");
    }

    let plain = issuer.auth().build().unwrap();
    let error = AuthError::Forbidden(ForbiddenReason::Policy);
    let (status, ..) = ask(&plain, "/own");
    assert_eq!(status, error.status_code().as_u16());
}

struct Tenant;

async fn holds_extensions(request: HttpRequest) -> Result<&'static str, AuthError> {
    request.extensions_mut().insert(Tenant);
    let extensions = request.extensions();
    let _tenant = extensions.get::<Tenant>();
    request.check(&Requirement::roles(["admin"]))?;
    Ok("ran")
}

#[test]
fn a_check_needs_nothing_of_the_extensions_to_be_free() {
    let issuer = TestIssuer::start();
    let auth = issuer.auth().build().unwrap();
    actix_web::rt::System::new().block_on(async {
        let route = web::get().to(holds_extensions);
        let app = init_service(App::new().wrap(auth.clone()).route("/", route)).await;
        for (roles, status) in [(&["admin"][..], 200), (&[], 403)] {
            let claims = roles.iter().fold(TestClaims::new(), |claims, role| claims.role(*role));
            let request = TestRequest::with_uri("/").to_request_as(&auth, claims);
            assert_eq!(call_service(&app, request).await.status(), status);
        }
    });
}

/// An argument of an application, which looks at the extensions while it extracts `T`.
struct Holding<T>(T);

impl<T: FromRequest<Error = Error, Future: 'static>> FromRequest for Holding<T> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let extensions = request.extensions();
        let _tenant = extensions.get::<Tenant>();
        let inner = T::from_request(request, payload);
        Box::pin(async move { inner.await.map(Self) })
    }
}

struct Employee;

impl FromClaims for Employee {
    fn from_claims(_: &VerifiedClaims) -> Result<Self, AuthError> {
        Err(AuthError::Forbidden(ForbiddenReason::Policy))
    }
}

/// Whatever level is logged.
#[test]
fn claims_are_extracted_and_refused_while_the_extensions_are_held() {
    async fn claims(claims: Holding<VerifiedClaims>) -> String {
        claims.0.subject().unwrap().to_owned()
    }
    async fn number(claims: Holding<VerifiedClaims<u8>>) -> String {
        claims.0.to_string()
    }
    async fn employee(
        _: Holding<ClaimsArg<Employee>>,
        _: Holding<ClaimsArg<Employee>>,
    ) -> &'static str {
        "ran"
    }
    async fn after(_: VerifiedClaims, second: Holding<VerifiedClaims>) -> String {
        second.0.subject().unwrap().to_owned()
    }
    let issuer = TestIssuer::start();
    let auth = issuer.auth().build().unwrap();
    let routes = |config: &mut web::ServiceConfig| {
        config
            .route("/claims", web::get().to(claims))
            .route("/number", web::get().to(number))
            .route("/employee", web::get().to(employee))
            .route("/after", web::get().to(after));
    };
    for level in [LevelFilter::INFO, LevelFilter::DEBUG] {
        let log = CapturedLog::start(level);
        actix_web::rt::System::new().block_on(async {
            let with = web::scope("/with").wrap(auth.clone().optional()).configure(routes);
            let without = web::scope("/without").app_data(auth.clone()).configure(routes);
            let app = init_service(App::new().service(with).service(without)).await;
            let good = issuer.token().subject("alice").sign();
            let bad = issuer.token().signed_by_unknown_key().sign();
            for (path, token, status) in [
                ("/with/claims", Some(&good), 200),
                ("/with/claims", None, 401),
                ("/with/number", Some(&good), 401),
                ("/with/number", None, 401),
                ("/with/employee", Some(&good), 403),
                ("/with/after", Some(&good), 200),
                ("/with/after", None, 401),
                ("/without/after", Some(&good), 200),
                ("/without/after", Some(&bad), 401),
                ("/without/after", None, 401),
            ] {
                log.take("");
                let request = TestRequest::with_uri(path);
                let request = match token {
                    Some(token) => {
                        request.insert_header(("authorization", format!("Bearer {token}")))
                    }
                    None => request,
                };
                let found = call_service(&app, request.to_request()).await.status().as_u16();
                assert_eq!(found, status, "{path}");
                let events = log.take("refused a request");
                let expected = usize::from(status != 200 && level == LevelFilter::DEBUG);
                assert_eq!(events.len(), expected, "{path} {events:?}");
            }
        });
    }
}

/// A middleware between the handler and the library's may have made another response of the error.
#[test]
fn a_response_that_a_middleware_has_changed_stays() {
    let issuer = TestIssuer::start();
    let auth = issuer.auth().build().unwrap();
    actix_web::rt::System::new().block_on(async {
        let hide = |mut response: ServiceResponse<_>| {
            *response.response_mut().status_mut() = StatusCode::NOT_FOUND;
            Ok(ErrorHandlerResponse::Response(response.map_into_left_body()))
        };
        let handlers = ErrorHandlers::new().handler(StatusCode::FORBIDDEN, hide);
        let inner = web::scope("").wrap(handlers).route("/", web::get().to(goes_on_or_not));
        let app = init_service(App::new().wrap(auth.clone()).service(inner)).await;
        let request = TestRequest::with_uri("/").to_request_as(&auth, TestClaims::new());
        assert_eq!(call_service(&app, request).await.status(), StatusCode::NOT_FOUND);
    });
}

/// A body of the middleware's own, also one of the same length, under the same status.
#[test]
fn a_body_that_a_middleware_has_written_stays() {
    let issuer = TestIssuer::start();
    let auth = issuer.auth().realm("api").build().unwrap();
    let default = AuthError::Forbidden(ForbiddenReason::UnmetCondition);
    let default = default.error_response().into_body().try_into_bytes().unwrap();
    let same_length = " ".repeat(default.len());
    actix_web::rt::System::new().block_on(async {
        for (written, is_kept) in [
            (Some("another problem"), true),
            (Some(&*same_length), true),
            (Some(""), true),
            (Some(std::str::from_utf8(&default).unwrap()), false),
            (None, false),
        ] {
            let written = written.map(str::to_owned);
            let body = written.clone();
            let rewrite = move |response: ServiceResponse<_>| {
                let response = match body.clone() {
                    Some(body) => response.map_body(|_, _| EitherBody::right(BoxBody::new(body))),
                    None => response.map_into_left_body(),
                };
                Ok(ErrorHandlerResponse::Response(response))
            };
            let handlers = ErrorHandlers::new().handler(StatusCode::FORBIDDEN, rewrite);
            let inner = web::scope("").wrap(handlers).route("/", web::get().to(checks_a_claim));
            let app = init_service(App::new().wrap(auth.clone()).service(inner)).await;
            let request = TestRequest::with_uri("/").to_request_as(&auth, TestClaims::new());
            let response = call_service(&app, request).await;
            assert_eq!(response.status(), StatusCode::FORBIDDEN);
            let challenge = response.headers().get("www-authenticate").unwrap().clone();
            let has_realm = challenge.to_str().unwrap().contains(r#"realm="api""#);
            let found = read_body(response).await;
            assert_eq!(has_realm, !is_kept, "{written:?}");
            if is_kept {
                assert_eq!(found, written.unwrap());
            } else {
                assert_eq!(found, default);
            }
        }
    });
}

/// A middleware that only passes a body on, or compresses it, changes nothing of the refusal.
#[test]
fn a_body_that_is_passed_on_is_answered_like_every_other_refusal() {
    let issuer = TestIssuer::start();
    let auth = issuer.auth().realm("api").build().unwrap();
    actix_web::rt::System::new().block_on(async {
        for is_compressed in [false, true] {
            let compress = move |mut response: ServiceResponse<_>| {
                if is_compressed {
                    let gzip = HeaderValue::from_static("gzip");
                    response.headers_mut().insert(CONTENT_ENCODING, gzip);
                    let response = response.map_body(|_, _| EitherBody::right(BoxBody::new("zip")));
                    return Ok(ErrorHandlerResponse::Response(response));
                }
                Ok(ErrorHandlerResponse::Response(response.map_into_left_body()))
            };
            let inner = web::scope("")
                .wrap(ErrorHandlers::new().handler(StatusCode::FORBIDDEN, compress))
                .wrap(Logger::default())
                .route("/", web::get().to(checks_a_claim));
            // It makes a stream of the body.
            let inner = web::scope("").wrap(Logger::default()).service(inner);
            let app = init_service(App::new().wrap(auth.clone()).service(inner)).await;
            let request = TestRequest::with_uri("/").to_request_as(&auth, TestClaims::new());
            let response = call_service(&app, request).await;
            let challenge = response.headers().get("www-authenticate").unwrap().clone();
            assert!(challenge.to_str().unwrap().contains(r#"realm="api""#), "{is_compressed}");
            assert!(!response.headers().contains_key(CONTENT_ENCODING));
            assert!(read_body(response).await.starts_with(b"{"), "{is_compressed}");
        }
    });
}

async fn checks_a_claim(request: HttpRequest) -> Result<&'static str, AuthError> {
    request.check(&Requirement::claim_equals("org", "acme"))?;
    Ok("ran")
}

async fn goes_on_or_not(request: HttpRequest) -> Result<&'static str, AuthError> {
    request.check(&Requirement::roles(["admin"]))?;
    Ok("ran")
}
