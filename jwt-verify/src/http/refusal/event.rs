//! The event of a refusal.

use actix_web::{HttpMessage as _, HttpRequest, http::Method};

use crate::http::{
    auth::context::AuthContext,
    authentication::{Authentication, noted_refusal::RefusalDetails},
    authenticators::kind_taken,
    credentials::{Credential, TokenExtractor, lacks_scheme},
    refusal::details::{TARGET, is_logged},
};
use crate::{
    claims::CredentialKind,
    error::{AuthError, InvalidTokenReason},
    verifier::TokenDetails,
};

/// The part of the application that refuses.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RefusedBy {
    /// Handler whose requirement refuses.
    pub(crate) handler: Option<&'static str>,
    /// True if a refresh token was expected.
    pub(crate) is_for_refresh: bool,
}

/// Marks a request without an [`Authentication`] whose refusal is in the log.
struct Recorded;

/// Forgets an event that did not end the request, such as that of an optional argument.
pub(crate) fn forget(request: &HttpRequest) {
    if let Some(known) = Authentication::of(request) {
        known.refusal.is_recorded.set(false);
    }
    if request.extensions().contains::<Recorded>() {
        request.extensions_mut().remove::<Recorded>();
    }
}

/// Notes that a refusal is being logged. Returns `false` if one was before.
///
/// It changes the extensions only at the first refusal of a request without an [`Authentication`], so
/// that an application may hold them while it extracts claims.
fn is_first(request: &HttpRequest, known: Option<&Authentication>) -> bool {
    if request.extensions().contains::<Recorded>() {
        return false;
    }
    match known {
        Some(known) => !known.refusal.is_recorded.replace(true),
        None => request.extensions_mut().insert(Recorded).is_none(),
    }
}

/// Logs a refusal: names of fixed sets and of the configuration, nothing of the request.
///
/// A request has one event, of the refusal that came first: Actix answers with the error of that
/// argument, and the others may have failed by then too.
pub(super) fn record(
    context: &AuthContext,
    error: &AuthError,
    request: &HttpRequest,
    by: RefusedBy,
) {
    if !is_logged(error) {
        return;
    }
    let known = Authentication::of(request);
    let details = known.as_ref().and_then(|known| known.refusal.details.take());
    if !is_first(request, known.as_deref()) {
        return;
    }
    let details = details.map_or_else(RefusalDetails::default, |details| *details);
    let reason = match error {
        AuthError::MissingToken if lacks_scheme(request) => "missing_scheme",
        _ => error.reason(),
    };
    let reached = || known.as_ref()?.demands.handler_name();
    let handler = by.handler.or_else(reached);
    let TokenDetails { expected, unverified_reason } = token_details(context, error, request, by);
    let (scope, roles) = match error {
        AuthError::Forbidden(missing) if !details.is_of_request => {
            (missing.scope().map(|scope| &**scope), missing.roles())
        }
        _ => (None, None),
    };
    let credential = other_credential(context, request, by);
    let RefusalDetails { requirement, claims_read, segment, shape, .. } = details;
    macro_rules! write {
        ($level:ident, $text:literal) => {
            tracing::$level!(
                target: TARGET,
                code = error.code(),
                reason,
                claim = error.claim(),
                algorithm = error.algorithm(),
                credential,
                unverified_reason,
                expected,
                requirement = requirement.as_ref().map(tracing::field::display),
                claims_read,
                scope,
                roles = roles.map(tracing::field::debug),
                segment,
                shape,
                method = method_name(request.method()),
                route = request.match_pattern(),
                handler,
                $text
            )
        };
    }
    match error {
        AuthError::MissingToken
        | AuthError::InvalidRequest(_)
        | AuthError::ExpiredToken
        | AuthError::InvalidToken(_)
        | AuthError::Forbidden(_)
        | AuthError::StepUp { .. }
        | AuthError::InvalidProof(_)
        | AuthError::UseDpopNonce { .. }
        | AuthError::TooManyProofs { .. }
        | AuthError::Csrf => write!(debug, "refused a request"),
        // The failing part has logged its error once; further requests need not.
        AuthError::Unavailable { .. } | AuthError::KeyLookupLimited { .. } => {
            write!(debug, "could not authenticate a request");
        }
        AuthError::Misconfigured => write!(error, "could not authenticate a request"),
    }
    if context.settings().reports_details {
        explain(context, error, request, by);
    }
}

/// Logs every check of a refused token, as far as it can be told without waiting.
#[cold]
fn explain(context: &AuthContext, error: &AuthError, request: &HttpRequest, by: RefusedBy) {
    if !matches!(error, AuthError::InvalidToken(_) | AuthError::ExpiredToken) {
        return;
    }
    let Some(source) = context.token_source(by.is_for_refresh) else { return };
    let Some(credential) = token_for_verifier(context, &*source.extractor, request) else { return };
    if let Some(explanation) = source.verifier.explain_refusal(credential.as_bytes(), error) {
        tracing::debug!(target: TARGET, "explained a refusal: {explanation}");
    }
}

/// Returns what the configuration says about a refused token, which is read once more.
fn token_details(
    context: &AuthContext,
    error: &AuthError,
    request: &HttpRequest,
    by: RefusedBy,
) -> TokenDetails {
    let AuthError::InvalidToken(
        reason @ (InvalidTokenReason::Issuer
        | InvalidTokenReason::Audience
        | InvalidTokenReason::Algorithm
        | InvalidTokenReason::AlgorithmNotAccepted(_)
        | InvalidTokenReason::UnknownKey),
    ) = error
    else {
        return TokenDetails::default();
    };
    let Some(source) = context.token_source(by.is_for_refresh) else {
        return TokenDetails::default();
    };
    match token_for_verifier(context, &*source.extractor, request) {
        Some(credential) => source.verifier.refusal_details(*reason, credential.as_bytes()),
        None => TokenDetails::default(),
    }
}

/// Returns the kind of the credential, if an authenticator takes it.
fn other_credential(
    context: &AuthContext,
    request: &HttpRequest,
    by: RefusedBy,
) -> Option<&'static str> {
    if by.is_for_refresh || context.authenticators().is_empty() {
        return None;
    }
    let source = context.token_source(false)?;
    let credential = source.extractor.extract(request).ok()?;
    kind_taken(context, request, credential.as_ref()).map(CredentialKind::as_str)
}

/// Returns the token of a request, unless an authenticator takes its credential.
fn token_for_verifier<'r>(
    context: &AuthContext,
    extractor: &dyn TokenExtractor,
    request: &'r HttpRequest,
) -> Option<Credential<'r>> {
    let credential = extractor.extract(request).ok()??;
    let taken = kind_taken(context, request, Some(&credential));
    taken.is_none().then_some(credential)
}

/// Returns the name of a method, if it is one of the usual: a client can make up others.
fn method_name(method: &Method) -> &'static str {
    const USUAL: [(&Method, &str); 9] = [
        (&Method::GET, "GET"),
        (&Method::HEAD, "HEAD"),
        (&Method::POST, "POST"),
        (&Method::PUT, "PUT"),
        (&Method::PATCH, "PATCH"),
        (&Method::DELETE, "DELETE"),
        (&Method::OPTIONS, "OPTIONS"),
        (&Method::CONNECT, "CONNECT"),
        (&Method::TRACE, "TRACE"),
    ];
    USUAL.iter().find(|(usual, _)| *usual == method).map_or("other", |(_, name)| name)
}
