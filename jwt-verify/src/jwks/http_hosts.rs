//! Hosts that may be reached by plain http.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::{
    error::ConfigError,
    url::{host_and_port, is_loopback},
};

/// Hosts that were named for plain http. Without any, `http` is for this machine alone.
#[derive(Debug, Clone, Default)]
pub(super) struct HttpHosts(Vec<HttpHost>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct HttpHost {
    /// In lower case; an IPv6 address in brackets.
    name: String,
    /// None is any port.
    port: Option<u16>,
}

const MAX_NAME: usize = 253;
const MAX_LABEL: usize = 63;

impl HttpHosts {
    pub(super) fn parse(names: &[String]) -> Result<Self, ConfigError> {
        let host = |name: &String| {
            HttpHost::parse(name).ok_or(ConfigError::invalid(
                "allow_http",
                "must be host names, such as `keycloak` or `keycloak:8080`: no URL, no path and no \
                 wildcard",
            ))
        };
        names.iter().map(host).collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns true if a URL with this host and port may have the scheme `http`.
    pub(super) fn allow(&self, host: &str, port: Option<u16>) -> bool {
        is_loopback(host) || self.name(host, port)
    }

    /// Returns true if this host and port were named.
    pub(super) fn name(&self, host: &str, port: Option<u16>) -> bool {
        let port = port.unwrap_or(80);
        self.0.iter().any(|allowed| {
            allowed.name.eq_ignore_ascii_case(host)
                && allowed.port.is_none_or(|allowed| allowed == port)
        })
    }
}

impl HttpHost {
    fn parse(text: &str) -> Option<Self> {
        let (name, port) = host_and_port(text)?;
        let is_valid = match name.strip_prefix('[') {
            Some(address) => address.strip_suffix(']')?.parse::<Ipv6Addr>().is_ok(),
            None => is_name(name),
        };
        (is_valid && port != Some(0)).then(|| Self { name: name.to_ascii_lowercase(), port })
    }
}

/// Returns true for names of hosts, also with the underscores of container networks, and for IPv4
/// addresses.
fn is_name(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=MAX_LABEL).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = name.rsplit('.').next().unwrap_or_default();
    // A name that ends in a number is an address, or a port without its host.
    let is_number = last.bytes().all(|byte| byte.is_ascii_digit());
    name.len() <= MAX_NAME
        && name.split('.').all(is_label)
        && (!is_number || name.parse::<Ipv4Addr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(names: &[&str]) -> Result<HttpHosts, ConfigError> {
        HttpHosts::parse(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_host_is_allowed_by_its_exact_name() {
        let hosts = hosts(&["keycloak", "auth_1.internal:8080", "10.0.0.5", "[fd00::1]:80"]);
        let hosts = hosts.unwrap();
        for (host, port) in [
            ("keycloak", None),
            ("Keycloak", Some(8080)),
            ("auth_1.internal", Some(8080)),
            ("10.0.0.5", Some(1)),
            ("[fd00::1]", None),
            ("127.0.0.1", Some(1)),
            ("localhost", None),
        ] {
            assert!(hosts.allow(host, port), "{host} {port:?}");
        }
        for (host, port) in [
            ("a.keycloak", None),
            ("keycloak.evil.example", None),
            ("keycloak.", None),
            ("auth_1.internal", None),
            ("auth_1.internal", Some(8081)),
            ("10.0.0.50", None),
            ("[fd00::1]", Some(81)),
            ("issuer.example", None),
            ("", None),
        ] {
            assert!(!hosts.allow(host, port), "{host} {port:?}");
        }
        assert!(!hosts.name("localhost", None));
        assert!(HttpHosts::default().allow("[::1]", None));
        assert!(HttpHosts::default().is_empty() && !hosts.is_empty());
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for name in [
            "",
            "*",
            "*.internal",
            "http://keycloak",
            "keycloak/",
            "keycloak/realms",
            "keycloak?x",
            "user@keycloak",
            "keycloak:",
            "keycloak:0",
            "keycloak:http",
            "keycloak:65536",
            ":8080",
            "8080",
            "10.0.0",
            "10.0.0.0/8",
            "keycloak.",
            ".keycloak",
            "a..b",
            "-a",
            "a b",
            "fd00::1",
            "[fd00::1",
            "[keycloak]",
            "keyclo\u{e4}k",
        ] {
            let error = hosts(&["keycloak", name]).unwrap_err().to_string();
            assert!(error.starts_with("allow_http: "), "{name}");
        }
        assert!(hosts(&[&"a".repeat(64)]).is_err());
    }
}
