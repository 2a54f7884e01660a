//! Issuing tokens: minting, refreshing, sessions.

mod builder;
mod issuer;
mod key_ring;
mod refresh_store;
mod sessions;
mod signing_key;
mod token;

pub use builder::TokenIssuerBuilder;
pub use issuer::TokenIssuer;
pub use key_ring::TokenIssuerKeys;
#[cfg(feature = "redis")]
pub use refresh_store::RedisRefreshStore;
pub use refresh_store::{
    MemoryRefreshStore, RefreshStore, Rotation, RotationOutcome, SessionRecord,
};
pub use sessions::{RefreshGrant, SessionError, Sessions, SessionsBuilder, TokenPair};
pub use signing_key::{SecretStore, SigningKey};
pub use token::{AccessTokenBuilder, IssuedToken, IssuingError};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// Generates an unpredictable name in base64url, from this many random bytes.
fn random_name<const BYTES: usize>() -> Result<String, IssuingError> {
    let mut bytes = [0; BYTES];
    SystemRandom::new().fill(&mut bytes).map_err(|_| IssuingError::Random)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
