//! Service accounts of the Kubernetes cluster that the application runs in.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

use super::issuer::TrustedIssuer;
use crate::{
    claims::{Claims, ServiceAccount},
    error::{ConfigError, InvalidTokenReason},
    jwks::{JwksProvider, JwksProviderBuilder},
    token::{CompactToken, decode_exact},
};

/// Folder of the service account in a pod.
pub(crate) const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// Largest token and bundle of authorities that are read.
const MAX_BYTES: u64 = 256 * 1024;

/// A cluster, as a pod in it sees it.
pub(crate) struct Cluster {
    /// The name that the cluster writes into `iss`.
    pub(crate) issuer: String,
    api_server: String,
    authorities: String,
    token_file: PathBuf,
}

impl TrustedIssuer {
    /// Trusts the tokens of service accounts of the cluster that this process runs in, for one
    /// audience. Accepted algorithm: `RS256`.
    ///
    /// The keys come from the API server (`KUBERNETES_SERVICE_HOST`, `KUBERNETES_SERVICE_PORT`),
    /// whose certificate is checked with the cluster's authority, and which gets the token of this
    /// pod; its file is read again for each fetch. The issuer is the one that this token names. The
    /// callers' pods need a projected token for the audience. `sub` must be a [`ServiceAccount`].
    ///
    /// Every service account of the cluster is let in. Accept some alone with
    /// [`service_accounts`](Self::service_accounts).
    ///
    /// # Errors
    /// A process that does not run in a cluster, or files of its service account that cannot be
    /// read.
    pub fn kubernetes(audience: impl Into<String>) -> Result<Self, ConfigError> {
        let variable = |name: &str| std::env::var(name).ok();
        Self::of_cluster(Cluster::read(variable, Path::new(SERVICE_ACCOUNT))?, audience)
    }

    /// Trusts the tokens of service accounts of a cluster whose API server is at this URL. `folder`
    /// has the files `ca.crt` and `token`, as in a pod; see [`kubernetes`](Self::kubernetes).
    ///
    /// # Errors
    /// Files that cannot be read, or a URL that is not `https`.
    pub fn kubernetes_at(
        api_server: impl Into<String>,
        folder: impl AsRef<Path>,
        audience: impl Into<String>,
    ) -> Result<Self, ConfigError> {
        Self::of_cluster(Cluster::at(api_server.into(), folder.as_ref())?, audience)
    }

    fn of_cluster(cluster: Cluster, audience: impl Into<String>) -> Result<Self, ConfigError> {
        let keys = cluster.keys().build()?;
        Ok(Self::new(cluster.issuer, audience).only_service_accounts().keys(keys))
    }

    /// Accepts tokens of service accounts alone.
    pub(crate) fn only_service_accounts(self) -> Self {
        self.validator(|claims: &Claims| {
            ServiceAccount::of(claims).map(drop).ok_or(InvalidTokenReason::Subject)
        })
    }

    /// Accepts tokens of these service accounts alone. Default: of any.
    pub fn service_accounts(self, accounts: impl IntoIterator<Item = ServiceAccount>) -> Self {
        let accounts: Vec<ServiceAccount> = accounts.into_iter().collect();
        self.validator(move |claims: &Claims| {
            let is_listed = ServiceAccount::of(claims).is_some_and(|one| accounts.contains(&one));
            if is_listed { Ok(()) } else { Err(InvalidTokenReason::Subject) }
        })
    }
}

impl Cluster {
    /// Reads the variables and files that Kubernetes gives to a pod.
    pub(crate) fn read(
        variable: impl Fn(&str) -> Option<String>,
        folder: &Path,
    ) -> Result<Self, ConfigError> {
        let host = variable("KUBERNETES_SERVICE_HOST").ok_or(OUTSIDE)?;
        let port = variable("KUBERNETES_SERVICE_PORT").unwrap_or_else(|| "443".to_owned());
        let host = if host.contains(':') { format!("[{host}]") } else { host };
        Self::at(format!("https://{host}:{port}"), folder)
    }

    fn at(api_server: String, folder: &Path) -> Result<Self, ConfigError> {
        let token_file = folder.join("token");
        let token = read(&token_file)?;
        let authorities = read(&folder.join("ca.crt"))?;
        let issuer = issuer_of(token.trim()).ok_or(ConfigError::invalid(
            "kubernetes",
            "the token of the service account names no issuer",
        ))?;
        Ok(Self { issuer, api_server, authorities, token_file })
    }

    /// Returns the key set of the API server.
    pub(crate) fn keys(&self) -> JwksProviderBuilder {
        let url = format!("{}/openid/v1/jwks", self.api_server.trim_end_matches('/'));
        JwksProvider::builder(url)
            .root_certificates(self.authorities.clone())
            .bearer_token_file(self.token_file.clone())
    }
}

const OUTSIDE: ConfigError = ConfigError::invalid(
    "kubernetes",
    "this process is not in a pod with a service account (KUBERNETES_SERVICE_HOST, and the files \
     `token` and `ca.crt`); elsewhere set issuer and key set URL",
);

fn read(path: &Path) -> Result<String, ConfigError> {
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(|_| OUTSIDE)?;
    let read = file.take(MAX_BYTES + 1).read_to_string(&mut text);
    // A part of a bundle would be a bundle with fewer authorities.
    if read.is_err() || text.len() as u64 > MAX_BYTES {
        return Err(OUTSIDE);
    }
    Ok(text)
}

/// Returns the issuer of the pod's own token. The token is not verified: it comes from the file
/// system of this pod.
fn issuer_of(token: &str) -> Option<String> {
    let parts = CompactToken::parse(token.as_bytes(), token.len()).ok()?;
    let payload = String::from_utf8(decode_exact(parts.payload)?).ok()?;
    Claims::parse(payload).ok()?.issuer().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outside_of_a_cluster_the_start_says_so() {
        let nowhere = Path::new("/nowhere/at/all");
        for host in [None, Some("10.0.0.1".to_owned())] {
            let error = Cluster::read(|_| host.clone(), nowhere).err().unwrap().to_string();
            assert!(error.contains("KUBERNETES_SERVICE_HOST"), "{error}");
        }
    }
}
