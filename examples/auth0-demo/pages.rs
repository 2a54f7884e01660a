//! What visitors see.

use actix_session::Session;
use actix_web::{
    HttpResponse, Responder, ResponseError,
    http::{
        StatusCode,
        header::{AUTHORIZATION, ContentType},
    },
    route,
    web::Data,
};
use askama::Template;
use jwt_verify::VerifiedClaims;
use serde_json::Value;

use crate::{
    login::Login,
    visitors::{Visitor, Visitors},
};

/// Where the API is.
pub(crate) struct Api(pub(crate) String);

/// What every page shows of whoever looks at it.
struct Frame {
    name: Option<String>,
    is_admin: bool,
}

impl Frame {
    fn of(visitor: Option<&Visitor>) -> Self {
        let name = visitor.map(|visitor| display_name(&visitor.claims));
        Self { name, is_admin: visitor.is_some_and(|visitor| visitor.claims.has_role("admin")) }
    }
}

fn display_name(claims: &VerifiedClaims) -> String {
    let text = |claim| claims.get(claim).and_then(Value::as_str);
    text("name").or_else(|| text("email")).or(claims.subject()).unwrap_or("somebody").to_owned()
}

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    frame: Frame,
}

#[derive(Template)]
#[template(path = "profile.html")]
struct Profile {
    frame: Frame,
    subject: String,
    roles: Vec<String>,
    claims: String,
}

#[derive(Template)]
#[template(path = "answers.html")]
struct Answers {
    frame: Frame,
    title: &'static str,
    about: &'static str,
    calls: Vec<Answer>,
}

