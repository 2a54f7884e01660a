//! Tunnels through an HTTP proxy (`CONNECT`, RFC 9110 §9.3.6).

use std::{fmt, io, net::IpAddr};

use awc::http::Uri;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ipnet::IpNet;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use zeroize::Zeroizing;

use super::connect::connect;
use crate::{
    error::ConfigError,
    network::parse_network,
    secret::Secret,
    url::{host_and_port, percent_decoded},
};

/// An HTTP proxy, and the hosts that are reached without it.
pub(super) struct Proxy {
    host: String,
    port: u16,
    /// The value of `Proxy-Authorization`.
    authorization: Option<Secret>,
    bypass: Vec<Exempt>,
}

/// An entry of `NO_PROXY`.
#[derive(Debug, PartialEq, Eq)]
enum Exempt {
    All,
    /// Addresses in a URL; names are not resolved for it.
    Network(IpNet),
    /// A domain and those below it, in lower case.
    Domain(String),
}

/// The proxy refused the tunnel. Wrapped in the I/O error of the connection.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the proxy refuses the connection")]
pub(super) struct TunnelRefused;

/// Maximum size of the response head to `CONNECT`; a longer one counts as a refusal.
const MAX_HEAD: usize = 8 * 1024;

impl Proxy {
    /// Reads `http://[user:password@]host[:port]`, also without the scheme.
    pub(super) fn parse(url: &str) -> Result<Self, ConfigError> {
        Self::parse_setting("proxy", url, Vec::new())
    }

    fn parse_setting(
        setting: &'static str,
        url: &str,
        bypass: Vec<Exempt>,
    ) -> Result<Self, ConfigError> {
        let invalid = |problem| ConfigError::invalid(setting, problem);
        let with_scheme;
        let url = if url.contains("://") {
            url
        } else {
            with_scheme = Zeroizing::new(format!("http://{url}"));
            &with_scheme
        };
        let uri: Uri = url.parse().map_err(|_| invalid("is not a URL"))?;
        if uri.scheme_str() != Some("http") {
            return Err(invalid(
                "must be an HTTP proxy, `http://[user:password@]host[:port]`; proxies that are \
                 reached by https:// or socks5:// are not supported",
            ));
        }
        let authority = uri.authority().ok_or(invalid("has no host"))?;
        let (credentials, server) = match authority.as_str().rsplit_once('@') {
            Some((credentials, server)) => (Some(credentials), server),
            None => (None, authority.as_str()),
        };
        let (host, port) = host_and_port(server).ok_or(invalid("has no host, or no valid port"))?;
        let authorization = match credentials {
            None => None,
            Some(credentials) => {
                let credentials = percent_decoded(credentials.as_bytes())
                    .ok_or(invalid("has malformed credentials"))?;
                Some(Secret::from(format!("Basic {}", STANDARD.encode(credentials))))
            }
        };
        Ok(Self { host: host.to_owned(), port: port.unwrap_or(80), authorization, bypass })
    }

