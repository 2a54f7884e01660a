//! Parts of URLs.

use std::net::IpAddr;

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
        rest = after;
        if *first != b'%' {
            plain.push(*first);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2)?;
        // A number may have a sign; an escape may not.
        let digits = std::str::from_utf8(digits).ok().filter(|digits| !digits.contains('+'))?;
        plain.push(u8::from_str_radix(digits, 16).ok()?);
        rest = after;
    }
    Some(plain)
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
    fn an_escape_has_two_digits() {
        let decoded = |text: &str| percent_decoded(text.as_bytes());
        assert_eq!(decoded("a+b%2Bc%2f").as_deref(), Some("a+b+c/".as_bytes()));
        assert_eq!(decoded("").as_deref(), Some("".as_bytes()));
        for text in ["%", "a%2", "%zz", "%+1", "%-1", "% 1", "%\u{e9}"] {
            assert_eq!(decoded(text), None, "{text}");
        }
    }
}
