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
        let Some(token) = presented.token().filter(|token| self.takes(token)) else {
            return Attempt::not_mine();
        };
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