    /// Reads `HTTPS_PROXY` and `NO_PROXY`, in upper or lower case.
    pub(super) fn from_env(
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, ConfigError> {
        let either = |upper: &str| {
            lookup(upper)
                .or_else(|| lookup(&upper.to_ascii_lowercase()))
                .filter(|value| !value.is_empty())
        };
        let Some(url) = either("HTTPS_PROXY") else { return Ok(None) };
        let bypass = either("NO_PROXY").unwrap_or_default();
        let bypass = bypass.split(',').filter_map(Exempt::parse).collect();
        Self::parse_setting("HTTPS_PROXY", &url, bypass).map(Some)
    }

    /// Returns true for URLs that are reached through the proxy: `https`, and not exempt. Plain
    /// `http` is accepted for loopback addresses and for hosts that are named, and needs no proxy.
    pub(super) fn serves(&self, uri: &Uri) -> bool {
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_ascii_lowercase();
        uri.scheme_str() == Some("https")
            && !self.bypass.iter().any(|exempt| exempt.contains(&host))
    }

    /// Opens a connection to the host through the proxy.
    pub(super) async fn tunnel(&self, host: &str, port: u16) -> io::Result<TcpStream> {
        let mut stream = connect(&self.host, self.port).await?;
        let mut request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n");
        if let Some(authorization) = &self.authorization {
            let value = String::from_utf8_lossy(authorization.expose());
            for part in ["Proxy-Authorization: ", &value, "\r\n"] {
                request.push_str(part);
            }
        }
        request.push_str("\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut head = Vec::new();
        // Byte by byte: what follows belongs to the tunnel.
        while !head.ends_with(b"\r\n\r\n") {
            if head.len() >= MAX_HEAD {
                return Err(io::Error::other(TunnelRefused));
            }
            head.push(stream.read_u8().await?);
        }
        if is_success(&head) { Ok(stream) } else { Err(io::Error::other(TunnelRefused)) }
    }
}

impl Exempt {
    fn parse(entry: &str) -> Option<Self> {
        let entry = entry.trim();
        if entry == "*" {
            return Some(Self::All);
        }
        let host = without_port(entry);
        if let Some(network) = parse_network(entry).or_else(|| parse_network(host)) {
            return Some(Self::Network(network));
        }
        let domain = host.trim_start_matches('*').trim_start_matches('.').to_ascii_lowercase();
        (!domain.is_empty()).then_some(Self::Domain(domain))
    }

    /// Returns true for this host: a name in lower case, or an address without brackets.
    fn contains(&self, host: &str) -> bool {
        match self {
            Self::All => true,
            Self::Network(network) => host
                .parse::<IpAddr>()
                .is_ok_and(|address| network.contains(&address.to_canonical())),
            Self::Domain(domain) => host
                .strip_suffix(domain.as_str())
                .is_some_and(|front| front.is_empty() || front.ends_with('.')),
        }
    }
}

/// Strips brackets and port from an entry of `NO_PROXY`.
fn without_port(host: &str) -> &str {
    match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => match host.split_once(':') {
            Some((name, port)) if !port.contains(':') => name,
            _ => host,
        },
    }
}

/// Returns true if a response head begins with a status of the 2xx class.
fn is_success(head: &[u8]) -> bool {
    let mut words = head.split(|byte| *byte == b' ');
    let version = words.next().is_some_and(|word| word.starts_with(b"HTTP/1."));
    let status = words.next().and_then(|word| word.first_chunk::<3>());
    version && status.is_some_and(|status| status[0] == b'2')
}

/// Leaves out the credentials.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({}:{})", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(url: &str, no_proxy: &str) -> Proxy {
        let lookup = |name: &str| match name {
            "HTTPS_PROXY" => Some(url.to_owned()),
            "no_proxy" => Some(no_proxy.to_owned()),
            _ => None,
        };
        Proxy::from_env(lookup).unwrap().unwrap()
    }

    #[test]
    fn the_environment_is_read_as_usual() {
        let proxy = proxy(
            "http://us%65r:p%40ss@proxy.example:3128",
            "internal.example, .corp, *.lan, one.example:443, ::1, [2001:db8::1]:443",
        );
        assert_eq!(format!("{proxy:?}"), "Proxy(proxy.example:3128)");
        let authorization = proxy.authorization.as_ref().unwrap().expose();
        assert_eq!(authorization, b"Basic dXNlcjpwQHNz");
        let serves = |url: &str| proxy.serves(&url.parse().unwrap());
        assert!(serves("https://issuer.example/"));
        assert!(serves("https://notinternal.example/"));
        assert!(!serves("https://internal.example/"));
        assert!(!serves("https://a.INTERNAL.example/"));
        assert!(!serves("https://keys.corp/"));
        assert!(!serves("http://127.0.0.1:80/"));
        for url in [
            "https://a.lan/",
            "https://one.example/",
            "https://[::1]/",
            "https://[2001:db8::1]:443/",
        ] {
            assert!(!serves(url), "{url}");
        }
        // The dots separate labels.
        assert!(serves("https://acorp/"));
        assert!(Proxy::from_env(|_| None).unwrap().is_none());
        assert!(Proxy::from_env(|_| Some(String::new())).unwrap().is_none());
    }

    #[test]
    fn everything_can_be_exempt() {
        let proxy = proxy("http://proxy.example", "*");
        assert!(!proxy.serves(&"https://issuer.example/".parse().unwrap()));
        assert_eq!(proxy.port, 80);
    }

    #[test]
    fn networks_are_exempt() {
        let proxy = proxy(
            "proxy.example:3128",
            "10.0.0.0/8, 192.168.7.9/24, fd00::/8, 203.0.113.7, 10.1.2.0/99, /8, ,",
        );
        assert_eq!(format!("{proxy:?}"), "Proxy(proxy.example:3128)");
        let serves = |url: &str| proxy.serves(&url.parse().unwrap());
        for url in [
            "https://10.255.0.1/",
            "https://10.0.0.0:8443/",
            "https://192.168.7.200/",
            "https://[fdff::1]:8443/",
            "https://[::ffff:10.1.2.3]/",
            "https://203.0.113.7/",
        ] {
            assert!(!serves(url), "{url}");
        }
        for url in [
            "https://11.0.0.1/",
            "https://192.168.8.1/",
            "https://[fe00::1]/",
            "https://203.0.113.70/",
            "https://10.0.0.1.evil.example/",
            "https://issuer.example/",
        ] {
            assert!(serves(url), "{url}");
        }
    }

    #[test]
    fn other_proxies_are_refused() {
        for url in ["https://p.example", "socks5://p.example:1080", "SOCKS5h://u:secret@p.example"]
        {
            let error = Proxy::parse(url).unwrap_err().to_string();
            assert!(error.starts_with("proxy: must be an HTTP proxy"), "{error}");
            let error = Proxy::from_env(|_| Some(url.to_owned())).unwrap_err().to_string();
            assert!(error.starts_with("HTTPS_PROXY: must be an HTTP proxy"), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
        for url in ["", "http://", "http://%@p", "a b", ":3128", "p:99999", "u:p@:1"] {
            assert!(Proxy::parse(url).is_err(), "{url}");
        }
        for url in ["proxy.example:3128", "http://proxy.example:3128/", "u:p@proxy.example:3128"] {
            assert_eq!(format!("{:?}", Proxy::parse(url).unwrap()), "Proxy(proxy.example:3128)");
        }
    }

    #[test]
    fn only_the_2xx_class_is_success() {
        assert!(is_success(b"HTTP/1.1 200 OK\r\n\r\n"));
        assert!(is_success(b"HTTP/1.0 204\r\n\r\n"));
        for head in
            ["", "HTTP/1.1 407 No\r\n\r\n", "HTTP/1.1  200\r\n\r\n", "200 200 200", "HTTP/1.1 2"]
        {
            assert!(!is_success(head.as_bytes()), "{head}");
        }
    }
}
