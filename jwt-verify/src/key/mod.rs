//! Verification keys: import, permitted uses, and selection.

mod client_certificate;
mod ed25519;
mod fit;
mod jwk;
mod pem;
#[cfg(any(feature = "jwks", feature = "issuing"))]
mod private_key;
mod provider;
pub(crate) mod public_jwk;
mod rsa;
mod set;
mod sources;
mod spki;
mod thumbprint;
mod verification_key;

pub use client_certificate::ClientCertificate;
#[cfg(feature = "jwks")]
pub(crate) use fit::warn_of_fetched;
#[cfg(any(feature = "jwks", feature = "issuing"))]
pub(crate) use jwk::{SeedKey, read_seed_key};
#[cfg(any(feature = "jwks", feature = "issuing"))]
pub(crate) use private_key::PrivateKey;
#[cfg(feature = "issuing")]
pub(crate) use private_key::ecdsa_signing;
#[cfg(any(feature = "issuing", test))]
pub(crate) use private_key::ml_dsa_signing;
pub use provider::{KeyHealth, KeyLookupError, KeyProvider, KeyQuery};
#[cfg(feature = "jwks")]
pub(crate) use set::SkippedEntry;
pub use set::{JwkSet, JwkSetError};
pub(crate) use sources::KeySources;
pub(crate) use thumbprint::Thumbprint;
pub use verification_key::VerificationKey;
