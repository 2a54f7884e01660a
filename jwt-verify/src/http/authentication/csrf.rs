//! CSRF protection: signed double submit.

use std::{fmt, sync::Arc};

use actix_web::{
    HttpRequest,
    http::header::{HeaderName, ORIGIN},
};
use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    hmac,
    rand::{SecureRandom as _, SystemRandom},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::http::{
    authentication::sender::Sender,
    credentials::{CookieExtractor, TokenExtractor as _, token_chars::is_token},
};
use crate::{
    claims::Claims,
    error::{AuthError, ConfigError},
    secret::Secret,
};

/// CSRF protection for requests with ambient credentials, such as a cookie: evidence that the
/// application's own page has sent the request.
///
/// The page reads a cookie that other sites cannot read (`__Host-csrf`) and repeats it in a header
/// that other sites cannot set (`X-CSRF-Token`). The value is signed for the session (`sid`, or
/// else `jti`), so that a cookie that an attacker has planted, or that belongs to the attacker's
/// own session, is useless. Requests that change nothing (GET, HEAD, OPTIONS) and those with a
/// bearer token need none. A page cannot add a header to the handshake of a WebSocket: there the
/// origin is checked, against a list ([`allowed_origins`](Self::allowed_origins)), or else against
/// that of the request itself; a client without an origin repeats the token. Others get 403,
/// [`AuthError::Csrf`].
///
/// Without it a token in a cookie is accepted only in requests of pages of the same origin, as
/// reported by the browser: see
/// [`JwtAuthBuilder::csrf`](crate::JwtAuthBuilder::csrf).
///
/// Set it with [`JwtAuthBuilder::csrf`](crate::JwtAuthBuilder::csrf); the
/// application's own sessions enable it with their cookies.
#[doc(alias = "csrf", alias = "double submit")]
#[derive(Clone)]
pub struct CsrfProtection {
    key: Arc<hmac::Key>,
    cookie: String,
    header: HeaderName,
    origins: Option<Arc<[String]>>,
}

const RANDOM_BYTES: usize = 16;
const TAG_BYTES: usize = 32;

impl CsrfProtection {
    /// Creates the protection with this signing secret, which all instances of the application
    /// need.
    ///
    /// # Errors
    /// A secret of less than 32 bytes.
    pub fn new(secret: &Secret) -> Result<Self, ConfigError> {
        Ok(Self {
            key: Arc::new(secret.hmac_key("csrf.secret")?),
            cookie: "__Host-csrf".into(),
            header: HeaderName::from_static("x-csrf-token"),
            origins: None,
        })
    }

    /// Sets the name of the cookie with the token. Default: `__Host-csrf`; the prefix keeps other
    /// hosts of the domain from setting it. A name that no cookie can have is refused when the
    /// settings are built.
    #[must_use]
    pub fn cookie_name(mut self, name: impl Into<String>) -> Self {
        self.cookie = name.into();
        self
    }

    /// Sets the header that repeats it. Default: `X-CSRF-Token`.
    #[must_use]
    pub fn header_name(mut self, name: HeaderName) -> Self {
        self.header = name;
        self
    }

    /// Refuses requests of pages from other origins, if the browser reports one (`Origin`, as in
    /// `https://app.example`). Only the list counts: include the application's own origin too.
    /// Default: none; the origin of requests that change something is not checked, and a handshake
    /// has to come from a page of the same origin.
    #[must_use]
    pub fn allowed_origins<S: Into<String>>(
        mut self,
        origins: impl IntoIterator<Item = S>,
    ) -> Self {
        self.origins = Some(origins.into_iter().map(Into::into).collect());
        self
    }

    /// Creates a token for a session: the value of the cookie.
    ///
    /// # Errors
    /// [`AuthError::Misconfigured`] if the operating system has no random numbers.
    pub fn token(&self, session: &str) -> Result<String, AuthError> {
        let mut random = [0; RANDOM_BYTES];
        SystemRandom::new().fill(&mut random).map_err(|_| AuthError::Misconfigured)?;
        let mut token = random.to_vec();
        token.extend_from_slice(self.tag(session, &random).as_ref());
        Ok(URL_SAFE_NO_PAD.encode(token))
    }

    /// Returns the name of the cookie.
    pub fn cookie(&self) -> &str {
        &self.cookie
    }

    /// Returns `true` if the page that sent a request may do so, as far as the browser reports it.
    /// For routes without a credential, such as a login. Without a list of origins, pages of this
    /// origin may, and so may clients that report none.
    pub fn comes_from_here(&self, request: &HttpRequest) -> bool {
        match &self.origins {
            Some(_) => self.check_origin(request).is_ok(),
            None => !matches!(Sender::of(request, &[]), Sender::Other(_)),
        }
    }

