//! The API: a process of its own that trusts the provider and knows nothing of the website.

use std::{env, error::Error};

use actix_web::{App, HttpServer, Responder, get, web};
use example_support::demo::announce;
use jwt_verify::{ClaimsMapping, JwtAuth, TrustedIssuer, VerifiedClaims, require};
use serde_json::json;

use crate::processes;

#[require]
#[get("/api/me")]
async fn me(claims: VerifiedClaims) -> impl Responder {
    web::Json(json!({
        "sub": claims.subject(),
        "roles": claims.roles().collect::<Vec<_>>(),
        "permissions": claims.permissions().collect::<Vec<_>>(),
    }))
}

#[require(permissions = "read:reports")]
#[get("/api/reports")]
async fn reports() -> impl Responder {
    web::Json(json!({ "reports": [{ "id": 1, "title": "Visitors of the week" }] }))
}

#[require(roles = "admin")]
#[get("/api/users")]
async fn users() -> impl Responder {
    web::Json(json!({ "users": ["alice", "ada"] }))
}

pub(crate) async fn run() -> Result<(), Box<dyn Error>> {
    processes::end_with_parent();
    let set = |name: &str| env::var(name).map_err(|_| format!("{name} is not set"));
    let mapping = match env::var("AUTH0_ROLES_NAMESPACE") {
        Ok(namespace) => ClaimsMapping::auth0(namespace),
        Err(_) => ClaimsMapping::default(),
    };
    let issuer =
        TrustedIssuer::new(set("JWT_ISSUER")?, set("JWT_AUDIENCE")?).claims_mapping(mapping);
    let auth = JwtAuth::for_issuer(issuer).realm("demo").build()?;
    let keys = auth.clone();
    let server =
        HttpServer::new(move || App::new().service((me, reports, users)).wrap(auth.clone()))
            .workers(1)
            .bind(("127.0.0.1", 0))?;
    announce(&server.addrs())?;
    keys.warm_up();
    Ok(server.run().await?)
}
