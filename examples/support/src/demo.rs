//! What every integration example needs besides what it shows: an issuer, tokens to try, an address.

use std::{env, io, net::SocketAddr, time::Duration};

use jwt_verify::{
    JwtAuth, JwtAuthBuilder, TrustedIssuer,
    testing::{AUDIENCE, TestIssuer, TestToken},
};
use serde_json::Value;

/// The issuer that `JWT_ISSUER` names, for the audience in `JWT_AUDIENCE`; without these variables one
/// of the example's own.
#[derive(Debug)]
pub struct Demo {
    own: Option<TestIssuer>,
    issuer: String,
    audience: String,
}

impl Demo {
    /// Takes the issuer from the environment, or starts one.
    pub fn start() -> Self {
        let audience = env::var("JWT_AUDIENCE").unwrap_or_else(|_| AUDIENCE.to_owned());
        if let Ok(issuer) = env::var("JWT_ISSUER") {
            return Self { own: None, issuer, audience };
        }
        let own = TestIssuer::start();
        Self { issuer: own.url().to_owned(), own: Some(own), audience }
    }

    /// The issuer's name.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// What tokens must be for.
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// The public keys of the example's own issuer, if it has one.
    pub fn key_set(&self) -> Option<Value> {
        self.own.as_ref().map(TestIssuer::key_set)
    }

    /// Settings with which an application trusts the issuer.
    pub fn trusted_issuer(&self) -> TrustedIssuer {
        TrustedIssuer::new(&self.issuer, &self.audience)
    }

    /// Protection that trusts the issuer.
    pub fn auth(&self) -> JwtAuthBuilder {
        JwtAuth::for_issuer(self.trusted_issuer())
    }

    /// Prints a token of the example's own issuer, to try requests with.
    #[expect(clippy::print_stdout, reason = "it is there to be copied")]
    pub fn print_token(&self, whose: &str, make: impl FnOnce(TestToken<'_>) -> TestToken<'_>) {
        if let Some(issuer) = &self.own {
            let token = issuer.token().audience(&self.audience).lifetime(Duration::from_secs(3600));
            println!("# {whose}\n{}\n", make(token).sign());
        }
    }
}

/// Where to listen: `BIND_ADDR`, or else port 8080 of this machine alone.
pub fn bind_address() -> String {
    env::var("BIND_ADDR").unwrap_or_else(|_| "127.0.0.1:8080".into())
}

/// Prints where a server listens.
///
/// # Errors
/// If it listens nowhere.
#[expect(clippy::print_stdout, reason = "it is there to be copied")]
pub fn announce(addresses: &[SocketAddr]) -> io::Result<()> {
    let address = addresses.first().ok_or_else(|| io::Error::other("the server has no address"))?;
    println!("listening on http://{address}; Ctrl-C ends it");
    Ok(())
}
