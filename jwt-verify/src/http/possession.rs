//! Whether a token is for whoever shows it: by itself, or with a proof of its key (RFC 9449 §7).

use std::sync::Arc;

use actix_web::{HttpMessage, HttpRequest, http::header::AUTHORIZATION};

use super::{auth::JwtAuth, authentication::no_proofs, credentials::Credential};
use crate::{
    AuthError, InvalidProofReason, InvalidTokenReason, Verifier,
    claims::VerifiedToken,
    dpop::{Proof, ProofRules, Shown},
    limits::STORE_RETRY,
    telemetry,
    verifier::Genuine,
};

/// The field that holds a proof.
const PROOF: &str = "dpop";

/// A proof that this request has used. Whoever asks again on behalf of the same request may.
struct Used(crate::ProofId);

/// The nonce that the answer to a request has to tell.
pub(super) struct NextNonce(pub(super) Arc<str>);

/// How a token is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    Bearer,
    Dpop,
}

impl Scheme {
    /// The one that a request has used, or tried to.
    pub(super) fn of(request: &HttpRequest) -> Self {
        let is_dpop = |value: &[u8]| {
            value
                .split(|byte| *byte == b' ')
                .next()
                .unwrap_or_default()
                .eq_ignore_ascii_case(b"dpop")
        };
        let mut fields = request.headers().get_all(AUTHORIZATION);
        if fields.any(|field| is_dpop(field.as_bytes())) { Self::Dpop } else { Self::Bearer }
    }
}

impl JwtAuth {
    /// The outcome for a sender who shows a token alone.
    #[inline]
    pub(super) fn for_bearer(
        &self,
        genuine: Result<Genuine, AuthError>,
    ) -> Result<Arc<VerifiedToken>, AuthError> {
        let is_required = self.proofs().is_some_and(ProofRules::is_required);
        let outcome = match genuine.and_then(Genuine::shown_alone) {
            Ok(_) if is_required => Err(InvalidTokenReason::Confirmation.into()),
            outcome => outcome,
        };
        telemetry::verification(&outcome);
        outcome
    }

    /// The outcome for a sender who shows a token with a proof.
    pub(super) async fn for_holder(
        &self,
        request: &HttpRequest,
        verifier: &Verifier,
        credential: &Credential<'_>,
    ) -> Result<Arc<VerifiedToken>, AuthError> {
        let outcome = self.prove(request, verifier, credential).await;
        telemetry::verification(&outcome);
        outcome
    }

    async fn prove(
        &self,
        request: &HttpRequest,
        verifier: &Verifier,
        credential: &Credential<'_>,
    ) -> Result<Arc<VerifiedToken>, AuthError> {
        let rules = self.proofs().ok_or_else(no_proofs)?;
        let field = proof_field(request)?;
        // Only who has a good token causes the work that a proof makes.
        let genuine = match verifier.verify_now(credential.as_bytes()) {
            Some(outcome) => outcome?,
            None => verifier.verify_later(credential.as_bytes()).await?,
        };
        let shown = Shown {
            proof: field,
            token: credential.as_bytes(),
            method: request.method().as_str(),
            path: request.uri().path(),
        };
        let proof = rules.check(shown, verifier.now())?;
        let token = genuine.shown_with(proof.key)?;
        use_up(request, rules, proof).await?;
        Ok(token)
    }
}

/// Lets a proof pass that nobody has used before.
async fn use_up(request: &HttpRequest, rules: &ProofRules, proof: Proof) -> Result<(), AuthError> {
    let is_own = request.extensions().get::<Used>().is_some_and(|used| used.0 == proof.id);
    if !is_own {
        match rules.replay().first_use(&proof.id, proof.until).await {
            Ok(true) => {}
            Ok(false) => return Err(InvalidProofReason::Replayed.into()),
            Err(crate::ReplayError) => {
                return Err(AuthError::Unavailable { retry_after: STORE_RETRY });
            }
        }
    }
    let mut extensions = request.extensions_mut();
    extensions.insert(Used(proof.id));
    if let Some(nonce) = proof.next_nonce {
        extensions.insert(NextNonce(nonce));
    }
    Ok(())
}

/// The one proof of a request (RFC 9449 §4.3, check 1).
fn proof_field(request: &HttpRequest) -> Result<&[u8], InvalidProofReason> {
    let mut fields = request.headers().get_all(PROOF);
    match (fields.next(), fields.next()) {
        (None, _) => Err(InvalidProofReason::Missing),
        (Some(field), None) => Ok(field.as_bytes()),
        (Some(_), Some(_)) => Err(InvalidProofReason::Ambiguous),
    }
}
