//! A token in a cookie (RFC 6265 §5.4).

use actix_web::{
    HttpRequest,
    http::header::{COOKIE, HeaderMap, HeaderValue},
};

use super::{Credential, TokenExtractor, authorization::token_of, token_chars::is_token};
use crate::error::{ConfigError, InvalidRequestReason};

/// Takes the token from a cookie of exactly this name.
///
/// Two cookies of the name are refused: a browser sends both when another host of the domain has
/// set one, and they cannot be told apart. A name that begins with `__Host-` keeps other hosts out
/// altogether. Quotes around the value (RFC 6265 §4.1.1), as Python's frameworks write them, are
/// taken off; a single quote at either end is refused.
///
/// Browsers attach cookies to requests that other sites cause (CSRF). So for requests that change
/// something, and for a WebSocket, the token is accepted only from pages of the same origin: see
/// [`JwtAuthBuilder::csrf`](crate::JwtAuthBuilder::csrf).
#[derive(Debug, Clone)]
pub struct CookieExtractor {
    name: String,
    has_scheme: bool,
}

impl CookieExtractor {
    /// Creates an extractor for the cookie of this name. A name that no cookie can have (RFC 6265
    /// §4.1.1) is refused by [`JwtAuthBuilder::build`](crate::JwtAuthBuilder::build).
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), has_scheme: false }
    }

    /// Expects `Bearer` and a space before the token in the cookie, the scheme in any case, as
    /// applications with `FastAPI` store it. A value without it is refused with 400. Default: off;
    /// the value is the token alone.
    ///
    /// ```
    /// use jwt_verify::extract::CookieExtractor;
    ///
    /// let extractor = CookieExtractor::new("access_token").with_scheme();
    /// ```
    #[doc(alias = "fastapi")]
    #[must_use]
    pub fn with_scheme(mut self) -> Self {
        self.has_scheme = true;
        self
    }

    /// Returns the token of a value without quotes.
    fn token<'v>(&self, value: &'v [u8]) -> Result<&'v [u8], InvalidRequestReason> {
        if !self.has_scheme {
            return Ok(value);
        }
        token_of(value, b"bearer")?.ok_or(InvalidRequestReason::Malformed)
    }
}

/// Takes off the quotes around a value. Both are there or none, and none in between.
fn unquoted(value: &[u8]) -> Result<&[u8], InvalidRequestReason> {
    let inner = match value {
        [b'"', inner @ .., b'"'] if !inner.contains(&b'"') => inner,
        [b'"', ..] | [.., b'"'] => return Err(InvalidRequestReason::Malformed),
        _ => value,
    };
    if inner.is_empty() { Err(InvalidRequestReason::Malformed) } else { Ok(inner) }
}