    /// Refuses a name that no cookie can have (RFC 6265 §4.1.1).
    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        if is_token(self.cookie.as_bytes()) {
            Ok(())
        } else {
            Err(ConfigError::invalid("csrf.cookie_name", "is not a cookie name"))
        }
    }

    pub(crate) fn has_origins(&self) -> bool {
        self.origins.is_some()
    }

    /// Accepts a request whose page is on the list, if there is one. The error is the reason of a
    /// refusal.
    pub(crate) fn check_origin(&self, request: &HttpRequest) -> Result<(), &'static str> {
        let Some(allowed) = &self.origins else { return Ok(()) };
        let is_allowed = request
            .headers()
            .get_all(ORIGIN)
            .all(|origin| allowed.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes()));
        if is_allowed { Ok(()) } else { Err("origin") }
    }

    /// Accepts a request with evidence that the application's own page has sent it.
    pub(crate) fn check(&self, request: &HttpRequest, claims: &Claims) -> Result<(), &'static str> {
        let session = claims.find_text("sid").or(claims.token_id());
        match session {
            Some(session) if self.repeats_the_cookie(request, session) => {
                self.check_origin(request)
            }
            _ => Err("csrf_token"),
        }
    }

    fn repeats_the_cookie(&self, request: &HttpRequest, session: &str) -> bool {
        let mut headers = request.headers().get_all(&self.header);
        let (Some(header), None) = (headers.next(), headers.next()) else { return false };
        let cookie = CookieExtractor::new(self.cookie.as_str());
        let Ok(Some(cookie)) = cookie.extract(request) else { return false };
        verify_slices_are_equal(header.as_bytes(), cookie.as_bytes()).is_ok()
            && self.is_signed(header.as_bytes(), session)
    }

    fn is_signed(&self, token: &[u8], session: &str) -> bool {
        let Ok(token) = URL_SAFE_NO_PAD.decode(token) else { return false };
        if token.len() != RANDOM_BYTES + TAG_BYTES {
            return false;
        }
        let (random, tag) = token.split_at(RANDOM_BYTES);
        verify_slices_are_equal(self.tag(session, random).as_ref(), tag).is_ok()
    }

    fn tag(&self, session: &str, random: &[u8]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(b"jwt-verify csrf token\0");
        context.update(random);
        context.update(session.as_bytes());
        context.sign()
    }
}

impl fmt::Debug for CsrfProtection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CsrfProtection")
            .field("cookie", &self.cookie)
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{http::header::COOKIE, test::TestRequest};

    use super::*;

    fn protection() -> CsrfProtection {
        CsrfProtection::new(&Secret::from("x".repeat(32))).unwrap()
    }

    fn claims(session: &str) -> Claims {
        serde_json::from_str(&format!(r#"{{"sid":"{session}","jti":"j"}}"#)).unwrap()
    }

    fn post(cookie: &str, headers: &[&str]) -> HttpRequest {
        let mut request = TestRequest::post();
        if !cookie.is_empty() {
            request = request.insert_header((COOKIE, format!("__Host-csrf={cookie}")));
        }
        for header in headers {
            request = request.append_header(("X-CSRF-Token", *header));
        }
        request.to_http_request()
    }

    #[test]
    fn the_page_of_the_session_passes() {
        let csrf = protection();
        let token = csrf.token("a").unwrap();
        assert_eq!(csrf.check(&post(&token, &[&token]), &claims("a")), Ok(()));
        assert_ne!(csrf.token("a").unwrap(), token);
    }

    #[test]
    fn nobody_else_does() {
        let csrf = protection();
        let (token, other) = (csrf.token("a").unwrap(), csrf.token("a").unwrap());
        let foreign = CsrfProtection::new(&Secret::from("y".repeat(32))).unwrap();
        let foreign = foreign.token("a").unwrap();
        let of_another_session = csrf.token("b").unwrap();
        let short = &token[..token.len() - 4];
        for (cookie, headers) in [
            ("", vec![]),
            ("", vec![""]),
            ("", vec![token.as_str()]),
            (token.as_str(), vec![]),
            (token.as_str(), vec![""]),
            (token.as_str(), vec![other.as_str()]),
            (token.as_str(), vec![token.as_str(), token.as_str()]),
            ("undefined", vec!["undefined"]),
            (foreign.as_str(), vec![foreign.as_str()]),
            (of_another_session.as_str(), vec![of_another_session.as_str()]),
            (short, vec![short]),
        ] {
            let outcome = csrf.check(&post(cookie, &headers), &claims("a"));
            assert_eq!(outcome, Err("csrf_token"), "{cookie} {headers:?}");
        }
        let unbound = serde_json::from_str("{}").unwrap();
        assert!(csrf.check(&post(&token, &[&token]), &unbound).is_err());
    }

    /// CSR-10.
    #[test]
    fn a_page_from_elsewhere_is_refused_where_origins_are_named() {
        let csrf = protection().allowed_origins(["https://app.example"]);
        let token = csrf.token("a").unwrap();
        for (origin, passes) in [
            (None, true),
            (Some("https://app.example"), true),
            (Some("https://evil.example"), false),
            (Some("null"), false),
            (Some("https://app.example.evil.example"), false),
        ] {
            let mut request = TestRequest::post()
                .insert_header((COOKIE, format!("__Host-csrf={token}")))
                .insert_header(("X-CSRF-Token", token.as_str()));
            if let Some(origin) = origin {
                request = request.insert_header((ORIGIN, origin));
            }
            let request = request.to_http_request();
            assert_eq!(csrf.check(&request, &claims("a")).is_ok(), passes, "{origin:?}");
            assert_eq!(csrf.check_origin(&request).is_ok(), passes, "{origin:?}");
            assert_eq!(csrf.comes_from_here(&request), passes, "{origin:?}");
        }
    }

    /// WEA-09: pages from elsewhere may not send a login either, even without a list.
    #[test]
    fn a_page_from_elsewhere_does_not_come_from_here() {
        for (fields, is_here) in [
            (&[][..], true),
            (&[("origin", "https://app.example")], true),
            (&[("origin", "https://evil.example")], false),
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "cross-site")], false),
        ] {
            let mut request = TestRequest::post().insert_header(("host", "app.example"));
            for field in fields {
                request = request.insert_header(*field);
            }
            assert_eq!(
                protection().comes_from_here(&request.to_http_request()),
                is_here,
                "{fields:?}"
            );
        }
    }
}
