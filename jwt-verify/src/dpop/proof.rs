//! Checks of a proof (RFC 9449 §4.3). The numbers are those of its list.

use std::{sync::Arc, time::Duration};

use super::{
    htu::BaseUrl,
    nonce::Nonces,
    replay::{ProofId, ReplayStore},
};
use crate::{
    algorithm::{Algorithm, AlgorithmSet},
    claims::Claims,
    defaults::{MAX_ML_DSA_PROOF_BYTES, MAX_PROOF_BYTES, MAX_PROOF_ID_BYTES},
    digest::sha256_text,
    error::{AuthError, InvalidProofReason, InvalidTokenReason},
    json::Json,
    key::{Thumbprint, VerificationKey},
    token::{CompactToken, Header, TypeName, decode_exact},
};

/// The rules for proofs, and the store of used ones.
pub(crate) struct ProofRules {
    pub(super) bases: Vec<BaseUrl>,
    pub(super) algorithms: AlgorithmSet,
    /// Names of these algorithms in challenges.
    pub(super) names: Arc<str>,
    pub(super) max_age: Duration,
    pub(super) leeway: Duration,
    pub(super) replay: Arc<dyn ReplayStore>,
    pub(super) nonces: Option<Nonces>,
    pub(super) required: bool,
}

/// A proof with the request that it came with.
#[derive(Clone, Copy)]
pub(crate) struct ProofContext<'a> {
    pub(crate) proof: &'a [u8],
    pub(crate) token: &'a [u8],
    pub(crate) method: &'a str,
    /// As received in the request.
    pub(crate) path: &'a str,
    /// Key that the token is bound to.
    pub(crate) key: Thumbprint,
}

/// A valid proof, before the replay check.
#[derive(Debug)]
pub(crate) struct Proof {
    /// Key that the sender holds.
    pub(crate) key: Thumbprint,
    pub(crate) id: ProofId,
    /// Time from which it is too old.
    pub(crate) until: Duration,
    /// Nonce that the client should use from now on.
    pub(crate) next_nonce: Option<Arc<str>>,
}

/// Claims of a proof that is bound to this request.
struct BoundRequest<'c> {
    /// In normal form.
    target: String,
    id: &'c str,
    until: Duration,
}

impl ProofRules {
    /// Returns `true` if tokens must be bound.
    pub(crate) fn is_required(&self) -> bool {
        self.required
    }

    /// Returns the algorithms of proofs, separated by spaces.
    pub(crate) fn algorithm_names(&self) -> &Arc<str> {
        &self.names
    }

    pub(crate) fn replay(&self) -> &dyn ReplayStore {
        &*self.replay
    }

    /// Checks a proof against its request. The replay check is separate.
    pub(crate) fn check(&self, shown: ProofContext<'_>, now: Duration) -> Result<Proof, AuthError> {
        use InvalidProofReason as Reason;

        let accepts_ml_dsa = self.algorithms.iter().any(Algorithm::is_ml_dsa);
        let longest = if accepts_ml_dsa { MAX_ML_DSA_PROOF_BYTES } else { MAX_PROOF_BYTES };
        let parts = CompactToken::parse(shown.proof, longest).map_err(of_form)?;
        let header = Header::decode(parts.header).map_err(of_form)?;
        let algorithm = self.check_header(&header)?;
        if shown.proof.len() > MAX_PROOF_BYTES && !algorithm.is_ml_dsa() {
            return Err(of_form(InvalidTokenReason::TooLarge).into());
        }
        let payload = decode_exact(parts.payload).ok_or(Reason::Malformed)?;
        let payload = String::from_utf8(payload).map_err(|_| Reason::Payload)?;
        let claims = Claims::parse(payload).map_err(|_| Reason::Payload)?;
        // What issuers may write carelessly, a client that signs proofs may not.
        let is_null = |name| claims.find_any(name).is_some_and(Json::is_null);
        if claims.has_numeric_subject() || ["exp", "nbf"].into_iter().any(is_null) {
            return Err(Reason::Payload.into());
        }
        let BoundRequest { target, id, until } = self.check_claims(&claims, shown, now)?;
        // (6), (7): expensive checks come last.
        let key = header.proof_key().ok_or(Reason::Key)?;
        let key = VerificationKey::from_proof(algorithm, key).map_err(|_| Reason::Key)?;
        let thumbprint = key.public_thumbprint().ok_or(Reason::Key)?;
        // (12b): limits the cost of a key that the sender chose.
        if thumbprint != shown.key {
            return Err(InvalidTokenReason::SenderConstraint.into());
        }
        let signature = decode_exact(parts.signature).ok_or(Reason::Signature)?;
        if !key.verifies(algorithm, parts.signing_input, &signature) {
            return Err(Reason::Signature.into());
        }
        // (10): a nonce is given only to a sender who holds the key.
        let next_nonce = match &self.nonces {
            Some(nonces) => nonces.check(claims.find_text("nonce"), now)?,
            None => None,
        };
        let id = ProofId::new(thumbprint, &target, id);
        Ok(Proof { key: thumbprint, id, until, next_nonce })
    }

