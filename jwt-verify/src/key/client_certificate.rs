//! Client certificates (RFC 8705 §3.1), and their encoding by proxies (RFC 9440 §2).

use std::fmt;

use base64::{
    Engine as _, alphabet,
    engine::{
        DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::URL_SAFE_NO_PAD,
    },
};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};

use super::thumbprint::Thumbprint;
use crate::{defaults::MAX_CERTIFICATE_BYTES, digest::sha256, url::percent_decoded};

/// Certificate of a client on a TLS connection, whose private key the client has proved to hold. It
/// stores the SHA-256 hash, to which tokens are bound (`x5t#S256`, RFC 8705 §3.1).
///
/// [`MutualTls`](crate::mtls::MutualTls) looks for it in the extensions of a request, where your
/// middleware may have put it, and then with the connection. **Security:** code that creates one
/// asserts that the client presented the certificate in the handshake of the connection that the
/// request came over.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ClientCertificate(Thumbprint);

impl ClientCertificate {
    /// Creates it from a certificate in DER, as TLS libraries return it. It is hashed without being
    /// parsed.
    pub fn from_der(certificate: &[u8]) -> Self {
        Self(Thumbprint(sha256([certificate])))
    }

    /// Creates it from the SHA-256 hash of the DER, if a proxy passes on only that.
    pub fn from_sha256(hash: [u8; 32]) -> Self {
        Self(Thumbprint(hash))
    }

    /// Returns the value of `x5t#S256` in the `cnf` of tokens that are bound to it: base64url of
    /// the hash.
    pub fn thumbprint(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0.as_bytes())
    }

    /// Reads it from a header. `None` if that does not contain exactly one certificate.
    pub(crate) fn from_field(value: &[u8]) -> Option<Self> {
        if value.len() > MAX_CERTIFICATE_BYTES {
            return None;
        }
        match value.trim_ascii() {
            [b':', certificate @ .., b':'] => BASE64.decode(certificate).ok(),
            value if value.starts_with(b"-----BEGIN") => from_pem(&percent_decoded(value)?),
            value => BASE64.decode(percent_decoded(value)?).ok(),
        }
        // DER begins with a sequence.
        .filter(|der| der.first() == Some(&0x30))
        .map(|der| Self::from_der(&der))
    }

    /// Returns `true` if a token is bound to it.
    pub(crate) fn is(&self, bound: Thumbprint) -> bool {
        self.0 == bound
    }
}

/// Padding may be left out (RFC 8941 §4.2.7).
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Extracts the only certificate of a text.
fn from_pem(text: &[u8]) -> Option<Vec<u8>> {
    let mut certificates = CertificateDer::pem_slice_iter(text);
    match (certificates.next(), certificates.next()) {
        (Some(Ok(one)), None) => Some(one.to_vec()),
        _ => None,
    }
}

/// Contains the beginning of the thumbprint, which is enough to distinguish certificates.
impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let thumbprint = self.thumbprint();
        write!(f, "ClientCertificate({}…)", thumbprint.get(..8).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8705, appendix A.
    const CERTIFICATE: &str = concat!(
        "MIIBBjCBrAIBAjAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARtdGxzMB4XDTE4MTAxODEyMzcwOVoXDTIyMDUwMjEyMzcwOVow",
        "DzENMAsGA1UEAwwEbXRsczBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABNcnyxwqV6hY8QnhxxzFQ03C7HKW9OylMbnQZjjJ",
        "/Au08/coZwxS7LfA4vOLS9WuneIXhbGGWvsDSb0tH6IxLm8wCgYIKoZIzj0EAwIDSQAwRgIhAP0RC1E+vwJD/D1AGHGzuri+",
        "hlV/PpQEKTWUVeORWz83AiEA5x2eXZOVbUlJSGQgjwD5vaUaKlLR50Q2DmFfQj1L+SY=",
    );
    const THUMBPRINT: &str = "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0";

    fn pem() -> String {
        format!("-----BEGIN CERTIFICATE-----\n{CERTIFICATE}\n-----END CERTIFICATE-----\n")
    }

    fn escape(text: &str) -> String {
        text.replace('%', "%25").replace('\n', "%0A").replace(' ', "%20")
    }

    fn read(field: &str) -> Option<String> {
        ClientCertificate::from_field(field.as_bytes()).map(|found| found.thumbprint())
    }

    #[test]
    fn the_thumbprint_is_that_of_the_specification() {
        let der = BASE64.decode(CERTIFICATE).unwrap();
        let certificate = ClientCertificate::from_der(&der);
        assert_eq!(certificate.thumbprint(), THUMBPRINT);
        assert!(certificate.is(Thumbprint::parse(THUMBPRINT).unwrap()));
        assert_eq!(ClientCertificate::from_sha256(sha256([&der])), certificate);
        assert_eq!(format!("{certificate:?}"), "ClientCertificate(A4DtL2Jm…)");
    }

    #[test]
    fn proxies_write_it_down_in_several_ways() {
        let escaped = escape(&pem());
        for field in [
            &format!(":{CERTIFICATE}:"),
            &format!(" :{}: ", CERTIFICATE.trim_end_matches('=')),
            &CERTIFICATE.to_owned(),
            &CERTIFICATE.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D"),
            &escaped,
            &escaped.replace('+', "%2B").replace('/', "%2f").replace('=', "%3D"),
        ] {
            assert_eq!(read(field).as_deref(), Some(THUMBPRINT), "{field}");
        }
    }

    #[test]
    fn a_field_may_be_long_but_not_longer() {
        let of = |length: usize| format!("MAAA{}", "A".repeat(length - 4));
        assert!(read(&of(MAX_CERTIFICATE_BYTES)).is_some());
        assert!(read(&of(MAX_CERTIFICATE_BYTES + 4)).is_none());
    }

    #[test]
    fn what_says_no_certificate_or_several_is_none() {
        let pem = pem();
        for field in [
            "",
            ":",
            "::",
            "null",
            "(null)",
            "aGVsbG8=",
            &format!(":{CERTIFICATE}"),
            &format!(":{CERTIFICATE}:, :{CERTIFICATE}:"),
            &format!(":{CERTIFICATE}::"),
            &format!("{CERTIFICATE}{CERTIFICATE}"),
            &CERTIFICATE.replace('+', "-"),
            &escape(&format!("{pem}{pem}")),
            &escape(&pem).replace("END", "STOP"),
            &escape(&pem.replace("CERTIFICATE", "PUBLIC KEY")),
            &format!("{}%", escape(&pem)),
            &format!("{}%0", escape(&pem)),
            &format!("{}%+1", escape(&pem)),
        ] {
            assert_eq!(read(field), None, "{field}");
        }
    }
}
