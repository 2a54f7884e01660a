//! A token in a header of its own, as some proxies pass it on.

use actix_web::{
    HttpRequest,
    http::header::{HeaderMap, HeaderName},
};

use super::{Credential, TokenExtractor, authorization::has_separator};
use crate::error::{ConfigError, InvalidRequestReason};

/// Takes the token from a header of exactly this name, whose value is the token and nothing else.
///
/// For a proxy that logs users in and passes the token on, such as Cloudflare Access
/// (`Cf-Access-Jwt-Assertion`), Google IAP (`X-Goog-IAP-JWT-Assertion`), Pomerium
/// (`X-Pomerium-Jwt-Assertion`), AWS ALB (`X-Amzn-Oidc-Accesstoken`) or oauth2-proxy
/// (`X-Forwarded-Access-Token`). `Authorization` is then ignored, whatever it contains; where
/// [`dpop`](crate::JwtAuthBuilder::dpop) is set, `Authorization: DPoP …` is still accepted.
///
/// Two headers of the name, a list, a scheme such as `Bearer` before the token, and an empty value
/// are refused with 400. A token that is bound to a key or a certificate is refused without its
/// proof, as everywhere else.
///
/// **Security:** such a proxy adds the header because the browser has sent a cookie of the proxy,
/// so a page of any site can cause it (CSRF). A request that changes something, and a WebSocket
/// handshake, is therefore refused with 403 if `Sec-Fetch-Site` or `Origin` shows a page of another
/// origin that is not on [`cookie_origins`](crate::JwtAuthBuilder::cookie_origins). Without both
/// headers it is accepted, as from a program. With [`csrf`](crate::JwtAuthBuilder::csrf), and with
/// [`ambient`](Self::ambient), the rules for cookies apply.
///
/// ```
/// use jwt_verify::{JwtAuth, extract::HeaderExtractor};
///
/// let auth = JwtAuth::builder("https://team.cloudflareaccess.com", "the-application-audience")
///     .extractor(HeaderExtractor::new("Cf-Access-Jwt-Assertion"))
///     .build()?;
/// # Ok::<(), jwt_verify::ConfigError>(())
/// ```
#[doc(
    alias = "Cf-Access-Jwt-Assertion",
    alias = "X-Goog-IAP-JWT-Assertion",
    alias = "X-Pomerium-Jwt-Assertion",
    alias = "X-Amzn-Oidc-Accesstoken",
    alias = "X-Forwarded-Access-Token",
    alias = "oauth2-proxy"
)]
#[derive(Debug, Clone)]
pub struct HeaderExtractor {
    /// `None` for a name that no header can have.
    name: Option<HeaderName>,
    is_ambient: bool,
}

impl HeaderExtractor {
    /// Creates an extractor for the header of this name, in any case. A name that no header can
    /// have (RFC 9110 §5.1), `Authorization`, and headers with another meaning are refused by
    /// [`JwtAuthBuilder::build`](crate::JwtAuthBuilder::build).
    pub fn new(name: impl AsRef<str>) -> Self {
        Self { name: HeaderName::from_bytes(name.as_ref().as_bytes()).ok(), is_ambient: false }
    }

    /// Treats the token like one in a cookie: a request that changes something is accepted only
    /// with evidence that a page of this origin has sent it. Default: off; a request without
    /// `Sec-Fetch-Site` and `Origin` is accepted.
    ///
    /// **Security:** for an API that only browsers call. Programs without these headers get 403.
    #[must_use]
    pub fn ambient(mut self) -> Self {
        self.is_ambient = true;
        self
    }

    /// Returns what is wrong with the name, if anything.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        match self.name.as_ref().map(HeaderName::as_str) {
            None => Some("is not a header name"),
            Some("authorization") => Some(
                "must not be `Authorization`, which is read by default, with its scheme; \
                 leave the setting out",
            ),
            Some("cookie" | "set-cookie") => {
                Some("must not be a header of cookies; name the cookie instead")
            }
            Some(name) if OTHER_MEANING.contains(&name) => {
                Some("must not be a header that has another meaning in HTTP")
            }
            Some(_) => None,
        }
    }
}

/// Headers of connection, message, page and proof, which never hold the token alone.
const OTHER_MEANING: [&str; 25] = [
    "accept",
    "client-cert",
    "client-cert-chain",
    "connection",
    "content-length",
    "content-type",
    "dpop",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "origin",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "referer",
    "sec-fetch-site",
    "sec-websocket-protocol",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "www-authenticate",
];

