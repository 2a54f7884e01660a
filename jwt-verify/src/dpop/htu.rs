//! Target URIs of requests (`htu`, RFC 9449 §4.3), compared after syntax-based and scheme-based
//! normalization (RFC 3986 §6.2.2, §6.2.3), without query and fragment.

use crate::url::{HttpsUrl, escaped_byte, host_and_port};

/// The address of an API, to which the path of a request is added.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BaseUrl(String);

impl BaseUrl {
    /// Parses an address. The error describes the problem.
    pub(super) fn parse(url: &str) -> Result<Self, &'static str> {
        if HttpsUrl::parse(url)?.query().is_some() {
            return Err("must have no query");
        }
        let normal = normalize(url).ok_or("must be an absolute URL")?;
        Ok(Self(normal.trim_end_matches('/').to_owned()))
    }

    /// Returns `true` if one of them is below the other, so that one URL could stand for two paths.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        let is_below = |one: &Self, other: &Self| {
            one.0
                .strip_prefix(&other.0)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        is_below(self, other) || is_below(other, self)
    }

    /// Returns the normal form of a URL, if it is that of this path of the API.
    ///
    /// A path with dot segments never matches: a proxy or a router that takes it literally leads to
    /// another resource than the URL.
    pub(super) fn target(&self, url: &str, path: &str) -> Option<String> {
        let url = normalize(url)?;
        let rest = url.strip_prefix(&self.0)?;
        let rest = if rest.is_empty() { "/" } else { rest };
        (rest.starts_with('/') && rest == unescape(path)?).then_some(url)
    }
}

