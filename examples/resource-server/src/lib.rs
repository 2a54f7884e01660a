//! The routes of the `resource-server` example.

use actix_web::{HttpResponse, Responder, post, put, route, web};
use jwt_verify::{AuthScope, JwtAuth, OptionalClaims, VerifiedClaims, public, require};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Adds the routes to an application.
///
/// What is open to everybody is named; all else is inside a scope that needs a token, unknown paths
/// and methods included. What a route demands beyond that is written at its handler, and a handler
/// without a requirement does not compile there.
pub fn configure(auth: &JwtAuth) -> impl FnOnce(&mut web::ServiceConfig) {
    let (data, protection) = (web::Data::new(auth.clone()), auth.clone());
    move |app| {
        app.app_data(data).service((open, content, protection.health_routes()));
        if protection.resource_metadata_url().is_some() {
            app.service(protection.resource_metadata_route());
        }
        if let Some(route) = protection.security_event_route() {
            app.service(route);
        }
        app.service(api().wrap(protection));
    }
}

/// The routes that need a token.
fn api() -> AuthScope {
    AuthScope::new("")
        .service(protected)
        .service(all_claims)
        .service(admin)
        .service(moderation)
        .service(list_posts)
        .service(create_post)
        .service(edit_post)
        .service(change_settings)
        .service(reports)
}

#[derive(Debug, Serialize, Deserialize)]
struct Post {
    title: String,
}

fn whoami(claims: &VerifiedClaims) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "sub": claims.subject() }))
}

#[public]
#[route("/public", method = "GET", method = "HEAD")]
async fn open() -> impl Responder {
    web::Json(json!({ "message": "public" }))
}

#[require]
#[route("/protected", method = "GET", method = "HEAD")]
async fn protected(claims: VerifiedClaims) -> impl Responder {
    whoami(&claims)
}

#[require]
#[route("/claims", method = "GET", method = "HEAD")]
async fn all_claims(claims: VerifiedClaims) -> impl Responder {
    HttpResponse::Ok().json(claims.standard())
}

#[require(roles = "admin")]
#[route("/admin", method = "GET", method = "HEAD")]
async fn admin(claims: VerifiedClaims) -> impl Responder {
    whoami(&claims)
}

#[require(roles = ["admin", "moderator"])]
#[route("/moderation", method = "GET", method = "HEAD")]
async fn moderation(claims: VerifiedClaims) -> impl Responder {
    whoami(&claims)
}

#[require(permissions = "read:posts")]
#[route("/posts", method = "GET", method = "HEAD")]
async fn list_posts() -> impl Responder {
    web::Json(json!({ "posts": [{ "id": 1, "title": "hello" }] }))
}

#[require(permissions = "write:posts")]
#[post("/posts")]
async fn create_post(post: web::Json<Post>) -> impl Responder {
    HttpResponse::Created().json(json!({ "id": 2, "title": post.title }))
}

#[require(roles = ["editor", "admin"], permissions = ["read:posts", "write:posts"], all)]
#[put("/posts/{id}")]
async fn edit_post(id: web::Path<u64>, post: web::Json<Post>) -> impl Responder {
    web::Json(json!({ "id": *id, "title": post.title }))
}

#[require(permissions = ["read:settings", "write:settings"], all)]
#[put("/settings")]
async fn change_settings() -> impl Responder {
    web::Json(json!({ "message": "settings changed" }))
}

#[require(permissions = ["read:reports", "read:analytics"])]
#[route("/reports", method = "GET", method = "HEAD")]
async fn reports() -> impl Responder {
    web::Json(json!({ "reports": [] }))
}

#[public]
#[route("/content", method = "GET", method = "HEAD")]
async fn content(OptionalClaims(claims): OptionalClaims) -> impl Responder {
    web::Json(match claims {
        None => json!({ "message": "welcome, guest" }),
        Some(claims) => json!({ "message": "welcome back", "sub": claims.subject() }),
    })
}
