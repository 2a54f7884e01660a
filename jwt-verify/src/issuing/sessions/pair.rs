//! Result of a login or a refresh.

use serde::{Serialize, Serializer, ser::SerializeStruct};

use crate::issuing::IssuedToken;

/// An access token and its refresh token. Serializes as the response of a token endpoint (RFC 6749
/// §5.1); `Debug` is redacted.
#[derive(Debug, Clone)]
pub struct TokenPair {
    /// Access token for the API.
    pub access: IssuedToken,
    /// Refresh token for the next pair.
    pub refresh: IssuedToken,
    /// Session ID (`sid`).
    pub session_id: String,
}

impl Serialize for TokenPair {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut answer = serializer.serialize_struct("TokenPair", 4)?;
        answer.serialize_field("access_token", self.access.as_str())?;
        answer.serialize_field("token_type", "Bearer")?;
        answer.serialize_field("expires_in", &self.access.lifetime().as_secs())?;
        answer.serialize_field("refresh_token", self.refresh.as_str())?;
        answer.end()
    }
}
