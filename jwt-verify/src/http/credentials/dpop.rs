//! `Authorization: DPoP …` (RFC 9449 §7.1).

use actix_web::{
    HttpRequest,
    http::header::{AUTHORIZATION, HeaderMap},
};

use super::{Credential, TokenExtractor, authorization};
use crate::error::InvalidRequestReason;

/// Takes a token from an `Authorization` header under the `DPoP` scheme, or else the credential of
/// another extractor. A request with both is refused. The proof is not checked here.
pub(crate) struct DpopExtractor(pub(crate) Box<dyn TokenExtractor>);

impl TokenExtractor for DpopExtractor {
    fn extract<'r>(
        &self,
        request: &'r HttpRequest,
    ) -> Result<Option<Credential<'r>>, InvalidRequestReason> {
        let bound = authorization::token(request, b"dpop")?;
        match (bound, self.0.extract(request)?) {
            (None, other) => Ok(other),
            (Some(token), None) => Ok(Some(Credential::new(token).with_proof())),
            (Some(_), Some(_)) => Err(InvalidRequestReason::Ambiguous),
        }
    }

    fn remove(&self, headers: &mut HeaderMap) -> bool {
        headers.remove(AUTHORIZATION);
        self.0.remove(headers)
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{
        http::header::{AUTHORIZATION, COOKIE},
        test::TestRequest,
    };

    use super::*;
    use crate::http::{CookieExtractor, FirstOf};

    fn extract(
        field: Option<&str>,
        cookie: bool,
    ) -> Result<Option<(Vec<u8>, bool)>, InvalidRequestReason> {
        let mut request = TestRequest::default();
        if let Some(field) = field {
            request = request.insert_header((AUTHORIZATION, field));
        }
        if cookie {
            request = request.insert_header((COOKIE, "tok=c"));
        }
        let request = request.to_http_request();
        let other = FirstOf::bearer().or(CookieExtractor::new("tok"));
        let found = DpopExtractor(Box::new(other)).extract(&request)?;
        Ok(found.map(|found| (found.as_bytes().to_vec(), found.has_proof())))
    }

    #[test]
    fn a_token_comes_with_a_proof_or_in_another_way() {
        assert_eq!(extract(None, false), Ok(None));
        assert_eq!(extract(Some("DPoP a"), false), Ok(Some((b"a".to_vec(), true))));
        assert_eq!(extract(Some("Bearer b"), false), Ok(Some((b"b".to_vec(), false))));
        assert_eq!(extract(Some("Bearer b"), true), Ok(Some((b"b".to_vec(), false))));
        assert_eq!(extract(None, true), Ok(Some((b"c".to_vec(), false))));
        assert_eq!(extract(Some("DPoP a"), true), Err(InvalidRequestReason::Ambiguous));
        assert_eq!(extract(Some("DPoP"), true), Err(InvalidRequestReason::Malformed));
    }
}
