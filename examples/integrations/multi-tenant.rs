//! One issuer for each customer, from a table that changes while the application runs.
//!
//! The resolver is asked with the `iss` of a token that nobody has verified: it looks the name up and
//! never fetches from where a stranger points. A caller of one tenant must not see another's data, so
//! the tenant of a path is held against the issuer that has vouched for the caller.

use std::{
    collections::HashMap,
    env,
    error::Error,
    sync::{Arc, PoisonError, RwLock},
};

use actix_web::{App, HttpServer, Responder, get, web};
use example_support::demo::{announce, bind_address};
use jwt_verify::{
    AuthError, BoxFuture, ForbiddenReason, IssuerResolver, JwtAuth, StoreUnavailable,
    TrustedIssuer, VerifiedClaims, Verifier, require,
    testing::{AUDIENCE, TestIssuer},
};
use serde_json::json;

/// The customers, by the name of their issuer: a table of the database elsewhere.
#[derive(Clone, Default)]
struct Tenants(Arc<RwLock<HashMap<String, String>>>);

impl Tenants {
    fn add(&self, issuer: &str, name: &str) {
        let mut tenants = self.0.write().unwrap_or_else(PoisonError::into_inner);
        tenants.insert(issuer.to_owned(), name.to_owned());
    }

    fn of(&self, issuer: &str) -> Option<String> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(issuer).cloned()
    }
}

impl IssuerResolver for Tenants {
    fn resolve<'a>(
        &'a self,
        issuer: &'a str,
    ) -> BoxFuture<'a, Result<Option<TrustedIssuer>, StoreUnavailable>> {
        // A database is asked with `.await` here; if it is down, `Err(StoreUnavailable::new())` makes it 503.
        Box::pin(async move { Ok(self.of(issuer).map(|_| TrustedIssuer::new(issuer, AUDIENCE))) })
    }
}

#[require]
#[get("/{tenant}/invoices")]
async fn invoices(
    claims: VerifiedClaims,
    tenant: web::Path<String>,
    tenants: web::Data<Tenants>,
) -> Result<impl Responder, AuthError> {
    let own = claims.issuer().and_then(|issuer| tenants.of(issuer));
    if own.as_ref() != Some(&*tenant) {
        return Err(AuthError::Forbidden(ForbiddenReason::UnmetCondition));
    }
    Ok(web::Json(json!({ "tenant": own, "invoices": [] })))
}

#[actix_web::main]
#[expect(clippy::print_stdout, reason = "it is there to be copied")]
async fn main() -> Result<(), Box<dyn Error>> {
    let tenants = Tenants::default();
    // `TENANTS=acme=https://login.acme.example,globex=https://id.globex.example`, or two of its own.
    let mut own = Vec::new();
    if let Ok(list) = env::var("TENANTS") {
        for entry in list.split(',') {
            let (name, issuer) = entry.split_once('=').ok_or("TENANTS is a list of name=issuer")?;
            tenants.add(issuer, name);
        }
    } else {
        for name in ["acme", "globex"] {
            let issuer = TestIssuer::start();
            tenants.add(issuer.url(), name);
            println!("# alice of {name}\n{}\n", issuer.token().subject("alice").sign());
            own.push(issuer);
        }
    }
    let auth = JwtAuth::new(Verifier::with_resolver(tenants.clone()).build()?);
    let tenants = web::Data::new(tenants);
    let server = HttpServer::new(move || {
        App::new().app_data(tenants.clone()).service(invoices).wrap(auth.clone())
    })
    .workers(2)
    .bind(bind_address())?;
    announce(&server.addrs())?;
    server.run().await?;
    drop(own);
    Ok(())
}
