//! Keys in the environment: a shared secret, and a public key.

use super::environment::Environment;
use crate::{
    algorithm::Algorithm,
    error::{ConfigError, InvalidKeyError},
    key::{JwkSet, VerificationKey},
    secret::Secret,
};

/// Variable with a shared secret.
const SECRET: &str = "JWT_SECRET";

/// Variable with a public key in PEM form.
const PUBLIC_KEY: &str = "JWT_PUBLIC_KEY";

/// Algorithm of each type of public key, where none is named. That of a last resort is used only if
/// it is named.
const USUAL: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::ES512,
    Algorithm::EdDSA,
    Algorithm::ES256K,
    Algorithm::MlDsa44,
    Algorithm::MlDsa65,
    Algorithm::MlDsa87,
];

/// Keys with the algorithms that they serve.
pub(super) struct StaticKeys {
    pub(super) keys: JwkSet,
    pub(super) algorithms: Vec<Algorithm>,
}

/// Returns the shared secret as keys of the symmetric algorithms on the list, or for `HS256` if
/// there is no list.
pub(super) fn secret(
    environment: &Environment<'_>,
    listed: Option<&[Algorithm]>,
) -> Result<Option<StaticKeys>, ConfigError> {
    let wanted: Vec<Algorithm> = match listed {
        Some(listed) => listed.iter().copied().filter(|one| one.is_symmetric()).collect(),
        None => vec![Algorithm::HS256],
    };
    let Some(text) = environment.text(SECRET)? else {
        return match listed {
            Some(_) if !wanted.is_empty() => {
                let problem = "names a symmetric algorithm, which needs its secret; set JWT_SECRET";
                Err(ConfigError::invalid("JWT_ALGORITHMS", problem))
            }
            _ => Ok(None),
        };
    };
    if text.contains("-----BEGIN ") {
        let problem = "is a key in PEM form, which is no secret; set JWT_PUBLIC_KEY";
        return Err(ConfigError::invalid(SECRET, problem));
    }
    if wanted.is_empty() {
        let problem = "fits none of the algorithms in JWT_ALGORITHMS; add HS256";
        return Err(ConfigError::invalid(SECRET, problem));
    }
    let secret = Secret::from(text);
    let keys = wanted.iter().map(|algorithm| VerificationKey::from_secret(*algorithm, &secret));
    static_keys(SECRET, keys.collect(), wanted).map(Some)
}

/// Returns the public key as keys of the asymmetric algorithms on the list, or for the usual one of
/// its type if there is no list.
pub(super) fn public_key(
    environment: &Environment<'_>,
    listed: Option<&[Algorithm]>,
) -> Result<Option<StaticKeys>, ConfigError> {
    let Some(pem) = environment.text(PUBLIC_KEY)? else { return Ok(None) };
    let import = |algorithm: &Algorithm| VerificationKey::from_pem(*algorithm, pem.as_bytes());
    let is_other_type = |reason| {
        use InvalidKeyError::{AlgorithmMismatch, Malformed, Unsupported};
        matches!(reason, AlgorithmMismatch | Malformed | Unsupported)
    };
    let Some(usual) = USUAL.into_iter().find(|one| !import(one).is_err_and(is_other_type)) else {
        let reason = InvalidKeyError::Malformed;
        return Err(ConfigError::KeyIn { variable: PUBLIC_KEY, reason });
    };
    let wanted: Vec<Algorithm> = match listed {
        Some(listed) => listed.iter().copied().filter(|one| !one.is_symmetric()).collect(),
        None if usual.is_last_resort() => {
            let problem = "is on secp256k1, which is accepted only by name; set \
                           JWT_ALGORITHMS=ES256K";
            return Err(ConfigError::invalid(PUBLIC_KEY, problem));
        }
        None => vec![usual],
    };
    if wanted.is_empty() || wanted.iter().any(|one| one.family() != usual.family()) {
        let problem = "does not fit each asymmetric algorithm in JWT_ALGORITHMS; name those of \
                       the key, and no others";
        return Err(ConfigError::invalid(PUBLIC_KEY, problem));
    }
    static_keys(PUBLIC_KEY, wanted.iter().map(import).collect(), wanted).map(Some)
}

fn static_keys(
    variable: &'static str,
    keys: Result<Vec<VerificationKey>, InvalidKeyError>,
    algorithms: Vec<Algorithm>,
) -> Result<StaticKeys, ConfigError> {
    let keys = keys.map_err(|reason| ConfigError::KeyIn { variable, reason })?;
    Ok(StaticKeys { keys: JwkSet::configured(keys), algorithms })
}
