//! Credential that fetches present to an issuer.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use awc::http::{
    Uri,
    header::{HeaderName, HeaderValue},
};

use super::{endpoint::SafeUrl, fetch_error::Failure};
use crate::{error::ConfigError, secret::Secret};

/// A credential, as it was configured.
#[derive(Debug, Clone)]
pub(super) enum FetchCredentialSetting {
    BearerToken(Secret),
    BearerTokenFile(PathBuf),
    Header(String, Secret),
}

/// A credential for one scheme, host and port. It is presented to no other.
pub(super) struct FetchCredential {
    target: Uri,
    source: CredentialSource,
}

enum CredentialSource {
    Header(HeaderName, Secret),
    /// File with a bearer token, which is read for each request, because it may be replaced.
    BearerTokenFile(PathBuf),
}

/// Maximum size of a credential and of the file that holds it.
const MAX_BYTES: usize = 16 * 1024;

/// Headers that belong to the connection, or that each fetch sets itself, besides those that begin
/// with `accept`, `content-`, `if-` or `proxy-`.
const RESERVED: [&str; 11] = [
    "connection",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "range",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];

impl FetchCredential {
    /// Checks the settings. `target` is the URL that was configured: of the issuer, or of its key
    /// set.
    pub(super) fn new(
        settings: Vec<FetchCredentialSetting>,
        target: &SafeUrl,
    ) -> Result<Option<Self>, ConfigError> {
        let mut settings = settings.into_iter();
        let Some(only) = settings.next() else { return Ok(None) };
        if let Some(other) = settings.next() {
            let problem = "must be the only credential for fetches";
            return Err(ConfigError::invalid(other.name(), problem));
        }
        let setting = only.name();
        let invalid = |problem| ConfigError::invalid(setting, problem);
        let source = match only {
            FetchCredentialSetting::BearerToken(token) => {
                let value = bearer(token.expose()).ok_or(invalid(
                    "must be a token of at most 16 KiB, without spaces and without `Bearer`",
                ))?;
                CredentialSource::Header(HeaderName::from_static("authorization"), value)
            }
            FetchCredentialSetting::BearerTokenFile(path) if path.as_os_str().is_empty() => {
                return Err(ConfigError::Empty { setting });
            }
            FetchCredentialSetting::BearerTokenFile(path) => {
                CredentialSource::BearerTokenFile(path)
            }
            FetchCredentialSetting::Header(name, value) => {
                let name = HeaderName::from_bytes(name.as_bytes())
                    .map_err(|_| invalid("has a name that is not one of a header"))?;
                if is_reserved(&name) {
                    return Err(invalid(
                        "must not be a header of the connection, or one that each fetch sets itself",
                    ));
                }
                if !is_value(value.expose()) {
                    return Err(invalid(
                        "must have a value of 1 to 16,384 visible ASCII characters, with spaces \
                         only between them",
                    ));
                }
                CredentialSource::Header(name, value)
            }
        };
        Ok(Some(Self { target: target.uri().clone(), source }))
    }

    /// Returns the header for a request, or `None` if the URL has another scheme, host or port than
    /// the one that was configured.
    pub(super) async fn header(
        &self,
        uri: &Uri,
    ) -> Result<Option<(HeaderName, HeaderValue)>, Failure> {
        if origin(uri) != origin(&self.target) {
            return Ok(None);
        }
        let (name, value) = match &self.source {
            CredentialSource::Header(name, value) => (name.clone(), value.clone()),
            CredentialSource::BearerTokenFile(path) => {
                let path = path.clone();
                // A file may be remote, and the thread serves the fetches of all providers.
                let value = tokio::task::spawn_blocking(move || read_bearer(&path)).await;
                let value = value.ok().flatten().ok_or(Failure::Credential)?;
                (HeaderName::from_static("authorization"), value)
            }
        };
        let mut value = HeaderValue::from_bytes(value.expose()).map_err(|_| Failure::Credential)?;
        value.set_sensitive(true);
        Ok(Some((name, value)))
    }
}

impl FetchCredentialSetting {
    fn name(&self) -> &'static str {
        match self {
            Self::BearerToken(_) => "bearer_token",
            Self::BearerTokenFile(_) => "bearer_token_file",
            Self::Header(..) => "request_header",
        }
    }
}

/// Scheme, host and port.
fn origin(uri: &Uri) -> (Option<&str>, String, u16) {
    let scheme = uri.scheme_str();
    let port = uri.port_u16().unwrap_or(if scheme == Some("http") { 80 } else { 443 });
    (scheme, uri.host().unwrap_or_default().to_ascii_lowercase(), port)
}

fn is_reserved(name: &HeaderName) -> bool {
    let name = name.as_str();
    let prefixes = ["accept", "content-", "if-", "proxy-"];
    RESERVED.contains(&name) || prefixes.iter().any(|prefix| name.starts_with(prefix))
}

/// Returns the value of `Authorization` for a token, if it is one.
fn bearer(token: &[u8]) -> Option<Secret> {
    let is_token = is_value(token) && !token.contains(&b' ');
    is_token.then(|| Secret::from([b"Bearer ", token].concat()))
}

fn is_value(value: &[u8]) -> bool {
    let is_visible = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ';
    (1..=MAX_BYTES).contains(&value.len())
        && value.iter().all(is_visible)
        && value.trim_ascii().len() == value.len()
}