/// Normalizes a URL, so that all of its spellings become equal. `None` if it is not an HTTP URL.
fn normalize(url: &str) -> Option<String> {
    if !url.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    let url = url.split(['?', '#']).next()?;
    let (scheme, rest) = url.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let default_port = match &*scheme {
        "https" => "443",
        "http" => "80",
        _ => return None,
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    // The port may be empty (RFC 3986 §3.2.3).
    let authority = authority.strip_suffix(':').unwrap_or(authority);
    let (host, _) = host_and_port(authority)?;
    let port = authority.get(host.len()..)?.trim_start_matches(':');
    let mut normal = format!("{scheme}://{}", host.to_ascii_lowercase());
    if !port.is_empty() && port != default_port {
        normal.push(':');
        normal.push_str(port);
    }
    normal.push_str(&without_dots(&unescape(path)?));
    Some(normal)
}

/// Decodes escapes of unreserved characters, and writes the others in capitals. `None` if a `%`
/// does not begin an escape: together with the text that follows it could become one.
fn unescape(path: &str) -> Option<String> {
    let mut normal = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(escape) = rest.find('%') {
        let (before, after) = rest.split_at(escape);
        normal.push_str(before);
        let plain = char::from(escaped_byte(after.as_bytes())?);
        if plain.is_ascii_alphanumeric() || "-._~".contains(plain) {
            normal.push(plain);
        } else {
            normal.push('%');
            normal.push_str(&after.get(1..3)?.to_ascii_uppercase());
        }
        rest = after.get(3..).unwrap_or_default();
    }
    normal.push_str(rest);
    Some(normal)
}

/// Removes `.` and `..` from an absolute path (RFC 3986 §5.2.4).
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut is_folder = false;
    for segment in path.split('/').skip(1) {
        is_folder = matches!(segment, "." | "..");
        match segment {
            "." => {}
            ".." => {
                kept.pop();
            }
            segment => kept.push(segment),
        }
    }
    let end = if is_folder && !kept.is_empty() { "/" } else { "" };
    format!("/{}{end}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    impl BaseUrl {
        fn is_target(&self, url: &str, path: &str) -> bool {
            self.target(url, path).is_some()
        }
    }

    #[test]
    fn spellings_of_one_url_are_one() {
        let base = BaseUrl::parse("https://api.example").unwrap();
        for url in [
            "https://api.example/posts/~me",
            "HTTPS://API.Example/posts/~me",
            "https://api.example:443/posts/~me",
            "https://api.example:/posts/~me",
            "https://api.example/posts/%7Eme",
            "https://api.example/posts/%7eme",
            "https://api.example/posts/~me?page=2",
            "https://api.example/posts/~me#top",
            "https://api.example/posts/~me?a=/../#?",
            "https://api.example/a/../posts/./~me",
            "https://api.example/a/%2E%2e/posts/~me",
            "https://api.example/../posts/~me",
        ] {
            assert!(base.is_target(url, "/posts/~me"), "{url}");
            assert!(base.is_target(url, "/posts/%7Eme"), "{url}");
        }
        assert!(base.is_target("https://api.example", "/"));
        assert!(base.is_target("https://api.example/", "/"));
        assert!(base.is_target("https://api.example/a%2fb", "/a%2Fb"));
        let shop = BaseUrl::parse("https://api.example/shop").unwrap();
        assert!(shop.is_target("https://api.example/shop", "/"));
        assert!(shop.is_target("https://api.example/shop/", "/"));
    }

    #[test]
    fn other_urls_are_others() {
        let base = BaseUrl::parse("https://api.example").unwrap();
        for url in [
            "",
            "/posts",
            "posts",
            "//api.example/posts",
            "http://api.example/posts",
            "https://api.example:8443/posts",
            "https://api.example:80/posts",
            "https://api.example.evil.example/posts",
            "https://evil.example/posts",
            "https://evil.example/https://api.example/posts",
            "https://user@api.example/posts",
            "https://api.example@evil.example/posts",
            "https://api.example/Posts",
            "https://api.example/posts/",
            "https://api.example//posts",
            "https://api.example/posts/1",
            "https://api.example/%70osts%2f",
            "https://api.example /posts",
            "https://api.example/posts\n",
            "https:/api.example/posts",
            "https://api.example:x/posts",
            "https://api.exämple/posts",
            "ftp://api.example/posts",
        ] {
            assert!(!base.is_target(url, "/posts"), "{url}");
        }
        // A path that is not in normal form matches no URL.
        for path in ["/a/../posts", "/a/%2e%2E/posts", "/./posts", "*", "", "posts"] {
            assert!(!base.is_target("https://api.example/posts", path), "{path}");
        }
        for path in ["", "*"] {
            assert!(!base.is_target("https://api.example", path), "{path}");
        }
        // Text that becomes an escape when it is decoded twice is refused.
        for path in ["/a%b", "/%", "/%2", "/%2%46", "/%%32%46", "/%zz", "/%\u{e9}"] {
            let url = format!("https://api.example{path}");
            assert!(!base.is_target(&url, path), "{path}");
        }
    }

    #[test]
    fn an_address_may_have_a_port_and_a_prefix() {
        let base = BaseUrl::parse("http://LOCALHOST:8080/v1/").unwrap();
        assert!(base.is_target("http://localhost:8080/v1/posts", "/posts"));
        assert!(!base.is_target("http://localhost:8080/posts", "/posts"));
        assert!(!base.is_target("http://localhost:8080/v1posts", "posts"));
        assert!(!base.is_target("http://localhost/v1/posts", "/posts"));
        let base = BaseUrl::parse("http://[::1]:80").unwrap();
        assert!(base.is_target("http://[::1]/posts", "/posts"));
        assert!(BaseUrl::parse("http://127.0.0.1:9").is_ok());
    }

    #[test]
    fn one_address_may_be_below_another() {
        let overlap = |one: &str, other: &str| {
            let (one, other) = (BaseUrl::parse(one).unwrap(), BaseUrl::parse(other).unwrap());
            assert_eq!(one.overlaps(&other), other.overlaps(&one));
            one.overlaps(&other)
        };
        assert!(overlap("https://api.example", "https://API.example/v1"));
        assert!(overlap("https://api.example/v1", "https://api.example/v1/"));
        assert!(!overlap("https://api.example/v1", "https://api.example/v10"));
        assert!(!overlap("https://api.example", "https://api.example:8443"));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for url in [
            "",
            "api.example",
            "/",
            "https://",
            "https:///posts",
            "http://api.example",
            "http://localhost.example",
            "http://127.0.0.1.example",
            "ftp://api.example",
            "https://user:password@api.example",
            "https://api.example?x=1",
            "https://api.example#x",
            "https://[::1",
            "https://api.example:65536",
            "https://api.example:+443",
        ] {
            assert!(BaseUrl::parse(url).is_err(), "{url}");
        }
    }
}
