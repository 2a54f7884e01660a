//! A provider that asks nobody for a password, for a demonstration on one machine. It speaks as much
//! of OpenID Connect as the website needs. Nothing for anybody but the one who has started it.

use std::{
    collections::HashMap,
    error::Error,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer, Responder, get,
    http::header::{AUTHORIZATION, ContentType, LOCATION},
    middleware::DefaultHeaders,
    post, rt,
    web::{Data, Form, Json, Query},
};
use askama::Template;
use aws_lc_rs::{constant_time::verify_slices_are_equal, digest};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jwt_verify::testing::TestIssuer;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::settings::Settings;

const CLIENT: &str = "demo-website";
const API: &str = "https://api.demo.example";
const CODE_LIFETIME: Duration = Duration::from_secs(60);
const MOST_CODES: usize = 1000;

/// Those who can be chosen.
const PEOPLE: [Person; 2] = [
    Person { id: "alice", name: "Alice Archer", role: "reader", permissions: &[] },
    Person { id: "ada", name: "Ada Adams", role: "admin", permissions: &["read:reports"] },
];

#[derive(Clone, Copy)]
struct Person {
    id: &'static str,
    name: &'static str,
    role: &'static str,
    permissions: &'static [&'static str],
}

struct Provider {
    url: String,
    website: String,
    secret: String,
    /// Whose key signs.
    keys: TestIssuer,
    codes: Mutex<HashMap<String, Code>>,
}

/// What a code stands for, until it is used.
struct Code {
    person: Person,
    request: Authorization,
    until: Instant,
}

/// A request for a login, and the form that repeats it.
#[derive(Clone, Deserialize, Serialize)]
struct Authorization {
    client_id: String,
    redirect_uri: String,
    response_type: String,
    scope: String,
    state: String,
    nonce: String,
    code_challenge: String,
    code_challenge_method: String,
    /// Who was chosen.
    person: Option<String>,
}

#[derive(Deserialize)]
struct TokenRequest {
    grant_type: String,
    code: String,
    redirect_uri: String,
    code_verifier: String,
}

#[derive(Deserialize)]
struct Logout {
    post_logout_redirect_uri: Option<String>,
}

#[derive(Template)]
#[template(path = "choose.html")]
struct Choose<'a> {
    request: &'a Authorization,
    people: &'a [Person],
}

/// Starts it for this website.
pub(crate) fn start(website: &str) -> Result<Settings, Box<dyn Error>> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    let url = format!("http://{}", listener.local_addr()?);
    let secret = random();
    let settings = Settings {
        issuer: url.clone(),
        client_id: CLIENT.into(),
        client_secret: secret.clone(),
        audience: API.into(),
        namespace: None,
    };
    let provider = Data::new(Provider {
        url,
        website: website.to_owned(),
        secret,
        keys: TestIssuer::start(),
        codes: Mutex::default(),
    });
    let server = HttpServer::new(move || {
        App::new()
            .app_data(provider.clone())
            .wrap(DefaultHeaders::new().add(("x-frame-options", "DENY")))
            .service((metadata, key_set, crate::pages::style))
            .service((ask, answer, token, logout))
    });
    rt::spawn(server.workers(1).disable_signals().listen(listener)?.run());
    Ok(settings)
}

fn random() -> String {
    openidconnect::CsrfToken::new_random_len(32).into_secret()
}

