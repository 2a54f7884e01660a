//! Issuer URL templates with one tenant placeholder.

use std::fmt;

use crate::error::ConfigError;

/// The issuers of a multi-tenant authorization server: a URL with one `{name}` in it, such as
/// `https://login.microsoftonline.com/{tenantid}/v2.0`.
///
/// It extracts the tenant from an issuer, for an [`IssuerResolver`](crate::IssuerResolver) to look
/// up. It does not make the tenant trusted.
#[derive(Clone, PartialEq, Eq)]
pub struct IssuerTemplate {
    before: Box<str>,
    after: Box<str>,
}

impl IssuerTemplate {
    /// Reads a template.
    ///
    /// # Errors
    /// Unless there is exactly one `{name}`, which is a whole segment of the path or a whole label
    /// of the host.
    pub fn new(template: &str) -> Result<Self, ConfigError> {
        let invalid = |problem| ConfigError::invalid("issuer_template", problem);
        let (before, rest) = template.split_once('{').ok_or(invalid("has no {name}"))?;
        let (name, after) = rest.split_once('}').ok_or(invalid("has no closing brace"))?;
        if name.is_empty()
            || before.contains('}')
            || [name, after].iter().any(|part| part.contains(['{', '}']))
        {
            return Err(invalid("must have exactly one {name}"));
        }
        let opens = before.ends_with('/');
        let is_host = before.ends_with("://");
        let closes =
            after.is_empty() || after.starts_with('/') || is_host && after.starts_with('.');
        if !opens || !closes {
            return Err(invalid("{name} must stand between slashes, or at the front of the host"));
        }
        Ok(Self { before: before.into(), after: after.into() })
    }

    /// Returns the tenant that an issuer names: 1 to 128 ASCII letters, digits, `-` and `_`, with
    /// exactly the rest of the template around it. `None` for everything else.
    ///
    /// Names compare exactly; a tenant in capitals is another tenant.
    pub fn tenant<'a>(&self, issuer: &'a str) -> Option<&'a str> {
        let tenant = issuer.strip_prefix(&*self.before)?.strip_suffix(&*self.after)?;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        ((1..=128).contains(&tenant.len()) && tenant.bytes().all(is_plain)).then_some(tenant)
    }
}

impl fmt::Debug for IssuerTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{{}}{}", self.before, self.after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_is_taken_out_of_its_issuer() {
        let entra =
            IssuerTemplate::new("https://login.microsoftonline.com/{tenantid}/v2.0").unwrap();
        let tenant = "72f988bf-86f1-41af-91ab-2d7cd011db47";
        let issuer = format!("https://login.microsoftonline.com/{tenant}/v2.0");
        assert_eq!(entra.tenant(&issuer), Some(tenant));
        let host = IssuerTemplate::new("https://{org}.example.com/").unwrap();
        assert_eq!(host.tenant("https://acme.example.com/"), Some("acme"));
    }

    #[test]
    fn what_is_no_tenant_is_none() {
        let entra = IssuerTemplate::new("https://login.example/{tenantid}/v2.0").unwrap();
        for issuer in [
            "https://login.example//v2.0",
            "https://login.example/v2.0",
            "https://login.example/a/b/v2.0",
            "https://login.example/../v2.0",
            "https://login.example/a%2fb/v2.0",
            "https://login.example/a/v2.0/",
            "https://login.example/a/v2.0?x",
            "https://login.example/a?x/v2.0",
            "https://login.example/a#x/v2.0",
            "https://login.example/a@evil.example/v2.0",
            "https://LOGIN.example/a/v2.0",
            "http://login.example/a/v2.0",
            "https://login.example/\u{e9}/v2.0",
            "https://login.example/{tenantid}/v2.0",
            "",
        ] {
            assert_eq!(entra.tenant(issuer), None, "{issuer}");
        }
        assert_eq!(entra.tenant(&format!("https://login.example/{}/v2.0", "a".repeat(129))), None);
        let host = IssuerTemplate::new("https://{org}.example.com/").unwrap();
        assert_eq!(host.tenant("https://evil.net/.example.com/"), None);
        assert_eq!(host.tenant("https://a.b.example.com/"), None);
    }

    #[test]
    fn a_template_has_one_name_in_a_place_of_its_own() {
        for template in [
            "https://login.example/",
            "https://login.example/{a}/{b}",
            "https://login.example/{a",
            "https://login.example/x{a}",
            "https://login.example/{a}x",
            "https://login.example/{a}.json",
            "https://login.example/{}",
            "https://login.example/}{a}",
        ] {
            assert!(IssuerTemplate::new(template).is_err(), "{template}");
        }
    }
}
