//! Fetches the key set of an issuer.

use std::{fmt, sync::Arc, time::Duration};

#[cfg(feature = "security-events")]
use super::endpoint::MetadataKind;
use super::{
    discovered_url::{DiscoveredUrl, Metadata},
    discovery::MetadataUrl,
    endpoint::Endpoint,
    fetch_error::{Failure, FetchError},
    http_client::{HttpClient, HttpDocument},
    http_hosts::HttpHosts,
    key_set_document::{KeySetDocument, parse_key_set},
    skipped_keys::SkippedKeys,
};
use crate::{
    clock::{Clock, millis},
    defaults::KEY_SET_TTL,
    key::JwkSet,
};

/// Fetches the key set of one issuer, at a configured URL or at the one that its metadata names.
pub(super) struct JwksFetcher {
    endpoint: Endpoint,
    client: HttpClient,
    clock: Arc<dyn Clock>,
    settings: FetchSettings,
    /// Hosts that the metadata may name with plain http.
    http: HttpHosts,
    key_set_url: DiscoveredUrl,
    skipped_keys: SkippedKeys,
}

/// Settings of a [`JwksFetcher`].
#[derive(Debug, Clone, Copy)]
pub(super) struct FetchSettings {
    /// Freshness lifetime that overrides the one in the response.
    pub(super) ttl: Option<Duration>,
    pub(super) max_keys: usize,
    /// Time for a fetch as a whole. The caller enforces it; discovery gets a part of it.
    pub(super) timeout: Duration,
}

impl JwksFetcher {
    pub(super) fn new(
        endpoint: Endpoint,
        client: HttpClient,
        http: HttpHosts,
        clock: Arc<dyn Clock>,
        settings: FetchSettings,
    ) -> Self {
        let skipped_keys = SkippedKeys::new(settings.max_keys);
        let wanted = match endpoint {
            #[cfg(feature = "security-events")]
            Endpoint::Discovery { metadata: MetadataKind::Transmitter, .. } => {
                MetadataUrl::TransmitterKeySet
            }
            _ => MetadataUrl::KeySet,
        };
        let key_set_url = DiscoveredUrl::new(wanted);
        Self { endpoint, client, clock, settings, http, key_set_url, skipped_keys }
    }

    /// Returns the place of the key set, without a query.
    pub(super) fn source(&self) -> String {
        match &self.endpoint {
            Endpoint::Url(_) => format!("key set at {}", self.endpoint.label()),
            Endpoint::Discovery { .. } => format!("discovery at {}", self.endpoint.label()),
        }
    }

    /// Fetches the key set that replaces a document of the time `previous`, 0 if there is none.
    pub(super) async fn fetch(
        &self,
        previous: u64,
    ) -> Result<(JwkSet, KeySetDocument), FetchError> {
        // The time of the request, since the response may have waited for a suspended process. And
        // later than the document that it replaces, even if that one's clock was ahead.
        let requested = millis(self.clock.now()).max(previous + 1);
        let (response, set) = self.fetch_key_set().await?;
        let ttl = self.settings.ttl.or(response.max_age).unwrap_or(KEY_SET_TTL);
        let document = KeySetDocument {
            fetched: requested,
            ttl: ttl.as_secs().max(1),
            body: String::from_utf8(response.body).map_err(|_| Failure::KeySetDocument)?,
        };
        Ok((set, document))
    }

    /// Parses a key set document of another instance.
    pub(super) fn parse(&self, document: &KeySetDocument) -> Option<JwkSet> {
        self.parse_body(document.body.as_bytes()).ok()
    }

    /// Makes the next fetch read the metadata again: after a failure the key set may have moved.
    pub(super) fn expire_key_set_url(&self) {
        self.key_set_url.expire();
    }

    async fn fetch_key_set(&self) -> Result<(HttpDocument, JwkSet), FetchError> {
        let url = match &self.endpoint {
            Endpoint::Url(url) => url.clone(),
            Endpoint::Discovery { issuer, base, .. } => {
                let metadata = Metadata { client: &self.client, issuer, base, http: &self.http };
                let now = self.clock.monotonic();
                self.key_set_url.get(&metadata, now, self.settings.timeout).await?
            }
        };
        let response = self.client.get(url.uri()).await?;
        let set = self.parse_body(&response.body)?;
        Ok((response, set))
    }

    /// Returns the skipped keys, in case there is no other.
    pub(super) fn skipped_keys(&self) -> &SkippedKeys {
        &self.skipped_keys
    }

