//! So many requests a minute: by subject for those who are known, by address for everybody else. Refused
//! tokens count by address too, with a limit of their own in front of everything.
//!
//! The subject is taken from verified claims. Whoever counts by a claim of a token that nobody has
//! verified lets a caller choose in whose name to be counted.

use std::{
    error::Error,
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use actix_web::{
    App, HttpResponse, HttpServer, Responder,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    get,
    http::header::RETRY_AFTER,
    middleware::{Next, from_fn},
    web,
};
use example_support::demo::{Demo, announce, bind_address};
use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
};
use jwt_verify::{OptionalClaims, VerifiedClaimsExt as _, public, require};

/// Who is counted.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Caller {
    /// A subject is a name only together with its issuer.
    Known { issuer: String, subject: String },
    /// Behind a proxy this is the proxy: take the address from a header that it sets then, and only
    /// if nobody else can reach the application.
    Unknown { network: IpAddr },
}

struct Limits {
    known: Limiter,
    unknown: Limiter,
    /// For all requests of an address, whatever becomes of them.
    front: Limiter,
}

struct Limiter {
    counted: DefaultKeyedRateLimiter<Caller>,
    swept_at: Mutex<Instant>,
}

/// Beyond this many callers, those who have not come for a while are forgotten; while there are still
/// more, nobody new is served.
const MOST: usize = 100_000;
const SWEEP_EVERY: Duration = Duration::from_secs(1);

impl Limiter {
    fn a_minute(requests: u32) -> Self {
        let quota = Quota::per_minute(NonZeroU32::new(requests).unwrap_or(NonZeroU32::MIN));
        Self { counted: RateLimiter::keyed(quota), swept_at: Mutex::new(Instant::now()) }
    }

    /// How long to wait, if it is too early.
    fn check(&self, caller: &Caller) -> Result<(), Duration> {
        if self.counted.len() >= MOST {
            let mut swept_at = self.swept_at.lock().unwrap_or_else(PoisonError::into_inner);
            if swept_at.elapsed() < SWEEP_EVERY {
                return Err(SWEEP_EVERY);
            }
            *swept_at = Instant::now();
            self.counted.retain_recent();
        }
        let outcome = self.counted.check_key(caller);
        outcome.map_err(|not_yet| not_yet.wait_time_from(DefaultClock::default().now()))
    }
}

impl Limits {
    fn new() -> Self {
        Self {
            known: Limiter::a_minute(10),
            unknown: Limiter::a_minute(5),
            front: Limiter::a_minute(60),
        }
    }
}

fn caller(request: &ServiceRequest) -> Caller {
    if let Some(claims) = request.verified_claims()
        && let (Some(issuer), Some(subject)) = (claims.issuer(), claims.subject())
    {
        return Caller::Known { issuer: issuer.into(), subject: subject.into() };
    }
    by_address(request)
}

/// Whoever has one address of a network in IPv6 has all of it.
fn by_address(request: &ServiceRequest) -> Caller {
    const NETWORK: u128 = !0 << 64;

    let network = match request.peer_addr().map(|address| address.ip().to_canonical()) {
        Some(IpAddr::V6(address)) => Ipv6Addr::from_bits(address.to_bits() & NETWORK).into(),
        Some(address) => address,
        None => Ipv6Addr::UNSPECIFIED.into(),
    };
    Caller::Unknown { network }
}

fn too_early(request: ServiceRequest, wait: Duration) -> ServiceResponse<BoxBody> {
    let seconds = wait.as_secs() + 1;
    let answer = HttpResponse::TooManyRequests().insert_header((RETRY_AFTER, seconds)).finish();
    request.into_response(answer)
}

/// Comes before anybody has looked at the token.
async fn limit_addresses(
    limits: web::Data<Limits>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    if let Err(wait) = limits.front.check(&by_address(&request)) {
        return Ok(too_early(request, wait));
    }
    Ok(next.call(request).await?.map_into_boxed_body())
}

/// Comes when it is known who it is, if anybody is.
async fn limit_callers(
    limits: web::Data<Limits>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let caller = caller(&request);
    let limiter = match caller {
        Caller::Known { .. } => &limits.known,
        Caller::Unknown { .. } => &limits.unknown,
    };
    if let Err(wait) = limiter.check(&caller) {
        return Ok(too_early(request, wait));
    }
    Ok(next.call(request).await?.map_into_boxed_body())
}

#[require]
#[get("/limited")]
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
            // What is wrapped last comes first: the address, then who it is, then how often.
            .wrap(from_fn(limit_callers))
            .wrap(auth.optional())
            .wrap(from_fn(limit_addresses))
    })
    .workers(2)
    .bind(bind_address())?;
    announce(&server.addrs())?;
    Ok(server.run().await?)
}
