//! Names for the ways in which a claim differs from the setting, without the value of either.

/// Returns how an issuer that a token names differs from the configured one.
pub(crate) fn issuer_difference(configured: &str, found: &str) -> &'static str {
    if found.trim_end_matches('/') == configured.trim_end_matches('/') {
        return if configured.ends_with('/') {
            "the configured issuer without its slash at the end"
        } else {
            "the configured issuer with a slash at the end"
        };
    }
    if found.eq_ignore_ascii_case(configured) {
        return "the configured issuer with other capitals";
    }
    let (scheme, host, path) = parts(configured);
    let (found_scheme, found_host, found_path) = parts(found);
    match (host, found_host) {
        (ENTRA_2, ENTRA_1) => {
            return "the issuer of version 1 tokens of Microsoft Entra; configured is version 2";
        }
        (ENTRA_1, ENTRA_2) => {
            return "the issuer of version 2 tokens of Microsoft Entra; configured is version 1";
        }
        _ => {}
    }
    match (scheme == found_scheme, host == found_host, path == found_path) {
        (false, true, true) => "the configured issuer with another scheme (http, https)",
        (_, true, false) => "another realm, tenant or authorization server of the same host",
        (_, false, true) if !path.is_empty() => "the configured path at another host",
        _ => "another issuer",
    }
}

/// Returns how the audiences of a token differ from the configured ones.
pub(crate) fn audience_difference(
    configured: &[String],
    found: &[&str],
    client: Option<&str>,
) -> &'static str {
    let near = |is: &dyn Fn(&str, &str) -> bool| {
        found.iter().any(|found| configured.iter().any(|ours| is(ours, found)))
    };
    if found.is_empty() {
        return "an empty list";
    }
    if configured.is_empty() {
        return "an audience, and tokens without one are configured";
    }
    if near(&|ours, found| ours.trim_end_matches('/') == found.trim_end_matches('/')) {
        return "a configured audience but for a slash at the end";
    }
    if near(&|ours, found| ours.eq_ignore_ascii_case(found)) {
        return "a configured audience with other capitals";
    }
    if near(&|ours, found| found.strip_prefix("api://") == Some(ours)) {
        return "a configured audience with `api://` before it";
    }
    if near(&|ours, found| ours.strip_prefix("api://") == Some(found)) {
        return "a configured audience without `api://`";
    }
    if found.contains(&"account") {
        return "`account`, which Keycloak writes where no mapper adds an audience";
    }
    if client.is_some_and(|client| found.contains(&client)) {
        return "the client itself, as in an ID token";
    }
    "other audiences alone"
}

/// Host of Microsoft Entra's issuers of version 1.
const ENTRA_1: &str = "sts.windows.net";
/// Host of Microsoft Entra's issuers of version 2.
const ENTRA_2: &str = "login.microsoftonline.com";

/// Returns scheme, host with port, and path.
fn parts(url: &str) -> (&str, &str, &str) {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    (scheme, host, path.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issuers_differ_in_ways_that_have_a_name() {
        let ours = "https://sso.example.com/realms/main";
        for (found, words) in [
            ("https://sso.example.com/realms/main/", "with a slash"),
            ("https://SSO.example.com/realms/main", "capitals"),
            ("http://sso.example.com/realms/main", "scheme"),
            ("https://sso.example.com/realms/other", "another realm"),
            ("https://keycloak:8080/realms/main", "another host"),
            ("https://elsewhere.example/", "another issuer"),
            ("", "another issuer"),
        ] {
            let difference = issuer_difference(ours, found);
            assert!(difference.contains(words), "{found}: {difference}");
        }
        assert!(issuer_difference("https://a/", "https://a").contains("without its slash"));
        let (one, two) = ("https://sts.windows.net/t/", "https://login.microsoftonline.com/t/v2.0");
        assert!(issuer_difference(two, one).contains("version 1 tokens"));
        assert!(issuer_difference(one, two).contains("version 2 tokens"));
    }

    #[test]
    fn audiences_differ_in_ways_that_have_a_name() {
        for (ours, found, words) in [
            (&["https://api"] as &[&str], &["https://api/"] as &[&str], "slash"),
            (&["API"], &["api"], "capitals"),
            (&["5c0e"], &["api://5c0e"], "with `api://`"),
            (&["api://5c0e"], &["5c0e"], "without `api://`"),
            (&["api"], &["account"], "Keycloak"),
            (&["api"], &["web"], "client itself"),
            (&["api"], &["other"], "other audiences"),
            (&["api"], &[], "empty"),
            (&[], &["x"], "tokens without one"),
        ] {
            let ours: Vec<String> = ours.iter().map(|&name| name.to_owned()).collect();
            let difference = audience_difference(&ours, found, Some("web"));
            assert!(difference.contains(words), "{found:?}: {difference}");
        }
    }
}
