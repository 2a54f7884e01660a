//! Tokens in cookies, for applications in a browser (RFC 6265bis).

use std::{fmt, time::Duration};

use actix_web::{
    HttpResponse,
    http::header::{HeaderValue, SET_COOKIE},
};

use crate::http::{
    authentication::csrf::CsrfProtection,
    credentials::{BearerExtractor, CookieExtractor, FirstOf, token_chars::is_token},
    no_store::forbid_storing,
};
use crate::{error::ConfigError, issuing::sessions::TokenPair, secret::Secret};

/// Cookies for the tokens of a session, and the protection that they need.
///
/// | cookie | for scripts | sent to | lives |
/// | --- | --- | --- | --- |
/// | `__Host-access` | no | every path | as long as the access token |
/// | `__Secure-refresh` | no | the refresh path | as long as the refresh token |
/// | `__Host-csrf` | yes | every path | as long as the refresh token |
///
/// All of them are `Secure`, `SameSite=Lax` and for this host only. A page reads the last one and
/// sends it as `X-CSRF-Token` with every request that changes something: see [`CsrfProtection`].
///
/// ```
/// # use actix_web::HttpResponse;
/// # use jwt_verify::{JwtAuth, Secret, sessions::{SessionCookies, Sessions, TokenPair}};
/// # fn example(sessions: Sessions, secret: Secret, tokens: TokenPair) -> Result<(), Box<dyn std::error::Error>> {
/// let cookies = SessionCookies::builder(&secret).refresh_path("/auth/refresh").build()?;
/// let auth = JwtAuth::for_sessions(&sessions).cookies(&cookies).build()?;
///
/// // In the handler of a login:
/// let mut response = HttpResponse::NoContent().finish();
/// cookies.set(&mut response, &tokens)?;
///
/// // In the handler of a logout:
/// cookies.unset(&mut response);
/// # Ok(())
/// # }
/// ```
///
/// Browsers accept `Secure` cookies over plain HTTP from `localhost` only.
#[derive(Debug, Clone)]
pub struct SessionCookies {
    access: String,
    refresh: String,
    refresh_path: String,
    same_site: SameSite,
    csrf: CsrfProtection,
}

/// Settings of [`SessionCookies`].
#[must_use]
pub struct SessionCookiesBuilder {
    csrf: Result<CsrfProtection, ConfigError>,
    access: String,
    refresh: String,
    refresh_path: String,
    same_site: SameSite,
}

/// Selects the cross-site requests that carry the cookies (RFC 6265bis §5.6.7).
///
/// The list is closed: these are the values that browsers know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SameSite {
    /// None of them. A link from another site leads to a page without a session.
    Strict,
    /// Those that follow a link; the default.
    #[default]
    Lax,
    /// All of them, for pages that are embedded by other sites.
    None,
}

impl SameSite {
    const fn name(self) -> &'static str {
        match self {
            Self::Strict => "Strict",
            Self::Lax => "Lax",
            Self::None => "None",
        }
    }
}

/// Maximum size of a cookie, name and value: browsers ignore a larger one (RFC 6265bis §5.6).
const MAX_COOKIE_BYTES: usize = 4096;

/// Refuses sessions whose tokens are too large for a cookie by their signature alone.
pub(crate) fn check_signature(bytes: usize) -> Result<(), ConfigError> {
    if (bytes * 4).div_ceil(3) < MAX_COOKIE_BYTES {
        return Ok(());
    }
    Err(ConfigError::Conflict {
        first: "for_sessions",
        second: "cookies",
        problem: "a signature of the issuer's key is longer than a cookie may be, 4096 bytes; set a key \
                  for ES256 or Ed25519, or leave `cookies` out and send the tokens as bearer tokens",
    })
}

impl SessionCookiesBuilder {
    /// Sets the name of the access token's cookie. Default: `__Host-access`.
    pub fn access_name(mut self, name: impl Into<String>) -> Self {
        self.access = name.into();
        self
    }

    /// Sets the name of the refresh token's cookie. Default: `__Secure-refresh`; a cookie for one
    /// path cannot have the prefix `__Host-`.
    pub fn refresh_name(mut self, name: impl Into<String>) -> Self {
        self.refresh = name.into();
        self
    }

    /// Sets the path that accepts refresh tokens. Default: `/auth/refresh`. A logout below another
    /// path does not get the refresh token; the access token ends the session as well.
    pub fn refresh_path(mut self, path: impl Into<String>) -> Self {
        self.refresh_path = path.into();
        self
    }

    /// Sets which cross-site requests carry the cookies. Default: [`SameSite::Lax`].
    pub fn same_site(mut self, same_site: SameSite) -> Self {
        self.same_site = same_site;
        self
    }

