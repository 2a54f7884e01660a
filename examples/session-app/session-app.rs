//! Users, passwords and sessions, as an API and as a page in a browser.
//!
//! ```text
//! cargo run --example session-app      # then open http://localhost:8080
//! ```
//!
//! | variable | meaning |
//! | --- | --- |
//! | `BIND_ADDR` | where to listen; default `127.0.0.1:8080` |
//! | `DATABASE_URL` | `sqlite://PATH?mode=rwc`; default: in memory. Instances may share a file |
//! | `REDIS_URL` | sessions and revocations of several instances; default: in memory |
//! | `JWT_SECRET_KEY` | the secret of `HS256`, at least 32 bytes, the same for all instances; default: an `ES256` key made at the start |
//! | `ADMIN_USERNAME`, `ADMIN_PASSWORD` | the first administrator |
//! | `JWT_ACCESS_TOKEN_EXPIRES`, `JWT_REFRESH_TOKEN_EXPIRES` | lifetimes in seconds; default 900 and 2,592,000 |
//! | `JWT_TOKEN_CACHE` | access tokens whose verification is cached; default 10,000 |
//! | `RUST_LOG` | default `info` |

use std::{env, error::Error};

use actix_web::{App, HttpServer};
use example_session_app::{SessionApp, Settings};
use tracing_subscriber::{EnvFilter, filter::LevelFilter};

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into());
    tracing_subscriber::fmt().with_env_filter(filter.from_env_lossy()).init();

    let app = SessionApp::start(Settings::from_env()?).await?;
    let address = env::var("BIND_ADDR").unwrap_or_else(|_| "127.0.0.1:8080".into());
    let server =
        HttpServer::new(move || App::new().configure(app.clone().configure())).bind(address)?;
    tracing::info!(addresses = ?server.addrs(), "listening");
    server.run().await?;
    Ok(())
}
