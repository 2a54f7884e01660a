//! A token from another header, and an argument made of claims.
//!
//! The gateway in front of this API uses `Authorization` itself and passes the token on in
//! `X-Forwarded-Access-Token`. It must remove that header from requests that come from outside.
//! `HeaderExtractor` of the library does this and more; here it is a model for your own. A handler
//! takes the `Tenant` that the caller works for instead of claims.

use std::error::Error;

use actix_web::{App, HttpRequest, HttpServer, Responder, get, http::header::HeaderMap, web};
use example_support::demo::{Demo, announce, bind_address};
use jwt_verify::{
    AuthError, ForbiddenReason, InvalidRequestReason, VerifiedClaims,
    extract::{ClaimsArg, Credential, FromClaims, TokenExtractor},
    require,
};
use serde_json::json;

const FIELD: &str = "x-forwarded-access-token";

struct GatewayToken;

impl TokenExtractor for GatewayToken {
    fn extract<'r>(
        &self,
        request: &'r HttpRequest,
    ) -> Result<Option<Credential<'r>>, InvalidRequestReason> {
        let headers: &HeaderMap = request.headers();
        let mut values = headers.get_all(FIELD);
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            // The gateway adds it for browsers too, whatever page has caused the request.
            (Some(token), None) => Ok(Some(Credential::new(token.as_bytes()).added_by_proxy())),
            // Which of them would the gateway have meant?
            _ => Err(InvalidRequestReason::Ambiguous),
        }
    }
}

/// The tenant that the caller works for: the claim `tenant`, if it looks like one.
struct Tenant(String);

impl FromClaims for Tenant {
    fn from_claims(claims: &VerifiedClaims) -> Result<Self, AuthError> {
        let tenant = claims.get("tenant").and_then(|tenant| tenant.as_str());
        let looks_right = |name: &&str| {
            !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        // The token is valid. The caller has no tenant, which another login does not change.
        let tenant = tenant
            .filter(looks_right)
            .ok_or(AuthError::Forbidden(ForbiddenReason::UnmetCondition))?;
        Ok(Self(tenant.to_owned()))
    }
}

#[require(permissions = "read:invoices")]
#[get("/invoices")]
async fn invoices(ClaimsArg(Tenant(tenant)): ClaimsArg<Tenant>) -> impl Responder {
    web::Json(json!({ "tenant": tenant, "invoices": [] }))
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let demo = Demo::start();
    let auth = demo.auth().extractor(GatewayToken).build()?;
    demo.print_token("alice of acme", |token| {
        token.subject("alice").claim("tenant", "acme").permission("read:invoices")
    });
    let server = HttpServer::new(move || App::new().service(invoices).wrap(auth.clone()))
        .workers(2)
        .bind(bind_address())?;
    announce(&server.addrs())?;
    Ok(server.run().await?)
}
