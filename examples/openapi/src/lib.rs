//! The routes of the `openapi` example: what their documentation says comes from their `#[require]`.

use actix_web::{HttpResponse, delete, error::ErrorNotFound, get, post, put, web};
use jwt_verify::{
    AuthScope, Decision, JwtAuth, VerifiedClaims, VerifiedClaimsExt as _,
    authorization::AccessName, public, require,
};
use serde::{Deserialize, Serialize};
use utoipa::{Modify as _, OpenApi, ToSchema};
use utoipa_swagger_ui::SwaggerUi;

/// The roles of this application; a misspelled one does not compile.
enum Role {
    Admin,
}

impl AccessName for Role {
    fn access_name(&self) -> &'static str {
        match self {
            Self::Admin => "admin",
        }
    }
}

mod permissions {
    pub(super) const READ: &str = "read:posts";
    pub(super) const WRITE: &str = "write:posts";
}

/// A post as it is sent.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
struct Post {
    title: String,
}

/// Who has written which post.
const AUTHORS: [(u64, &str); 2] = [(1, "ada"), (2, "rita")];

/// Whether the caller has written the post.
async fn is_author(claims: &VerifiedClaims, id: web::Path<u64>) -> actix_web::Result<Decision> {
    let (_, author) = AUTHORS
        .into_iter()
        .find(|(known, _)| *known == *id)
        .ok_or_else(|| ErrorNotFound("no such post"))?;
    Ok(Decision::from(claims.subject() == Some(author)))
}

/// What everybody may know.
#[public]
#[utoipa::path(get, path = "/api/news", responses((status = 200, body = String)))]
#[get("/news")]
async fn news() -> &'static str {
    "posts can be read now"
}

/// All posts.
#[require(permissions = permissions::READ)]
#[utoipa::path(get, path = "/api/posts", responses((status = 200, body = Vec<Post>)))]
#[get("/posts")]
async fn list() -> HttpResponse {
    HttpResponse::Ok().json([Post { title: "first".into() }, Post { title: "second".into() }])
}

/// A new post.
#[require(permissions = permissions::WRITE)]
#[utoipa::path(post, path = "/api/posts", request_body = Post, responses((status = 201, body = Post)))]
#[post("/posts")]
async fn create(post: web::Json<Post>) -> HttpResponse {
    HttpResponse::Created().json(post)
}

/// Changes a post: for its author, and for admins.
#[require(permissions = permissions::WRITE, any(roles = Role::Admin, policy = is_author))]
#[utoipa::path(
    put,
    path = "/api/posts/{id}",
    params(("id" = u64, Path)),
    request_body = Post,
    responses((status = 200, body = Post), (status = 404))
)]
#[put("/posts/{id}")]
async fn edit(_: web::Path<u64>, post: web::Json<Post>) -> HttpResponse {
    HttpResponse::Ok().json(post)
}

/// Takes a post away; the login must not be older than five minutes.
#[require(roles = Role::Admin, max_age = "5m")]
#[utoipa::path(
    delete,
    path = "/api/posts/{id}",
    params(("id" = u64, Path)),
    responses((status = 204))
)]
#[delete("/posts/{id}")]
async fn remove(_: web::Path<u64>) -> HttpResponse {
    HttpResponse::NoContent().finish()
}

/// What the caller's token says.
#[require]
#[utoipa::path(get, path = "/api/me", responses((status = 200, body = String)))]
#[get("/me")]
async fn me(request: actix_web::HttpRequest) -> HttpResponse {
    match request.verified_claims() {
        Some(claims) => HttpResponse::Ok().json(claims.standard()),
        None => HttpResponse::InternalServerError().finish(),
    }
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Posts",
        description = "A protected API. Authorize with one of the printed tokens."
    ),
    paths(news, list, create, edit, remove, me)
)]
struct Document;

/// The routes of the API.
pub fn api() -> AuthScope {
    AuthScope::new("/api")
        .service(news)
        .service(list)
        .service(create)
        .service(edit)
        .service(remove)
        .service(me)
}

/// The document, with the security that the routes demand.
pub fn document() -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    api().access_matrix().modify(&mut document);
    document
}

/// Adds the API at `/api` and Swagger UI at `/docs/` to an application.
pub fn configure(auth: &JwtAuth) -> impl FnOnce(&mut web::ServiceConfig) {
    let auth = auth.clone();
    move |app| {
        app.service(api().auth(auth))
            .service(SwaggerUi::new("/docs/{_:.*}").url("/openapi.json", document()));
    }
}