    /// Checks (4), (5): that it is a proof with an accepted algorithm.
    fn check_header(&self, header: &Header) -> Result<Algorithm, InvalidProofReason> {
        if !header.token_type().is_some_and(|name| TypeName::new(name).is("dpop+jwt")) {
            return Err(InvalidProofReason::TokenType);
        }
        if !self.algorithms.contains(header.algorithm) {
            return Err(InvalidProofReason::Algorithm);
        }
        Ok(header.algorithm)
    }

    /// Checks (3), (8), (9), (11), (12a): that it is for this request. Its other dates are optional
    /// and apply as in every JWT (RFC 7519 §4.1.4, §4.1.5), with the same leeway; the parser has
    /// checked that they are numbers.
    fn check_claims<'c>(
        &self,
        claims: &'c Claims,
        shown: ProofContext<'_>,
        now: Duration,
    ) -> Result<BoundRequest<'c>, InvalidProofReason> {
        if claims.find_text("htm") != Some(shown.method) {
            return Err(InvalidProofReason::Method);
        }
        let here = |url: &str| self.bases.iter().find_map(|base| base.target(url, shown.path));
        let target = claims.find_text("htu").and_then(here).ok_or(InvalidProofReason::Target)?;
        let hash = sha256_text(shown.token);
        if claims.find_text("ath") != Some(&*hash) {
            return Err(InvalidProofReason::TokenHash);
        }
        let made = claims.find_any("iat").and_then(Json::as_integer);
        let made = Duration::from_secs(made.ok_or(InvalidProofReason::IssuedAt)?);
        let until = made.saturating_add(self.max_age);
        if now > until || made > now.saturating_add(self.leeway) {
            return Err(InvalidProofReason::IssuedAt);
        }
        let latest = now.saturating_add(self.leeway);
        if claims.not_before().is_some_and(|date| date.since_epoch() > latest) {
            return Err(InvalidProofReason::NotYetValid);
        }
        let is_over = |end: Duration| end.saturating_add(self.leeway) <= now;
        if claims.expires_at().is_some_and(|date| is_over(date.since_epoch())) {
            return Err(InvalidProofReason::Expired);
        }
        match claims.token_id() {
            Some(id) if (1..=MAX_PROOF_ID_BYTES).contains(&id.len()) => {
                Ok(BoundRequest { target, id, until })
            }
            _ => Err(InvalidProofReason::TokenId),
        }
    }
}

