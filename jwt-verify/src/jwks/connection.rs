//! Settings for connections to an issuer, which every client of its endpoints has.

use std::{sync::Arc, time::Duration};

use super::{
    connector::IssuerConnector,
    fetch_credential::FetchCredential,
    http_client::HttpClient,
    http_hosts::HttpHosts,
    proxy::Proxy,
    tls::{self, Base, ClientIdentity, Roots},
};
use crate::{clock::Clock, error::ConfigError, secret::Secret};

/// Settings for connections, as they were configured.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    pub(crate) connect_timeout: Duration,
    /// Limit of a document, in bytes.
    pub(crate) max_bytes: usize,
    roots: Roots,
    proxy: Option<ProxySetting>,
    http_hosts: Vec<String>,
    identity: Option<ClientIdentity>,
}

#[derive(Debug, Clone)]
enum ProxySetting {
    Url(Secret),
    Environment,
}

impl Connection {
    pub(crate) fn new(connect_timeout: Duration, max_bytes: usize) -> Self {
        let roots = Roots::default();
        let http_hosts = Vec::new();
        Self { connect_timeout, max_bytes, roots, proxy: None, http_hosts, identity: None }
    }

    pub(crate) fn add_roots(&mut self, pem: Vec<u8>) {
        self.roots.own.push(pem);
    }

    pub(crate) fn without_builtin_roots(&mut self) {
        self.roots.base = Base::Nothing;
    }

    #[cfg(feature = "native-roots")]
    pub(crate) fn native_roots(&mut self) {
        self.roots.base = Base::System;
    }

    pub(crate) fn proxy(&mut self, url: Secret) {
        self.proxy = Some(ProxySetting::Url(url));
    }

    pub(crate) fn proxy_from_env(&mut self) {
        self.proxy = Some(ProxySetting::Environment);
    }

    pub(crate) fn allow_http(&mut self, host: String) {
        self.http_hosts.push(host);
    }

    /// Presents a certificate on connections: a chain and its private key, in PEM.
    pub(crate) fn identify(&mut self, certificates: Vec<u8>, key: Secret) {
        self.identity = Some(ClientIdentity { certificates, key });
    }

    /// Returns the hosts that were named for plain http.
    pub(super) fn hosts(&self) -> Result<HttpHosts, ConfigError> {
        HttpHosts::parse(&self.http_hosts)
    }

    /// Returns their names, for the log.
    pub(super) fn host_names(&self) -> String {
        self.http_hosts.join(", ")
    }

    /// Returns a client with these settings.
    pub(super) fn client(
        &self,
        credential: Option<FetchCredential>,
        clock: Arc<dyn Clock>,
    ) -> Result<HttpClient, ConfigError> {
        let proxy = match &self.proxy {
            None => None,
            Some(ProxySetting::Environment) => Proxy::from_env(|name| std::env::var(name).ok())?,
            Some(ProxySetting::Url(url)) => {
                let url = std::str::from_utf8(url.expose())
                    .map_err(|_| ConfigError::invalid("proxy", "is not a URL"))?;
                Some(Proxy::parse(url)?)
            }
        };
        Ok(HttpClient {
            connector: IssuerConnector { proxy: proxy.map(Arc::new) },
            tls: tls::config(&self.roots, self.identity.as_ref())?,
            credential: credential.map(Arc::new),
            connect_timeout: self.connect_timeout,
            max_bytes: self.max_bytes,
            clock,
        })
    }
}
