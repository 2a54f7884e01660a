//! Explanations of requests, and their reports in development.

use actix_web::{
    HttpRequest,
    test::{TestRequest, call_service, init_service},
    web,
};
use jwt_verify::{Requirement, explain::CheckStatus};
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
