//! Endpoint for security events that a transmitter pushes (RFC 8935).

use actix_web::{
    HttpRequest, HttpResponse, ResponseError as _,
    dev::{AppService, HttpServiceFactory},
    http::header::{AUTHORIZATION, CONTENT_LANGUAGE, HeaderValue},
    web,
};
use serde_json::json;

use crate::http::no_store::NO_STORE;
use crate::{
    defaults::MAX_TOKEN_BYTES,
    security_events::{EventRefusal, SecurityEventReceiver},
};

/// A route that accepts pushed security event tokens (RFC 8935), made by
/// [`JwtAuth::security_event_route`](crate::JwtAuth::security_event_route).
///
/// | response | when |
/// | --- | --- |
/// | 202 | the event was acted on, now or when it was sent before |
/// | 400 with `err` and `description` | refused: `invalid_request`, `invalid_key`, `invalid_issuer`, `invalid_audience`, `authentication_failed` (RFC 8935 §2.4) |
/// | 503 with `Retry-After` | keys, a store, the resolver or the hook cannot answer: to be sent again |
/// | 429 with `Retry-After` | unknown keys have used up the look-ups: to be sent again |
///
/// The body is one token of at most 16 KiB, of type `application/secevent+jwt`. The transmitter has
/// no access token: register the route outside the scope that needs one.
#[derive(Debug)]
pub struct SecurityEventEndpoint {
    path: String,
    receiver: SecurityEventReceiver,
}

impl SecurityEventEndpoint {
    /// Creates the endpoint at `/ssf/events`.
    pub fn new(receiver: SecurityEventReceiver) -> Self {
        Self { path: "/ssf/events".into(), receiver }
    }

    /// Sets another path.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }
}

impl HttpServiceFactory for SecurityEventEndpoint {
    fn register(self, config: &mut AppService) {
        let Self { path, receiver } = self;
        receiver.warm_up();
        let receive = move |request: HttpRequest, body: Result<web::Bytes, actix_web::Error>| {
            let receiver = receiver.clone();
            async move {
                let outcome = match judge(&receiver, &request, &body) {
                    Ok(token) => receiver.receive(token).await,
                    Err(refusal) => {
                        receiver.note_refusal(&refusal);
                        Err(refusal)
                    }
                };
                answer(&outcome)
            }
        };
        web::resource(path)
            .app_data(web::PayloadConfig::new(MAX_TOKEN_BYTES))
            .route(web::post().to(receive))
            .register(config);
    }
}

/// Returns the token of a request, before it is read.
fn judge<'a>(
    receiver: &SecurityEventReceiver,
    request: &HttpRequest,
    body: &'a Result<web::Bytes, actix_web::Error>,
) -> Result<&'a [u8], EventRefusal> {
    let mut authorization = request.headers().get_all(AUTHORIZATION);
    let (first, second) = (authorization.next(), authorization.next());
    if second.is_some() || !receiver.admits(first.map(HeaderValue::as_bytes)) {
        return Err(EventRefusal::AuthenticationFailed);
    }
    // Parameters of the type have no meaning.
    let essence = actix_web::HttpMessage::content_type(request);
    if !essence.eq_ignore_ascii_case(MEDIA_TYPE) {
        return Err(EventRefusal::InvalidRequest);
    }
    body.as_ref().map(|body| &**body).map_err(|_| EventRefusal::InvalidRequest)
}

const MEDIA_TYPE: &str = "application/secevent+jwt";

fn answer(outcome: &Result<(), EventRefusal>) -> HttpResponse {
    let refusal = match outcome {
        Ok(()) => return HttpResponse::Accepted().insert_header(NO_STORE).finish(),
        Err(EventRefusal::Later(error)) => return error.error_response(),
        Err(refusal) => refusal,
    };
    HttpResponse::BadRequest()
        .insert_header(NO_STORE)
        .insert_header((CONTENT_LANGUAGE, "en"))
        .json(json!({ "err": refusal.code(), "description": refusal.description() }))
}
