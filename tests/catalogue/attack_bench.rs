//! The server under attack, and what every refusal must look like.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use actix_web::{App, HttpResponse, Responder, get, web};
use jwt_verify::{
    Algorithm, JwkSet, JwksProvider, JwtAuth, JwtAuthBuilder, TrustedIssuer, VerificationKey,
    VerifiedClaims, Verifier, require,
};
use jwt_verify_tests::{
    FakeIssuer, Request, Response, SigningKey, TestBed, TestServer, Token, explained, setting,
};
use serde_json::{Value, json};

use crate::log;

/// How a row must be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// 200: an odd but good token.
    Accepted,
    /// 401 without an error: no credentials of a kind that is looked for.
    Missing,
    /// 400 `invalid_request`.
    BadRequest,
    /// 401 `invalid_token`.
    Invalid,
    /// 401 `invalid_token`, with the text that says that its time is over.
    Expired,
    /// 401 `invalid_dpop_proof`.
    InvalidProof,
    /// 401 `invalid_token` of a token that its sender has not shown as it must be.
    InvalidBound,
}

/// A request with its id and the answer it must get.
pub(crate) struct Row {
    pub(crate) id: &'static str,
    pub(crate) what: String,
    pub(crate) request: Request,
    /// What was presented and must not be seen again.
    pub(crate) secret: String,
    pub(crate) expected: Expected,
}

/// An API under attack that trusts the issuer of its bed, and a trap that must not be called.
pub(crate) struct AttackBench {
    pub(crate) bed: TestBed,
    pub(crate) trap: FakeIssuer,
    pub(crate) api: TestServer,
    auth: JwtAuth,
    control: Token,
    ran: Arc<AtomicUsize>,
}

#[get("/read")]
#[require(permissions = "read")]
async fn read() -> impl Responder {
    HttpResponse::Ok()
}

#[get("/protected")]
#[require]
async fn protected(claims: VerifiedClaims, ran: web::Data<AtomicUsize>) -> impl Responder {
    ran.fetch_add(1, Ordering::SeqCst);
    HttpResponse::Ok().json(json!({ "sub": claims.subject() }))
}

impl AttackBench {
    /// With one key of the algorithm, which alone is accepted.
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        let key = SigningKey::new(algorithm, "good-key");
        Self::with(key, &[], |issuer| issuer)
    }

    /// With more keys in the key set, and other settings.
    pub(crate) fn with(
        key: SigningKey,
        more: &[Value],
        configure: impl FnOnce(TrustedIssuer) -> TrustedIssuer,
    ) -> Self {
        Self::build(key, more, |token| token, configure)
    }

    /// With other settings of the whole.
    pub(crate) fn with_settings(
        key: SigningKey,
        configure: impl FnOnce(JwtAuthBuilder) -> JwtAuthBuilder,
    ) -> Self {
        let keys = [key.jwk()];
        Self::publishing(key, &keys, |token| token, |issuer| configure(JwtAuth::for_issuer(issuer)))
    }

    /// With settings under which a good token needs more than usual.
    pub(crate) fn with_control(
        key: SigningKey,
        control: impl FnOnce(Token) -> Token,
        configure: impl FnOnce(TrustedIssuer) -> TrustedIssuer,
    ) -> Self {
        Self::build(key, &[], control, configure)
    }

    /// With a shared secret instead of a published key.
    pub(crate) fn with_secret(key: SigningKey, verification: VerificationKey) -> Self {
        let published: &[Value] = &[];
        Self::publishing(
            key,
            published,
            |token| token,
            |issuer| JwtAuth::for_issuer(issuer.keys(JwkSet::single(verification))),
        )
    }

    fn build(
        key: SigningKey,
        more: &[Value],
        control: impl FnOnce(Token) -> Token,
        configure: impl FnOnce(TrustedIssuer) -> TrustedIssuer,
    ) -> Self {
        let keys: Vec<Value> = std::iter::once(key.jwk()).chain(more.iter().cloned()).collect();
        Self::publishing(key, &keys, control, |issuer| JwtAuth::for_issuer(configure(issuer)))
    }

    fn publishing(
        key: SigningKey,
        keys: &[Value],
        control: impl FnOnce(Token) -> Token,
        configure: impl FnOnce(TrustedIssuer) -> JwtAuthBuilder,
    ) -> Self {
        log::capture();
        let (bed, trap) = (TestBed::with(FakeIssuer::start(&[]), key), FakeIssuer::start(&[]));
        bed.issuer.publish_json(&json!({ "keys": keys }));
        // Whatever key a row names, the issuer is asked for it, and 401 is its word. Of one that it may
        // not be asked for, since there were too many, nothing is known: that is 429, and is tested
        // with the issuer.
        let provider = JwksProvider::discover(bed.issuer.url())
            .clock(bed.clock.clone())
            .max_refetches(10_000)
            .build()
            .unwrap();
        let trusted = bed.trusted_issuer();
        let trusted = if setting::has_one_key() { trusted } else { trusted.keys(provider) };
        let auth = setting::extractor(configure(trusted)).clock(bed.clock.clone()).build().unwrap();
        let ran = Arc::new(AtomicUsize::new(0));
        let counter = web::Data::from(ran.clone());
        let ours = auth.clone();
        let api = TestServer::start(move || {
            let guarded = web::scope("").wrap(ours.clone()).service((protected, read));
            App::new().app_data(counter.clone()).service(ours.health_routes()).service(guarded)
        });
        let control = control(bed.token());
        let bench = Self { bed, trap, api, auth, control, ran };
        bench.control();
        bench
    }

    /// A token that the API accepts, signed.
    pub(crate) fn good(&self) -> String {
        self.control.sign(&self.bed.key)
    }

    /// How many keys of the issuer were skipped.
    pub(crate) fn skipped(&self) -> usize {
        self.auth.health()[0].1.rejected_keys
    }

    /// How many are usable.
    pub(crate) fn usable(&self) -> usize {
        self.auth.health()[0].1.keys
    }

    /// What judges the tokens.
    pub(crate) fn verifier(&self) -> Verifier {
        self.auth.verifier().clone()
    }

    /// A row that presents a token as usual.
    pub(crate) fn row(
        &self,
        id: &'static str,
        what: impl Into<String>,
        token: impl Into<String>,
        expected: Expected,
    ) -> Row {
        let token = token.into();
        let request = self.api.get("/protected").bearer(&token);
        Row { id, what: what.into(), request, secret: token, expected }
    }

    /// Sends every row and holds the answers against what must be.
    pub(crate) fn play(&self, rows: &[Row]) {
        assert!(!rows.is_empty());
        let mark = log::mark();
        for row in rows {
            self.play_one(row);
        }
        self.control();
        assert_eq!(self.trap.all_fetches(), 0, "somebody called an address from a token");
        let refused = rows.iter().filter(|row| row.expected != Expected::Accepted);
        let found = log::piece(&log::since(mark), refused.flat_map(secrets), PIECE);
        assert_eq!(found, None, "a piece of what was refused is in the log");
    }

    fn play_one(&self, row: &Row) {
        let label = format!("{} {}", row.id, row.what);
        let before = self.ran.load(Ordering::SeqCst);
        let explanation = explained(self.auth.verifier(), &row.secret);
        let explanation = actix_web::rt::System::new().block_on(explanation);
        let response = row.request.send();
        let ran = self.ran.load(Ordering::SeqCst) - before;
        if row.expected == Expected::Accepted {
            let everything = response.everything();
            assert_eq!((response.status, ran), (200, 1), "{label}: {everything} {explanation}");
            return;
        }
        assert_eq!(ran, 0, "{label}: the handler ran");
        let (status, challenges, body) = answer(row.expected);
        assert_eq!(response.status, status, "{label}: {}", response.everything());
        assert_eq!(response.headers("www-authenticate"), challenges, "{label}");
        assert_eq!(response.text(), body, "{label}");
        assert_eq!(response.header("cache-control"), Some("no-store"), "{label}");
        assert!(response.headers("set-cookie").is_empty(), "{label}");
        let found = log::piece(&response.everything(), secrets(row), PIECE);
        assert_eq!(found, None, "{label}: a piece of it is in the response");
    }

    /// The good token is accepted.
    fn control(&self) -> Response {
        let response = self.api.get("/protected").bearer(self.good()).send();
        assert_eq!(response.status, 200, "the control token: {}", response.everything());
        response
    }
}

