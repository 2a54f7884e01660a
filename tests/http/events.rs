//! The events of refusals: one for each, with what an operator needs.

use std::future::Future;

use actix_web::{
    App, Error,
    body::MessageBody,
    dev::{ServiceFactory, ServiceRequest, ServiceResponse},
    get,
    test::{TestRequest, call_service, init_service},
    web,
};
use jwt_verify::{Decision, JwtAuth, VerifiedClaims, require, testing::TestIssuer};
use jwt_verify_tests::CapturedLog;
use serde::Deserialize;
use tracing_subscriber::filter::LevelFilter;

#[derive(Deserialize)]
#[expect(dead_code, reason = "only read by serde")]
struct Employee {
    department: String,
}

#[require(roles = "admin")]
#[get("/admin/{id}")]
async fn admin(_claims: VerifiedClaims) -> &'static str {
    "admin"
}

#[require(roles = "admin")]
#[get("/staff")]
async fn staff(_claims: VerifiedClaims, _employee: VerifiedClaims<Employee>) -> &'static str {
    "staff"
}

async fn slowly(_: &VerifiedClaims) -> Decision {
    actix_web::rt::task::yield_now().await;
    Decision::Deny
}

#[require(policy = slowly)]
#[get("/policy")]
async fn policy(_employee: VerifiedClaims<Employee>) -> &'static str {
    "policy"
}

#[get("/both")]
async fn both(_claims: VerifiedClaims, _employee: VerifiedClaims<Employee>) -> &'static str {
    "both"
}

fn routes(config: &mut web::ServiceConfig) {
    config.service(admin).service(staff).service(policy).service(both);
}

/// Sends requests to routes outside of a middleware and inside, and returns status and event lines.
struct Bench {
    issuer: TestIssuer,
    auth: JwtAuth,
    log: CapturedLog,
}

impl Bench {
    fn new() -> Self {
        Self::with(|builder| builder.build().unwrap())
    }

    fn with(make: impl FnOnce(jwt_verify::JwtAuthBuilder) -> JwtAuth) -> Self {
        let issuer = TestIssuer::start();
        let auth = make(issuer.auth());
        Self { issuer, auth, log: CapturedLog::start(LevelFilter::DEBUG) }
    }

    fn bare(&self, path: &str, token: Option<&str>) -> (u16, Vec<String>) {
        self.send(App::new().app_data(self.auth.clone()).configure(routes), path, token)
    }

    fn wrapped(&self, path: &str, token: Option<&str>) -> (u16, Vec<String>) {
        self.send(App::new().wrap(self.auth.clone()).configure(routes), path, token)
    }

    fn send<A, B>(&self, app: App<A>, path: &str, token: Option<&str>) -> (u16, Vec<String>)
    where
        A: ServiceFactory<
                ServiceRequest,
                Config = (),
                Response = ServiceResponse<B>,
                Error = Error,
                InitError = (),
            > + 'static,
        B: MessageBody + 'static,
    {
        let status = run(async {
            if self.auth.wait_until_ready().await.is_err() {
                return 0;
            }
            let app = init_service(app).await;
            self.log.take("");
            let mut request = TestRequest::with_uri(path);
            if let Some(token) = token {
                request = request.insert_header(("authorization", format!("Bearer {token}")));
            }
            call_service(&app, request.to_request()).await.status().as_u16()
        });
        (status, self.log.take(" a request"))
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    actix_web::rt::System::new().block_on(future)
}

#[test]
fn one_refusal_is_one_event_with_the_reason_that_was_answered() {
    let bench = Bench::new();
    let (plain, changed) = (bench.issuer.token().sign(), "not-a-token");
    let cases = [
        ("/admin/7", None, 401, "missing_token"),
        ("/admin/7", Some(changed), 401, "form"),
        ("/admin/7", Some(&*plain), 403, "missing_role"),
        ("/staff", None, 401, "missing_token"),
        ("/staff", Some(&*plain), 403, "missing_role"),
        ("/policy", Some(&*plain), 403, "denied_by_policy"),
        ("/both", None, 401, "missing_token"),
        ("/both", Some(&*plain), 401, "claims_shape"),
    ];
    for (path, token, status, reason) in cases {
        for (answered, lines) in [bench.bare(path, token), bench.wrapped(path, token)] {
            assert_eq!(answered, status, "{path} {lines:?}");
            let [line] = &*lines else { panic!("{path}: {lines:#?}") };
            assert!(line.contains(&format!("reason=\"{reason}\"")), "{path}: {line}");
        }
    }
}