#[get("/.well-known/openid-configuration")]
async fn metadata(provider: Data<Provider>) -> impl Responder {
    let at = |path: &str| format!("{}{path}", provider.url);
    Json(json!({
        "issuer": provider.url,
        "authorization_endpoint": at("/authorize"),
        "token_endpoint": at("/token"),
        "jwks_uri": at("/jwks.json"),
        "end_session_endpoint": at("/logout"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
    }))
}

#[get("/jwks.json")]
async fn key_set(provider: Data<Provider>) -> impl Responder {
    Json(provider.keys.key_set())
}

impl Provider {
    /// Only to the website's own address is anybody sent, so nobody else gets a code.
    fn allows(&self, request: &Authorization) -> bool {
        request.client_id == CLIENT
            && request.redirect_uri == format!("{}/callback", self.website)
            && request.response_type == "code"
            && request.code_challenge_method == "S256"
            && request.scope.split(' ').any(|scope| scope == "openid")
    }

    fn keep(&self, code: Code) -> Option<String> {
        let now = Instant::now();
        let mut codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        codes.retain(|_, code| code.until > now);
        let name = random();
        (codes.len() < MOST_CODES).then(|| codes.insert(name.clone(), code))?;
        Some(name)
    }

    /// A code is good once.
    fn take(&self, name: &str) -> Option<Code> {
        let code = self.codes.lock().unwrap_or_else(PoisonError::into_inner).remove(name)?;
        (code.until > Instant::now()).then_some(code)
    }

    fn is_website(&self, request: &HttpRequest) -> bool {
        let field = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let expected = format!("Basic {}", STANDARD.encode(format!("{CLIENT}:{}", self.secret)));
        field.is_some_and(|field| {
            verify_slices_are_equal(field.as_bytes(), expected.as_bytes()).is_ok()
        })
    }
}

#[get("/authorize")]
async fn ask(provider: Data<Provider>, request: Query<Authorization>) -> impl Responder {
    if !provider.allows(&request) {
        return HttpResponse::BadRequest().body("this is no request of the website");
    }
    let page = Choose { request: &request, people: &PEOPLE }.render().unwrap_or_default();
    HttpResponse::Ok().content_type(ContentType::html()).body(page)
}

#[post("/authorize")]
async fn answer(provider: Data<Provider>, request: Form<Authorization>) -> impl Responder {
    let person = PEOPLE.into_iter().find(|person| request.person.as_deref() == Some(person.id));
    let (Some(person), true) = (person, provider.allows(&request)) else {
        return HttpResponse::BadRequest().body("this is no request of the website");
    };
    let until = Instant::now() + CODE_LIFETIME;
    let Some(code) = provider.keep(Code { person, request: request.clone(), until }) else {
        return HttpResponse::ServiceUnavailable().finish();
    };
    let state = url_encoded(&request.state);
    let back = format!("{}?code={code}&state={state}", request.redirect_uri);
    HttpResponse::SeeOther().insert_header((LOCATION, back)).finish()
}

fn url_encoded(text: &str) -> String {
    openidconnect::url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[post("/token")]
async fn token(
    provider: Data<Provider>,
    request: HttpRequest,
    form: Form<TokenRequest>,
) -> impl Responder {
    if !provider.is_website(&request) {
        return HttpResponse::Unauthorized().json(json!({ "error": "invalid_client" }));
    }
    let code = provider.take(&form.code).filter(|code| {
        let hash = digest::digest(&digest::SHA256, form.code_verifier.as_bytes());
        form.grant_type == "authorization_code"
            && form.redirect_uri == code.request.redirect_uri
            && URL_SAFE_NO_PAD.encode(hash) == code.request.code_challenge
    });
    let Some(Code { person, request, .. }) = code else {
        return HttpResponse::BadRequest().json(json!({ "error": "invalid_grant" }));
    };
    let base =
        || provider.keys.token().claim("iss", &*provider.url).subject(person.id).role(person.role);
    let access = base().audience(API).scope(request.scope);
    let access =
        person.permissions.iter().fold(access, |token, name| token.permission(*name)).sign();
    let hash = digest::digest(&digest::SHA256, access.as_bytes());
    let half = hash.as_ref().split_at(hash.as_ref().len() / 2).0;
    let id = base()
        .header("typ", "JWT")
        .audience(CLIENT)
        .claim("nonce", request.nonce)
        .claim("at_hash", URL_SAFE_NO_PAD.encode(half))
        .claim("name", person.name)
        .claim("email", format!("{}@demo.example", person.id))
        .sign();
    HttpResponse::Ok().json(json!({
        "access_token": access,
        "id_token": id,
        "token_type": "Bearer",
        "expires_in": 600,
    }))
}

#[get("/logout")]
async fn logout(provider: Data<Provider>, request: Query<Logout>) -> impl Responder {
    let home = format!("{}/", provider.website);
    match &request.post_logout_redirect_uri {
        Some(url) if *url == home => {
            HttpResponse::SeeOther().insert_header((LOCATION, home)).finish()
        }
        _ => HttpResponse::Ok().body("you are logged out"),
    }
}
