//! Authentication of this application as a client of the issuer (RFC 6749 §2.3, RFC 7662 §2.1).

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{
    assertion::assertion,
    client_key::ClientKey,
    form::{push_encoded, push_pair},
};
use crate::{error::ConfigError, secret::Secret};

/// Type of the assertion of `private_key_jwt` (RFC 7523 §2.2).
const ASSERTION_TYPE: &[u8] = b"urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The system has no random numbers, so that nothing can be signed.
#[derive(Debug)]
pub(super) struct NoRandomNumbers;

/// A client with its credential.
#[derive(Debug, Clone)]
pub(super) struct ClientAuthentication {
    pub(super) client_id: String,
    pub(super) method: ClientMethod,
}

#[derive(Debug, Clone)]
pub(super) enum ClientMethod {
    Basic(Secret),
    Post(Secret),
    PrivateKey(ClientKey),
    /// The certificate of the connection (RFC 8705 §2).
    Certificate {
        certificates: Vec<u8>,
        key: Secret,
    },
}

impl ClientAuthentication {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.client_id.is_empty() {
            return Err(ConfigError::Empty { setting: "introspection.client_id" });
        }
        match &self.method {
            ClientMethod::Basic(secret) | ClientMethod::Post(secret)
                if secret.expose().is_empty() =>
            {
                Err(ConfigError::Empty { setting: "introspection.client_secret" })
            }
            _ => Ok(()),
        }
    }

    /// Adds the credential to a form. Returns the value of `Authorization`, if it needs one.
    pub(super) fn sign_in(
        &self,
        form: &mut String,
        audience: &str,
        now: Duration,
    ) -> Result<Option<String>, NoRandomNumbers> {
        let client_id = self.client_id.as_bytes();
        match &self.method {
            ClientMethod::Basic(secret) => {
                let mut pair = String::new();
                push_encoded(&mut pair, client_id);
                pair.push(':');
                push_encoded(&mut pair, secret.expose());
                return Ok(Some(format!("Basic {}", STANDARD.encode(pair))));
            }
            ClientMethod::Post(secret) => {
                push_pair(form, "client_id", client_id);
                push_pair(form, "client_secret", secret.expose());
            }
            ClientMethod::PrivateKey(key) => {
                let assertion = assertion(key, &self.client_id, audience, now);
                let assertion = assertion.ok_or(NoRandomNumbers)?;
                push_pair(form, "client_id", client_id);
                push_pair(form, "client_assertion_type", ASSERTION_TYPE);
                push_pair(form, "client_assertion", assertion.as_bytes());
            }
            ClientMethod::Certificate { .. } => push_pair(form, "client_id", client_id),
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(id: &str, method: ClientMethod) -> ClientAuthentication {
        ClientAuthentication { client_id: id.into(), method }
    }

    fn sign_in(client: &ClientAuthentication) -> (String, Option<String>) {
        let mut form = "token=t".to_owned();
        let header = client.sign_in(&mut form, "https://issuer.example", Duration::ZERO).unwrap();
        (form, header)
    }

    /// Id and secret are encoded as a form before they are joined (RFC 6749 §2.3.1).
    #[test]
    fn basic_credentials_are_form_encoded() {
        let client = client("my:api", ClientMethod::Basic("s %:\u{e9}+".into()));
        let (form, header) = sign_in(&client);
        assert_eq!(form, "token=t");
        let expected = STANDARD.encode("my%3Aapi:s+%25%3A%C3%A9%2B");
        assert_eq!(header.unwrap(), format!("Basic {expected}"));
    }

    #[test]
    fn other_credentials_are_in_the_form() {
        let (form, header) = sign_in(&client("api", ClientMethod::Post("a&b=c".into())));
        assert_eq!(form, "token=t&client_id=api&client_secret=a%26b%3Dc");
        assert_eq!(header, None);
        let certificate = ClientMethod::Certificate { certificates: vec![], key: "k".into() };
        assert_eq!(sign_in(&client("a b", certificate)), ("token=t&client_id=a+b".into(), None));
    }

    #[test]
    fn a_client_has_a_name_and_a_secret() {
        assert!(client("api", ClientMethod::Basic("s".into())).check().is_ok());
        for (id, secret) in [("", "s"), ("api", "")] {
            assert!(client(id, ClientMethod::Basic(secret.into())).check().is_err());
            assert!(client(id, ClientMethod::Post(secret.into())).check().is_err());
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?}", client("api", ClientMethod::Post("hunter2".into())));
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
