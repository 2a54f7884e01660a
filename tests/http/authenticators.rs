//! Credentials of the application, beside tokens. AUT-01 to AUT-09.

use actix_web::{HttpResponse, web};
use jwt_verify::{
    AuthError, Clock as _, InvalidRequestReason, InvalidTokenReason, VerifiedClaims,
    dpop::Dpop,
    extract::{Attempt, Authenticated, Authenticator, CredentialKind, Presented},
    require,
    revocation::{MemoryRevocation, Revocation, RevocationStore as _},
};
use serde_json::{Value, json};

use super::*;

const HEADER: &str = "x-legacy";

/// Finds the claims of a caller in a header, or in the token with a prefix.
struct Legacy {
    kind: &'static str,
    header: &'static str,
    prefix: &'static str,
    waits: bool,
    is_ambient: bool,
}

impl Default for Legacy {
    fn default() -> Self {
        Self { kind: "legacy", header: HEADER, prefix: "old~", waits: false, is_ambient: false }
    }
}

impl Legacy {
    fn judge(&self, text: &str) -> Result<Authenticated, AuthError> {
        let claims: Value =
            serde_json::from_str(text).map_err(|_| InvalidTokenReason::Credential)?;
        let authenticated = Authenticated::from_json(&claims)?;
        Ok(if self.is_ambient { authenticated.ambient() } else { authenticated })
    }

    fn attempt<'r>(&'r self, text: &'r [u8]) -> Attempt<'r> {
        let text = String::from_utf8_lossy(text).into_owned();
        if self.waits {
            Attempt::pending(async move {
                actix_web::rt::task::yield_now().await;
                self.judge(&text)
            })
        } else {
            Attempt::ready(self.judge(&text))
        }
    }
}

impl Authenticator for Legacy {
    fn credential_kind(&self) -> CredentialKind {
        CredentialKind::Other(self.kind)
    }

    fn authenticate<'r>(&'r self, presented: Presented<'r>) -> Attempt<'r> {
        let mut fields = presented.request().headers().get_all(self.header);
        match (fields.next(), fields.next()) {
            (Some(field), None) => return self.attempt(field.as_bytes()),
            (Some(_), Some(_)) => {
                return Attempt::ready(Err(InvalidRequestReason::Ambiguous.into()));
            }
            (None, _) => {}
        }
        match presented.token().and_then(|token| token.strip_prefix(self.prefix.as_bytes())) {
            // Braces and quotes cannot stand in a header of one token.
            Some(name) => Attempt::ready(Authenticated::from_json(&json!({
                "sub": String::from_utf8_lossy(name),
                "roles": ["editor"],
            })))
            .by_token(),
            None => Attempt::not_mine(),
        }
    }
}

#[require(roles = "editor")]
async fn edit(claims: VerifiedClaims) -> String {
    format!("{} by {}", claims.subject().unwrap_or_default(), claims.credential_kind())
}

#[require(credential = "legacy")]
async fn by_legacy_alone() -> HttpResponse {
    HttpResponse::Ok().finish()
}

#[require(not(credential = "legacy"), roles = "editor")]
async fn not_by_legacy() -> HttpResponse {
    HttpResponse::Ok().finish()
}

fn serve_with(auth: JwtAuth) -> TestServer {
    TestServer::start(move || {
        App::new()
            .wrap(auth.clone())
            .route("/edit", web::to(edit))
            .route("/legacy", web::to(by_legacy_alone))
            .route("/tokens", web::to(not_by_legacy))
    })
}

fn serve_legacy(bed: &TestBed, legacy: Legacy) -> TestServer {
    serve_with(bed.auth().authenticator(legacy).build().unwrap())
}

const EDITOR: &str = r#"{"sub": "user-7", "roles": ["editor"]}"#;

fn editor_token(bed: &TestBed) -> String {
    bed.token().claim("roles", json!(["editor"])).sign(&bed.key)
}

