//! A website with login at Auth0, or any other OpenID Provider, and an API behind it.
//!
//! The website is a confidential client: it sends the browser to the provider (authorization code with
//! PKCE, state and nonce), verifies the ID token that comes back, keeps the tokens to itself, and calls
//! the API with the access token. The API is a process of its own and knows nothing of the website; it
//! verifies access tokens and decides by roles and permissions.
//!
//! Without any setting the provider is embedded too, so that `cargo run --example auth0-demo` shows the
//! whole way. `README.md` beside this file says how to use a tenant of Auth0.

mod api;
mod http_client;
mod login;
mod pages;
mod processes;
mod provider;
mod session_cookie;
mod settings;
mod tls;
mod visitors;

use std::{env, error::Error};

use actix_session::{
    SessionMiddleware, config::CookieContentSecurity, storage::CookieSessionStore,
};
use actix_web::{
    App,
    cookie::{Key, SameSite},
    middleware::{DefaultHeaders, from_fn},
    web,
};
use example_support::https;
use settings::Settings;
use tracing_subscriber::{EnvFilter, filter::LevelFilter};

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into());
    let log = tracing_subscriber::fmt().with_env_filter(filter.from_env_lossy());
    // What the API prints is its address, which the website reads.
    log.with_writer(std::io::stderr).init();
    if env::args().nth(1).as_deref() == Some("api") {
        return api::run().await;
    }
    website().await
}

#[expect(clippy::print_stdout, reason = "where to look is what this example is for")]
async fn website() -> Result<(), Box<dyn Error>> {
    let listener = std::net::TcpListener::bind(Settings::bind_address())?;
    let url = Settings::public_url(&listener)?;
    let settings = match Settings::from_env(&url)? {
        Some(settings) => settings,
        None => provider::start(&url)?,
    };
    let (api, _api_process) = processes::start_api(&settings)?;

    let key = Key::generate();
    let login = web::Data::new(login::Login::new(&settings, &url)?);
    let visitors = web::Data::new(visitors::Visitors::default());
    let api = web::Data::new(pages::Api(api));
    let provider = settings.issuer.clone();
    let address = api.0.clone();
    let app = move || {
        let session = SessionMiddleware::builder(CookieSessionStore::default(), key.clone())
            .cookie_name(session_cookie::NAME.into())
            .cookie_content_security(CookieContentSecurity::Private)
            // `Strict` would leave it out when the provider sends the browser back.
            .cookie_same_site(SameSite::Lax)
            .build();
        let headers = DefaultHeaders::new()
            .add(("content-security-policy", pages::CONTENT_POLICY))
            .add(("referrer-policy", "no-referrer"))
            .add(("x-content-type-options", "nosniff"))
            .add(("cache-control", "no-store"));
        App::new()
            .app_data(login.clone())
            .app_data(visitors.clone())
            .app_data(api.clone())
            .app_data(web::Data::new(http_client::new()))
            .service((pages::home, pages::style, pages::profile, pages::reports, pages::admin))
            .service((login::begin, login::callback, login::end))
            .wrap(session)
            // Outside, so that it comes before the cookie is looked at.
            .wrap(from_fn(session_cookie::refuse_planted))
            .wrap(headers)
    };
    let server = https::serve(listener, tls::self_signed()?, |_, _| {}, app)?;
    println!("The website is at {url} (a browser warns of its certificate, made just now).");
    println!("Its provider is {provider}, the API is at {address}. Ctrl-C ends all.");
    Ok(server.await?)
}
