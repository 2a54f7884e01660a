//! A token in the URL (RFC 6750 §2.3).

use actix_web::{HttpRequest, web::Query};

use super::{Credential, TokenExtractor};
use crate::error::InvalidRequestReason;

/// Takes the token from a query parameter, such as `access_token`.
///
/// URLs end up in logs, in histories and in `Referer` headers, and tokens in them leak that way
/// (RFC 9700 §4.3.2). Use it only for clients that can send nothing else, and only with tokens that
/// live for seconds.
///
/// With the middleware, responses have `Cache-Control: private`, or keep `no-store` (RFC 6750
/// §2.3). A handler without it, with `#[require]` or [`VerifiedClaims`](crate::VerifiedClaims) and
/// the app's data only, has to set the header itself.
#[derive(Debug, Clone)]
pub struct QueryExtractor {
    name: String,
}

impl QueryExtractor {
    /// Creates an extractor for the parameter of this name. RFC 6750 calls it `access_token`.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into() }
    }
}

impl TokenExtractor for QueryExtractor {
    fn extract<'r>(
        &self,
        request: &'r HttpRequest,
    ) -> Result<Option<Credential<'r>>, InvalidRequestReason> {
        let pairs = Query::<Vec<(String, String)>>::from_query(request.query_string())
            .map_err(|_| InvalidRequestReason::Malformed)?
            .into_inner();
        let mut values =
            pairs.into_iter().filter_map(|(name, value)| (name == self.name).then_some(value));
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) if value.is_empty() => Err(InvalidRequestReason::Malformed),
            (Some(value), None) => Ok(Some(Credential::new(value.into_bytes()).in_url())),
            (Some(_), Some(_)) => Err(InvalidRequestReason::Ambiguous),
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn extract(query: &str) -> Result<Option<Vec<u8>>, InvalidRequestReason> {
        let request = TestRequest::with_uri(&format!("/?{query}")).to_http_request();
        let credential = QueryExtractor::new("access_token").extract(&request)?;
        Ok(credential.map(|credential| credential.as_bytes().to_vec()))
    }

    #[test]
    fn one_parameter_of_the_name_is_taken_however_it_is_spelled() {
        assert_eq!(extract("a=1&access_token=x.y"), Ok(Some(b"x.y".to_vec())));
        assert_eq!(extract("access%5Ftoken=x%2Ey"), Ok(Some(b"x.y".to_vec())));
        assert_eq!(extract("Access_Token=x&a=access_token"), Ok(None));
        assert_eq!(extract(""), Ok(None));
    }

    #[test]
    fn two_and_empty_ones_are_refused() {
        assert_eq!(extract("access_token=a&access_token=b"), Err(InvalidRequestReason::Ambiguous));
        assert_eq!(
            extract("access_token=a&access%5ftoken=a"),
            Err(InvalidRequestReason::Ambiguous)
        );
        assert_eq!(extract("access_token="), Err(InvalidRequestReason::Malformed));
    }
}
