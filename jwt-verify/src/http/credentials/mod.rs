//! Extraction of the credential: exactly one, or none; never a choice between two.

#[cfg(feature = "api-keys")]
mod api_key;
mod authorization;
mod bearer;
mod cookie;
mod dpop;
mod first_of;
mod header;
mod missing_scheme;
mod query;
mod scheme;
mod subprotocol;
pub(crate) mod token_chars;

use std::{borrow::Cow, fmt};

use actix_web::{HttpRequest, http::header::HeaderMap};

#[cfg(feature = "api-keys")]
pub(crate) use api_key::{X_API_KEY, api_key, is_bearer};
pub use bearer::BearerExtractor;
pub use cookie::CookieExtractor;
pub(crate) use dpop::DpopExtractor;
pub use first_of::FirstOf;
pub use header::HeaderExtractor;
pub(crate) use missing_scheme::lacks_scheme;
pub use query::QueryExtractor;
pub(crate) use scheme::Scheme;
pub use subprotocol::SubprotocolExtractor;

use crate::error::{ConfigError, InvalidRequestReason};

/// A token as found in a request. It is not verified; `Debug` is redacted.
#[derive(Clone)]
pub struct Credential<'r> {
    token: Cow<'r, [u8]>,
    way: Way,
    has_proof: bool,
}

/// Properties of the transport of a credential.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Way {
    pub(crate) attached_by: AttachedBy,
    /// Part of the URL.
    pub(crate) is_in_url: bool,
}

/// Party that adds a credential to a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum AttachedBy {
    /// The program or the page that sends the request, and no other site.
    #[default]
    Client,
    /// A proxy, for a browser that has sent a cookie of the proxy or for a program.
    Proxy,
    /// The browser by itself.
    Browser,
}

impl<'r> Credential<'r> {
    /// Creates a credential from bytes or text, borrowed from the request if possible.
    pub fn new(token: impl Into<Cow<'r, [u8]>>) -> Self {
        Self { token: token.into(), way: Way::default(), has_proof: false }
    }

    /// Marks a credential that browsers attach by themselves, such as one in a cookie: a site that
    /// makes the browser send a request sends it along (CSRF).
    /// [`JwtAuthBuilder::csrf`](crate::JwtAuthBuilder::csrf) defines when it is accepted.
    #[must_use]
    pub fn ambient(mut self) -> Self {
        self.way.attached_by = AttachedBy::Browser;
        self
    }

    /// Marks a credential that a proxy adds for browsers that have sent a cookie of the proxy, and
    /// for programs. A request that changes something is refused if its headers show that a page of
    /// another origin has caused it (CSRF); see
    /// [`HeaderExtractor`](crate::extract::HeaderExtractor).
    #[must_use]
    pub fn added_by_proxy(mut self) -> Self {
        self.way.attached_by = AttachedBy::Proxy;
        self
    }

    /// Returns `true` if browsers attach it by themselves.
    pub fn is_ambient(&self) -> bool {
        self.way.attached_by == AttachedBy::Browser
    }

    /// Marks a token that is part of the URL. Caches use URLs as keys: with the middleware, the
    /// response has `Cache-Control: private` (RFC 6750 §2.3).
    #[must_use]
    pub fn in_url(mut self) -> Self {
        self.way.is_in_url = true;
        self
    }

    /// Returns the properties of its transport.
    pub(crate) fn way(&self) -> Way {
        self.way
    }

    /// Marks a token that comes with a DPoP proof (RFC 9449 §7.1), without which it is not
    /// accepted; the proof is in the header `DPoP`.
    #[must_use]
    pub(crate) fn with_proof(mut self) -> Self {
        self.has_proof = true;
        self
    }

    /// Returns `true` if it comes with a DPoP proof.
    pub(crate) fn has_proof(&self) -> bool {
        self.has_proof
    }

    /// Returns the token.
    pub fn as_bytes(&self) -> &[u8] {
        &self.token
    }
}

impl fmt::Debug for Credential<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(..)")
    }
}

/// Finds the token in a request.
///
/// Called once for every request and [`JwtAuth`](crate::JwtAuth), and once more for the event of a refusal
/// while that is enabled. It must not read the body.
/// **Security:** a credential that browsers attach by themselves must be marked with
/// [`Credential::ambient`], and one that a proxy adds for them with
/// [`Credential::added_by_proxy`], or it is not protected against other sites.
///
/// ```
/// use actix_web::HttpRequest;
/// use jwt_verify::{InvalidRequestReason, extract::{Credential, TokenExtractor}};
///
/// /// The token in a header that the page itself has to set.
/// struct PageHeaderExtractor;
///
/// impl TokenExtractor for PageHeaderExtractor {
///     fn extract<'r>(
///         &self,
///         request: &'r HttpRequest,
///     ) -> Result<Option<Credential<'r>>, InvalidRequestReason> {
///         let mut values = request.headers().get_all("x-page-token");
///         match (values.next(), values.next()) {
///             (None, _) => Ok(None),
///             (Some(value), None) => Ok(Some(Credential::new(value.as_bytes()))),
///             _ => Err(InvalidRequestReason::Ambiguous),
///         }
///     }
/// }
/// ```
pub trait TokenExtractor: Send + Sync + 'static {
    /// Returns the token; `None` if the request has none of this kind.
    ///
    /// # Errors
    /// A credential of this kind that is malformed, or more than one. The answer is 400
    /// `invalid_request` (RFC 6750 §3.1).
    fn extract<'r>(
        &self,
        request: &'r HttpRequest,
    ) -> Result<Option<Credential<'r>>, InvalidRequestReason>;

    /// Removes the credentials of this kind from the header fields of a request, whether they were
    /// accepted or not, and returns `true`. Default: removes nothing, and returns `false`.
    ///
    /// An `McpGuard` (feature `mcp`) calls it before it hands a request on, so that no token of a
    /// caller reaches the server behind it, and once without fields when it is built.
    fn remove(&self, headers: &mut HeaderMap) -> bool {
        let _ = headers;
        false
    }

    /// Checks the settings of the extractor, once, when
    /// [`JwtAuthBuilder::build`](crate::JwtAuthBuilder::build) is called. Default: accepts them.
    ///
    /// # Errors
    /// Settings with which no token could be found.
    fn validate(&self) -> Result<(), ConfigError> {
        Ok(())
    }
}
