//! `Authorization: Bearer …` (RFC 6750 §2.1).

use actix_web::{
    HttpRequest,
    http::header::{AUTHORIZATION, HeaderMap},
};

use super::{Credential, TokenExtractor, authorization};
use crate::error::InvalidRequestReason;

/// Takes the token from the `Authorization` header; the default.
///
/// The scheme is compared without case. A header of another scheme is not a credential; two
/// headers, a list, or anything that cannot be read as one token is refused.
#[doc(alias = "bearer", alias = "authorization header")]
#[derive(Debug, Clone, Copy, Default)]
pub struct BearerExtractor;

impl TokenExtractor for BearerExtractor {
    fn extract<'r>(
        &self,
        request: &'r HttpRequest,
    ) -> Result<Option<Credential<'r>>, InvalidRequestReason> {
        Ok(authorization::token(request, b"bearer")?.map(Credential::new))
    }

    fn remove(&self, headers: &mut HeaderMap) -> bool {
        headers.remove(AUTHORIZATION);
        true
    }
}
