//! Decisions that the tests of a process have seen. Only in builds with feature `testing`.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use actix_web::{HttpRequest, http::Method};

use crate::{
    authz::{EvalContext, Evaluation, Requirement},
    claims::VerifiedToken,
    error::AuthError,
    http::{authorization::outcome::DecisionKind, step::Rejection},
};

/// A route, as a decision sees it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// Pattern of the path, with the prefixes of all scopes.
    pub(crate) route: String,
    pub(crate) method: String,
    /// Handler with the requirement; `None` for the requirement of a scope.
    pub(crate) handler: Option<&'static str>,
}

/// Decisions about a term.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The term was met, and the request allowed.
    pub(crate) allowed: bool,
    /// The term was not met, and the request refused.
    pub(crate) refused: bool,
}

impl Seen {
    pub(crate) fn or(self, other: Self) -> Self {
        Self { allowed: self.allowed || other.allowed, refused: self.refused || other.refused }
    }
}

/// The decisions about each term, by its text.
pub(crate) type Notes = BTreeMap<Place, BTreeMap<String, Seen>>;

static NOTES: Mutex<Notes> = Mutex::new(Notes::new());

/// A test that failed while it held the lock has reported its failure already.
fn notes() -> MutexGuard<'static, Notes> {
    NOTES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns a copy of all notes.
pub(crate) fn all() -> Notes {
    notes().clone()
}

/// Notes which terms of a requirement were met by an allowed request, or unmet by a refused one.
pub(super) fn note(
    requirement: &Requirement,
    request: &HttpRequest,
    token: &VerifiedToken,
    context: &dyn EvalContext,
    result: &Result<(), Rejection>,
) {
    let is_allowed = match DecisionKind::of(result) {
        DecisionKind::Allowed => true,
        DecisionKind::Refused(_) => false,
        DecisionKind::Failed => return,
    };
    let Some(place) = place(request, context.handler()) else { return };
    let mut notes = notes();
    let known = notes.entry(place).or_default();
    for term in requirement.single_terms() {
        let seen = match (term.evaluate(token, context), is_allowed) {
            (Evaluation::Met, true) => Seen { allowed: true, refused: false },
            (Evaluation::Unmet, false) => Seen { allowed: false, refused: true },
            _ => continue,
        };
        let known = known.entry(term.to_string()).or_default();
        *known = known.or(seen);
    }
}

/// Notes that a caller without valid credentials was refused.
pub(crate) fn note_refusal(error: &AuthError, request: &HttpRequest) {
    let is_unauthenticated = matches!(
        error,
        AuthError::MissingToken
            | AuthError::InvalidRequest(_)
            | AuthError::ExpiredToken
            | AuthError::InvalidToken(_)
            | AuthError::InvalidProof(_)
            | AuthError::UseDpopNonce { .. }
    );
    if is_unauthenticated && let Some(place) = place(request, None) {
        let term = Requirement::authenticated().to_string();
        notes().entry(place).or_default().entry(term).or_default().refused = true;
    }
}

/// Paths without a route, and methods that anyone can make up, are not noted: there is any number of
/// them.
fn place(request: &HttpRequest, handler: Option<&'static str>) -> Option<Place> {
    let route = request.match_pattern()?;
    let method = request.method();
    METHODS.contains(method).then(|| Place { route, method: method.to_string(), handler })
}

const METHODS: [Method; 9] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
    Method::CONNECT,
    Method::TRACE,
];
