//! Authentication by API keys.

use std::{fmt, sync::Arc};

use actix_web::http::header::{AUTHORIZATION, HeaderMap};

use super::{Attempt, Authenticated, Authenticator, Presented};
use crate::{
    api_keys::ApiKeyFinder,
    claims::{CredentialKind, VerifiedToken},
    error::{AuthError, InvalidTokenReason},
    http::credentials::{X_API_KEY, api_key, is_bearer},
    lookup::Lookup,
};

/// Takes API keys from `X-Api-Key`, from `Authorization: ApiKey`, and from bearer tokens by their
/// prefix.
pub(crate) struct ApiKeyAuthenticator(pub(crate) ApiKeyFinder);

impl Authenticator for ApiKeyAuthenticator {
    fn credential_kind(&self) -> CredentialKind {
        CredentialKind::ApiKey
    }

    fn authenticate<'r>(&'r self, presented: Presented<'r>) -> Attempt<'r> {
        let request = presented.request();
        let token = presented.token();
        // Not from cookies and URLs, which are for tokens alone.
        let bearer = token.filter(|token| is_bearer(request, token));
        match api_key(request, bearer.is_some(), |token| self.0.claims(token)) {
            Ok(Some(key)) => return self.find(key),
            Ok(None) => {}
            Err(reason) => return Attempt::ready(Err(reason.into())),
        }
        match bearer {
            Some(key) if self.0.claims(key) => self.find(key).by_token(),
            // It is not accepted there, and no issuer is asked about it.
            None if token.is_some_and(|token| self.0.has_form(token)) => {
                Attempt::ready(Err(InvalidTokenReason::Malformed.into())).by_token()
            }
            _ => Attempt::not_mine(),
        }
    }

    fn remove(&self, headers: &mut HeaderMap) -> bool {
        headers.remove(AUTHORIZATION);
        headers.remove(&X_API_KEY);
        true
    }

    fn credential_text<'r>(&self, presented: Presented<'r>) -> Option<&'r [u8]> {
        let request = presented.request();
        let bearer = presented.token().filter(|token| is_bearer(request, token));
        let key = api_key(request, bearer.is_some(), |token| self.0.claims(token)).ok()?;
        key.or_else(|| bearer.filter(|token| self.0.claims(token)))
    }

    fn authenticate_text<'r>(&'r self, text: &'r [u8]) -> Attempt<'r> {
        if self.0.claims(text) || self.0.has_form(text) {
            self.find(text).by_token()
        } else {
            Attempt::not_mine()
        }
    }
}

impl ApiKeyAuthenticator {
    #[inline]
    fn find<'r>(&'r self, key: &'r [u8]) -> Attempt<'r> {
        let accept = |found: Result<Arc<VerifiedToken>, AuthError>| found.map(Authenticated::from);
        match self.0.find(key) {
            Lookup::Ready(found) => Attempt::ready(accept(found)),
            Lookup::Pending(found) => Attempt::pending(async move { accept(found.await) }),
        }
    }
}

impl fmt::Debug for ApiKeyAuthenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
