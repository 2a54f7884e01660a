//! The `resource-server` example with its metrics at `/metrics`, for Prometheus.
//!
//! The same variables as there. Metrics are for those who operate the API: put them on an address
//! that callers cannot reach, as `METRICS_ADDR` (default `127.0.0.1:9090`) is.

use std::{env, error::Error};

use actix_web::{App, HttpServer, Responder, get, web};
use example_resource_server::configure;
use jwt_verify::{JwtAuth, describe_metrics};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::{EnvFilter, filter::LevelFilter};

/// From a cached token, within microseconds, to a fetch of keys that takes seconds. Without buckets the
/// exporter makes quantiles of each instance, which cannot be added up.
const SECONDS: [f64; 13] =
    [2e-6, 1e-5, 5e-5, 1e-4, 5e-4, 1e-3, 5e-3, 1e-2, 5e-2, 0.1, 0.5, 1.0, 5.0];

#[get("/metrics")]
async fn metrics(handle: web::Data<PrometheusHandle>) -> impl Responder {
    handle.render()
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into());
    tracing_subscriber::fmt().with_env_filter(filter.from_env_lossy()).init();
    let durations = Matcher::Full("jwt_verify_verification_duration_seconds".into());
    let recorder = PrometheusBuilder::new().set_buckets_for_metric(durations, &SECONDS)?;
    let handle = web::Data::new(recorder.install_recorder()?);
    describe_metrics();

    let auth = JwtAuth::from_env()?;
    if auth.wait_until_ready().await.is_err() {
        tracing::warn!("there are no keys yet; requests are answered with 503 until there are");
    }
    let address = env::var("BIND_ADDR").unwrap_or_else(|_| "127.0.0.1:8080".into());
    let api = HttpServer::new(move || App::new().configure(configure(&auth))).bind(address)?.run();
    let address = env::var("METRICS_ADDR").unwrap_or_else(|_| "127.0.0.1:9090".into());
    let observed = HttpServer::new(move || App::new().app_data(handle.clone()).service(metrics))
        .workers(1)
        .bind(address)?
        .run();
    // Whichever ends, ends the process.
    tokio::select! {
        outcome = api => outcome?,
        outcome = observed => outcome?,
    }
    Ok(())
}
