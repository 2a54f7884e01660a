//! One setting that the attacks are tried with, named by `JWT_VERIFY_SUITES_SETTING`.

use jwt_verify::{
    Algorithm, ClaimsMapping, JwkSet, JwtAuthBuilder, Secret, TrustedIssuer, VerificationKey,
    extract::HeaderExtractor,
};
use serde_json::Value;

use crate::{AUDIENCE, SigningKey};

/// The header of tokens with the setting `header`.
const HEADER: &str = "X-Test-Assertion";

/// The client of all tokens with the setting `without_audience`.
const CLIENT: &str = "client-1";

fn name() -> Option<String> {
    std::env::var("JWT_VERIFY_SUITES_SETTING").ok()
}

fn is(setting: &str) -> bool {
    name().as_deref() == Some(setting)
}

/// Returns whether tokens are verified with one given key, and key sets mean nothing.
pub fn has_one_key() -> bool {
    is("of_key")
}

/// Trusts the issuer, with the setting switched on.
pub fn trusted_issuer(url: &str, key: &SigningKey) -> TrustedIssuer {
    let issuer = || TrustedIssuer::new(url, AUDIENCE).algorithms([key.algorithm()]);
    match name().as_deref() {
        None | Some("header") => issuer(),
        Some("accept_id_tokens") => issuer().accept_id_tokens(),
        Some("token_type") => issuer().token_type("vnd.example+jwt"),
        Some("numeric_subject") => issuer().numeric_subject(),
        Some("and_keys") => {
            let secret = Secret::new([7; 64]);
            let key = VerificationKey::from_secret(Algorithm::HS512, &secret).unwrap();
            issuer().and_keys([Algorithm::HS512], JwkSet::single(key))
        }
        Some("without_audience") => TrustedIssuer::without_audience(url)
            .algorithms([key.algorithm()])
            .allowed_clients([CLIENT]),
        Some("of_key") => {
            TrustedIssuer::of_key(VerificationKey::from_jwk(&key.jwk().to_string()).unwrap())
        }
        Some("claims_mapping") => {
            let mapping = ClaimsMapping::default().and_roles_claim("/grants/*/name");
            issuer().claims_mapping(mapping.roles_delimiter(',').scopes_claim("scopes"))
        }
        Some(other) => panic!("no setting is called {other}"),
    }
}

/// Changes the claims of a good token to what is good with the setting.
pub(crate) fn change_claims(claims: &mut Value) {
    let claims = claims.as_object_mut().unwrap();
    if is("without_audience") {
        claims.remove("aud");
        claims.insert("client_id".into(), CLIENT.into());
    } else if is("of_key") {
        claims.remove("iss");
        claims.remove("aud");
    }
}

/// Reads tokens where the setting says.
pub fn extractor(builder: JwtAuthBuilder) -> JwtAuthBuilder {
    if is("header") { builder.extractor(HeaderExtractor::new(HEADER)) } else { builder }
}

/// Returns the header of a token and its value.
pub fn header(token: &str) -> (&'static str, String) {
    if is("header") {
        (HEADER, token.to_owned())
    } else {
        ("authorization", format!("Bearer {token}"))
    }
}