/// AUT-01: the same requirements and refusals, whatever the credential.
#[test]
fn claims_of_an_authenticator_are_those_of_a_token() {
    let bed = TestBed::new();
    for waits in [false, true] {
        let api = serve_legacy(&bed, Legacy { waits, ..Legacy::default() });
        let with = |claims: &str| api.get("/edit").header(HEADER, claims).send();
        let good = with(EDITOR);
        assert_eq!((good.status, good.text()), (200, "user-7 by legacy"));
        let lacking = with(r#"{"sub": "user-7", "roles": ["reader"]}"#);
        assert_eq!(lacking.status, 403);
        assert_eq!(lacking.challenge(), api.get("/edit").bearer(bed.good()).send().challenge());
        let bad = with("nonsense");
        assert_eq!((bad.status, bad.challenge()), (401, Some(INVALID)));
        let token = api.get("/edit").bearer(editor_token(&bed)).send();
        assert_eq!((token.status, token.text().ends_with(" by jwt")), (200, true));
        let none = api.get("/edit").send();
        assert_eq!((none.status, none.challenge()), (401, Some("Bearer")));
    }
}

/// AUT-02: no credential hides another, in any order and whichever of them is good.
#[test]
fn two_credentials_are_refused() {
    let bed = TestBed::new();
    for waits in [false, true] {
        let second =
            Legacy { kind: "other", header: "x-other", prefix: "new~", ..Legacy::default() };
        let first = Legacy { waits, ..Legacy::default() };
        let api =
            serve_with(bed.auth().authenticator(first).authenticator(second).build().unwrap());
        let token = editor_token(&bed);
        let request = || api.get("/edit");
        for (two, what) in [
            (request().header(HEADER, EDITOR).bearer(&token), "a token"),
            (request().header(HEADER, EDITOR).bearer("old~user"), "a token of its own"),
            (request().header(HEADER, EDITOR).bearer("new~user"), "a token of the other"),
            (request().header(HEADER, EDITOR).bearer("x.y.z"), "a bad token"),
            (request().header(HEADER, "nonsense").bearer(&token), "bad beside a token"),
            (request().header(HEADER, EDITOR).header("x-other", EDITOR), "both headers"),
            (request().header("x-other", EDITOR).bearer("old~user"), "header and token"),
            (request().header(HEADER, EDITOR).header(HEADER, EDITOR), "one header twice"),
        ] {
            let answer = two.send();
            assert_eq!(answer.status, 400, "{what}: {}", answer.everything());
            assert!(answer.challenge().unwrap().contains("invalid_request"), "{what}");
        }
        for single in ["old~user", "new~user"] {
            assert_eq!(request().bearer(single).send().status, 200, "{single}");
        }
    }
}

/// AUT-03: a token that no authenticator takes is for the verifier.
#[test]
fn a_token_goes_to_the_one_that_takes_it() {
    let bed = TestBed::new();
    let api = serve_legacy(&bed, Legacy::default());
    let taken = api.get("/edit").bearer("old~user").send();
    assert_eq!((taken.status, taken.text()), (200, "user by legacy"));
    for not_taken in ["older", "OLD~user", "x.y.z"] {
        let answer = api.get("/edit").bearer(not_taken).send();
        assert_eq!((answer.status, answer.challenge()), (401, Some(INVALID)), "{not_taken}");
    }
}

/// AUT-04: times hold without leeway, by the clock of the `JwtAuth`.
#[test]
fn times_of_claims_count() {
    let bed = TestBed::new();
    let api = serve_legacy(&bed, Legacy::default());
    let now = bed.clock.now().as_secs();
    let status = |claims: Value| {
        let claims = claims.to_string();
        api.get("/edit").header(HEADER, &claims).send().status
    };
    let with = |name: &str, value: u64| json!({"sub": "u", "roles": ["editor"], name: value});
    assert_eq!(status(with("exp", now + 1)), 200);
    assert_eq!(status(with("exp", now)), 401);
    assert_eq!(status(with("nbf", now)), 200);
    assert_eq!(status(with("nbf", now + 1)), 401);
}

/// AUT-05: a revoked subject is refused, and claims need no `jti` for that.
#[test]
fn revocation_counts() {
    let bed = TestBed::new();
    for waits in [false, true] {
        let revoked = MemoryRevocation::new();
        let legacy = Legacy { waits, ..Legacy::default() };
        let auth = bed.auth().authenticator(legacy).revocation(revoked.clone()).build().unwrap();
        let api = serve_with(auth);
        let status = |claims: &str| api.get("/edit").header(HEADER, claims).send().status;
        let by_id = r#"{"sub": "u", "jti": "7", "roles": ["editor"]}"#;
        assert_eq!((status(EDITOR), status(by_id)), (200, 200));
        let until = std::time::Duration::from_secs(bed.clock.now().as_secs() + 3600);
        actix_web::rt::System::new().block_on(async {
            revoked.revoke(&Revocation::subject("", "user-7", until), until).await.unwrap();
            revoked.revoke(&Revocation::token("", "7"), until).await.unwrap();
        });
        assert_eq!((status(EDITOR), status(by_id)), (401, 401));
    }
}

/// AUT-06: claims that are bound to a key are no bearer credential.
#[test]
fn bound_claims_need_their_proof() {
    let bed = TestBed::new();
    let bound = r#"{"sub": "u", "roles": ["editor"], "cnf": {"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}}"#;
    for waits in [false, true] {
        let legacy = || Legacy { waits, ..Legacy::default() };
        let api = serve_legacy(&bed, legacy());
        assert_eq!(api.get("/edit").header(HEADER, bound).send().status, 401);
        // Where every token has to be bound, no other credential is better.
        let auth = bed
            .auth()
            .authenticator(legacy())
            .dpop(Dpop::new("https://api.example").require_bound_tokens());
        let api = serve_with(auth.build().unwrap());
        for claims in [bound, EDITOR] {
            assert_eq!(api.get("/edit").header(HEADER, claims).send().status, 401, "{claims}");
        }
        assert_eq!(api.get("/edit").bearer("old~user").send().status, 401);
    }
}

/// AUT-07: a page of another site uses neither cookies nor headers that a browser or proxy adds.
#[test]
fn pages_of_other_sites_change_nothing() {
    let bed = TestBed::new();
    for (is_ambient, without_evidence) in [(true, 403), (false, 200)] {
        let api = serve_legacy(&bed, Legacy { is_ambient, ..Legacy::default() });
        let post = || api.request("POST", "/edit").header(HEADER, EDITOR);
        assert_eq!(post().send().status, without_evidence);
        assert_eq!(post().header("sec-fetch-site", "cross-site").send().status, 403);
        assert_eq!(post().header("origin", "https://evil.example").send().status, 403);
        assert_eq!(post().header("sec-fetch-site", "same-origin").send().status, 200);
        // A page has to add a token itself.
        let token = api.request("POST", "/edit").bearer("old~user");
        assert_eq!(token.header("sec-fetch-site", "cross-site").send().status, 200);
    }
}

/// AUT-08: a route can name the credentials that it takes.
#[test]
fn routes_name_credentials() {
    let bed = TestBed::new();
    let api = serve_legacy(&bed, Legacy::default());
    let token = editor_token(&bed);
    for (path, by_legacy, by_token) in [("/legacy", 200, 403), ("/tokens", 403, 200)] {
        assert_eq!(api.get(path).header(HEADER, EDITOR).send().status, by_legacy, "{path}");
        assert_eq!(api.get(path).bearer(&token).send().status, by_token, "{path}");
    }
}

/// AUT-09: names of kinds are names, and claims are those of RFC 7519.
#[test]
fn mistakes_of_an_authenticator_are_the_servers() {
    let bed = TestBed::new();
    for kind in ["", "Legacy", "api-key", "jwt", "a b"] {
        let legacy = Legacy { kind, ..Legacy::default() };
        assert!(bed.auth().authenticator(legacy).build().is_err(), "{kind}");
    }
    let api = serve_legacy(&bed, Legacy::default());
    for claims in [r"[1]", r#"{"sub": []}"#, r#"{"exp": "soon"}"#] {
        assert_eq!(api.get("/edit").header(HEADER, claims).send().status, 500, "{claims}");
    }
}