fn answer(expected: Expected) -> (u16, &'static [&'static str], &'static str) {
    match expected {
        Expected::Accepted => unreachable!("an accepted row has no refusal"),
        Expected::Missing => (
            401,
            &["Bearer"],
            r#"{"error":"missing_token","error_description":"authentication is required","code":"missing_token"}"#,
        ),
        Expected::BadRequest => (
            400,
            &[
                r#"Bearer error="invalid_request", error_description="the request carries malformed or more than one credential""#,
            ],
            r#"{"error":"invalid_request","error_description":"the request carries malformed or more than one credential","code":"invalid_request"}"#,
        ),
        Expected::Invalid => (
            401,
            &[r#"Bearer error="invalid_token", error_description="the access token is not valid""#],
            r#"{"error":"invalid_token","error_description":"the access token is not valid","code":"invalid_token"}"#,
        ),
        Expected::Expired => (
            401,
            &[r#"Bearer error="invalid_token", error_description="the access token has expired""#],
            r#"{"error":"invalid_token","error_description":"the access token has expired","code":"token_expired"}"#,
        ),
        Expected::InvalidProof => (
            401,
            &[
                concat!(
                    r#"DPoP error="invalid_dpop_proof", error_description="the DPoP proof is not valid", "#,
                    r#"algs="RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 EdDSA Ed25519 ES512 ML-DSA-44 ML-DSA-65 ML-DSA-87""#,
                ),
                "Bearer",
            ],
            r#"{"error":"invalid_dpop_proof","error_description":"the DPoP proof is not valid","code":"invalid_dpop_proof"}"#,
        ),
        Expected::InvalidBound => (
            401,
            &[
                concat!(
                    r#"DPoP error="invalid_token", error_description="the access token is not valid", "#,
                    r#"algs="RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 EdDSA Ed25519 ES512 ML-DSA-44 ML-DSA-65 ML-DSA-87""#,
                ),
                "Bearer",
            ],
            r#"{"error":"invalid_token","error_description":"the access token is not valid","code":"invalid_token"}"#,
        ),
    }
}

/// Shorter pieces turn up by accident.
const PIECE: usize = 8;

/// What was presented, in the parts that could turn up by themselves. Short ones are words, such as
/// the names of members.
fn secrets(row: &Row) -> impl Iterator<Item = &str> {
    let is_base64url = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    row.secret.split(move |c| !is_base64url(c)).filter(|part| part.len() >= 2 * PIECE)
}
