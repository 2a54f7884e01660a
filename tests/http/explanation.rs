//! Explanations of requests, and their reports in development.

use actix_web::{
    HttpRequest,
    dev::ServiceRequest,
    middleware::{Next, from_fn},
    test::{TestRequest, call_service, init_service},
    web,
};
use jwt_verify::{Requirement, VerifiedClaims, explain::CheckStatus, require};
use jwt_verify_tests::{CapturedLog, Request};
use serde_json::json;
use tracing_subscriber::filter::LevelFilter;

use super::*;

async fn explain(request: HttpRequest, auth: web::Data<JwtAuth>) -> web::Json<serde_json::Value> {
    let editors = Requirement::roles(["editor"]) & Requirement::scopes(["posts.write"]);
    let explanation = auth.explain_for(&request, &editors).await;
    let lines = explanation.to_string();
    web::Json(json!({ "explanation": explanation, "text": lines }))
}

fn api(bed: &TestBed) -> TestServer {
    let auth = web::Data::new(bed.auth().build().unwrap());
    TestServer::start(move || App::new().app_data(auth.clone()).route("/", web::get().to(explain)))
}

#[test]
fn a_request_is_explained_with_what_its_requirement_lacks() {
    let bed = TestBed::new();
    let api = api(&bed);
    let ask = |token: Option<String>| {
        let request = api.get("/");
        let request = token.iter().fold(request, Request::bearer);
        request.send().json()
    };
    let none = ask(None);
    assert_eq!(none["explanation"]["reason"], "missing_token");
    assert_eq!(none["explanation"]["checks"][0]["name"], "credential");
    let lacking = ask(Some(bed.token().claim("scope", "posts.write").sign(&bed.key)));
    assert_eq!(lacking["explanation"]["verdict"], "refused");
    assert_eq!(lacking["explanation"]["reason"], "missing_role");
    let checks = lacking["explanation"]["checks"].as_array().unwrap();
    let terms: Vec<_> = checks.iter().filter(|check| check["name"] == "term").collect();
    let found: Vec<_> = terms.iter().map(|term| (&term["expected"], &term["status"])).collect();
    assert_eq!(found[0], (&json!(r#"roles = "editor""#), &json!("failed")));
    assert_eq!(found[1], (&json!(r#"scopes = "posts.write""#), &json!("passed")));
    let text = lacking["text"].as_str().unwrap();
    assert!(text.lines().next().unwrap().contains("missing roles editor"), "{text}");
    let good = bed.token().claim("scope", "posts.write").roles(&["editor"]).sign(&bed.key);
    assert_eq!(ask(Some(good))["explanation"]["verdict"], "accepted");
    let wrong = ask(Some(bed.token().claim("aud", "account").sign(&bed.key)));
    assert!(wrong["text"].as_str().unwrap().contains("Keycloak"));
    let status = serde_json::to_value(CheckStatus::NotReached).unwrap();
    let last = wrong["explanation"]["checks"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(last["status"], status);
}

#[test]
fn refusals_are_reported_where_it_is_switched_on() {
    let bed = TestBed::new();
    let log = CapturedLog::start(LevelFilter::DEBUG);
    for is_on in [false, true] {
        let builder = bed.auth();
        let builder = if is_on { builder.report_details() } else { builder };
        let auth = builder.build().unwrap();
        let other_api = bed.token().claim("aud", "other").sign(&bed.key);
        actix_web::rt::System::new().block_on(async {
            let route = web::get().to(|| async { "ran" });
            let api = init_service(App::new().wrap(auth).route("/", route)).await;
            for (token, status) in [(bed.good(), 200), (other_api, 401)] {
                let bearer = ("authorization", format!("Bearer {token}"));
                let request = TestRequest::get().uri("/").insert_header(bearer).to_request();
                assert_eq!(call_service(&api, request).await.status().as_u16(), status);
            }
        });
        assert_eq!(log.take("explained a refusal").len(), usize::from(is_on));
    }
    assert!(bed.auth().report_details_in_release().build().is_err());
}

#[require(roles = "admin")]
async fn admin(_: VerifiedClaims) -> &'static str {
    "ran"
}

/// A middleware that explains each request with another handle, which trusts more or demands less.
fn explained_by(bed: &TestBed, explaining: JwtAuth, token: &str) -> u16 {
    let ours = bed.auth().build().unwrap();
    let api = TestServer::start(move || {
        let explaining = explaining.clone();
        let explain = move |request: ServiceRequest, next: Next<_>| {
            let explaining = explaining.clone();
            async move {
                explaining.explain(request.request()).await;
                next.call(request).await
            }
        };
        App::new().app_data(ours.clone()).wrap(from_fn(explain)).route("/", web::get().to(admin))
    });
    api.get("/").bearer(token).send().status
}

#[test]
fn an_explanation_grants_nothing() {
    let (bed, partner) = (TestBed::new(), TestBed::new());
    let admin = |bed: &TestBed| bed.token().roles(&["admin"]).sign(&bed.key);
    let ours = || bed.auth().build().unwrap();
    assert_eq!(explained_by(&bed, ours(), &admin(&bed)), 200);
    let theirs = partner.auth().build().unwrap();
    assert_eq!(explained_by(&bed, theirs, &admin(&partner)), 401);
    assert_eq!(explained_by(&bed, ours().report_only(), &bed.good()), 403);
}
