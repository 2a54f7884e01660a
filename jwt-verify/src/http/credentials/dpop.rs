//! `Authorization: DPoP …` (RFC 9449 §7.1).

use actix_web::HttpRequest;

use super::{Credential, TokenExtractor, authorization};
use crate::InvalidRequestReason;

/// Takes a token from the `Authorization` field that comes with a proof of its key.
///
/// It is part of the default where [`JwtAuthBuilder::dpop`](crate::JwtAuthBuilder::dpop) is set; name it
/// where you choose the extractors yourself. The proof is not looked at here. The field is read as
/// [`BearerExtractor`](super::BearerExtractor) reads it.
///
/// ```
/// use jwt_verify::{BearerExtractor, CookieExtractor, DpopExtractor, FirstOf};
///
/// let extractor = FirstOf::new(DpopExtractor)
///     .or(BearerExtractor)
///     .or(CookieExtractor::new("__Host-access"))
///     .exclusive();
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct DpopExtractor;

impl TokenExtractor for DpopExtractor {
    fn extract<'r>(
        &self,
        request: &'r HttpRequest,
    ) -> Result<Option<Credential<'r>>, InvalidRequestReason> {
        let token = authorization::token(request, b"dpop")?;
        Ok(token.map(|token| Credential::new(token).with_proof()))
    }
}
