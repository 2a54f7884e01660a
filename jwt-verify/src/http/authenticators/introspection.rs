//! Tokens that an introspection endpoint tells about.

use actix_web::http::header::HeaderMap;

use crate::{
    claims::CredentialKind,
    http::authenticators::{Attempt, Authenticated, Authenticator, Presented},
    introspection::Introspector,
    lookup::Lookup,
};

/// Takes the tokens that are not for the verifier.
impl Authenticator for Introspector {
    fn credential_kind(&self) -> CredentialKind {
        CredentialKind::OpaqueToken
    }

    fn authenticate<'r>(&'r self, presented: Presented<'r>) -> Attempt<'r> {
        match presented.token() {
            Some(token) => self.authenticate_text(token),
            None => Attempt::not_mine(),
        }
    }

    fn credential_text<'r>(&self, presented: Presented<'r>) -> Option<&'r [u8]> {
        presented.token().filter(|token| self.takes(token))
    }

    fn authenticate_text<'r>(&'r self, token: &'r [u8]) -> Attempt<'r> {
        if !self.takes(token) {
            return Attempt::not_mine();
        }
        let attempt = match self.introspect(token) {
            Lookup::Ready(outcome) => Attempt::ready(outcome.map(Authenticated::from)),
            Lookup::Pending(pending) => {
                Attempt::pending(async move { pending.await.map(Authenticated::from) })
            }
        };
        attempt.by_token()
    }

    /// Its tokens are those of the extractor, which removes them.
    fn remove(&self, _: &mut HeaderMap) -> bool {
        true
    }
}