impl TokenExtractor for CookieExtractor {
    fn extract<'r>(
        &self,
        request: &'r HttpRequest,
    ) -> Result<Option<Credential<'r>>, InvalidRequestReason> {
        let pairs = request
            .headers()
            .get_all(COOKIE)
            .flat_map(|field| field.as_bytes().split(|byte| *byte == b';'));
        let mut values = pairs.filter_map(|pair| {
            let mut parts = pair.splitn(2, |byte| *byte == b'=');
            let name = parts.next()?.trim_ascii();
            (name == self.name.as_bytes()).then(|| parts.next().unwrap_or_default().trim_ascii())
        });
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => {
                Ok(Some(Credential::new(self.token(unquoted(value)?)?).ambient()))
            }
            (Some(_), Some(_)) => Err(InvalidRequestReason::Ambiguous),
        }
    }

    fn remove(&self, headers: &mut HeaderMap) -> bool {
        let fields: Vec<HeaderValue> = headers.remove(COOKIE).collect();
        for field in fields {
            let others: Vec<&[u8]> = field
                .as_bytes()
                .split(|byte| *byte == b';')
                .filter(|pair| {
                    let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default();
                    name.trim_ascii() != self.name.as_bytes()
                })
                .collect();
            let others = others.join(&b';');
            // Parts of a valid value are valid.
            if let Ok(others) = HeaderValue::from_bytes(others.trim_ascii())
                && !others.is_empty()
            {
                headers.append(COOKIE, others);
            }
        }
        true
    }

    fn validate(&self) -> Result<(), ConfigError> {
        if is_token(self.name.as_bytes()) {
            Ok(())
        } else {
            Err(ConfigError::invalid("extractor", "is not a cookie name"))
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn extract_with(
        extractor: &CookieExtractor,
        cookies: &[&str],
    ) -> Result<Option<Vec<u8>>, InvalidRequestReason> {
        let mut request = TestRequest::default();
        for cookie in cookies {
            request = request.append_header((COOKIE, *cookie));
        }
        let request = request.to_http_request();
        let credential = extractor.extract(&request)?;
        Ok(credential.map(|credential| credential.as_bytes().to_vec()))
    }

    fn extract(cookies: &[&str]) -> Result<Option<Vec<u8>>, InvalidRequestReason> {
        extract_with(&CookieExtractor::new("tok"), cookies)
    }

    #[test]
    fn the_cookie_of_exactly_this_name_is_taken() {
        assert_eq!(extract(&["a=b; tok=x.y.z; c=d"]), Ok(Some(b"x.y.z".to_vec())));
        assert_eq!(extract(&["a=b", "tok=x"]), Ok(Some(b"x".to_vec())));
        for other in ["Tok=x", "tok2=x", "xtok=x", "__Host-tok=x", "a=tok=x"] {
            assert_eq!(extract(&[other]), Ok(None), "{other}");
        }
        assert_eq!(extract(&[]), Ok(None));
    }

    #[test]
    fn quotes_are_taken_off_in_pairs() {
        assert_eq!(extract(&[r#"tok="x.y.z""#]), Ok(Some(b"x.y.z".to_vec())));
        assert_eq!(extract(&[r#"a="b"; tok="x" ; c=d"#]), Ok(Some(b"x".to_vec())));
        for odd in
            [r#"tok="x"#, r#"tok=x""#, r#"tok=""#, r#"tok="""#, r#"tok=""x"""#, r#"tok="x"y""#]
        {
            assert_eq!(extract(&[odd]), Err(InvalidRequestReason::Malformed), "{odd}");
        }
        assert_eq!(extract(&[r#"tok="x"; tok=x"#]), Err(InvalidRequestReason::Ambiguous));
    }

    #[test]
    fn a_scheme_is_expected_only_where_it_is_set() {
        let with_scheme =
            |cookie: &str| extract_with(&CookieExtractor::new("tok").with_scheme(), &[cookie]);
        for good in [r#"tok="Bearer x.y""#, "tok=Bearer x.y", r#"tok="bearer  x.y""#] {
            assert_eq!(with_scheme(good), Ok(Some(b"x.y".to_vec())), "{good}");
        }
        for bad in [
            "tok=x.y",
            r#"tok="x.y""#,
            r#"tok="Bearer""#,
            r#"tok="Bearer ""#,
            r#"tok=Bearer "x.y""#,
            r#"tok="Bearer x y""#,
            r#"tok="Bearer x,y""#,
            r#"tok="DPoP x""#,
            r#"tok="Bearerx""#,
        ] {
            assert_eq!(with_scheme(bad), Err(InvalidRequestReason::Malformed), "{bad}");
        }
        assert_eq!(with_scheme("a=b"), Ok(None));
        assert_eq!(extract(&["tok=Bearer x"]), Ok(Some(b"Bearer x".to_vec())), "it is no token");
    }

    #[test]
    fn a_name_that_no_cookie_can_have_is_refused() {
        for name in ["tok", "__Host-access"] {
            assert!(CookieExtractor::new(name).validate().is_ok(), "{name}");
        }
        for name in ["", "a b", "a=b", "a;b", "tök"] {
            assert!(CookieExtractor::new(name).validate().is_err(), "{name}");
        }
    }

    #[test]
    fn two_of_the_name_and_empty_ones_are_refused() {
        assert_eq!(extract(&["tok=a; tok=b"]), Err(InvalidRequestReason::Ambiguous));
        assert_eq!(extract(&["tok=a", "tok=a"]), Err(InvalidRequestReason::Ambiguous));
        assert_eq!(extract(&["tok="]), Err(InvalidRequestReason::Malformed));
        assert_eq!(extract(&["tok"]), Err(InvalidRequestReason::Malformed));
    }
}
