//! Builder of a cache on Redis.

use std::{fmt, sync::Arc, time::Duration};

use deadpool_redis::{
    PoolConfig, RedisConnectionInfo, cluster,
    redis::{Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, TlsCertificates},
    sentinel::{self, SentinelNodeConnectionInfo, SentinelServerType, TlsMode},
};

use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use tokio::sync::Semaphore;

use super::{
    CONNECTIONS, RedisCache, RedisCacheInner,
    breaker::Breaker,
    pool::{Pool, PoolKind},
};
use crate::{
    defaults::{
        REDIS_CONNECTIONS, REDIS_FAILURES, REDIS_PAUSE, REDIS_QUESTIONS, REDIS_TIMEOUT,
        STORE_TIMEOUT,
    },
    error::ConfigError,
    secret::Secret,
};

/// Settings of a [`RedisCache`]. Only the address is required.
#[must_use]
pub struct RedisCacheBuilder {
    topology: Topology,
    namespace: String,
    timeout: Duration,
    connections: usize,
    root_certificate: Option<Vec<u8>>,
    node_credentials: Option<(Option<String>, Secret)>,
    node_tls: bool,
}

enum Topology {
    Single(String),
    Sentinel { sentinels: Vec<String>, master: String },
    Cluster(Vec<String>),
}

impl RedisCacheBuilder {
    pub(super) fn single(url: String) -> Self {
        Self::for_topology(Topology::Single(url))
    }

    pub(super) fn sentinel(sentinels: Vec<String>, master: String) -> Self {
        Self::for_topology(Topology::Sentinel { sentinels, master })
    }

    pub(super) fn cluster(nodes: Vec<String>) -> Self {
        Self::for_topology(Topology::Cluster(nodes))
    }

    fn for_topology(topology: Topology) -> Self {
        Self {
            topology,
            namespace: "jwt-verify".into(),
            timeout: REDIS_TIMEOUT,
            connections: REDIS_CONNECTIONS,
            root_certificate: None,
            node_credentials: None,
            node_tls: false,
        }
    }

    /// Sets the prefix of all keys, before a colon. Default: `jwt-verify`. Use different ones for
    /// applications that must not see each other's entries.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// Sets the time limit of a call, connecting included. Default: 200 ms; at most 250 ms, after
    /// which callers stop waiting.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets the maximum number of open connections. Default: 16. A cache of keys needs few; a store
    /// that is called on every request needs one for each concurrent call.
    pub fn connections(mut self, most: usize) -> Self {
        self.connections = most;
        self
    }

    /// Sets the certificate, in PEM, of the authority that signed a single server's certificate.
    /// Default: the authorities that the operating system trusts. For `rediss://` only.
    pub fn root_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root_certificate = Some(pem.into());
        self
    }

    /// Sets the login for the servers that Sentinels name. Credentials in the Sentinels' URLs are
    /// for the Sentinels.
    pub fn node_credentials(
        mut self,
        user: Option<impl Into<String>>,
        password: impl Into<Secret>,
    ) -> Self {
        self.node_credentials = Some((user.map(Into::into), password.into()));
        self
    }

    /// Uses TLS with the servers that Sentinels name.
    pub fn node_tls(mut self) -> Self {
        self.node_tls = true;
        self
    }

    /// Checks the settings and builds the cache, without connecting yet.
    ///
    /// # Errors
    /// A URL that is not for Redis; no URL, or an empty name of a master; a timeout or a number of
    /// connections out of range; a certificate that is unreadable or unused.
    pub fn build(self) -> Result<RedisCache, ConfigError> {
        if self.timeout < Duration::from_millis(1) || self.timeout > STORE_TIMEOUT {
            return Err(ConfigError::invalid(
                "redis.timeout",
                "must be between 1 and 250 milliseconds",
            ));
        }
        if self.connections == 0 {
            return Err(ConfigError::invalid("redis.connections", "must not be zero"));
        }
        let prefix = format!("{}:", self.namespace);
        let timeout = self.timeout;
        let inner = RedisCacheInner {
            pool: self.pool()?,
            prefix,
            timeout,
            breaker: Arc::new(Breaker::new(REDIS_PAUSE, REDIS_FAILURES)),
            places: Arc::new(Semaphore::new(REDIS_QUESTIONS)),
            thread: CONNECTIONS.get(),
        };
        Ok(RedisCache { inner: Arc::new(inner) })
    }

    fn pool(self) -> Result<Pool, ConfigError> {
        let config = PoolConfig::new(self.connections);
        let unused =
            ConfigError::invalid("redis.root_certificate", "needs a single rediss:// server");
        let pool = match self.topology {
            Topology::Single(url) => {
                let mut info = server(&url)?;
                let is_tls = matches!(info.addr(), ConnectionAddr::TcpTls { .. });
                if let Some(pem) = self.root_certificate {
                    if !is_tls {
                        return Err(unused);
                    }
                    info = with_root(info, pem)?;
                }
                let manager = deadpool_redis::Manager::new(info).map_err(|_| malformed())?;
                deadpool_redis::Pool::builder(manager).config(config).build().map(PoolKind::Single)
            }
            _ if self.root_certificate.is_some() => return Err(unused),
            Topology::Sentinel { sentinels, master } => {
                if master.is_empty() {
                    return Err(ConfigError::Empty { setting: "redis.master" });
                }
                let servers = servers(&sentinels)?;
                if self.node_tls {
                    provide_crypto();
                }
                let (username, password) = match &self.node_credentials {
                    Some((user, password)) => {
                        let password = String::from_utf8(password.expose().to_vec());
                        let problem =
                            ConfigError::invalid("redis.node_credentials", "must be text");
                        (user.clone(), Some(password.map_err(|_| problem)?))
                    }
                    None => (None, None),
                };
                let node = SentinelNodeConnectionInfo {
                    tls_mode: self.node_tls.then_some(TlsMode::Secure),
                    redis_connection_info: Some(RedisConnectionInfo {
                        username,
                        password,
                        ..RedisConnectionInfo::default()
                    }),
                };
                let manager =
                    sentinel::Manager::new(servers, master, Some(node), SentinelServerType::Master)
                        .map_err(|_| malformed())?;
                sentinel::Pool::builder(manager).config(config).build().map(PoolKind::Sentinel)
            }
            Topology::Cluster(nodes) => {
                let servers = servers(&nodes)?;
                let manager = cluster::Manager::new(servers, false).map_err(|_| malformed())?;
                cluster::Pool::builder(manager).config(config).build().map(PoolKind::Cluster)
            }
        };
        let made = ConfigError::invalid("redis", "the connection pool cannot be made");
        pool.map(Pool::new).map_err(|_| made)
    }
}

