//! Two extractors of one's own: a token from another header field, and an argument made of claims.
//!
//! The gateway in front of this API takes `Authorization` for itself and passes the token on in
//! `X-Forwarded-Access-Token`. It must take that field off requests from outside. A handler here asks
//! for the `Tenant` that the caller works for, not for claims.

use std::{error::Error, future::Future, pin::Pin};

use actix_web::{
    App, FromRequest, HttpRequest, HttpServer, Responder, dev::Payload, get,
    http::header::HeaderMap, web,
};
use example_support::demo::{Demo, announce, bind_address};
use jwt_verify::{
    AuthError, ForbiddenReason, InvalidRequestReason, VerifiedClaims,
    extract::{Credential, TokenExtractor},
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
            (Some(token), None) => Ok(Some(Credential::new(token.as_bytes()))),
            // Which of them would the gateway have meant?
            _ => Err(InvalidRequestReason::Ambiguous),
        }
    }
}

/// Whom the caller works for: the claim `tenant`, if it looks like one.
struct Tenant(String);

impl TryFrom<VerifiedClaims> for Tenant {
    type Error = AuthError;

    fn try_from(claims: VerifiedClaims) -> Result<Self, AuthError> {
        let tenant = claims.get("tenant").and_then(|tenant| tenant.as_str());
        let looks_right = |name: &&str| {
            !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        // The token is good. It is the caller who has no business here.
        let tenant = tenant
            .filter(looks_right)
            .ok_or(AuthError::Forbidden(ForbiddenReason::UnmetCondition))?;
        Ok(Self(tenant.to_owned()))
    }
}

impl FromRequest for Tenant {
    type Error = actix_web::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Self::Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let claims = VerifiedClaims::from_request(request, payload);
        Box::pin(async move { Ok(Self::try_from(claims.await?)?) })
    }
}

#[get("/invoices")]
#[require(permissions = "read:invoices")]
async fn invoices(Tenant(tenant): Tenant) -> impl Responder {
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