fn read_bearer(path: &Path) -> Option<Secret> {
    let content = Secret::new(read(path).ok()?);
    bearer(content.expose().trim_ascii())
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    // Opening a pipe would wait for a writer.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // Never grows, so that no copy of a part of the token is left behind.
    let mut content = Vec::with_capacity(MAX_BYTES + 2);
    File::open(path)?.take(MAX_BYTES as u64 + 1).read_to_end(&mut content)?;
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::{
        super::{fixtures::block_on, http_hosts::HttpHosts},
        *,
    };

    const TARGET: &str = "https://issuer.example/tenant";

    fn credential(
        settings: Vec<FetchCredentialSetting>,
    ) -> Result<Option<FetchCredential>, ConfigError> {
        FetchCredential::new(settings, &SafeUrl::parse(TARGET, &HttpHosts::default()).unwrap())
    }

    fn field(name: &str, value: &str) -> FetchCredentialSetting {
        FetchCredentialSetting::Header(name.into(), value.into())
    }

    fn token(token: &str) -> FetchCredentialSetting {
        FetchCredentialSetting::BearerToken(token.into())
    }

    fn presented(setting: FetchCredentialSetting, url: &str) -> Result<Option<String>, Failure> {
        let credential = credential(vec![setting]).unwrap().unwrap();
        let header = block_on(credential.header(&url.parse().unwrap()))?;
        Ok(header.map(|(name, value)| {
            assert!(value.is_sensitive());
            format!("{name}: {}", value.to_str().unwrap())
        }))
    }

    #[test]
    fn a_credential_goes_to_its_host_and_port_alone() {
        for url in [
            TARGET,
            "https://issuer.example/keys?v=1",
            "https://issuer.example:443/",
            "https://ISSUER.example/keys",
        ] {
            let header = presented(token("t"), url).unwrap();
            assert_eq!(header.as_deref(), Some("authorization: Bearer t"), "{url}");
        }
        for url in [
            "http://issuer.example/",
            "http://issuer.example:443/",
            "https://issuer.example:8443/",
            "https://keys.issuer.example/",
            "https://issuer.example.evil.example/",
            "https://example/",
        ] {
            assert_eq!(presented(token("t"), url), Ok(None), "{url}");
        }
        let header = presented(field("X-API-Key", "a b"), TARGET).unwrap();
        assert_eq!(header.as_deref(), Some("x-api-key: a b"));
        assert!(credential(Vec::new()).unwrap().is_none());
    }

    #[test]
    fn what_is_no_credential_stops_the_start() {
        let long = "x".repeat(MAX_BYTES + 1);
        for (setting, name) in [
            (token(""), "bearer_token"),
            (token("Bearer t"), "bearer_token"),
            (token("a\r\nX: y"), "bearer_token"),
            (token("t\n"), "bearer_token"),
            (token("ä"), "bearer_token"),
            (token(&long), "bearer_token"),
            (FetchCredentialSetting::BearerTokenFile(PathBuf::new()), "bearer_token_file"),
            (field("", "v"), "request_header"),
            (field("a b", "v"), "request_header"),
            (field("a:", "v"), "request_header"),
            (field("X-Key", ""), "request_header"),
            (field("X-Key", " v"), "request_header"),
            (field("X-Key", "v\r\nX: y"), "request_header"),
            (field("X-Key", "\u{7f}"), "request_header"),
            (field("X-Key", &long), "request_header"),
            (field("Host", "v"), "request_header"),
            (field("Connection", "v"), "request_header"),
            (field("Transfer-Encoding", "v"), "request_header"),
            (field("Content-Length", "0"), "request_header"),
            (field("Proxy-Authorization", "v"), "request_header"),
            (field("Accept", "v"), "request_header"),
            (field("ACCEPT-Encoding", "gzip"), "request_header"),
            (field("User-Agent", "v"), "request_header"),
            (field("If-None-Match", "v"), "request_header"),
            (field("TE", "v"), "request_header"),
        ] {
            let error = credential(vec![setting.clone()]).err().unwrap().to_string();
            assert!(
                error.starts_with(&format!("{name} must"))
                    || error.starts_with(&format!("{name}: ")),
                "{setting:?}: {error}"
            );
        }
        let both = vec![token("t"), field("X-Key", "v")];
        let error = credential(both).err().unwrap().to_string();
        assert!(error.starts_with("request_header: "), "{error}");
    }

    #[test]
    fn a_file_is_read_for_each_request() {
        let path = std::env::temp_dir().join(format!("jwt-verify-bearer-{}", std::process::id()));
        let read = || presented(FetchCredentialSetting::BearerTokenFile(path.clone()), TARGET);
        assert_eq!(read(), Err(Failure::Credential));
        for (content, token) in
            [("one", Some("one")), ("\r\n two \n", Some("two")), ("", None), ("a b", None)]
        {
            std::fs::write(&path, content).unwrap();
            let expected = token.map(|token| Some(format!("authorization: Bearer {token}")));
            assert_eq!(read(), expected.ok_or(Failure::Credential), "{content}");
        }
        std::fs::write(&path, "x".repeat(MAX_BYTES + 1)).unwrap();
        assert_eq!(read(), Err(Failure::Credential));
        std::fs::remove_file(&path).unwrap();
        // Neither of them is a file with an end.
        for path in [std::env::temp_dir(), "/dev/zero".into()] {
            let setting = FetchCredentialSetting::BearerTokenFile(path);
            assert_eq!(presented(setting, TARGET), Err(Failure::Credential));
        }
        // It is not read for other hosts.
        let setting = FetchCredentialSetting::BearerTokenFile(path);
        assert_eq!(presented(setting, "https://other.example/"), Ok(None));
    }

    #[test]
    fn debug_shows_no_credential() {
        for setting in [token("hunter2"), field("X-Key", "hunter2")] {
            assert!(!format!("{setting:?}").contains("hunter2"));
        }
    }
}