fn malformed() -> ConfigError {
    ConfigError::invalid("redis.url", "must be redis://, rediss:// or redis+unix://")
}

pub(super) fn server(url: &str) -> Result<ConnectionInfo, ConfigError> {
    let info = url.into_connection_info().map_err(|_| malformed())?;
    match info.addr() {
        ConnectionAddr::TcpTls { insecure: true, .. } => {
            return Err(ConfigError::invalid("redis.url", "must not switch off certificates"));
        }
        ConnectionAddr::TcpTls { .. } => provide_crypto(),
        _ => {}
    }
    Ok(info)
}

/// The Redis client uses the crypto provider of the process. The first to set it wins, and an
/// application that sets another one wants that.
fn provide_crypto() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

fn servers(urls: &[String]) -> Result<Vec<ConnectionInfo>, ConfigError> {
    if urls.is_empty() {
        return Err(ConfigError::Empty { setting: "redis.url" });
    }
    urls.iter().map(|url| server(url)).collect()
}

fn with_root(info: ConnectionInfo, pem: Vec<u8>) -> Result<ConnectionInfo, ConfigError> {
    let unreadable = ConfigError::invalid("redis.root_certificate", "is not a certificate in PEM");
    if !CertificateDer::from_pem_slice(&pem).is_ok_and(|certificate| !certificate.is_empty()) {
        return Err(unreadable);
    }
    let certificates = TlsCertificates { client_tls: None, root_cert: Some(pem) };
    let client = Client::build_with_tls(info, certificates).map_err(|_| unreadable)?;
    Ok(client.get_connection_info().clone())
}

impl fmt::Debug for RedisCacheBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisCacheBuilder")
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_all_kinds_are_taken_without_connecting() {
        for builder in [
            RedisCache::builder("redis://127.0.0.1:1/2"),
            RedisCache::builder("rediss://user:password@redis.internal:6379"),
            RedisCache::builder("redis+unix:///run/redis.sock"),
            RedisCache::sentinel(["redis://127.0.0.1:1", "redis://127.0.0.1:2"], "main")
                .node_credentials(Some("user"), "password")
                .node_tls(),
            RedisCache::cluster(["redis://127.0.0.1:1"]),
        ] {
            let cache = builder.build().unwrap();
            assert!(!format!("{cache:?}").contains("password"));
        }
    }

    #[test]
    fn what_cannot_work_is_refused_without_repeating_it() {
        for builder in [
            RedisCache::builder(""),
            RedisCache::builder("http://secret.example"),
            RedisCache::builder("redis://127.0.0.1:port"),
            RedisCache::builder("rediss://secret.example/#insecure"),
            RedisCache::builder("redis://127.0.0.1").timeout(Duration::ZERO),
            RedisCache::builder("redis://127.0.0.1").timeout(Duration::from_secs(1)),
            RedisCache::builder("redis://127.0.0.1").connections(0),
            RedisCache::builder("redis://127.0.0.1").root_certificate("x"),
            RedisCache::builder("rediss://127.0.0.1").root_certificate("x"),
            RedisCache::sentinel(["redis://127.0.0.1"], ""),
            RedisCache::sentinel(Vec::<String>::new(), "main"),
            RedisCache::cluster(Vec::<String>::new()),
        ] {
            let error = builder.build().unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
