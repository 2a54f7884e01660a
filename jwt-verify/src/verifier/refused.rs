//! The configuration behind the refusal of a token, for logs.

use super::{
    Verifier,
    candidate::{Candidate, SelectedIssuer, Unverified},
};
use crate::{
    algorithm::Algorithm,
    claims::{Claims, ClaimsMapping},
    error::{AuthError, InvalidTokenReason},
    token::{CompactToken, decode_exact},
};

/// Details of a refusal: names of the configuration and of fixed sets.
#[derive(Debug, Default)]
pub(crate) struct TokenDetails {
    /// Configured issuers, audiences or algorithms, if one of these failed.
    pub(crate) expected: Option<String>,
    /// Reason why the claims would not be accepted with a valid signature either.
    pub(crate) unverified_reason: Option<&'static str>,
}

impl Verifier {
    /// Returns what the configuration says about the reason of a refusal. It reads the token once
    /// more, and verifies and fetches nothing.
    pub(crate) fn refusal_details(&self, reason: InvalidTokenReason, token: &[u8]) -> TokenDetails {
        if reason != InvalidTokenReason::UnknownKey {
            return TokenDetails { expected: self.expected(reason, token), ..Default::default() };
        }
        let unverified = self.unverified_refusal(token);
        let expected = match unverified {
            Some(AuthError::InvalidToken(reason)) => self.expected(reason, token),
            _ => None,
        };
        TokenDetails { expected, unverified_reason: unverified.map(|error| error.reason()) }
    }

    /// Returns the mapping of the issuer of verified claims.
    pub(crate) fn mapping_of(&self, claims: &Claims) -> Option<ClaimsMapping> {
        self.known_issuer(claims).map(|issuer| issuer.mapping.clone())
    }

    fn expected(&self, reason: InvalidTokenReason, token: &[u8]) -> Option<String> {
        let issuer = || {
            let parts = CompactToken::parse(token, self.inner.max_token_bytes).ok()?;
            let payload = String::from_utf8(decode_exact(parts.payload)?).ok()?;
            self.known_issuer(&Claims::parse(payload).ok()?)
        };
        match reason {
            InvalidTokenReason::Issuer => {
                let issuers = self.inner.issuers.iter().map(|issuer| issuer.rules.label());
                joined(issuers)
            }
            InvalidTokenReason::Audience => {
                let issuer = issuer()?;
                joined(issuer.rules.audiences.iter().map(String::as_str))
                    .or_else(|| Some("none".to_owned()))
            }
            InvalidTokenReason::Algorithm | InvalidTokenReason::AlgorithmNotAccepted(_) => {
                joined(issuer()?.algorithms.iter().map(Algorithm::name))
            }
            _ => None,
        }
    }

    /// Returns the refusal of a token by its claims alone.
    fn unverified_refusal(&self, token: &[u8]) -> Option<AuthError> {
        let inner = &self.inner;
        let unverified = Unverified::read(token, inner.max_token_bytes, &inner.headers).ok()?;
        let issuer = self.known_issuer(&unverified.claims)?;
        Candidate::check_header(issuer, unverified, self.now()).ok()?.claims_refusal()
    }

    /// Returns the issuer that the claims name, if it is trusted and no resolver has to be asked.
    fn known_issuer(&self, claims: &Claims) -> Option<SelectedIssuer<'_>> {
        let mut listed = self.inner.issuers.iter().enumerate();
        if let Some((index, issuer)) = listed.find(|(_, issuer)| issuer.rules.is_issuer_of(claims))
        {
            return Some(SelectedIssuer::Listed(index, issuer));
        }
        let tenant = self.inner.tenants.as_ref()?.find(claims.issuer()?)?;
        tenant.ok().map(SelectedIssuer::Resolved)
    }
}

fn joined<'a>(names: impl Iterator<Item = &'a str>) -> Option<String> {
    let names: Vec<_> = names.collect();
    (!names.is_empty()).then(|| names.join(", "))
}
