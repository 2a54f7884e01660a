//! Origin of the page that caused a request, as far as the browser reports it.

use actix_web::{
    HttpRequest,
    http::header::{HOST, HeaderName, HeaderValue, ORIGIN},
};

use crate::url::host_and_port;

/// The browser's report about the page, which the page itself cannot change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sender {
    /// A page of this origin or a trusted one, or the user directly.
    Own,
    /// Any other origin. Holds the header that reports it.
    Other(&'static str),
    /// No report: an old browser, or not a browser at all.
    Unknown,
}

/// Set by browsers alone (Fetch Metadata).
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

impl Sender {
    /// Returns the sender of a request. Trusted origins are equivalent to this one.
    pub(crate) fn of(request: &HttpRequest, trusted: &[String]) -> Self {
        let (Ok(origin), Ok(site)) = (one(request, ORIGIN), one(request, SEC_FETCH_SITE)) else {
            return Self::Other("repeated_field");
        };
        if origin.is_some_and(|origin| trusted.iter().any(|one| one.as_bytes() == origin)) {
            return Self::Own;
        }
        match (site, origin) {
            (Some(b"same-origin" | b"none"), _) => Self::Own,
            (Some(b"same-site" | b"cross-site"), _) => Self::Other("sec_fetch_site"),
            // An unknown future value is ignored.
            (_, None) => Self::Unknown,
            (_, Some(origin)) if is_here(origin, request) => Self::Own,
            (_, Some(_)) => Self::Other("origin"),
        }
    }
}

/// Returns the only header of a name, if there is one.
fn one(request: &HttpRequest, name: HeaderName) -> Result<Option<&[u8]>, ()> {
    let mut fields = request.headers().get_all(name);
    match (fields.next(), fields.next()) {
        (field, None) => Ok(field.map(HeaderValue::as_bytes)),
        _ => Err(()),
    }
}

/// Returns `true` if an origin is the target of the request: host and port are those of
/// `:authority` or `Host`, which a page cannot set. `X-Forwarded-Host` is ignored: a page can set
/// it.
///
/// If a proxy terminates TLS, the application may not know the scheme. So a page over https is
/// always accepted, and one over http unless the request is known to have come over https: an
/// attacker who can change the page on its way must not act for the other.
fn is_here(origin: &[u8], request: &HttpRequest) -> bool {
    let Some((scheme, authority)) =
        std::str::from_utf8(origin).ok().and_then(|origin| origin.split_once("://"))
    else {
        return false;
    };
    let default_port = match scheme {
        _ if scheme.eq_ignore_ascii_case("https") => 443,
        _ if scheme.eq_ignore_ascii_case("http") => 80,
        _ => return false,
    };
    let of = |authority: &str| {
        let (host, port) = host_and_port(authority)?;
        Some((host.to_ascii_lowercase(), port.unwrap_or(default_port)))
    };
    let sent_to = match (request.uri().authority(), one(request, HOST)) {
        (Some(authority), _) => Some(authority.as_str()),
        (None, Ok(Some(host))) => std::str::from_utf8(host).ok(),
        (None, _) => None,
    };
    let (from, to) = (of(authority), sent_to.and_then(of));
    from.is_some()
        && from == to
        && (default_port == 443 || request.connection_info().scheme() != "https")
}

/// Returns `true` if a text is an origin as browsers write it (RFC 6454 §6.2), so that it can match
/// one.
pub(crate) fn is_origin(text: &str) -> bool {
    let Some((scheme, authority)) = text.split_once("://") else { return false };
    let is_scheme = |byte: u8| byte.is_ascii_lowercase() || b"+-.0123456789".contains(&byte);
    !scheme.is_empty()
        && scheme.bytes().all(is_scheme)
        && host_and_port(authority).is_some()
        && !authority.bytes().any(|byte| byte.is_ascii_uppercase())
        && !matches!((scheme, host_and_port(authority)), ("https", Some((_, Some(443)))))
        && !matches!((scheme, host_and_port(authority)), ("http", Some((_, Some(80)))))
}

#[cfg(test)]
mod tests {
    use actix_web::{http::header::FORWARDED, test::TestRequest};

    use super::*;

    fn sender(fields: &[(&str, &str)]) -> Sender {
        let request = fields.iter().fold(TestRequest::post(), |request, (name, value)| {
            request.append_header((*name, *value))
        });
        Sender::of(&request.to_http_request(), &["https://app.example".to_owned()])
    }

