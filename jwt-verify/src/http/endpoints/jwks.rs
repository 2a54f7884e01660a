//! The public keys of an issuer, for remote verifiers.

use std::time::Duration;

use actix_web::{
    HttpResponse,
    dev::{AppService, HttpServiceFactory},
    http::header::CACHE_CONTROL,
};

use crate::{http::endpoints::document_route::document_route, issuing::TokenIssuer};

/// Serves `GET /.well-known/jwks.json`: the public keys of a [`TokenIssuer`] (RFC 7517 §5). It
/// needs no token: register it outside the scope that does.
///
/// Verifiers may cache the response for five minutes, or for [`max_age`](Self::max_age): announce a
/// key at least that long before it signs. An issuer that signs with a secret publishes an empty
/// set.
///
/// ```no_run
/// # use actix_web::App;
/// # use jwt_verify::{endpoints::JwksEndpoint, issuing::TokenIssuer};
/// # fn example(issuer: TokenIssuer) {
/// let app = App::new().service(JwksEndpoint::new(issuer));
/// # let _ = app;
/// # }
/// ```
#[derive(Debug)]
pub struct JwksEndpoint {
    issuer: TokenIssuer,
    path: String,
    max_age: Duration,
}

impl JwksEndpoint {
    /// Serves the keys of this issuer at the usual path.
    pub fn new(issuer: TokenIssuer) -> Self {
        let path = "/.well-known/jwks.json".into();
        Self { issuer, path, max_age: Duration::from_secs(300) }
    }

    /// Sets another path.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Sets how long verifiers may cache the response. Default: 5 min.
    #[must_use]
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = age;
        self
    }
}

impl HttpServiceFactory for JwksEndpoint {
    fn register(self, config: &mut AppService) {
        let Self { issuer, path, max_age } = self;
        let cache_control = format!("public, max-age={}", max_age.as_secs());
        let response = move || {
            HttpResponse::Ok()
                .insert_header((CACHE_CONTROL, cache_control.as_str()))
                .json(issuer.key_set())
        };
        document_route(path, response).register(config);
    }
}
