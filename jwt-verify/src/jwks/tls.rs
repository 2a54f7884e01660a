//! TLS configuration of the HTTP client.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};

use crate::{error::ConfigError, secret::Secret};

/// Trust anchors for the certificates of issuers.
#[derive(Debug, Clone, Default)]
pub(super) struct Roots {
    /// Your own certificates in PEM, added to `base`.
    pub(super) own: Vec<Vec<u8>>,
    pub(super) base: Base,
}

/// Trust anchors that your own certificates are added to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Base {
    /// The authorities of the Mozilla programme, as of the build.
    #[default]
    Mozilla,
    /// The authorities that the operating system trusts.
    #[cfg(feature = "native-roots")]
    System,
    /// None.
    Nothing,
}

/// Certificate that a client presents (RFC 8705 §2), in PEM.
#[derive(Debug, Clone)]
pub(super) struct ClientIdentity {
    /// The certificate, and those that lead to its authority.
    pub(super) certificates: Vec<u8>,
    pub(super) key: Secret,
}

/// Builds a configuration for TLS 1.2 and 1.3 with these trust anchors.
pub(super) fn config(
    roots: &Roots,
    identity: Option<&ClientIdentity>,
) -> Result<Arc<ClientConfig>, ConfigError> {
    let mut store = match roots.base {
        Base::Mozilla => RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() },
        #[cfg(feature = "native-roots")]
        Base::System => system()?,
        Base::Nothing => RootCertStore::empty(),
    };
    for pem in &roots.own {
        let mut found = false;
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let added = certificate.ok().and_then(|certificate| store.add(certificate).ok());
            added.ok_or(unreadable())?;
            found = true;
        }
        if !found {
            return Err(unreadable());
        }
    }
    if store.is_empty() {
        return Err(ConfigError::Empty { setting: "root_certificates" });
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| ConfigError::invalid("tls", "no protocol version is available"))?
        .with_root_certificates(store);
    let config = match identity {
        None => config.with_no_client_auth(),
        Some(identity) => {
            let (chain, key) = identity.parse()?;
            let problem = "must be a certificate and the private key that belongs to it";
            config
                .with_client_auth_cert(chain, key)
                .map_err(|_| ConfigError::invalid("mutual_tls", problem))?
        }
    };
    Ok(Arc::new(config))
}

impl ClientIdentity {
    fn parse(&self) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), ConfigError> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&self.certificates).collect();
        let chain = chain.ok().filter(|chain| !chain.is_empty());
        let chain = chain.ok_or(ConfigError::invalid(
            "mutual_tls",
            "must hold the certificate of this client in PEM",
        ))?;
        let mut keys = PrivateKeyDer::pem_slice_iter(self.key.expose());
        match (keys.next(), keys.next()) {
            (Some(Ok(key)), None) => Ok((chain, key)),
            _ => Err(ConfigError::invalid("mutual_tls", "must hold one private key in PEM")),
        }
    }
}

fn unreadable() -> ConfigError {
    ConfigError::invalid("root_certificates", "must hold certificates in PEM, and nothing else")
}

#[cfg(feature = "native-roots")]
fn system() -> Result<RootCertStore, ConfigError> {
    let mut store = RootCertStore::empty();
    // Unreadable certificates of the system are skipped, as long as there are others.
    let _ = store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if store.is_empty() {
        return Err(ConfigError::invalid("native_roots", "the system has no certificates"));
    }
    Ok(store)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_must_be_there_and_readable() {
        assert!(config(&Roots::default(), None).is_ok());
        assert!(config(&Roots { base: Base::Nothing, ..Roots::default() }, None).is_err());
        for pem in ["", "garbage", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
        {
            let roots = Roots { own: vec![pem.into()], ..Roots::default() };
            assert!(config(&roots, None).is_err(), "{pem}");
        }
    }
}