    #[test]
    fn the_browser_says_where_a_page_is_from() {
        const OTHER_SITE: Sender = Sender::Other("sec_fetch_site");
        for (site, origin, expected) in [
            (Some("same-origin"), None, Sender::Own),
            (Some("none"), None, Sender::Own),
            (Some("same-site"), None, OTHER_SITE),
            (Some("cross-site"), None, OTHER_SITE),
            // A proxy may have changed the host; the report of the browser takes precedence.
            (Some("same-origin"), Some("https://elsewhere.example"), Sender::Own),
            (Some("cross-site"), Some("https://api.example"), OTHER_SITE),
            (Some("same-site"), Some("https://app.example"), Sender::Own),
            (Some("cross-site"), Some("https://app.example"), Sender::Own),
            (Some("cross-site"), Some("null"), OTHER_SITE),
            // Unknown values and spellings are ignored.
            (Some("Same-Origin"), None, Sender::Unknown),
            (Some("future"), None, Sender::Unknown),
            (Some(""), Some("https://evil.example"), Sender::Other("origin")),
            (Some("future"), Some("https://api.example"), Sender::Own),
            (None, Some("https://api.example"), Sender::Own),
            (None, Some("https://app.example"), Sender::Own),
            (None, Some("https://evil.example"), Sender::Other("origin")),
            (None, Some("null"), Sender::Other("origin")),
            (None, None, Sender::Unknown),
        ] {
            let mut fields = vec![("host", "api.example")];
            fields.extend(site.map(|site| ("sec-fetch-site", site)));
            fields.extend(origin.map(|origin| ("origin", origin)));
            assert_eq!(sender(&fields), expected, "{fields:?}");
        }
        let twice = |name, value| sender(&[("host", "api.example"), (name, value), (name, value)]);
        assert_eq!(twice("sec-fetch-site", "same-origin"), Sender::Other("repeated_field"));
        assert_eq!(twice("origin", "https://api.example"), Sender::Other("repeated_field"));
    }

    #[test]
    fn an_origin_is_compared_with_where_the_request_was_sent() {
        for (origin, host, is_own) in [
            ("https://api.example", "api.example", true),
            ("http://api.example", "api.example", true),
            ("HTTPS://API.example", "api.EXAMPLE", true),
            ("https://api.example", "api.example:443", true),
            ("https://api.example:443", "api.example", true),
            ("http://api.example", "api.example:80", true),
            ("https://api.example:8443", "api.example:8443", true),
            ("https://[2001:db8::1]", "[2001:DB8::1]:443", true),
            ("http://[::1]:8080", "[::1]:8080", true),
            ("https://api.example", "api.example:80", false),
            ("http://api.example", "api.example:443", false),
            ("https://api.example:8443", "api.example", false),
            ("https://api.example", "api.example:8443", false),
            ("http://[::1]:8080", "[::1]:8081", false),
            ("https://[::1]", "[::2]", false),
            ("https://api.example.evil.example", "api.example", false),
            ("https://evil-api.example", "api.example", false),
            ("https://api.example.", "api.example", false),
            ("https://api.example@evil.example", "api.example", false),
            ("https://api.example:99999", "api.example", false),
            ("https://api.example:", "api.example", false),
            ("https://api.example/", "api.example", false),
            ("https://", "", false),
            ("https://api.example", "", false),
            ("//api.example", "api.example", false),
            ("ftp://api.example", "api.example", false),
            ("api.example", "api.example", false),
            ("null", "null", false),
            ("", "", false),
        ] {
            let expected = if is_own { Sender::Own } else { Sender::Other("origin") };
            assert_eq!(sender(&[("host", host), ("origin", origin)]), expected, "{origin} {host}");
        }
        // One host, or none.
        let origin = ("origin", "https://api.example");
        assert_eq!(sender(&[origin]), Sender::Other("origin"));
        let hosts = [("host", "api.example"), ("host", "api.example"), origin];
        assert_eq!(sender(&hosts), Sender::Other("origin"));
        // A page could set the proxy's headers about the host as well.
        let forwarded = [("host", "backend"), ("x-forwarded-host", "api.example"), origin];
        assert_eq!(sender(&forwarded), Sender::Other("origin"));
    }

    #[test]
    fn the_authority_of_the_target_comes_before_the_field() {
        let request = |origin: &str| {
            let request = TestRequest::with_uri("https://api.example/a")
                .method(actix_web::http::Method::POST);
            let request = request.insert_header((HOST, "other.example"));
            Sender::of(&request.insert_header((ORIGIN, origin)).to_http_request(), &[])
        };
        assert_eq!(request("https://api.example"), Sender::Own);
        assert_eq!(request("https://other.example"), Sender::Other("origin"));
    }

    #[test]
    fn a_page_over_http_does_not_count_where_the_request_came_over_https() {
        for (name, value) in
            [("x-forwarded-proto", "https"), (FORWARDED.as_str(), "proto=https;for=10.0.0.1")]
        {
            let fields = |origin| [("host", "api.example"), (name, value), ("origin", origin)];
            assert_eq!(sender(&fields("http://api.example")), Sender::Other("origin"));
            assert_eq!(sender(&fields("https://api.example")), Sender::Own);
        }
    }

    #[test]
    fn an_origin_is_written_as_browsers_write_it() {
        for text in ["https://app.example", "http://localhost:3000", "capacitor://localhost"] {
            assert!(is_origin(text), "{text}");
        }
        for text in [
            "",
            "null",
            "*",
            "app.example",
            "https://",
            "https://app.example/",
            "https://app.example/a",
            "https://App.example",
            "HTTPS://app.example",
            "https://app.example:443",
            "http://app.example:80",
            "https://*.example",
            "https://a@app.example",
            "https://app.example:x",
        ] {
            assert!(!is_origin(text), "{text}");
        }
    }
}