    /// Changes the CSRF protection: the names of cookie and header, and the allowed origins.
    pub fn csrf(mut self, change: impl FnOnce(CsrfProtection) -> CsrfProtection) -> Self {
        self.csrf = self.csrf.map(change);
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// A secret of less than 32 bytes, and names and paths that a cookie cannot have.
    pub fn build(self) -> Result<SessionCookies, ConfigError> {
        let csrf = self.csrf?;
        let names = [self.access.as_str(), &self.refresh, csrf.cookie()];
        if !names.iter().all(|name| is_token(name.as_bytes())) {
            return Err(ConfigError::invalid(
                "cookie",
                "a name has characters that it cannot have",
            ));
        }
        if self.refresh.starts_with("__Host-") && self.refresh_path != "/" {
            return Err(ConfigError::invalid("refresh_name", "`__Host-` demands the path `/`"));
        }
        let is_path = |byte: u8| (b' '..=b'~').contains(&byte) && byte != b';';
        if !self.refresh_path.starts_with('/') || !self.refresh_path.bytes().all(is_path) {
            return Err(ConfigError::invalid(
                "refresh_path",
                "must be a path that begins with `/`",
            ));
        }
        Ok(SessionCookies {
            access: self.access,
            refresh: self.refresh,
            refresh_path: self.refresh_path,
            same_site: self.same_site,
            csrf,
        })
    }
}

impl fmt::Debug for SessionCookiesBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionCookiesBuilder").finish_non_exhaustive()
    }
}

impl SessionCookies {
    /// Returns a builder with a secret for the signatures of CSRF tokens, which all instances of
    /// the application need.
    pub fn builder(csrf_secret: &Secret) -> SessionCookiesBuilder {
        SessionCookiesBuilder {
            csrf: CsrfProtection::new(csrf_secret),
            access: "__Host-access".into(),
            refresh: "__Secure-refresh".into(),
            refresh_path: "/auth/refresh".into(),
            same_site: SameSite::default(),
        }
    }

    /// Puts the tokens of a session into the cookies of a response, and returns the CSRF token that
    /// the page has to send; it is in a cookie as well.
    ///
    /// # Errors
    /// If a token is too large for a cookie, which holds 4096 bytes with its name, or the system has no
    /// random numbers. No cookie is set then.
    pub fn set<B>(
        &self,
        response: &mut HttpResponse<B>,
        tokens: &TokenPair,
    ) -> Result<String, SessionCookieError> {
        let csrf = self.csrf.token(&tokens.session_id).map_err(|_| SessionCookieError::Random)?;
        let (access, refresh) = (&tokens.access, &tokens.refresh);
        let cookies = [
            self.cookie(&self.access, access.as_str(), "/", access.lifetime(), true)?,
            self.cookie(
                &self.refresh,
                refresh.as_str(),
                &self.refresh_path,
                refresh.lifetime(),
                true,
            )?,
            self.cookie(self.csrf.cookie(), &csrf, "/", refresh.lifetime(), false)?,
        ];
        append(response, cookies);
        Ok(csrf)
    }

    /// Removes the cookies from the browser.
    pub fn unset<B>(&self, response: &mut HttpResponse<B>) {
        let gone = |name, path, hidden| self.cookie(name, "", path, Duration::ZERO, hidden);
        let cookies = [
            gone(&self.access, "/", true),
            gone(&self.refresh, &self.refresh_path, true),
            gone(self.csrf.cookie(), "/", false),
        ];
        append(response, cookies.into_iter().flatten());
    }

    /// Returns the CSRF protection of requests with cookies.
    pub fn csrf(&self) -> &CsrfProtection {
        &self.csrf
    }

    pub(crate) fn access_extractor(&self) -> FirstOf {
        FirstOf::new(BearerExtractor).or(CookieExtractor::new(self.access.as_str())).exclusive()
    }

    pub(crate) fn refresh_extractor(&self) -> FirstOf {
        FirstOf::new(BearerExtractor).or(CookieExtractor::new(self.refresh.as_str())).exclusive()
    }

    fn cookie(
        &self,
        name: &str,
        value: &str,
        path: &str,
        lifetime: Duration,
        hidden: bool,
    ) -> Result<HeaderValue, SessionCookieError> {
        if name.len() + value.len() > MAX_COOKIE_BYTES {
            return Err(SessionCookieError::TooLarge);
        }
        let http_only = if hidden { "; HttpOnly" } else { "" };
        let (same_site, seconds) = (self.same_site.name(), lifetime.as_secs());
        let text = format!(
            "{name}={value}; Path={path}; Max-Age={seconds}; Secure{http_only}; SameSite={same_site}"
        );
        HeaderValue::from_str(&text).map_err(|_| SessionCookieError::TooLarge)
    }
}

fn append<B>(response: &mut HttpResponse<B>, cookies: impl IntoIterator<Item = HeaderValue>) {
    for cookie in cookies {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    // A response that sets a cookie is for one caller alone.
    forbid_storing(response.headers_mut());
}

/// Reasons why tokens were not put into cookies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SessionCookieError {
    /// Browsers would ignore it (RFC 6265bis §5.6). Put fewer claims into the token, or sign with an
    /// algorithm whose signatures are shorter than those of ML-DSA.
    #[error("a token is too large for a cookie")]
    TooLarge,
    /// The operating system has no random numbers.
    #[error("there are no random numbers")]
    Random,
}
