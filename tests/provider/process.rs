//! The provider's process.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::SocketAddr,
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use jwt_verify::{Algorithm, testing::ProofKey};
use jwt_verify_tests::{AUDIENCE, Identity, Request};
use serde_json::Value;

/// A running provider. It ends when it is dropped.
pub(crate) struct Provider {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    issuer: String,
    /// Where it speaks TLS, if it does.
    tls: Option<String>,
}

impl Provider {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with variables in its environment.
    pub(crate) fn start_with(variables: &[(&str, &str)]) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("provider");
        let mut child = Command::new("node")
            .arg("provider.mjs")
            .current_dir(folder)
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut provider = Self { child, input, output, issuer: String::new(), tls: None };
        let greeting = provider.line();
        provider.issuer.push_str(greeting["issuer"].as_str().unwrap());
        provider.tls = greeting["tls"].as_str().map(ToOwned::to_owned);
        provider
    }

    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Its address with TLS.
    pub(crate) fn tls(&self) -> &str {
        self.tls.as_deref().unwrap()
    }

    /// An opaque token of a client for an audience.
    pub(crate) fn opaque_token(&self, client: &str, resource: &str) -> String {
        self.token_for(client, resource, "read:posts", None)
    }

    /// Revokes a token of the client `opaque` (RFC 7009).
    pub(crate) fn revoke(&self, token: &str) {
        let body = format!("client_id=opaque&client_secret=for-tests-only&token={token}");
        let address: SocketAddr = self.issuer.strip_prefix("http://").unwrap().parse().unwrap();
        let request = Request::new(address, "POST", "/token/revocation");
        let response = request.body("application/x-www-form-urlencoded", &body).send();
        assert_eq!(response.status, 200, "{}", response.everything());
    }

    /// Tells the provider to change its keys, and waits until it has.
    pub(crate) fn command(&mut self, command: &str) {
        writeln!(self.input, "{command}").unwrap();
        assert_eq!(self.line()["done"], command);
    }

    /// An access token by client credentials (RFC 6749 §4.4).
    pub(crate) fn token(&self, algorithm: Algorithm, resource: &str, scope: &str) -> String {
        self.token_for(algorithm.name(), resource, scope, None)
    }

    /// One that is bound to the client's certificate (RFC 8705 §3).
    pub(crate) fn certified_token(&self, certificate: &Identity) -> String {
        let pem = certificate.pem().replace('\n', "%0A").replace(' ', "%20").replace('+', "%2B");
        self.token_for("certified", AUDIENCE, "read:posts", Some(("x-client-certificate", &pem)))
    }

    /// One that is bound to the client's key (RFC 9449 §5).
    pub(crate) fn bound_token(&self, algorithm: Algorithm, key: &ProofKey) -> String {
        let url = format!("{}/token", self.issuer);
        // There is no token yet whose hash it could have.
        let proof = key.proof("POST", &url, "").without("ath").sign();
        self.token_for(algorithm.name(), AUDIENCE, "read:posts", Some(("dpop", &proof)))
    }

    fn token_for(
        &self,
        client: &str,
        resource: &str,
        scope: &str,
        shown: Option<(&str, &str)>,
    ) -> String {
        let body = format!(
            "grant_type=client_credentials&client_id={client}&client_secret=for-tests-only\
             &resource={resource}&scope={}",
            scope.replace(' ', "+")
        );
        let address: SocketAddr = self.issuer.strip_prefix("http://").unwrap().parse().unwrap();
        let mut request = Request::new(address, "POST", "/token")
            .body("application/x-www-form-urlencoded", &body);
        if let Some((field, value)) = shown {
            request = request.header(field, value);
        }
        let response = request.send();
        assert_eq!(response.status, 200, "{}", response.everything());
        response.json()["access_token"].as_str().unwrap().to_owned()
    }

    /// The next line of JSON; the provider also greets its developers there.
    fn line(&mut self) -> Value {
        loop {
            let mut line = String::new();
            assert!(self.output.read_line(&mut line).unwrap() > 0, "the provider has ended");
            if let Ok(value) = serde_json::from_str(&line) {
                return value;
            }
        }
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
