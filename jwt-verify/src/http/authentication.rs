//! Who makes the request: found out once, then kept with the request.

use std::{rc::Rc, sync::Arc};

use actix_web::{HttpMessage, HttpRequest, web};
use tokio::sync::OnceCell;

use super::auth::JwtAuth;
use crate::{AuthError, VerifiedClaims, claims::VerifiedToken};

/// The outcome for a request. An `Rc` of it is in its extensions: whoever needs it again shares it
/// without touching counters that other workers touch too.
#[derive(Clone)]
pub(super) struct Authentication {
    /// Who found it out. Another one with other rules has to find out for itself.
    pub(super) by: JwtAuth,
    /// `None` for a request without credentials.
    pub(super) token: Option<Arc<VerifiedToken>>,
    /// Whether it was a refresh token that was looked for.
    pub(super) is_for_refresh: bool,
    /// Which one was in the app's data at that point. A scope further in may have put another there,
    /// or the same once more.
    beside: Option<Place>,
}

/// Where in the app's data a [`JwtAuth`] is: there it stays as long as the application runs.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place(usize);

impl Place {
    fn of(auth: &JwtAuth) -> Self {
        Self(std::ptr::from_ref(auth).addr())
    }
}

/// An authentication that is waited for.
struct Ongoing {
    by: JwtAuth,
    is_for_refresh: bool,
    outcome: Rc<Outcome>,
}

type Outcome = OnceCell<Result<Rc<Authentication>, AuthError>>;

impl Authentication {
    /// What is known about the request already.
    pub(super) fn of(request: &HttpRequest) -> Option<Rc<Self>> {
        request.extensions().get::<Rc<Self>>().cloned()
    }

    /// What of it holds for a handler that is reached with this in the app's data. One that was put
    /// there further in decides for itself.
    pub(super) fn beside(self: &Rc<Self>, nearest: Option<&JwtAuth>) -> Option<Rc<Self>> {
        match nearest {
            Some(nearest) if self.beside != Some(Place::of(nearest)) => nearest
                .is_same(&self.by)
                .then(|| Rc::new(Self { by: nearest.clone(), ..Self::clone(self) })),
            _ => Some(self.clone()),
        }
    }

    /// The claims, or the refusal of a request that has none.
    pub(super) fn claims(&self) -> Result<VerifiedClaims, AuthError> {
        self.token.clone().map(VerifiedClaims::new).ok_or(AuthError::MissingToken)
    }
}

#[cfg(feature = "testing")]
impl JwtAuth {
    /// Takes the caller of a request for known, as a test says it is.
    pub(crate) fn assume(
        &self,
        extensions: &mut actix_web::dev::Extensions,
        claims: &VerifiedClaims,
    ) {
        extensions.insert(Rc::new(Authentication {
            by: self.clone(),
            token: Some(claims.token()),
            is_for_refresh: false,
            beside: None,
        }));
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
        is_for_refresh: bool,
    ) -> Option<Result<Rc<Authentication>, AuthError>> {
        if let Some(known) = self.known(request, is_for_refresh) {
            return Some(Ok(known));
        }
        let Some(door) = self.door(is_for_refresh) else { return Some(Err(no_sessions())) };
        let (token, is_ambient) = match door.extractor.extract(request) {
            Err(reason) => return Some(Err(reason.into())),
            Ok(None) => (None, false),
            // Who has used a proof is asked of a store.
            Ok(Some(credential)) if credential.has_proof() => return None,
            Ok(Some(credential)) => {
                let genuine = door.verifier.verify_now(credential.as_bytes())?;
                match self.for_bearer(request, genuine, is_for_refresh) {
                    Err(error) => return Some(Err(error)),
                    Ok(token) => (Some(token), credential.is_ambient()),
                }
            }
        };
        Some(self.keep(request, token, is_ambient, is_for_refresh))
    }

    /// Finds out who makes the request, where that needs waiting.
    pub(super) async fn authenticate(
        &self,
        request: &HttpRequest,
        is_for_refresh: bool,
    ) -> Result<Rc<Authentication>, AuthError> {
        if let Some(known) = self.known(request, is_for_refresh) {
            return Ok(known);
        }
        let ongoing = self.ongoing(request, is_for_refresh);
        ongoing.get_or_init(|| self.find_out(request, is_for_refresh)).await.clone()
    }

    /// What several arguments of one handler wait for together.
    fn ongoing(&self, request: &HttpRequest, is_for_refresh: bool) -> Rc<Outcome> {
        let mut extensions = request.extensions_mut();
        if let Some(ongoing) = extensions.get::<Ongoing>()
            && ongoing.by.is_same(self)
            && ongoing.is_for_refresh == is_for_refresh
        {
            return ongoing.outcome.clone();
        }
        let outcome = Rc::new(OnceCell::new());
        extensions.insert(Ongoing { by: self.clone(), is_for_refresh, outcome: outcome.clone() });
        outcome
    }

    async fn find_out(
        &self,
        request: &HttpRequest,
        is_for_refresh: bool,
    ) -> Result<Rc<Authentication>, AuthError> {
        let door = self.door(is_for_refresh).ok_or_else(no_sessions)?;
        let (token, is_ambient) = match door.extractor.extract(request)? {
            None => (None, false),
            Some(credential) => {
                let token = if credential.has_proof() {
                    self.for_holder(request, &door.verifier, &credential).await?
                } else {
                    let genuine = door.verifier.verify_later(credential.as_bytes()).await;
                    self.for_bearer(request, genuine, is_for_refresh)?
                };
                (Some(token), credential.is_ambient())
            }
        };
        self.keep(request, token, is_ambient, is_for_refresh)
    }

    fn known(&self, request: &HttpRequest, is_for_refresh: bool) -> Option<Rc<Authentication>> {
        let known = Authentication::of(request)
            .filter(|known| known.by.is_same(self) && known.is_for_refresh == is_for_refresh)?;
        if known.by.is_report_only() == self.is_report_only() {
            return Some(known);
        }
        // Whoever is further in decides whether refusals count from here on.
        let known = Rc::new(Authentication { by: self.clone(), ..Authentication::clone(&known) });
        request.extensions_mut().insert(known.clone());
        Some(known)
    }

    fn keep(
        &self,
        request: &HttpRequest,
        token: Option<Arc<VerifiedToken>>,
        is_ambient: bool,
        is_for_refresh: bool,
    ) -> Result<Rc<Authentication>, AuthError> {
        if let (Some(token), Some(csrf), true) = (&token, self.csrf(), is_ambient) {
            csrf.check(request, token.claims())?;
        }
        let beside = Self::nearest(request).ok().flatten().map(Place::of);
        let by = self.clone();
        let authentication = Rc::new(Authentication { by, token, is_for_refresh, beside });
        request.extensions_mut().insert(authentication.clone());
        Ok(authentication)
    }
}

fn no_sessions() -> AuthError {
    tracing::error!(
        "a route takes refresh tokens, but there are no sessions: make the JwtAuth with \
         `JwtAuth::for_sessions(&sessions)`"
    );
    AuthError::Misconfigured
}
