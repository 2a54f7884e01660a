//! The events of a [`JwtAuth`](crate::JwtAuth) that is made.

use std::{
    collections::hash_map::DefaultHasher,
    hash::{Hash as _, Hasher as _},
    sync::{Mutex, PoisonError},
};

use crate::http::auth::context::{AuthContext, WeakContext};
use crate::verifier::IssuerSummary;

/// Those that are alive. It holds no settings.
static ALIVE: Mutex<Vec<LiveAuth>> = Mutex::new(Vec::new());

/// Most entries that are kept. An application has a few, and beyond that the warning has been given.
const MOST: usize = 64;

struct LiveAuth {
    context: WeakContext,
    /// Hashes of its pairs of an issuer and audiences.
    issuers: Vec<u64>,
    /// True if there was a warning about it.
    is_reported: bool,
}

/// Logs the main settings, and warns if another one of the same issuer and audience is alive.
pub(super) fn announced(context: AuthContext) -> AuthContext {
    let verifier = context.verifier();
    let joined = |part: &dyn Fn(IssuerSummary<'_>) -> String| {
        let resolved = verifier.resolves_issuers().then(|| "resolved".to_owned());
        let parts: Vec<_> = verifier.summaries().map(part).chain(resolved).collect();
        parts.join("; ")
    };
    tracing::info!(
        issuer = joined(&|issuer| issuer.issuer.to_owned()),
        audience = joined(&|issuer| names_of(issuer.audiences)),
        algorithms = joined(&|issuer| issuer.algorithms().join(", ")),
        keys = joined(&|issuer| issuer.key_source()),
        "made a JwtAuth"
    );
    warn_of_others(&context);
    context
}

fn warn_of_others(context: &AuthContext) {
    let issuers: Vec<u64> = context.verifier().summaries().map(|issuer| hash_of(&issuer)).collect();
    let mut alive = ALIVE.lock().unwrap_or_else(PoisonError::into_inner);
    alive.retain(|other| other.context.is_alive());
    let (mut is_second, mut is_reported) = (false, false);
    for other in
        alive.iter_mut().filter(|other| other.issuers.iter().any(|of| issuers.contains(of)))
    {
        // Those that share keys and caches are one.
        let verifier = other.context.verifier();
        if verifier.is_some_and(|verifier| !verifier.is_same(context.verifier())) {
            is_second = true;
            // One warning is enough: each worker may make one.
            is_reported |= std::mem::replace(&mut other.is_reported, true);
        }
    }
    if alive.len() < MOST && !issuers.is_empty() {
        let context = context.downgrade();
        alive.push(LiveAuth { context, issuers, is_reported: is_second });
    }
    drop(alive);
    if is_second && !is_reported {
        tracing::warn!(
            issuer = context.verifier().summaries().next().map(|issuer| issuer.issuer.to_owned()),
            "there is another JwtAuth of this issuer and audience: each has its own keys and caches. \
             Make it once, outside of the closure of `HttpServer::new`, and clone it"
        );
    }
}

fn hash_of(issuer: &IssuerSummary<'_>) -> u64 {
    let mut audiences: Vec<&String> = issuer.audiences.iter().collect();
    audiences.sort_unstable();
    let mut hasher = DefaultHasher::new();
    (issuer.issuer, audiences).hash(&mut hasher);
    hasher.finish()
}

fn names_of(audiences: &[String]) -> String {
    if audiences.is_empty() { "none".to_owned() } else { audiences.join(", ") }
}
