//! So many requests a minute: by subject for those who are known, by address for everybody else.
//!
//! The subject is taken from verified claims. Whoever counts by a claim of a token that nobody has
//! verified lets a caller choose in whose name to be counted.

use std::{error::Error, hash::Hash, num::NonZeroU32, sync::Arc, time::Duration};

use actix_web::{
    App, HttpResponse, HttpServer, Responder,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    get,
    http::header::RETRY_AFTER,
    middleware::{Next, from_fn},
    web,
};
use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
};
use jwt_verify::{OptionalClaims, VerifiedClaimsExt as _, public, require};
use jwt_verify_examples::demo::{Demo, announce, bind_address};

/// Who is counted.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Caller {
    /// A subject is a name only together with its issuer.
    Known { issuer: String, subject: String },
    /// Behind a proxy this is the proxy: take the address from a header that it sets then, and only
    /// if nobody else can reach the application.
    Unknown { address: String },
}

struct Limits {
    known: DefaultKeyedRateLimiter<Caller>,
    unknown: DefaultKeyedRateLimiter<Caller>,
}

/// Beyond this many callers, those who have not come for a while are forgotten.
const MOST: usize = 100_000;

impl Limits {
    fn new() -> Self {
        let a_minute =
            |requests| Quota::per_minute(NonZeroU32::new(requests).unwrap_or(NonZeroU32::MIN));
        Self { known: RateLimiter::keyed(a_minute(10)), unknown: RateLimiter::keyed(a_minute(5)) }
    }

    /// How long to wait, if it is too early.
    fn check(&self, caller: &Caller) -> Result<(), Duration> {
        let limiter = match caller {
            Caller::Known { .. } => &self.known,
            Caller::Unknown { .. } => &self.unknown,
        };
        if limiter.len() > MOST {
            limiter.retain_recent();
        }
        limiter
            .check_key(caller)
            .map_err(|not_yet| not_yet.wait_time_from(DefaultClock::default().now()))
    }
}

fn caller(request: &ServiceRequest) -> Caller {
    if let Some(claims) = request.verified_claims()
        && let (Some(issuer), Some(subject)) = (claims.issuer(), claims.subject())
    {
        return Caller::Known { issuer: issuer.into(), subject: subject.into() };
    }
    let address = request.peer_addr().map(|address| address.ip().to_string());
    Caller::Unknown { address: address.unwrap_or_default() }
}

async fn limit(
    limits: web::Data<Limits>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    if let Err(wait) = limits.check(&caller(&request)) {
        let seconds = wait.as_secs() + 1;
        let answer = HttpResponse::TooManyRequests().insert_header((RETRY_AFTER, seconds)).finish();
        return Ok(request.into_response(answer));
    }
    Ok(next.call(request).await?.map_into_boxed_body())
}

#[get("/limited")]
#[require]
async fn limited() -> impl Responder {
    "counted by subject"
}

#[public]
#[get("/public")]
async fn open(OptionalClaims(claims): OptionalClaims) -> impl Responder {
    if claims.is_some() { "counted by subject" } else { "counted by address" }
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let demo = Demo::start();
    let auth = demo.auth().build()?;
    demo.print_token("alice", |token| token.subject("alice"));
    let limits = web::Data::from(Arc::new(Limits::new()));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(limits.clone())
            .service(limited)
            .service(open)
            // What is wrapped last comes first: who it is, then how often.
            .wrap(from_fn(limit))
            .wrap(auth.optional())
    })
    .workers(2)
    .bind(bind_address())?;
    announce(&server.addrs())?;
    Ok(server.run().await?)
}
