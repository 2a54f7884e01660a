//! Origins of pages that may send messages, against DNS rebinding.

use actix_web::{HttpRequest, http::header::ORIGIN};

use crate::{error::ConfigError, http::authentication::sender::is_origin, url::host_and_port};

/// Origins whose pages may use the server.
#[derive(Debug, Clone, Default)]
pub(super) struct Origins(Vec<Box<str>>);

impl Origins {
    /// Adds the origin of the server itself.
    pub(super) fn add_own(&mut self, origin: &str) {
        self.0.push(origin.into());
    }

    /// Adds origins of other pages, as browsers write them.
    pub(super) fn add(&mut self, origins: &[String]) -> Result<(), ConfigError> {
        for origin in origins {
            if !is_origin(origin) {
                let problem = "is no origin as browsers send it, such as `https://app.example`";
                return Err(ConfigError::invalid("mcp.origins", problem));
            }
            self.0.push(origin.as_str().into());
        }
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns `true` without the header, which only browsers send, and for one of these origins. `Host`
    /// does not count: after DNS rebinding, both are those of the attacker.
    pub(super) fn admit(&self, request: &HttpRequest) -> bool {
        let mut fields = request.headers().get_all(ORIGIN);
        let origin = match (fields.next(), fields.next()) {
            (None, _) => return true,
            (Some(origin), None) => origin,
            _ => return false,
        };
        let Some(origin) = origin.to_str().ok().and_then(parts) else { return false };
        self.0.iter().any(|known| parts(known).is_some_and(|known| is_same(known, origin)))
    }
}

/// Scheme, host, and port.
type Parts<'o> = (&'o str, &'o str, Option<u16>);

fn parts(origin: &str) -> Option<Parts<'_>> {
    let (scheme, authority) = origin.split_once("://")?;
    let (host, port) = host_and_port(authority)?;
    let default = match scheme {
        _ if scheme.eq_ignore_ascii_case("https") => Some(443),
        _ if scheme.eq_ignore_ascii_case("http") => Some(80),
        _ => None,
    };
    Some((scheme, host, port.or(default)))
}

fn is_same(a: Parts<'_>, b: Parts<'_>) -> bool {
    a.0.eq_ignore_ascii_case(b.0) && a.1.eq_ignore_ascii_case(b.1) && a.2 == b.2
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn is_admitted(origins: &[&str]) -> bool {
        let mut known = Origins::default();
        known.add_own("https://mcp.example");
        known.add(&["http://localhost:3000".into(), "vscode-webview://panel".into()]).unwrap();
        let request = origins
            .iter()
            .fold(TestRequest::post(), |request, origin| request.append_header((ORIGIN, *origin)));
        known.admit(&request.insert_header(("host", "evil.example")).to_http_request())
    }

    #[test]
    fn pages_of_the_server_and_of_the_list_are_admitted() {
        assert!(is_admitted(&[]));
        for origin in [
            "https://mcp.example",
            "https://MCP.example",
            "https://mcp.example:443",
            "http://localhost:3000",
            "vscode-webview://panel",
        ] {
            assert!(is_admitted(&[origin]), "{origin}");
        }
        for origin in [
            "null",
            "",
            "https://evil.example",
            "http://mcp.example",
            "https://mcp.example:8443",
            "https://mcp.example.evil.example",
            "https://mcp.example/",
            "https://mcp.example https://evil.example",
            "https://user@mcp.example",
            "http://localhost",
            "http://localhost:30000",
            "mcp.example",
            "https://mcp.example:",
            "vscode-webview://other",
        ] {
            assert!(!is_admitted(&[origin]), "{origin}");
        }
        assert!(!is_admitted(&["https://mcp.example", "https://mcp.example"]));
        assert!(!is_admitted(&["https://mcp.example", "https://evil.example"]));
    }

    #[test]
    fn what_no_browser_sends_is_refused() {
        for origin in ["", "null", "https://app.example/", "https://App.example", "app.example"] {
            assert!(Origins::default().add(&[origin.to_owned()]).is_err(), "{origin}");
        }
    }
}
