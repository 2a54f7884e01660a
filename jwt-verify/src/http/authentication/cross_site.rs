//! Rules for ambient credentials, which the browser attaches by itself.

use actix_web::{
    HttpRequest,
    http::{Method, header::UPGRADE},
};

use crate::http::{
    authentication::{
        csrf::CsrfProtection,
        sender::{Sender, is_origin},
    },
    credentials::AttachedBy,
};
use crate::{
    claims::Claims,
    error::{AuthError, ConfigError},
};

/// Checks that a request with an ambient credential was not caused by another site (CSRF). A
/// request that only reads (RFC 9110 §9.2.1) needs no evidence.
#[derive(Default)]
pub(crate) struct CrossSite {
    pub(crate) csrf: Option<CsrfProtection>,
    /// Trusted origins besides this one.
    pub(crate) origins: Vec<String>,
    pub(crate) accepts_all: bool,
}

impl CrossSite {
    /// Finds settings that contradict each other.
    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        if self.accepts_all && (self.csrf.is_some() || !self.origins.is_empty()) {
            let problem = "contradicts the protection against other sites that is set as well";
            let setting = "dangerously_accept_cross_site_cookies";
            return Err(ConfigError::invalid(setting, problem));
        }
        if !self.origins.is_empty() && self.csrf.as_ref().is_some_and(CsrfProtection::has_origins) {
            let problem = "the CSRF protection has a list of origins: name them there";
            return Err(ConfigError::invalid("cookie_origins", problem));
        }
        if !self.origins.iter().all(|origin| is_origin(origin)) {
            let problem = "must be origins as browsers write them, as in `https://app.example`";
            return Err(ConfigError::invalid("cookie_origins", problem));
        }
        self.csrf.as_ref().map_or(Ok(()), CsrfProtection::validate)
    }

    /// Checks a request whose credential this party has added. One that a proxy has added needs no
    /// evidence, unless CSRF protection is set, but must have none of another site.
    pub(crate) fn check(
        &self,
        request: &HttpRequest,
        claims: &Claims,
        attached_by: AttachedBy,
    ) -> Result<(), AuthError> {
        if attached_by == AttachedBy::Client {
            return Ok(());
        }
        let kind = RequestKind::of(request);
        if self.accepts_all || kind == RequestKind::Reading {
            return Ok(());
        }
        let outcome = match &self.csrf {
            Some(csrf) if kind == RequestKind::Changing => csrf.check(request, claims),
            Some(csrf) if csrf.has_origins() => csrf.check_origin(request),
            // A page cannot put a token into a handshake; a client that is not a browser can.
            Some(csrf) => match Sender::of(request, &self.origins) {
                Sender::Own => Ok(()),
                Sender::Other(field) => Err(field),
                Sender::Unknown => csrf.check(request, claims),
            },
            None => match Sender::of(request, &self.origins) {
                Sender::Own => Ok(()),
                Sender::Other(field) => Err(field),
                // Browsers report the page; a program has no cookie of the proxy to lose.
                Sender::Unknown if attached_by == AttachedBy::Proxy => Ok(()),
                Sender::Unknown => Err("no_field"),
            },
        };
        outcome.map_err(|because| {
            if attached_by == AttachedBy::Proxy {
                tracing::debug!(because, "a token that a proxy added did not count");
            } else {
                tracing::debug!(because, "a cookie did not count");
            }
            AuthError::Csrf
        })
    }
}

/// Possible effects of a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RequestKind {
    Reading,
    Changing,
    /// A handshake, such as that of WebSocket (RFC 6455 §4.1, RFC 8441 §5): messages on the channel
    /// may change anything, and a page cannot add a header to it.
    Opening,
}

impl RequestKind {
    fn of(request: &HttpRequest) -> Self {
        match *request.method() {
            Method::CONNECT => Self::Opening,
            Method::GET | Method::HEAD | Method::OPTIONS => {
                if request.headers().contains_key(UPGRADE) { Self::Opening } else { Self::Reading }
            }
            _ => Self::Changing,
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{http::header::ORIGIN, test::TestRequest};

    use super::*;

    fn check(request: TestRequest) -> Result<(), AuthError> {
        let claims = serde_json::from_str("{}").unwrap();
        CrossSite::default().check(&request.to_http_request(), &claims, AttachedBy::Browser)
    }

    /// WEA-09: a handshake over HTTP/2, where `:authority` is part of the target (RFC 8441 §5).
    #[test]
    fn an_extended_connect_is_a_handshake() {
        let connect = || TestRequest::with_uri("https://api.example/chat").method(Method::CONNECT);
        assert_eq!(check(connect()), Err(AuthError::Csrf));
        let from = |origin: &str| check(connect().insert_header((ORIGIN, origin)));
        assert_eq!(from("https://evil.example"), Err(AuthError::Csrf));
        assert_eq!(from("https://api.example"), Ok(()));
    }

    /// WEA-10: a method that is not known to only read may change something.
    #[test]
    fn only_three_methods_only_read() {
        for method in ["GET", "HEAD", "OPTIONS"] {
            let request = TestRequest::default().method(method.parse().unwrap());
            assert_eq!(check(request), Ok(()), "{method}");
        }
        for method in ["POST", "PUT", "PATCH", "DELETE", "TRACE", "QUERY", "get"] {
            let request = TestRequest::default().method(method.parse().unwrap());
            assert_eq!(check(request), Err(AuthError::Csrf), "{method}");
        }
    }
}