/// What the API has said.
struct Answer {
    request: &'static str,
    status: u16,
    is_good: bool,
    challenge: Option<String>,
    body: String,
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage {
    frame: Frame,
    title: &'static str,
    text: &'static str,
}

#[route("/", method = "GET", method = "HEAD")]
pub(crate) async fn home(
    session: Session,
    visitors: Data<Visitors>,
) -> Result<HttpResponse, Problem> {
    let visitor = Login::visitor(&session, &visitors);
    page(StatusCode::OK, &Home { frame: Frame::of(visitor.as_ref()) })
}

#[route("/style.css", method = "GET", method = "HEAD")]
pub(crate) async fn style() -> impl Responder {
    HttpResponse::Ok().content_type("text/css; charset=utf-8").body(include_str!("style.css"))
}

#[route("/profile", method = "GET", method = "HEAD")]
pub(crate) async fn profile(
    session: Session,
    visitors: Data<Visitors>,
) -> Result<HttpResponse, Problem> {
    let visitor = Login::visitor(&session, &visitors).ok_or(Problem::Anonymous)?;
    let claims: Value = serde_json::from_str(visitor.claims.payload()).unwrap_or_default();
    page(
        StatusCode::OK,
        &Profile {
            frame: Frame::of(Some(&visitor)),
            subject: visitor.claims.subject().unwrap_or_default().to_owned(),
            roles: visitor.claims.roles().map(str::to_owned).collect(),
            claims: serde_json::to_string_pretty(&claims).unwrap_or_default(),
        },
    )
}

/// Three calls of the API in the visitor's name. Who may what is the API's decision.
#[route("/reports", method = "GET", method = "HEAD")]
pub(crate) async fn reports(
    session: Session,
    visitors: Data<Visitors>,
    api: Data<Api>,
    http: Data<awc::Client>,
) -> Result<HttpResponse, Problem> {
    let visitor = Login::visitor(&session, &visitors).ok_or(Problem::Anonymous)?;
    let mut calls = Vec::new();
    for path in ["/api/me", "/api/reports", "/api/users"] {
        calls.push(ask(&http, &api, path, &visitor).await?);
    }
    page(
        StatusCode::OK,
        &Answers {
            frame: Frame::of(Some(&visitor)),
            title: "The API",
            about: "What it answers to the access token that came with your login. It verifies the \
                token by the provider's keys and decides by what is in it.",
            calls,
        },
    )
}

/// For admins. The page would be empty for others anyway, since the API asks for the role too.
#[route("/admin", method = "GET", method = "HEAD")]
pub(crate) async fn admin(
    session: Session,
    visitors: Data<Visitors>,
    api: Data<Api>,
    http: Data<awc::Client>,
) -> Result<HttpResponse, Problem> {
    let visitor = Login::visitor(&session, &visitors).ok_or(Problem::Anonymous)?;
    if !visitor.claims.has_role("admin") {
        return Problem::NotForYou.page(Frame::of(Some(&visitor)));
    }
    let calls = vec![ask(&http, &api, "/api/users", &visitor).await?];
    let about = "Only those with the role admin see this page.";
    page(
        StatusCode::OK,
        &Answers { frame: Frame::of(Some(&visitor)), title: "Administration", about, calls },
    )
}

async fn ask(
    http: &awc::Client,
    api: &Api,
    path: &'static str,
    visitor: &Visitor,
) -> Result<Answer, Problem> {
    let request = http
        .get(format!("{}{path}", api.0))
        .insert_header((AUTHORIZATION, format!("Bearer {}", visitor.access_token)));
    let mut answer = request.send().await.map_err(|_| Problem::ApiDown)?;
    let body = answer.body().limit(64 * 1024).await.map_err(|_| Problem::ApiDown)?;
    let challenge = answer.headers().get("www-authenticate").and_then(|value| value.to_str().ok());
    let json =
        serde_json::from_slice::<Value>(&body).and_then(|json| serde_json::to_string_pretty(&json));
    Ok(Answer {
        request: path,
        status: answer.status().as_u16(),
        is_good: answer.status().is_success(),
        challenge: challenge.map(str::to_owned),
        body: json.unwrap_or_default(),
    })
}

fn page(status: StatusCode, template: &impl Template) -> Result<HttpResponse, Problem> {
    let text = template.render().map_err(|error| {
        tracing::error!(%error, "a page cannot be made");
        Problem::Broken
    })?;
    Ok(HttpResponse::build(status).content_type(ContentType::html()).body(text))
}

/// Nothing but what is here. Forms are left out: browsers hold the redirects that follow a form against
/// it too, and where a provider ends sessions is only known when it has been asked.
pub(crate) const CONTENT_POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What goes wrong for a visitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Problem {
    Anonymous,
    NotForYou,
    PlantedCookie,
    UnexpectedAnswer,
    NotLoggedIn,
    ProviderDown,
    ApiDown,
    Crowded,
    Broken,
}

impl Problem {
    fn texts(self) -> (&'static str, &'static str) {
        match self {
            Self::Anonymous => ("Please log in", "This page is for those who have logged in."),
            Self::NotForYou => ("Not for you", "This page is for administrators."),
            Self::PlantedCookie => (
                "There is a cookie in the way",
                "Your browser has a cookie for this site that looks like ours and is not. Please \
                    delete the cookies of this site.",
            ),
            Self::UnexpectedAnswer => (
                "Please begin anew",
                "This is no answer to a login that was begun in this browser.",
            ),
            Self::NotLoggedIn => ("You are not logged in", "The provider has not vouched for you."),
            Self::ProviderDown | Self::ApiDown | Self::Crowded => {
                ("One moment", "Somebody we need does not answer. Please try again shortly.")
            }
            Self::Broken => ("Our mistake", "Something is set up wrongly here; the log says what."),
        }
    }
}

impl Problem {
    fn page(self, frame: Frame) -> Result<HttpResponse, Self> {
        let (title, text) = self.texts();
        page(self.status_code(), &ProblemPage { frame, title, text })
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.texts().0)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Anonymous => StatusCode::UNAUTHORIZED,
            Self::NotForYou => StatusCode::FORBIDDEN,
            Self::PlantedCookie | Self::UnexpectedAnswer | Self::NotLoggedIn => {
                StatusCode::BAD_REQUEST
            }
            Self::ProviderDown | Self::ApiDown | Self::Crowded => StatusCode::SERVICE_UNAVAILABLE,
            Self::Broken => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        self.page(Frame::of(None)).unwrap_or_else(|_| HttpResponse::InternalServerError().finish())
    }
}
