//! An application that is put together from settings: once for production, as often as tests like.
//!
//! Settings come from the environment and are checked at the start, all of them; the routes of each
//! part are in a function of their own. `JwtAuth::from_env` documents the variables for tokens. Only
//! `APP_ENV=development` starts an issuer beside it: a deployment that has lost its settings must not.

use std::{env, error::Error, num::NonZeroUsize};

use actix_web::{
    App, HttpServer, Responder, get,
    web::{self, ServiceConfig},
};
use example_support::demo::{Demo, announce, bind_address};
use jwt_verify::{AuthScope, JwtAuth, VerifiedClaims, require};
use serde_json::json;

/// What differs from one deployment to another.
struct Settings {
    auth: JwtAuth,
    address: String,
    workers: NonZeroUsize,
}

impl Settings {
    fn from_env() -> Result<Self, Box<dyn Error>> {
        let workers = env::var("WORKERS").unwrap_or_else(|_| "2".into());
        Ok(Self {
            auth: JwtAuth::from_env()?,
            address: bind_address(),
            workers: workers.parse().map_err(|_| "WORKERS must be a number from 1")?,
        })
    }

    /// For a developer's machine, where nothing is set.
    fn for_development(demo: &Demo) -> Result<Self, Box<dyn Error>> {
        demo.print_token("alice", |token| token.subject("alice"));
        demo.print_token("ada, an admin", |token| token.subject("ada").role("admin"));
        let workers = NonZeroUsize::MIN;
        Ok(Self { auth: demo.auth().build()?, address: bind_address(), workers })
    }
}

/// The whole application; tests call it with settings of their own.
fn configure(auth: &JwtAuth) -> impl FnOnce(&mut ServiceConfig) {
    let auth = auth.clone();
    move |app| {
        let api =
            web::scope("/api").wrap(auth.clone()).service(profiles()).service(administration());
        app.service(auth.health_routes()).service(api);
    }
}

fn profiles() -> AuthScope {
    AuthScope::new("/profile").service(profile)
}

#[require]
#[get("")]
async fn profile(claims: VerifiedClaims) -> impl Responder {
    web::Json(json!({ "sub": claims.subject() }))
}

fn administration() -> AuthScope {
    AuthScope::new("/admin").service(users)
}

#[require(roles = "admin")]
#[get("/users")]
async fn users() -> impl Responder {
    web::Json(json!({ "users": [] }))
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let is_development = env::var("APP_ENV").is_ok_and(|name| name == "development");
    // Its issuer lives as long as this does.
    let demo = is_development.then(Demo::start);
    let settings = match &demo {
        Some(demo) => Settings::for_development(demo)?,
        None => Settings::from_env()?,
    };
    settings.auth.warm_up();
    let auth = settings.auth;
    let server = HttpServer::new(move || App::new().configure(configure(&auth)))
        .workers(settings.workers.get())
        .bind(settings.address)?;
    announce(&server.addrs())?;
    Ok(server.run().await?)
}
