//! Issuing of access tokens: signing keys, rotation, the issuer.
//!
//! Sessions with refresh tokens are in [`sessions`](crate::sessions).

mod builder;
mod issuer;
mod key_ring;
pub(crate) mod refresh_store;
pub(crate) mod sessions;
mod signing_key;
mod token;

pub use builder::TokenIssuerBuilder;
pub use issuer::TokenIssuer;
pub use key_ring::TokenIssuerKeys;
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