impl TokenExtractor for HeaderExtractor {
    fn extract<'r>(
        &self,
        request: &'r HttpRequest,
    ) -> Result<Option<Credential<'r>>, InvalidRequestReason> {
        let Some(name) = &self.name else { return Ok(None) };
        let mut fields = request.headers().get_all(name);
        match (fields.next(), fields.next()) {
            (None, _) => Ok(None),
            (Some(_), Some(_)) => Err(InvalidRequestReason::Ambiguous),
            (Some(field), None) => {
                let token = field.as_bytes();
                if token.is_empty() || has_separator(token) {
                    return Err(InvalidRequestReason::Malformed);
                }
                let credential = Credential::new(token);
                let credential = if self.is_ambient {
                    credential.ambient()
                } else {
                    credential.added_by_proxy()
                };
                Ok(Some(credential))
            }
        }
    }

    fn remove(&self, headers: &mut HeaderMap) -> bool {
        if let Some(name) = &self.name {
            headers.remove(name);
        }
        true
    }

    fn validate(&self) -> Result<(), ConfigError> {
        match self.problem() {
            None => Ok(()),
            Some(problem) => Err(ConfigError::invalid("extractor", problem)),
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;
    use crate::http::credentials::AttachedBy;

    const NAME: &str = "Cf-Access-Jwt-Assertion";

    fn extract(fields: &[(&str, &str)]) -> Result<Option<Vec<u8>>, InvalidRequestReason> {
        let mut request = TestRequest::default();
        for field in fields {
            request = request.append_header(*field);
        }
        let request = request.to_http_request();
        let credential = HeaderExtractor::new(NAME).extract(&request)?;
        Ok(credential.map(|credential| credential.as_bytes().to_vec()))
    }

    #[test]
    fn the_value_is_the_token_and_the_name_has_no_case() {
        for name in [NAME, "cf-access-jwt-assertion", "CF-ACCESS-JWT-ASSERTION"] {
            assert_eq!(extract(&[(name, "x.y.z")]), Ok(Some(b"x.y.z".to_vec())), "{name}");
        }
        for name in ["authorization", "x-cf-access-jwt-assertion", "cf-access-jwt-assertion-2"] {
            assert_eq!(extract(&[(name, "x.y.z")]), Ok(None), "{name}");
        }
        let beside = [("authorization", "Basic x, Bearer y"), (NAME, "x.y.z")];
        assert_eq!(extract(&beside), Ok(Some(b"x.y.z".to_vec())));
    }

    #[test]
    fn lists_schemes_and_two_of_the_name_are_refused() {
        for value in
            ["", "Bearer x.y.z", "bearer x", "x y", "x,y", "x, x", ",x", "x\ty", "x\u{a0}y", "ü"]
        {
            assert_eq!(
                extract(&[(NAME, value)]),
                Err(InvalidRequestReason::Malformed),
                "{value:?}"
            );
        }
        for other in ["x", "y", "", "Bearer x"] {
            let two = [(NAME, "x"), (NAME, other)];
            assert_eq!(extract(&two), Err(InvalidRequestReason::Ambiguous), "{other}");
        }
    }

    #[test]
    fn a_name_with_another_meaning_is_refused() {
        for name in [NAME, "x-amzn-oidc-accesstoken", "X_Token", "x"] {
            assert!(HeaderExtractor::new(name).validate().is_ok(), "{name}");
        }
        for name in ["", "a b", "a:b", "a,b", "tök", "Authorization", "COOKIE", "DPoP", "Host"] {
            assert!(HeaderExtractor::new(name).validate().is_err(), "{name}");
        }
        for name in OTHER_MEANING {
            assert!(HeaderExtractor::new(name).validate().is_err(), "{name}");
        }
    }

    #[test]
    fn a_proxy_adds_it_or_the_browser() {
        let request = TestRequest::default().insert_header((NAME, "x")).to_http_request();
        let attached_by = |extractor: HeaderExtractor| {
            extractor.extract(&request).unwrap().unwrap().way().attached_by
        };
        assert_eq!(attached_by(HeaderExtractor::new(NAME)), AttachedBy::Proxy);
        assert_eq!(attached_by(HeaderExtractor::new(NAME).ambient()), AttachedBy::Browser);
    }
}
