//! Health endpoints for monitoring.

use actix_web::{
    HttpResponse,
    dev::{AppService, HttpServiceFactory},
    http::header,
};
use serde_json::json;

use crate::clock::millis;
use crate::http::{
    auth::context::AuthContext, endpoints::document_route::document_route, no_store::NO_STORE,
};

/// Liveness and readiness routes for load balancers and orchestrators, made by
/// [`JwtAuth::health_routes`](crate::JwtAuth::health_routes).
///
/// | route | response |
/// | --- | --- |
/// | `GET /health/live` | 200 `{"status":"alive"}` as long as requests are served |
/// | `GET /health/ready` | 200 `{"status":"ready"}` if the keys of every issuer are loaded and the revocation store can answer, else 503 with the class of the problem |
///
/// With a `RevocationReplica` the second route contains `"revocation":{"usable":true,"age_ms":312}`
/// as well, and returns 503 while the copy is older than its bound. With
/// [`revocation_fails_open`](crate::VerifierBuilder::revocation_fails_open) revocation does not
/// affect readiness.
///
/// The routes need no token: register them outside the scope that does. A readiness request starts
/// fetching missing keys. An issuer that is down does not make an application unready as long as
/// its previous keys can be used.
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

    /// Sets the path, instead of `/health`. A slash at the end is ignored.
    #[must_use]
    pub fn path(mut self, path: impl AsRef<str>) -> Self {
        self.path = path.as_ref().trim_end_matches('/').into();
        self
    }
}

impl HttpServiceFactory for HealthEndpoints {
    fn register(self, config: &mut AppService) {
        let Self { context, path } = self;
        let alive =
            || HttpResponse::Ok().insert_header(NO_STORE).json(json!({ "status": "alive" }));
        document_route(format!("{path}/live"), alive).register(config);
        let ready = move || readiness(&context);
        document_route(format!("{path}/ready"), ready).register(config);
    }
}

fn readiness(context: &AuthContext) -> HttpResponse {
    let problem = problem(context);
    let mut report = match &problem {
        None => json!({ "status": "ready" }),
        Some(reason) => json!({ "status": "not ready", "reason": reason }),
    };
    // The age of a copy is known; other stores are not called.
    let copy =
        context.verifier().revocation_health().filter(|copy| !copy.usable || copy.age.is_some());
    if let (Some(copy), Some(report)) = (copy, report.as_object_mut()) {
        let age = copy.age.map(millis);
        report.insert("revocation".into(), json!({ "usable": copy.usable, "age_ms": age }));
    }
    match problem {
        None => HttpResponse::Ok().insert_header(NO_STORE).json(report),
        Some(_) => HttpResponse::ServiceUnavailable()
            .insert_header(NO_STORE)
            .insert_header((header::RETRY_AFTER, "1"))
            .json(report),
    }
}

fn problem(context: &AuthContext) -> Option<String> {
    // Tenants come and go; their missing keys do not affect readiness.
    if let Some(keys) = context.verifier().listed_health().find(|keys| !keys.ready) {
        // Without this, keys might never be fetched: no traffic comes before the application is
        // ready.
        context.verifier().warm_up();
        let reason = keys.last_error.unwrap_or("not_fetched_yet");
        return Some(format!("no usable key: {reason}"));
    }
    let reason = "no fresh copy of what is revoked";
    context.verifier().lacks_revocations().then(|| reason.to_owned())
}
