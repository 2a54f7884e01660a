//! Who makes the request: found out once, then kept with the request.

use std::{rc::Rc, sync::Arc};

use actix_web::{HttpMessage, HttpRequest, web};
use tokio::sync::OnceCell;

use super::{auth::JwtAuth, credentials::Way, step::Step};
use crate::{
    claims::{VerifiedClaims, VerifiedToken},
    error::AuthError,
    verifier::{Progress, Verified},
};

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
    /// Whether the token was part of the URL.
    pub(super) is_in_url: bool,
    /// Which one was in the app's data at that point. A scope further in may have put another there,
    /// or the same once more.
    data_address: DataAddress,
}

/// Where in the app's data a [`JwtAuth`] is, by itself and as `web::Data`: there it stays as long as the
/// application runs. Of the latter it is the handle that counts, since clones share what is in it.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct DataAddress {
    plain: Option<usize>,
    wrapped: Option<usize>,
}

fn address_of<T>(of: &T) -> usize {
    std::ptr::from_ref(of).addr()
}

/// An authentication that has to be waited for. Several arguments of one handler wait for it together.
struct Ongoing {
    by: JwtAuth,
    is_for_refresh: bool,
    credential: PendingCredential,
    outcome: OnceCell<Result<Rc<Authentication>, AuthError>>,
}

/// A credential on its own, so that the request is asked for it once.
struct PendingCredential {
    token: Box<[u8]>,
    way: Way,
    has_proof: bool,
    /// What the token cache had of it.
    cached: Option<Verified>,
}

impl Authentication {
    /// What is known about the request already.
    pub(super) fn of(request: &HttpRequest) -> Option<Rc<Self>> {
        request.extensions().get::<Rc<Self>>().cloned()
    }

    /// What of it holds for a handler that is reached with this in the app's data. One that was put
    /// there further in decides for itself.
    pub(super) fn valid_for(
        self: &Rc<Self>,
        nearest: Option<&JwtAuth>,
        address: DataAddress,
    ) -> Option<Rc<Self>> {
        match nearest {
            Some(nearest) if self.data_address != address => nearest
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
            is_in_url: false,
            data_address: DataAddress::default(),
        }));
    }
}

impl JwtAuth {
    /// The one that the application has put into its data, by itself or as `web::Data`. Two that
    /// differ leave it open which rules apply.
    pub(super) fn from_app_data(request: &HttpRequest) -> Result<Option<&Self>, AuthError> {
        Self::locate_in_app_data(request).0
    }

    /// Finds it, and where it is.
    pub(super) fn locate_in_app_data(
        request: &HttpRequest,
    ) -> (Result<Option<&Self>, AuthError>, DataAddress) {
        let plain = request.app_data::<Self>();
        let data = request.app_data::<web::Data<Self>>();
        let address = DataAddress { plain: plain.map(address_of), wrapped: data.map(address_of) };
        let wrapped = data.map(|data| &***data);
        let nearest = match (plain, wrapped) {
            (Some(plain), Some(wrapped)) if !plain.is_same(wrapped) => {
                tracing::error!(
                    "the app's data holds one JwtAuth by itself and another as web::Data: use one \
                     form everywhere"
                );
                Err(AuthError::Misconfigured)
            }
            (plain, wrapped) => Ok(plain.or(wrapped)),
        };
        (nearest, address)
    }

    /// Authenticates a request, once: the outcome stays with the request.
    pub(super) fn authenticate(
        &self,
        request: &HttpRequest,
        is_for_refresh: bool,
    ) -> Step<Rc<Authentication>, AuthError> {
        match self.known(request, is_for_refresh) {
            Some(known) => Step::Ready(Ok(known)),
            None => self.authenticate_first(request, is_for_refresh, || {
                Self::locate_in_app_data(request).1
            }),
        }
    }

    /// Authenticates a request about which nothing is known.
    pub(super) fn authenticate_first(
        &self,
        request: &HttpRequest,
        is_for_refresh: bool,
        address: impl FnOnce() -> DataAddress,
    ) -> Step<Rc<Authentication>, AuthError> {
        let Some(door) = self.door(is_for_refresh) else { return Step::Ready(Err(no_sessions())) };
        if let Some(ongoing) = self.ongoing(request, is_for_refresh) {
            return self.wait_for(request, ongoing);
        }
        let credential = match door.extractor.extract(request) {
            Ok(Some(credential)) => credential,
            Ok(None) => {
                let way = Way::default();
                return Step::Ready(self.keep(request, None, way, is_for_refresh, address()));
            }
            Err(reason) => return Step::Ready(Err(reason.into())),
        };
        let (way, has_proof) = (credential.way(), credential.has_proof());
        let cached = if has_proof {
            None
        } else {
            match door.verifier.start(credential.as_bytes()) {
                Progress::Done(outcome) => {
                    let accepted = self.for_bearer(request, outcome, is_for_refresh);
                    return Step::Ready(accepted.and_then(|token| {
                        self.keep(request, Some(token), way, is_for_refresh, address())
                    }));
                }
                Progress::Unfinished(cached) => cached,
            }
        };
        let token = credential.as_bytes().into();
        let credential = PendingCredential { token, way, has_proof, cached };
        let outcome = OnceCell::new();
        let ongoing = Rc::new(Ongoing { by: self.clone(), is_for_refresh, credential, outcome });
        request.extensions_mut().insert(ongoing.clone());
        self.wait_for(request, ongoing)
    }

    /// The authentication of the request that has begun.
    fn ongoing(&self, request: &HttpRequest, is_for_refresh: bool) -> Option<Rc<Ongoing>> {
        let extensions = request.extensions();
        let ongoing = extensions.get::<Rc<Ongoing>>()?;
        let is_same = ongoing.by.is_same(self) && ongoing.is_for_refresh == is_for_refresh;
        is_same.then(|| ongoing.clone())
    }

    fn wait_for(
        &self,
        request: &HttpRequest,
        ongoing: Rc<Ongoing>,
    ) -> Step<Rc<Authentication>, AuthError> {
        let (auth, request) = (self.clone(), request.clone());
        Step::pending(async move {
            let finish = || auth.finish(&request, &ongoing);
            ongoing.outcome.get_or_init(finish).await.clone()
        })
    }

    /// Verifies the token of a request, checks its sender constraint, and keeps the outcome.
    async fn finish(
        &self,
        request: &HttpRequest,
        ongoing: &Ongoing,
    ) -> Result<Rc<Authentication>, AuthError> {
        let Ongoing { is_for_refresh, credential, .. } = ongoing;
        let PendingCredential { token, way, has_proof, cached } = credential;
        let door = self.door(*is_for_refresh).ok_or_else(no_sessions)?;
        let token = if *has_proof {
            self.for_holder(request, &door.verifier, token).await?
        } else {
            let outcome = door.verifier.finish(token, cached.clone()).await;
            self.for_bearer(request, outcome, *is_for_refresh)?
        };
        self.keep(request, Some(token), *way, *is_for_refresh, Self::locate_in_app_data(request).1)
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
        way: Way,
        is_for_refresh: bool,
        data_address: DataAddress,
    ) -> Result<Rc<Authentication>, AuthError> {
        if let (Some(token), true) = (&token, way.is_ambient) {
            self.cross_site().check(request, token.claims())?;
        }
        let (by, is_in_url) = (self.clone(), way.is_in_url);
        let known = Authentication { by, token, is_for_refresh, is_in_url, data_address };
        let authentication = Rc::new(known);
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
