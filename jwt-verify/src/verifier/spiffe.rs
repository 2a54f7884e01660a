//! Workloads with a SPIFFE ID.

use super::issuer::TrustedIssuer;
use crate::{
    algorithm::Algorithm,
    claims::Claims,
    error::{ConfigError, InvalidTokenReason},
};

impl TrustedIssuer {
    /// Trusts the JWT-SVIDs of a SPIFFE trust domain for one audience. Their subject is a SPIFFE ID,
    /// and they name no issuer. Accepted algorithms: `ES256` and `RS256`, the usual ones of SPIRE.
    ///
    /// The keys have to be set: a [`JwksProvider`](crate::JwksProvider) at the URL of the trust
    /// domain's bundle. A token is refused if its `sub` is not the ID of a workload in this trust
    /// domain, compared byte by byte, or if it has an `iss`; for a SPIRE server that writes one, use
    /// [`new`](Self::new). The ID is [`VerifiedClaims::subject`](crate::VerifiedClaims); check it in
    /// a requirement or a policy, since every workload of the trust domain is let in.
    ///
    /// ```
    /// use jwt_verify::{JwksProvider, TrustedIssuer};
    ///
    /// let bundle = JwksProvider::builder("https://spire.example.org/keys").build()?;
    /// let issuer = TrustedIssuer::spiffe("example.org", "https://api.example.org")?.keys(bundle);
    /// # Ok::<(), jwt_verify::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// A name that no trust domain can have, such as one with a scheme or capitals.
    pub fn spiffe(
        trust_domain: impl Into<String>,
        audience: impl Into<String>,
    ) -> Result<Self, ConfigError> {
        let domain: String = trust_domain.into();
        let is_name =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._".contains(&byte);
        if domain.is_empty() || domain.len() > 255 || !domain.bytes().all(is_name) {
            let problem = "is not a trust domain, such as example.org, without a scheme";
            return Err(ConfigError::invalid("trust_domain", problem));
        }
        let mut issuer = Self::with(None, vec![audience.into()]);
        issuer.names_trust_domain = true;
        Ok(issuer.algorithms([Algorithm::ES256, Algorithm::RS256]).validator(
            move |claims: &Claims| {
                let is_inside = claims.subject().is_some_and(|id| is_workload(id, &domain));
                if is_inside { Ok(()) } else { Err(InvalidTokenReason::Subject) }
            },
        ))
    }
}

/// Returns `true` for the ID of a workload in the trust domain: `spiffe://DOMAIN/PATH` (SPIFFE-ID
/// §2).
fn is_workload(id: &str, domain: &str) -> bool {
    let path = id
        .strip_prefix("spiffe://")
        .and_then(|rest| rest.strip_prefix(domain))
        .and_then(|rest| rest.strip_prefix('/'));
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let is_segment = |part: &str| !matches!(part, "" | "." | "..") && part.bytes().all(is_letter);
    id.len() <= 2048 && path.is_some_and(|path| path.split('/').all(is_segment))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workload_is_inside_of_its_trust_domain() {
        for id in ["spiffe://example.org/orders", "spiffe://example.org/ns/shop/sa/orders_1"] {
            assert!(is_workload(id, "example.org"), "{id}");
        }
        for id in [
            "spiffe://example.org",
            "spiffe://example.org/",
            "spiffe://example.org/a//b",
            "spiffe://example.org/a/../b",
            "spiffe://example.org/a?b",
            "spiffe://example.org.evil/a",
            "spiffe://evil.example.org/a",
            "spiffe://example.org@evil/a",
            "spiffe://example.org:443/a",
            "SPIFFE://example.org/a",
            "spiffe://Example.org/a",
            "https://example.org/a",
            "",
        ] {
            assert!(!is_workload(id, "example.org"), "{id}");
        }
        for domain in ["", "Example.org", "spiffe://example.org", "example.org/a", "a b"] {
            assert!(TrustedIssuer::spiffe(domain, "api").is_err(), "{domain}");
        }
    }
}
