//! Who makes the request: found out once, then kept with the request.

use std::sync::Arc;

use actix_web::{HttpMessage, HttpRequest, web};

use super::auth::JwtAuth;
use crate::{AuthError, VerifiedClaims, claims::VerifiedToken};

/// The outcome for a request, in its extensions.
#[derive(Clone)]
pub(super) struct Authentication {
    /// Who found it out. Another one with other rules has to find out for itself.
    pub(super) by: JwtAuth,
    /// `None` for a request without credentials.
    pub(super) token: Option<Arc<VerifiedToken>>,
    /// The one in the app's data at that point. A scope further in may have put another there.
    beside: Option<JwtAuth>,
}

impl Authentication {
    /// What is known about the request already.
    pub(super) fn of(request: &HttpRequest) -> Option<Self> {
        request.extensions().get::<Self>().cloned()
    }

    /// Whether it still holds for a handler that is reached with this in the app's data.
    pub(super) fn holds_beside(&self, nearest: Option<&JwtAuth>) -> bool {
        match nearest {
            None => true,
            Some(nearest) => {
                nearest.is_same(&self.by)
                    || self.beside.as_ref().is_some_and(|beside| nearest.is_same(beside))
            }
        }
    }

    /// The claims, or the refusal of a request that has none.
    pub(super) fn claims(&self) -> Result<VerifiedClaims, AuthError> {
        self.token.clone().map(VerifiedClaims::new).ok_or(AuthError::MissingToken)
    }
}

impl JwtAuth {
    /// The one that the application has put into its data, by itself or as `web::Data`. Two that
    /// differ leave it open which rules apply.
    pub(super) fn nearest(request: &HttpRequest) -> Result<Option<&Self>, AuthError> {
        let plain = request.app_data::<Self>();
        let wrapped = request.app_data::<web::Data<Self>>().map(|data| &***data);
        match (plain, wrapped) {
            (Some(plain), Some(wrapped)) if !plain.is_same(wrapped) => {
                tracing::error!(
                    "the app's data holds one JwtAuth by itself and another as web::Data: use one \
                     form everywhere"
                );
                Err(AuthError::Misconfigured)
            }
            (plain, wrapped) => Ok(plain.or(wrapped)),
        }
    }

    /// Finds out who makes the request, if that needs no waiting; `None` if it does.
    pub(super) fn authenticate_now(
        &self,
        request: &HttpRequest,
    ) -> Option<Result<Authentication, AuthError>> {
        if let Some(known) = self.known(request) {
            return Some(Ok(known));
        }
        let token = match self.extractor().extract(request) {
            Err(reason) => return Some(Err(reason.into())),
            Ok(None) => None,
            Ok(Some(credential)) => match self.verifier().verify_now(credential.as_bytes())? {
                Err(error) => return Some(Err(error)),
                Ok(token) => Some(token),
            },
        };
        Some(Ok(self.keep(request, token)))
    }

    /// Finds out who makes the request, where that needs waiting.
    pub(super) async fn authenticate(
        &self,
        request: &HttpRequest,
    ) -> Result<Authentication, AuthError> {
        if let Some(known) = self.known(request) {
            return Ok(known);
        }
        let token = match self.extractor().extract(request)? {
            None => None,
            Some(credential) => Some(self.verifier().verify_later(credential.as_bytes()).await?),
        };
        Ok(self.keep(request, token))
    }

    fn known(&self, request: &HttpRequest) -> Option<Authentication> {
        Authentication::of(request).filter(|known| known.by.is_same(self))
    }

    fn keep(&self, request: &HttpRequest, token: Option<Arc<VerifiedToken>>) -> Authentication {
        let beside = Self::nearest(request).ok().flatten().cloned();
        let authentication = Authentication { by: self.clone(), token, beside };
        request.extensions_mut().insert(authentication.clone());
        authentication
    }
}
