//! Sessions of revisions up to 2025-11-25, each of which belongs to the caller who began it.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{
    claims::{Claims, VerifiedClaims},
    error::ConfigError,
    http::mcp::{body::one, refusal::RequestProblem},
    secret::Secret,
};

pub(super) const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
pub(super) const LAST_EVENT: HeaderName = HeaderName::from_static("last-event-id");

/// Binds identifiers of sessions to callers, without a store: `inner.TAG` outside is `inner` inside.
#[derive(Debug)]
pub(super) struct SessionBinding(hmac::Key);

impl SessionBinding {
    /// Makes a binding by this key, or by one that only this process knows.
    pub(super) fn new(key: Option<&Secret>) -> Result<Self, ConfigError> {
        const SETTING: &str = "mcp.session_key";

        if let Some(key) = key {
            return key.hmac_key(SETTING).map(Self);
        }
        let mut random = vec![0; 32];
        aws_lc_rs::rand::fill(&mut random)
            .map_err(|_| ConfigError::invalid(SETTING, "could not be made at random"))?;
        Secret::new(random).hmac_key(SETTING).map(Self)
    }

    /// Returns the identifier that the server knows, if a request has one.
    ///
    /// # Errors
    /// One that is not the caller's, or several, as for a session that is unknown.
    pub(super) fn inner(
        &self,
        headers: &HeaderMap,
        claims: &VerifiedClaims,
    ) -> Result<Option<HeaderValue>, RequestProblem> {
        let field = one(headers, &SESSION).map_err(|()| RequestProblem::Session)?;
        let Some(field) = field else { return Ok(None) };
        let inner = field.to_str().ok().and_then(|outer| {
            let (inner, tag) = outer.rsplit_once('.')?;
            let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
            let bound = bound(claims.standard(), inner.as_bytes())?;
            hmac::verify(&self.0, &bound, &tag).ok()?;
            HeaderValue::from_str(inner).ok()
        });
        inner.map(Some).ok_or(RequestProblem::Session)
    }

    /// Binds the identifier in the head of a response to the caller. One that cannot be bound is removed:
    /// without a subject and a client, callers cannot be told apart.
    pub(super) fn bind(&self, headers: &mut HeaderMap, claims: &VerifiedClaims) {
        let outer = headers.get(&SESSION).and_then(|inner| {
            let bound = bound(claims.standard(), inner.as_bytes())?;
            let tag = URL_SAFE_NO_PAD.encode(hmac::sign(&self.0, &bound));
            HeaderValue::try_from(format!("{}.{tag}", inner.to_str().ok()?)).ok()
        });
        headers.remove(&SESSION);
        if let Some(outer) = outer {
            headers.insert(SESSION, outer);
        }
    }
}

/// Returns what a tag is of: the identifier and its owner, each with its length.
fn bound(owner: &Claims, inner: &[u8]) -> Option<Vec<u8>> {
    let text = |name| owner.find_text(name).filter(|text| !text.is_empty());
    let client = || text("client_id").or_else(|| text("azp"));
    // An empty subject is that of everyone who has none.
    let (kind, name) = match owner.subject().filter(|subject| !subject.is_empty()) {
        Some(subject) => ("subject", subject),
        None => ("client", client()?),
    };
    let issuer = owner.issuer().unwrap_or_default();
    let mut bound = Vec::with_capacity(256);
    for part in [b"mcp session", issuer.as_bytes(), kind.as_bytes(), name.as_bytes(), inner] {
        bound.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bound.extend_from_slice(part);
    }
    Some(bound)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::claims::{GrantedAuthorities, VerifiedToken};

    fn claims(text: &str) -> VerifiedClaims {
        let claims: Claims = serde_json::from_str(text).unwrap();
        let token = VerifiedToken::new(claims, GrantedAuthorities::default());
        VerifiedClaims::new(Arc::new(token))
    }

    fn fields(value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(SESSION, HeaderValue::from_str(value).unwrap());
        headers
    }

    const ALICE: &str = r#"{"iss":"https://issuer.example","sub":"alice","client_id":"c"}"#;

    #[test]
    fn a_session_is_of_its_owner_alone() {
        let sessions = SessionBinding::new(None).unwrap();
        let mut headers = fields("a.b");
        sessions.bind(&mut headers, &claims(ALICE));
        let inner = |claims: &VerifiedClaims| sessions.inner(&headers, claims);
        assert_eq!(inner(&claims(ALICE)).unwrap().unwrap(), "a.b");
        for other in [
            r#"{"iss":"https://issuer.example","sub":"bob","client_id":"c"}"#,
            r#"{"iss":"https://other.example","sub":"alice","client_id":"c"}"#,
            r#"{"sub":"alice"}"#,
            r#"{"iss":"https://issuer.example","client_id":"alice"}"#,
            r#"{"iss":"https://issuer.example"}"#,
        ] {
            assert_eq!(inner(&claims(other)), Err(RequestProblem::Session), "{other}");
        }
        let other = SessionBinding::new(Some(&Secret::new([1; 32]))).unwrap();
        assert!(other.inner(&headers, &claims(ALICE)).is_err());
        assert_eq!(sessions.inner(&HeaderMap::new(), &claims(ALICE)), Ok(None));
    }

    #[test]
    fn a_key_is_the_same_in_every_process() {
        let sessions = || SessionBinding::new(Some(&Secret::new([1; 32]))).unwrap();
        let mut headers = fields("a");
        let client = r#"{"client_id":"c"}"#;
        sessions().bind(&mut headers, &claims(client));
        assert_eq!(sessions().inner(&headers, &claims(client)).unwrap().unwrap(), "a");
        assert!(SessionBinding::new(Some(&Secret::new([1; 31]))).is_err());
    }

    #[test]
    fn a_session_of_nobody_is_removed() {
        for nobody in [
            r#"{"iss":"https://issuer.example"}"#,
            r#"{"iss":"https://issuer.example","sub":""}"#,
            r#"{"iss":"https://issuer.example","sub":"","client_id":""}"#,
        ] {
            let mut headers = fields("a");
            SessionBinding::new(None).unwrap().bind(&mut headers, &claims(nobody));
            assert!(headers.is_empty(), "{nobody}");
        }
    }
}
