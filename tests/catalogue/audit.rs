//! What the log says of decisions, when it is asked to.

use std::time::Duration;

use actix_web::{App, web};
use jwt_verify::{AuthError, Decision, VerifiedClaims, authorization::TracingAudit, require};
use jwt_verify_tests::{TestBed, TestServer};

use crate::log;

#[require(roles = "admin", policy = deny_bob)]
async fn admin() -> &'static str {
    "ran"
}

fn deny_bob(claims: &VerifiedClaims) -> Result<Decision, AuthError> {
    match claims.subject() {
        Some("carol") => Err(AuthError::Unavailable { retry_after: Duration::from_secs(1) }),
        subject => Ok((subject != Some("bob")).into()),
    }
}

#[test]
fn a_decision_names_who_asked_and_nothing_of_the_token() {
    log::capture();
    let bed = TestBed::new();
    let auth = bed.auth().audit_log(TracingAudit::new()).build().unwrap();
    let api = TestServer::start(move || {
        App::new().wrap(auth.clone()).route("/admin/{secret}", web::get().to(admin))
    });
    let hostile = format!("mallory\n INFO forged{}", "x".repeat(500));
    for (subject, roles, status, expected) in [
        (
            "alice",
            &["admin"][..],
            200,
            r#"subject="alice" method="GET" route="/admin/{secret}" handler="admin" requirement=roles = "admin", policy = deny_bob outcome="allowed""#,
        ),
        ("bob", &["admin"], 403, r#"outcome="refused" reason="denied_by_policy""#),
        // A database that is down says nothing about the caller.
        ("carol", &["admin"], 503, r#"outcome="failed" reason="temporarily_unavailable""#),
        (&hostile, &[], 403, r#"subject="mallory\n INFO forgedxxx"#),
    ] {
        let mark = log::mark();
        let token = bed
            .token()
            .claim("sub", subject)
            .claim("email", "somebody@private.example")
            .roles(roles)
            .sign(&bed.key);
        let response = api.get("/admin/word-in-the-path?query-word").bearer(&token).send();
        assert_eq!(response.status, status, "{}", response.everything());
        let log = log::since(mark);
        let line = log.lines().find(|line| line.contains("jwt_verify::audit")).unwrap();
        assert!(line.contains(expected), "{line}");
        assert!(line.len() < 700, "{line}");
        let segments = token.split('.');
        let secrets =
            segments.chain(["somebody@private.example", "word-in-the-path", "query-word"]);
        assert_eq!(log::piece(line, secrets, 12), None);
    }
}