/// Converts a format error of a token to that of a proof.
fn of_form(reason: InvalidTokenReason) -> InvalidProofReason {
    match reason {
        InvalidTokenReason::TooLarge => InvalidProofReason::TooLarge,
        InvalidTokenReason::Malformed | InvalidTokenReason::Encrypted => {
            InvalidProofReason::Malformed
        }
        InvalidTokenReason::Algorithm | InvalidTokenReason::AlgorithmNotAccepted(_) => {
            InvalidProofReason::Algorithm
        }
        _ => InvalidProofReason::Header,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::{Clock, SystemClock},
        dpop::Dpop,
    };

    /// RFC 9449 §7.1, figure 12, with the key of figure 9's `jkt`.
    const PROOF: &str = concat!(
        "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNo",
        "UklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERW",
        "clUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR",
        "1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCw",
        "iYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-E",
        "y71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA",
    );
    const TOKEN: &str = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
    const KEY: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
    const MADE: u64 = 1_562_262_618;

    fn shown() -> ProofContext<'static> {
        ProofContext {
            proof: PROOF.as_bytes(),
            token: TOKEN.as_bytes(),
            method: "GET",
            path: "/protectedresource",
            key: Thumbprint::parse(KEY).unwrap(),
        }
    }

    fn check(dpop: Dpop, shown: ProofContext<'_>, seconds: u64) -> Result<Proof, AuthError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        dpop.build(&clock).unwrap().check(shown, Duration::from_secs(seconds))
    }

    fn dpop() -> Dpop {
        Dpop::new("https://resource.example.org")
    }

    fn reason(outcome: Result<Proof, AuthError>) -> InvalidProofReason {
        match outcome {
            Err(AuthError::InvalidProof(reason)) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_proof_of_the_specification_proves_its_key() {
        let proof = check(dpop(), shown(), MADE).unwrap();
        assert_eq!(Some(proof.key), Thumbprint::parse(KEY));
        let target = "https://resource.example.org/protectedresource";
        assert_eq!(proof.id, ProofId::new(proof.key, target, "e1j3V_bKic8-LAEB"));
        assert_eq!(proof.until, Duration::from_secs(MADE + 60));
        assert_eq!(proof.next_nonce, None);
    }

    #[test]
    fn it_is_for_one_request() {
        let wrong = |shown: ProofContext<'_>| reason(check(dpop(), shown, MADE));
        assert_eq!(wrong(ProofContext { method: "POST", ..shown() }), InvalidProofReason::Method);
        assert_eq!(wrong(ProofContext { method: "get", ..shown() }), InvalidProofReason::Method);
        assert_eq!(wrong(ProofContext { path: "/other", ..shown() }), InvalidProofReason::Target);
        assert_eq!(
            wrong(ProofContext { token: b"another", ..shown() }),
            InvalidProofReason::TokenHash
        );
        let key = Thumbprint::parse("fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo").unwrap();
        let outcome = check(dpop(), ProofContext { key, ..shown() }, MADE);
        assert!(matches!(
            outcome,
            Err(AuthError::InvalidToken(InvalidTokenReason::SenderConstraint))
        ));
        let elsewhere = check(Dpop::new("https://other.example.org"), shown(), MADE);
        assert_eq!(reason(elsewhere), InvalidProofReason::Target);
        let either =
            Dpop::new("https://other.example.org").base_url("https://resource.example.org");
        assert!(check(either, shown(), MADE).is_ok());
    }

    #[test]
    fn it_is_good_for_a_while() {
        let at = |seconds| check(dpop(), shown(), seconds);
        assert!(at(MADE + 60).is_ok() && at(MADE - 60).is_ok());
        assert_eq!(reason(at(MADE + 61)), InvalidProofReason::IssuedAt);
        assert_eq!(reason(at(MADE - 61)), InvalidProofReason::IssuedAt);
        let strict = || dpop().max_age(Duration::from_secs(5)).leeway(Duration::ZERO);
        assert!(check(strict(), shown(), MADE + 5).is_ok());
        assert!(check(strict(), shown(), MADE).is_ok());
        assert_eq!(reason(check(strict(), shown(), MADE + 6)), InvalidProofReason::IssuedAt);
        assert_eq!(reason(check(strict(), shown(), MADE - 1)), InvalidProofReason::IssuedAt);
    }

    #[test]
    fn only_algorithms_that_are_named_are_good() {
        let other = dpop().algorithms([Algorithm::EdDSA]);
        assert_eq!(reason(check(other, shown(), MADE)), InvalidProofReason::Algorithm);
    }

    #[test]
    fn no_byte_of_it_can_be_another() {
        for place in 0..PROOF.len() {
            let mut proof = PROOF.as_bytes().to_vec();
            proof[place] = if proof[place] == b'A' { b'B' } else { b'A' };
            let outcome = check(dpop(), ProofContext { proof: &proof, ..shown() }, MADE);
            assert!(
                matches!(outcome, Err(AuthError::InvalidProof(_) | AuthError::InvalidToken(_))),
                "{place}"
            );
        }
    }

    #[test]
    fn a_nonce_is_told_to_those_who_hold_a_key() {
        let dpop = || dpop().require_nonce("0123456789abcdef0123456789abcdef");
        let outcome = check(dpop(), shown(), MADE);
        assert!(matches!(outcome, Err(AuthError::UseDpopNonce { .. })), "{outcome:?}");
        let mut forged = PROOF.as_bytes().to_vec();
        let last = forged.len() - 3;
        forged[last] ^= 1;
        let outcome = check(dpop(), ProofContext { proof: &forged, ..shown() }, MADE);
        assert_eq!(reason(outcome), InvalidProofReason::Signature);
    }
}
