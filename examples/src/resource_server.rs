//! The routes of the `resource-server` example.

use actix_web::{HttpResponse, Responder, post, put, route, web};
use jwt_verify::{JwtAuth, OptionalClaims, VerifiedClaims, require};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Adds the routes to an application.
///
/// What is open to everybody is named; all else is inside a scope that needs a token, unknown paths
/// and methods included. What a route demands beyond that is written at its handler.
pub fn configure(auth: &JwtAuth) -> impl FnOnce(&mut web::ServiceConfig) {
    let (data, protection) = (web::Data::new(auth.clone()), auth.clone());
    move |app| {
        app.app_data(data).service((public, content, protection.health_routes())).service(
            web::scope("")
                .wrap(protection)
                .service((protected, all_claims, admin, moderation))
                .service((list_posts, create_post, edit_post, change_settings, reports)),
        );
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Post {
    title: String,
}

fn whoami(claims: &VerifiedClaims) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "sub": claims.subject() }))
}

#[route("/public", method = "GET", method = "HEAD")]
async fn public() -> impl Responder {
    web::Json(json!({ "message": "public" }))
}

#[route("/protected", method = "GET", method = "HEAD")]
#[require]
async fn protected(claims: VerifiedClaims) -> impl Responder {
    whoami(&claims)
}

#[route("/claims", method = "GET", method = "HEAD")]
#[require]
async fn all_claims(claims: VerifiedClaims) -> impl Responder {
    HttpResponse::Ok().json(claims.standard())
}

#[route("/admin", method = "GET", method = "HEAD")]
#[require(roles = "admin")]
async fn admin(claims: VerifiedClaims) -> impl Responder {
    whoami(&claims)
}

#[route("/moderation", method = "GET", method = "HEAD")]
#[require(roles = ["admin", "moderator"])]
async fn moderation(claims: VerifiedClaims) -> impl Responder {
    whoami(&claims)
}

#[route("/posts", method = "GET", method = "HEAD")]
#[require(permissions = "read:posts")]
async fn list_posts() -> impl Responder {
    web::Json(json!({ "posts": [{ "id": 1, "title": "hello" }] }))
}

#[post("/posts")]
#[require(permissions = "write:posts")]
async fn create_post(post: web::Json<Post>) -> impl Responder {
    HttpResponse::Created().json(json!({ "id": 2, "title": post.title }))
}

#[put("/posts/{id}")]
#[require(roles = ["editor", "admin"], permissions = ["read:posts", "write:posts"], all)]
async fn edit_post(id: web::Path<u64>, post: web::Json<Post>) -> impl Responder {
    web::Json(json!({ "id": *id, "title": post.title }))
}

#[put("/settings")]
#[require(permissions = ["read:settings", "write:settings"], all)]
async fn change_settings() -> impl Responder {
    web::Json(json!({ "message": "settings changed" }))
}

#[route("/reports", method = "GET", method = "HEAD")]
#[require(permissions = ["read:reports", "read:analytics"])]
async fn reports() -> impl Responder {
    web::Json(json!({ "reports": [] }))
}

#[route("/content", method = "GET", method = "HEAD")]
async fn content(OptionalClaims(claims): OptionalClaims) -> impl Responder {
    web::Json(match claims {
        None => json!({ "message": "welcome, guest" }),
        Some(claims) => json!({ "message": "welcome back", "sub": claims.subject() }),
    })
}
