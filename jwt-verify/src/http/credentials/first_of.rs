//! A chain of extractors.

use std::fmt;

use actix_web::{HttpRequest, http::header::HeaderMap};

use super::{BearerExtractor, Credential, TokenExtractor};
use crate::error::{ConfigError, InvalidRequestReason};

/// Tries several extractors in turn and takes the first credential.
///
/// A credential that is malformed or repeated is refused; the next extractor is not tried.
/// Credentials of later extractors are ignored, unless [`exclusive`](Self::exclusive) is set.
///
/// ```
/// use jwt_verify::extract::{CookieExtractor, FirstOf};
///
/// let extractor = FirstOf::bearer().or(CookieExtractor::new("__Host-access")).exclusive();
/// ```
#[must_use]
pub struct FirstOf {
    extractors: Vec<Box<dyn TokenExtractor>>,
    exclusive: bool,
}

impl FirstOf {
    /// Starts with this extractor.
    pub fn new(first: impl TokenExtractor) -> Self {
        Self { extractors: vec![Box::new(first)], exclusive: false }
    }

    /// Starts with the `Authorization` header, as is usual.
    pub fn bearer() -> Self {
        Self::new(BearerExtractor)
    }

    /// Adds the next extractor.
    pub fn or(mut self, next: impl TokenExtractor) -> Self {
        self.extractors.push(Box::new(next));
        self
    }

    /// Refuses requests that carry more than one credential, as RFC 6750 §2 requires of clients.
    /// Default: the first one is used.
    pub fn exclusive(mut self) -> Self {
        self.exclusive = true;
        self
    }
}

impl fmt::Debug for FirstOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FirstOf")
            .field("extractors", &self.extractors.len())
            .field("exclusive", &self.exclusive)
            .finish()
    }
}

impl TokenExtractor for FirstOf {
    fn extract<'r>(
        &self,
        request: &'r HttpRequest,
    ) -> Result<Option<Credential<'r>>, InvalidRequestReason> {
        let mut found = None;
        for extractor in &self.extractors {
            let credential = extractor.extract(request)?;
            if credential.is_some() && found.is_some() {
                return Err(InvalidRequestReason::Ambiguous);
            }
            found = found.or(credential);
            if found.is_some() && !self.exclusive {
                break;
            }
        }
        Ok(found)
    }

    /// Removes those of all of them: one that was not used is a credential too.
    fn remove(&self, headers: &mut HeaderMap) -> bool {
        let mut all = true;
        for extractor in &self.extractors {
            all &= extractor.remove(headers);
        }
        all
    }

    fn validate(&self) -> Result<(), ConfigError> {
        self.extractors.iter().try_for_each(|extractor| extractor.validate())
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{
        http::header::{AUTHORIZATION, COOKIE},
        test::TestRequest,
    };

    use super::*;
    use crate::http::CookieExtractor;

    fn extract(
        exclusive: bool,
        bearer: Option<&str>,
        cookie: Option<&str>,
    ) -> Result<Option<Vec<u8>>, InvalidRequestReason> {
        let mut request = TestRequest::default();
        if let Some(bearer) = bearer {
            request = request.insert_header((AUTHORIZATION, bearer));
        }
        if let Some(cookie) = cookie {
            request = request.insert_header((COOKIE, cookie));
        }
        let mut extractor = FirstOf::bearer().or(CookieExtractor::new("tok"));
        if exclusive {
            extractor = extractor.exclusive();
        }
        let request = request.to_http_request();
        let credential = extractor.extract(&request)?;
        Ok(credential.map(|credential| credential.as_bytes().to_vec()))
    }

    #[test]
    fn the_first_source_with_a_credential_counts() {
        for exclusive in [false, true] {
            assert_eq!(extract(exclusive, Some("Bearer a"), None), Ok(Some(b"a".to_vec())));
            assert_eq!(extract(exclusive, None, Some("tok=b")), Ok(Some(b"b".to_vec())));
            assert_eq!(extract(exclusive, Some("Basic x"), Some("tok=b")), Ok(Some(b"b".to_vec())));
            assert_eq!(extract(exclusive, None, None), Ok(None));
            assert!(extract(exclusive, Some("Bearer"), Some("tok=b")).is_err());
        }
    }

    #[test]
    fn every_extractor_is_validated() {
        assert!(FirstOf::bearer().or(CookieExtractor::new("tok")).validate().is_ok());
        assert!(FirstOf::bearer().or(CookieExtractor::new("a b")).validate().is_err());
    }

    #[test]
    fn two_credentials_are_refused_only_if_exclusive() {
        assert_eq!(extract(false, Some("Bearer a"), Some("tok=b")), Ok(Some(b"a".to_vec())));
        assert_eq!(
            extract(true, Some("Bearer a"), Some("tok=b")),
            Err(InvalidRequestReason::Ambiguous)
        );
        assert_eq!(
            extract(true, Some("Bearer a"), Some("tok=a")),
            Err(InvalidRequestReason::Ambiguous)
        );
    }
}
