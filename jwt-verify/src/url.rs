//! URLs that are safe to use, and the parts of others.

use std::net::IpAddr;

/// The parts of an absolute URL with the scheme `https`, or `http` to this machine or to a host that
/// is named, without user and fragment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HttpsUrl<'u> {
    scheme: &'static str,
    authority: &'u str,
    path: &'u str,
    query: Option<&'u str>,
}

impl<'u> HttpsUrl<'u> {
    /// Parses a URL. The error says what is wrong and does not contain the URL, which may hold
    /// secrets.
    pub(crate) fn parse(url: &'u str) -> Result<Self, &'static str> {
        const NOT_HTTPS: &str = "must use https; http is accepted for loopback addresses only";

        Self::parse_with(url, |host, _| is_loopback(host), NOT_HTTPS)
    }

    /// Parses a URL whose scheme may be `http` where `allows_http` says so of its host and port.
    /// Another one with that scheme is an error with the text `not_https`.
    pub(crate) fn parse_with(
        url: &'u str,
        allows_http: impl FnOnce(&str, Option<u16>) -> bool,
        not_https: &'static str,
    ) -> Result<Self, &'static str> {
        const NO_URL: &str = "must be an absolute URL";

        if url.contains('#') {
            return Err("must have no fragment");
        }
        // Characters that no part of a URL has (RFC 3986 §2).
        if url.bytes().any(|byte| byte.is_ascii_control() || b" <>`".contains(&byte)) {
            return Err(NO_URL);
        }
        let (scheme, rest) = url.split_once("://").ok_or(NO_URL)?;
        let (authority, rest) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err("must not contain a user name or password");
        }
        // The port may be empty (RFC 3986 §3.2.3).
        let named = authority.strip_suffix(':').unwrap_or(authority);
        let (host, port) = host_and_port(named).ok_or(NO_URL)?;
        let scheme = if scheme.eq_ignore_ascii_case("https") {
            "https"
        } else if scheme.eq_ignore_ascii_case("http") && allows_http(host, port) {
            "http"
        } else {
            return Err(not_https);
        };
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (rest, None),
        };
        Ok(Self { scheme, authority, path, query })
    }

    /// Returns scheme, host and port, without a slash at the end.
    pub(crate) fn origin(&self) -> String {
        format!("{}://{}", self.scheme, self.authority)
    }

    /// Returns the path: empty, or with a slash at its beginning.
    pub(crate) fn path(&self) -> &'u str {
        self.path
    }

    pub(crate) fn query(&self) -> Option<&'u str> {
        self.query
    }
}

/// Returns `true` if the host of a URL is this machine, so that traffic cannot be intercepted on
/// the way.
pub(crate) fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Returns host and port of an authority without a user name (RFC 3986 §3.2).
pub(crate) fn host_and_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let after_address = authority.find(']').map_or(0, |bracket| bracket + 1);
    let (host, port) = match authority.get(after_address..)?.split_once(':') {
        None => (authority, None),
        Some((name, port)) => (authority.get(..after_address + name.len())?, Some(port)),
    };
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._[:]".contains(&byte);
    if host.is_empty() || !host.bytes().all(is_host) {
        return None;
    }
    match port {
        None => Some((host, None)),
        // `parse` alone would accept a sign.
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some((host, Some(port.parse().ok()?)))
        }
        Some(_) => None,
    }
}

/// Decodes percent-encoding (RFC 3986 §2.1). `None` if a `%` does not begin an escape. A `+` is
/// left as it is.
pub(crate) fn percent_decoded(text: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        if *first == b'%' {
            plain.push(escaped_byte(rest)?);
            rest = rest.get(3..)?;
        } else {
            plain.push(*first);
            rest = after;
        }
    }
    Some(plain)
}

/// Decodes the escape that a text begins with: `%` and two digits. `None` if it is incomplete.
pub(crate) fn escaped_byte(text: &[u8]) -> Option<u8> {
    let [b'%', first, second, ..] = text else { return None };
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    u8::try_from(digit(first)? * 16 + digit(second)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_several_names() {
        for host in ["localhost", "LOCALHOST", "127.0.0.1", "127.8.8.8", "[::1]"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["", "localhost.example", "127.0.0.1.example", "10.0.0.1", "[::2]", "0.0.0.0"] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn an_authority_has_a_host_and_perhaps_a_port() {
        for (authority, host, port) in [
            ("a.example", "a.example", None),
            ("a.example:80", "a.example", Some(80)),
            ("[::1]", "[::1]", None),
            ("[::1]:8080", "[::1]", Some(8080)),
            ("127.0.0.1:1", "127.0.0.1", Some(1)),
        ] {
            assert_eq!(host_and_port(authority), Some((host, port)), "{authority}");
        }
        for authority in [
            "",
            ":80",
            "a:",
            "a:x",
            "a:+1",
            "a:65536",
            "a@b",
            "a/b",
            "a b",
            "a:1:2",
            "a%62",
            "[::1]x:1:",
        ] {
            assert_eq!(host_and_port(authority), None, "{authority}");
        }
    }

    #[test]
    fn a_safe_url_has_parts() {
        for (url, origin, path, query) in [
            ("https://a.example", "https://a.example", "", None),
            ("https://a.example/", "https://a.example", "/", None),
            ("HTTPS://A.example:8443/x?y=/?", "https://A.example:8443", "/x", Some("y=/?")),
            ("https://a.example?y", "https://a.example", "", Some("y")),
            ("https://a.example/@v1", "https://a.example", "/@v1", None),
            ("http://[::1]:9/x", "http://[::1]:9", "/x", None),
            ("http://localhost:/x", "http://localhost:", "/x", None),
        ] {
            let parsed = HttpsUrl::parse(url).unwrap();
            assert_eq!(parsed.origin(), origin, "{url}");
            assert_eq!((parsed.path(), parsed.query()), (path, query), "{url}");
        }
    }

    #[test]
    fn other_urls_are_not_safe() {
        for url in [
            "",
            "a.example",
            "/x",
            "//a.example/x",
            "https:/a.example",
            "https://",
            "https:///x",
            "https://:8443",
            "https://a.example:x",
            "https://a.example:65536",
            "https://[::1",
            "https://a.example/a b",
            "https://a.example/\n",
            "https://a.exämple/",
            "https://a.example/#x",
            "https://user@a.example/",
            "https://user:password@a.example/",
            "http://a.example/",
            "http://localhost.evil.example/",
            "http://127.0.0.1.evil.example/",
            "http://169.254.169.254/",
            "http://0.0.0.0/",
            "ftp://a.example/",
            "file:///etc/passwd",
            "data:application/json,{}",
        ] {
            assert!(HttpsUrl::parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn an_escape_has_two_digits() {
        let decoded = |text: &str| percent_decoded(text.as_bytes());
        assert_eq!(decoded("a+b%2Bc%2f").as_deref(), Some("a+b+c/".as_bytes()));
        assert_eq!(decoded("").as_deref(), Some("".as_bytes()));
        for text in ["%", "a%2", "%zz", "%+1", "%-1", "% 1", "%\u{e9}"] {
            assert_eq!(decoded(text), None, "{text}");
        }
    }
}
