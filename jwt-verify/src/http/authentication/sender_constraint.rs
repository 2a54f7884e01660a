//! Sender-constraint check: bearer, mutual TLS (RFC 8705 §3) or DPoP (RFC 9449 §7).

use std::sync::Arc;

use actix_web::{HttpMessage, HttpRequest};

use crate::http::{
    auth::context::AuthContext, authentication::client_certificate::CertificateRules,
};
use crate::{
    claims::{CredentialKind, VerifiedToken},
    defaults::{PROOFS_RETRY, STORE_RETRY},
    dpop::{Proof, ProofContext, ProofId, ProofRules, ReplayError},
    error::{AuthError, InvalidProofReason, InvalidTokenReason},
    metrics,
    verifier::SenderUnchecked,
};

/// Header with the proof.
const PROOF: &str = "dpop";

/// Proofs that this request has used, each with its store. A second check for the same request does
/// not count as a replay.
#[derive(Default)]
struct Used(Vec<(ProofId, usize)>);

/// Nonce to return with the response to a request.
pub(crate) struct NextNonce(pub(crate) Arc<str>);

/// Accepts a token without a proof, or returns the refusal.
#[inline]
pub(crate) fn accept_bearer(
    context: &AuthContext,
    request: &HttpRequest,
    kind: CredentialKind,
    unchecked: Result<SenderUnchecked, AuthError>,
    is_for_refresh: bool,
) -> Result<Arc<VerifiedToken>, AuthError> {
    let accepted = unchecked.and_then(|unchecked| match context.certificates() {
        None => unchecked.accept_bearer(),
        Some(rules) => unchecked.accept_certificate(|| rules.certificate(request)),
    });
    let outcome = match accepted {
        Ok(token) if !is_for_refresh && !token.is_bound() && wants_bound_tokens(context) => {
            Err(InvalidTokenReason::SenderConstraint.into())
        }
        outcome => outcome,
    };
    metrics::verification(kind.as_str(), &outcome);
    outcome
}

/// Returns `true` if tokens must be bound in some way.
fn wants_bound_tokens(context: &AuthContext) -> bool {
    context.proofs().is_some_and(ProofRules::is_required)
        || context.certificates().is_some_and(CertificateRules::is_required)
}

/// Accepts a token with a proof, or returns the refusal. Without rules for proofs and a proof in the
/// request the token is not verified.
pub(crate) async fn accept_dpop(
    context: &AuthContext,
    request: &HttpRequest,
    kind: CredentialKind,
    token: &[u8],
    verify: impl Future<Output = Result<SenderUnchecked, AuthError>>,
) -> Result<Arc<VerifiedToken>, AuthError> {
    let outcome = check_proof(context, request, token, verify).await;
    metrics::verification(kind.as_str(), &outcome);
    outcome
}

async fn check_proof(
    context: &AuthContext,
    request: &HttpRequest,
    token: &[u8],
    verify: impl Future<Output = Result<SenderUnchecked, AuthError>>,
) -> Result<Arc<VerifiedToken>, AuthError> {
    // Such tokens are only extracted if there are rules for their proofs.
    let rules = context.proofs().ok_or(AuthError::Misconfigured)?;
    let field = proof_field(request)?;
    // Only a sender with a valid token causes the work of checking a proof.
    let unchecked = verify.await?;
    let shown = ProofContext {
        proof: field,
        token,
        method: request.method().as_str(),
        path: request.uri().path(),
        key: unchecked.key().ok_or(InvalidTokenReason::SenderConstraint)?,
    };
    let proof = rules.check(shown, context.verifier().now())?;
    let token = unchecked.accept_proof(proof.key)?;
    use_up(request, rules, proof).await?;
    Ok(token)
}

/// Accepts a proof that has not been used before.
async fn use_up(request: &HttpRequest, rules: &ProofRules, proof: Proof) -> Result<(), AuthError> {
    let memory = rules.replay().instance_id();
    let known = |used: &Used| used.0.iter().any(|(id, by)| *id == proof.id && Some(*by) == memory);
    if !request.extensions().get().is_some_and(known) {
        match rules.replay().insert_if_absent(&proof.id, proof.until).await {
            Ok(true) => {}
            Ok(false) => return Err(InvalidProofReason::Replayed.into()),
            Err(ReplayError::ShareUsedUp) => {
                return Err(AuthError::TooManyProofs { retry_after: PROOFS_RETRY });
            }
            Err(ReplayError::Unavailable) => {
                return Err(AuthError::Unavailable { retry_after: STORE_RETRY });
            }
        }
    }
    let mut extensions = request.extensions_mut();
    if let Some(memory) = memory {
        let mut used = extensions.remove::<Used>().unwrap_or_default();
        used.0.push((proof.id, memory));
        extensions.insert(used);
    }
    if let Some(nonce) = proof.next_nonce {
        extensions.insert(NextNonce(nonce));
    }
    Ok(())
}

/// Returns the only proof of a request (RFC 9449 §4.3, check 1).
fn proof_field(request: &HttpRequest) -> Result<&[u8], InvalidProofReason> {
    let mut fields = request.headers().get_all(PROOF);
    match (fields.next(), fields.next()) {
        (None, _) => Err(InvalidProofReason::Missing),
        (Some(field), None) => Ok(field.as_bytes()),
        (Some(_), Some(_)) => Err(InvalidProofReason::Ambiguous),
    }
}
