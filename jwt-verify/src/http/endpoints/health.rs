//! Routes for those who watch the application.

use actix_web::{
    HttpResponse,
    dev::{AppService, HttpServiceFactory},
    http::header,
};
use serde_json::json;

use crate::http::{auth::context::AuthContext, endpoints::document_route::document_route};

/// Two routes for load balancers and orchestrators, made by [`JwtAuth::health_routes`].
///
/// | route | answer |
/// | --- | --- |
/// | `GET /health/live` | 200 `{"status":"alive"}` as long as requests are served |
/// | `GET /health/ready` | 200 `{"status":"ready"}` if there are keys of every issuer and it can be told what is revoked, else 503 with the class of the problem |
///
/// With a `RevocationReplica` the second route says `"revocation":{"usable":true,"age_ms":312}` as well,
/// and 503 while the copy is older than its bound. With
/// [`revocation_fails_open`](crate::VerifierBuilder::revocation_fails_open) that makes nothing unready.
///
/// The routes need no token: register them outside the scope that does. Asking whether it is ready
/// begins to fetch keys that are lacking. An issuer that is down does not make an application unready
/// as long as the keys from before can be used.
///
/// ```no_run
/// # use actix_web::{App, web};
/// # fn example(auth: jwt_verify::JwtAuth) {
/// let app = App::new()
///     .service(auth.health_routes())
///     .service(web::scope("/api").wrap(auth));
/// # let _ = app;
/// # }
/// ```
#[derive(Debug)]
pub struct HealthEndpoints {
    context: AuthContext,
    path: String,
}

impl HealthEndpoints {
    pub(crate) fn new(context: AuthContext) -> Self {
        Self { context, path: "/health".into() }
    }

    /// Where they are, instead of below `/health`. A slash at the end does not count.
    #[must_use]
    pub fn path(mut self, path: impl AsRef<str>) -> Self {
        self.path = path.as_ref().trim_end_matches('/').into();
        self
    }
}

impl HttpServiceFactory for HealthEndpoints {
    fn register(self, config: &mut AppService) {
        let Self { context, path } = self;
        let alive = || no_store(HttpResponse::Ok().json(json!({ "status": "alive" })));
        document_route(format!("{path}/live"), alive).register(config);
        let ready = move || no_store(readiness(&context));
        document_route(format!("{path}/ready"), ready).register(config);
    }
}

fn readiness(context: &AuthContext) -> HttpResponse {
    let problem = problem(context);
    let mut report = match &problem {
        None => json!({ "status": "ready" }),
        Some(reason) => json!({ "status": "not ready", "reason": reason }),
    };
    // Of a copy its age is known; of other stores nothing that they were not asked.
    let copy =
        context.verifier().revocation_health().filter(|copy| !copy.usable || copy.age.is_some());
    if let (Some(copy), Some(report)) = (copy, report.as_object_mut()) {
        let age = copy.age.map(|age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
        report.insert("revocation".into(), json!({ "usable": copy.usable, "age_ms": age }));
    }
    match problem {
        None => HttpResponse::Ok().json(report),
        Some(_) => HttpResponse::ServiceUnavailable()
            .insert_header((header::RETRY_AFTER, "1"))
            .json(report),
    }
}

fn problem(context: &AuthContext) -> Option<String> {
    // Tenants come and go; what they lack is their own affair.
    if let Some(keys) = context.verifier().listed_health().find(|keys| !keys.ready) {
        // Perhaps nobody else asks: no traffic comes before the application is ready.
        context.verifier().warm_up();
        let reason = keys.last_error.unwrap_or("not_fetched_yet");
        return Some(format!("no usable key: {reason}"));
    }
    let reason = "no fresh copy of what is revoked";
    context.verifier().lacks_revocations().then(|| reason.to_owned())
}

/// Forbids caches to keep a response: the state may change at any time.
fn no_store(mut response: HttpResponse) -> HttpResponse {
    let no_store = header::HeaderValue::from_static("no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, no_store);
    response
}
