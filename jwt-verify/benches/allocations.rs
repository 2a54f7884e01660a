//! How often the heap is asked, for one call of each hot path.
//!
//! `cargo bench --bench allocations`. It fails if a token seen before costs more than one, or a
//! requirement any at all.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    dead_code,
    missing_docs,
    reason = "a benchmark prints, stops where it cannot be set up, and needs a part of the keys only"
)]

mod keys;
#[cfg(feature = "mcp")]
mod mcp;
mod opaque;
mod ready;

use std::hint::black_box;

use actix_web::dev::Payload;
use dhat::HeapStats;
use jwt_verify::{Algorithm, JwkSet, Requirement, TrustedIssuer, VerifiedClaims, Verifier};
use keys::{AUDIENCE, ISSUER, Subject};
use ready::now;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

fn main() {
    let _counting = dhat::Profiler::builder().testing().build();
    let subject = Subject::new(Algorithm::RS256);
    let verifier = |entries| {
        Verifier::for_issuer(
            TrustedIssuer::new(ISSUER, AUDIENCE).keys(JwkSet::single(subject.key())),
        )
        .token_cache_capacity(entries)
        .build()
        .unwrap()
    };
    let (remembering, forgetting) = (verifier(100), verifier(0));
    let token = subject.token.as_str();
    let claims = now(remembering.verify(token)).unwrap();
    let requirement = Requirement::roles(["admin", "editor"]);

    let new = count(|| drop(black_box(now(forgetting.verify(black_box(token)))).unwrap()));
    let met = || drop(black_box(now(remembering.verify(black_box(token)))).unwrap());
    let calls = [(); 4].map(|()| count_once(met));
    let seen = count(|| drop(black_box(now(remembering.verify(black_box(token)))).unwrap()));
    let check = count(|| black_box(&claims).check(&requirement).unwrap());
    let auth = opaque::auth(&subject);
    opaque::ask_once(&auth);
    let extract = |token: &str| {
        let request = opaque::request(&auth, token);
        let claims = || VerifiedClaims::from_request(&request, &mut Payload::None);
        // The second call finds what the first one left with the request.
        count_once(|| drop::<VerifiedClaims>(black_box(now(claims())).unwrap()))
    };
    let [by_jwt, by_opaque] = [token, opaque::OPAQUE_TOKEN].map(|token| {
        let _ = [(); 4].map(|()| extract(token));
        extract(token)
    });
    println!("RS256, new token:   {new:>3} allocations");
    println!("token seen before:  {seen:>3} allocations");
    println!("  the first times:  {calls:>3?}, for the copy of this thread and its place");
    println!("extractor of a JWT: {by_jwt:>3} allocations");
    println!("  of an opaque one: {by_opaque:>3} allocations");
    #[cfg(feature = "api-keys")]
    for (way, by_key) in keys_seen(&subject) {
        println!("  of an API key:    {by_key:>3} allocations, {way}");
        assert!(by_key <= by_jwt, "an API key costs {by_key}, a JWT {by_jwt}");
    }
    #[cfg(feature = "mcp")]
    {
        let [refused, without] = refused_call(&subject);
        println!(
            "a refused MCP call: {refused:>3} allocations, {without} of them for the same refusal elsewhere"
        );
        // So the decision by the fields allocates nothing; the rest is the response.
        assert!(refused <= without, "a refusal by fields costs {refused}, elsewhere {without}");
    }
    println!("#[require]:         {check:>3} allocations");
    assert_eq!(seen, 0, "a token seen before costs {seen} allocations");
    assert_eq!(calls[2..], [0, 0], "a thread copies a token once");
    assert!(by_opaque <= by_jwt, "an opaque token costs {by_opaque}, a JWT {by_jwt}");
    assert_eq!(check, 0, "a requirement costs {check} allocations");
}

/// Allocations of an MCP call that the header fields refuse, and of a route that refuses the same caller
/// with the same requirement.
#[cfg(feature = "mcp")]
fn refused_call(subject: &Subject) -> [u64; 2] {
    use actix_web::{App, dev::Service as _, http::StatusCode, test::init_service, web};
    use jwt_verify::JwtAuth;

    let issuer = || TrustedIssuer::new(ISSUER, AUDIENCE).keys(JwkSet::single(subject.key()));
    let auth = || JwtAuth::for_issuer(issuer());
    let bearer = format!("Bearer {}", subject.token);
    actix_web::rt::System::new().block_on(async {
        let guarded = web::resource("/mcp").wrap(mcp::guard(auth())).to(|| async { "" });
        let guarded = init_service(App::new().service(guarded)).await;
        let metadata = jwt_verify::endpoints::ResourceMetadata::new("https://mcp.example/mcp");
        let other = auth().resource_metadata(metadata).build().unwrap();
        let required = other.require(Requirement::scopes(["notes:write"]));
        let required = web::resource("/mcp").wrap(required).to(|| async { "" });
        let required = init_service(App::new().service(required)).await;
        let mut counts = [0; 2];
        for _ in 0..5 {
            let request = mcp::request("create_note", &bearer).to_request();
            let before = HeapStats::get().total_blocks;
            let response = guarded.call(request).await.unwrap();
            counts[0] = HeapStats::get().total_blocks - before;
            assert_eq!(response.status(), StatusCode::FORBIDDEN);
            let request = mcp::request("create_note", &bearer).to_request();
            let before = HeapStats::get().total_blocks;
            let response = required.call(request).await.unwrap();
            counts[1] = HeapStats::get().total_blocks - before;
            assert_eq!(response.status(), StatusCode::FORBIDDEN);
        }
        counts
    })
}

/// Allocations of an extractor for an API key that was seen before, in each place of a request.
#[cfg(feature = "api-keys")]
fn keys_seen(subject: &Subject) -> [(&'static str, u64); 3] {
    use actix_web::test::TestRequest;
    use jwt_verify::{
        JwtAuth,
        api_keys::{ApiKeys, MemoryApiKeys},
    };

    let store = MemoryApiKeys::new();
    let keys = ApiKeys::builder(keys::SECRET.into(), store.clone()).build().unwrap();
    let key = keys.generate().unwrap();
    store.insert_now(keys.record(&key, "user").roles(["editor"]).build().unwrap());
    let issuer = TrustedIssuer::new(ISSUER, AUDIENCE).keys(JwkSet::single(subject.key()));
    let auth = JwtAuth::for_issuer(issuer).api_keys(keys).build().unwrap();
    [("x-api-key", ""), ("authorization", "ApiKey "), ("authorization", "Bearer ")].map(
        |(name, scheme)| {
            let extract = || {
                let value = format!("{scheme}{}", key.expose());
                let request = TestRequest::default().insert_header((name, value));
                let request = request.app_data(auth.clone()).to_http_request();
                let claims = || VerifiedClaims::from_request(&request, &mut Payload::None);
                count_once(|| drop::<VerifiedClaims>(black_box(now(claims())).unwrap()))
            };
            let _ = [(); 4].map(|()| extract());
            (if scheme.is_empty() { name } else { scheme }, extract())
        },
    )
}

fn count(mut call: impl FnMut()) -> u64 {
    // What is made at the first use of anything is not what a call costs.
    call();
    count_once(call)
}

fn count_once(mut call: impl FnMut()) -> u64 {
    let before = HeapStats::get().total_blocks;
    call();
    HeapStats::get().total_blocks - before
}
