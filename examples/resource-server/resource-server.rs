//! A protected API that is configured by environment variables alone.
//!
//! `JWT_ISSUER` and `JWT_AUDIENCE` are needed; `JwtAuth::from_env` documents the others. In addition
//! `BIND_ADDR` (default `127.0.0.1:8080`), `WORKERS` (default: one for each core) and `RUST_LOG`
//! (default `info`). It starts although the issuer is out of reach.

use std::{env, error::Error, num::NonZeroUsize};

use actix_web::{App, HttpServer};
use example_resource_server::configure;
use jwt_verify::JwtAuth;
use tracing_subscriber::{EnvFilter, filter::LevelFilter};

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into());
    tracing_subscriber::fmt().with_env_filter(filter.from_env_lossy()).init();

    let auth = JwtAuth::from_env()?;
    auth.warm_up();
    let address = env::var("BIND_ADDR").unwrap_or_else(|_| "127.0.0.1:8080".into());
    let workers = match env::var("WORKERS") {
        Ok(number) => {
            number.parse::<NonZeroUsize>().map_err(|_| "WORKERS must be a number from 1")?
        }
        Err(_) => std::thread::available_parallelism()?,
    };
    let server = HttpServer::new(move || App::new().configure(configure(&auth)))
        .workers(workers.get())
        .bind(address)?;
    tracing::info!(addresses = ?server.addrs(), workers, "listening");
    server.run().await?;
    Ok(())
}
