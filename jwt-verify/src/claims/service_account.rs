//! Service accounts of Kubernetes, as the subjects of tokens.

use std::fmt;

use super::Claims;

/// A service account of a Kubernetes cluster: the subject of the tokens that its pods have.
///
/// The claim `sub` is `system:serviceaccount:NAMESPACE:NAME`. It is compared part by part: a
/// namespace or a name with a colon, which could pass for another account, is none. Where the token
/// has the claim `kubernetes.io`, its namespace and name must be the same.
///
/// As an argument of a handler it is [`ClaimsArg<ServiceAccount>`](crate::extract::ClaimsArg); a
/// caller that is not a service account gets 403.
///
/// ```
/// use jwt_verify::extract::ServiceAccount;
///
/// let account: ServiceAccount = "shop/orders".parse()?;
/// assert_eq!((account.namespace(), account.name()), ("shop", "orders"));
/// # Ok::<(), jwt_verify::extract::NotAServiceAccount>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ServiceAccount {
    namespace: String,
    name: String,
}

/// A text that names no service account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be NAMESPACE/NAME of a service account")]
pub struct NotAServiceAccount;

impl ServiceAccount {
    /// Returns the service account that the claims are about.
    pub fn of(claims: &Claims) -> Option<Self> {
        let mut parts = claims.subject()?.strip_prefix("system:serviceaccount:")?.split(':');
        let (namespace, name) = (parts.next()?, parts.next()?);
        let account = Self::new(namespace, name).filter(|_| parts.next().is_none())?;
        let Some(details) = claims.find("kubernetes.io") else { return Some(account) };
        let said = |path: &[&str], own: &str| {
            let found = path.iter().try_fold(details, |value, name| value.get(name));
            found.is_none_or(|found| found.is_text(own))
        };
        let is_same = said(&["namespace"], &account.namespace)
            && said(&["serviceaccount", "name"], &account.name);
        is_same.then_some(account)
    }

    fn new(namespace: &str, name: &str) -> Option<Self> {
        let is_label = |text: &str| {
            let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
            !text.is_empty()
                && text.len() <= 253
                && text.bytes().all(|byte| is_part(byte) || byte == b'-' || byte == b'.')
        };
        (is_label(namespace) && is_label(name))
            .then(|| Self { namespace: namespace.to_owned(), name: name.to_owned() })
    }

    /// Returns the namespace.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Returns the name within the namespace.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for ServiceAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

impl std::str::FromStr for ServiceAccount {
    type Err = NotAServiceAccount;

    /// Parses `NAMESPACE/NAME`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (namespace, name) = text.split_once('/').ok_or(NotAServiceAccount)?;
        Self::new(namespace, name).ok_or(NotAServiceAccount)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(claims: &serde_json::Value) -> Option<ServiceAccount> {
        ServiceAccount::of(&serde_json::from_str(&claims.to_string()).unwrap())
    }

    #[test]
    fn subjects_are_compared_part_by_part() {
        let orders = "shop/orders".parse().ok();
        assert_eq!(of(&json!({"sub": "system:serviceaccount:shop:orders"})), orders);
        let details =
            json!({"namespace": "shop", "serviceaccount": {"name": "orders", "uid": "u"}});
        let whole = json!({"sub": "system:serviceaccount:shop:orders", "kubernetes.io": details});
        assert_eq!(of(&whole), orders);
        for sub in [
            "system:serviceaccount:shop:orders:x",
            "system:serviceaccount:shop",
            "system:serviceaccount::orders",
            "system:serviceaccount:shop:",
            "system:serviceaccount:shop:Orders",
            "system:serviceaccount:shop/orders:x",
            "system:node:shop:orders",
            "xsystem:serviceaccount:shop:orders",
        ] {
            assert_eq!(of(&json!({ "sub": sub })), None, "{sub}");
        }
        for details in [json!({"namespace": "bank"}), json!({"serviceaccount": {"name": "admin"}})]
        {
            let claims =
                json!({"sub": "system:serviceaccount:shop:orders", "kubernetes.io": details});
            assert_eq!(of(&claims), None, "{claims}");
        }
        for text in ["", "shop", "/orders", "shop/", "shop/a/b", "shop/*", "Shop/orders"] {
            assert!(text.parse::<ServiceAccount>().is_err(), "{text}");
        }
    }
}
