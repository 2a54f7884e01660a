//! What several modules ask of a URL.

use std::net::IpAddr;

/// Whether a host, as it stands in a URL, is this machine: nobody listens on the way.
pub(crate) fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Undoes percent-encoding (RFC 3986 §2.1). `None` if a `%` begins no escape. A `+` stays one.
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
    fn an_escape_has_two_digits() {
        let decoded = |text: &str| percent_decoded(text.as_bytes());
        assert_eq!(decoded("a+b%2Bc%2f").as_deref(), Some("a+b+c/".as_bytes()));
        assert_eq!(decoded("").as_deref(), Some("".as_bytes()));
        for text in ["%", "a%2", "%zz", "%+1", "%-1", "% 1", "%\u{e9}"] {
            assert_eq!(decoded(text), None, "{text}");
        }
    }
}
