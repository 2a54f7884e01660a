//! A certificate that nobody vouches for, made at every start. In earnest there is one of an authority,
//! or a proxy in front that has one.

use std::error::Error;

use rustls::{ServerConfig, pki_types::PrivateKeyDer};

pub(crate) fn self_signed() -> Result<ServerConfig, Box<dyn Error>> {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names)?;
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    Ok(ServerConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)?)
}