    fn parse_body(&self, body: &[u8]) -> Result<JwkSet, Failure> {
        parse_key_set(body, self.settings.max_keys, &self.skipped_keys)
    }
}

impl fmt::Debug for JwksFetcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwksFetcher").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::{
        super::{
            fetch_error::FetchStep,
            fixtures::{KEY_SET, SECOND, block_on, fetcher},
        },
        *,
    };
    use crate::clock::SystemClock;

    /// Answers requests in turn, each on a connection of its own, and returns their paths.
    async fn serve(listener: TcpListener, responses: Vec<(u16, &str, String)>) -> Vec<String> {
        let mut paths = Vec::new();
        for (status, header, body) in responses {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            let head = String::from_utf8(head).unwrap();
            paths.push(head.split(' ').nth(1).unwrap().to_owned());
            let length = body.len();
            let response = format!(
                "HTTP/1.1 {status} X\r\n{header}\r\nContent-Length: {length}\r\n\r\n{body}"
            );
            stream.write_all(response.as_bytes()).await.unwrap();
        }
        paths
    }

    async fn listen() -> (TcpListener, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        (listener, url)
    }

    #[test]
    fn a_document_is_newer_than_the_one_that_it_replaces() {
        block_on(async {
            let (listener, url) = listen().await;
            let ok = |header| (200, header, KEY_SET.to_owned());
            let server = tokio::task::spawn_local(serve(
                listener,
                vec![ok("Cache-Control: max-age=300"), ok("Age: 1"), (200, "Age: 1", "{}".into())],
            ));
            let endpoint = || Endpoint::key_set(&url, &HttpHosts::default()).unwrap();
            let now = millis(SystemClock::new().now());
            let (set, document) = fetcher(endpoint(), None).fetch(now + 60_000).await.unwrap();
            assert_eq!((set.keys().len(), document.ttl), (1, 300));
            assert_eq!(document.fetched, now + 60_001);
            let (_, document) = fetcher(endpoint(), Some(7 * SECOND)).fetch(0).await.unwrap();
            assert!(document.ttl == 7 && document.fetched >= now);
            let error = fetcher(endpoint(), None).fetch(0).await.err().unwrap();
            assert_eq!((error.failure, error.step), (Failure::KeySetDocument, FetchStep::KeySet));
            assert_eq!(server.await.unwrap(), ["/", "/", "/"]);
        });
    }

    #[test]
    fn the_metadata_is_read_again_after_a_failure() {
        block_on(async {
            let (listener, url) = listen().await;
            let metadata = format!(r#"{{"issuer":"{url}","jwks_uri":"{url}/keys"}}"#);
            let keys = || (200, "Age: 1", KEY_SET.to_owned());
            let responses = vec![
                (200, "Age: 1", metadata),
                keys(),
                keys(),
                (500, "Age: 1", "x".into()),
                keys(),
            ];
            let server = tokio::task::spawn_local(serve(listener, responses));
            let fetcher = fetcher(Endpoint::discovery(&url, &HttpHosts::default()).unwrap(), None);
            assert!(fetcher.fetch(0).await.is_ok() && fetcher.fetch(0).await.is_ok());
            fetcher.expire_key_set_url();
            assert!(fetcher.fetch(0).await.is_ok());
            let openid = "/.well-known/openid-configuration";
            assert_eq!(server.await.unwrap(), [openid, "/keys", "/keys", openid, "/keys"]);
        });
    }

    #[test]
    fn a_failure_names_the_step_and_the_pause_that_the_issuer_asks_for() {
        block_on(async {
            let (listener, url) = listen().await;
            let date = SystemClock::new().now() + 40 * SECOND;
            let date = httpdate::fmt_http_date(std::time::UNIX_EPOCH + date);
            let header = format!("Retry-After: {date}");
            let serve = serve(listener, vec![(503, &*header, "x".into())]);
            let fetcher = fetcher(Endpoint::discovery(&url, &HttpHosts::default()).unwrap(), None);
            let (paths, result) = tokio::join!(serve, fetcher.fetch(0));
            let error = result.err().unwrap();
            assert_eq!(paths.len(), 1);
            assert_eq!((error.failure, error.step), (Failure::Status, FetchStep::Discovery));
            let pause = error.retry_after.unwrap();
            assert!(pause > 30 * SECOND && pause <= 40 * SECOND, "{pause:?}");
        });
    }
}
