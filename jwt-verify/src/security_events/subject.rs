//! Subject identifiers (RFC 9493 §3; SSF 1.0 §3).

use std::fmt;

use serde_json::{Map, Value};

use crate::{error::StoreUnavailable, lookup::Lookup};

/// A subject that an event names, such as an email address.
///
/// Its `Debug` has the format alone, since the members are personal data.
#[derive(Clone, PartialEq, Eq)]
pub struct SubjectIdentifier {
    format: String,
    members: Map<String, Value>,
}

impl SubjectIdentifier {
    /// Reads a simple subject; `None` if it has no format, or lacks a member of it. Events of older
    /// drafts call the format `subject_type`, and write it with hyphens.
    pub(super) fn read(value: &Value) -> Option<Self> {
        let members = value.as_object()?;
        let format = members.get("format").or_else(|| members.get("subject_type"))?.as_str()?;
        let known = Self { format: format.replace('-', "_"), members: members.clone() };
        known.is_complete().then_some(known)
    }

    /// Returns `true` if it has the members of its format, as far as these are used here.
    fn is_complete(&self) -> bool {
        let has = |names: &[&str]| names.iter().all(|name| self.member(name).is_some());
        match &*self.format {
            "iss_sub" => has(&["iss", "sub"]),
            "jwt_id" => has(&["iss", "jti"]),
            "opaque" => has(&["id"]),
            "email" => has(&["email"]),
            "phone_number" => has(&["phone_number"]),
            "account" | "uri" => has(&["uri"]),
            "did" => has(&["url"]),
            "saml_assertion_id" => has(&["issuer", "assertion_id"]),
            "aliases" => self.aliases().any(|alias| Self::read(alias).is_some()),
            _ => true,
        }
    }

    /// Makes the subject that a `sub` claim of the event token names.
    pub(super) fn of_claims(issuer: &str, subject: &str) -> Self {
        let members = [("iss", issuer), ("sub", subject)];
        let members = members.map(|(name, value)| (name.to_owned(), value.into()));
        Self { format: "iss_sub".into(), members: members.into_iter().collect() }
    }

    /// Returns the format, such as `email` or `phone_number`.
    pub fn format(&self) -> &str {
        &self.format
    }

    /// Returns the text of a member, such as `email` of the format `email`, `phone_number`, `uri`
    /// of `account` and `uri`, `url` of `did`, `id` of `opaque`.
    pub fn member(&self, name: &str) -> Option<&str> {
        self.members.get(name)?.as_str().filter(|text| !text.is_empty())
    }

    /// Returns the identifiers of the format `aliases`.
    pub(super) fn aliases(&self) -> impl Iterator<Item = &Value> {
        self.members.get("identifiers").and_then(Value::as_array).into_iter().flatten()
    }
}

impl fmt::Debug for SubjectIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SubjectIdentifier(..)")
    }
}

/// Finds the user whom a subject means, where that is not a `sub` of an issuer of tokens: for the
/// formats `email`, `phone_number`, `account`, `did`, `uri`, `opaque` and those of a transmitter's
/// own, and for `iss_sub` with an issuer that is not among
/// [`subjects_of`](super::Transmitter::subjects_of), such as that of an Okta org.
///
/// It is called for verified events alone, once for each such subject, before anything is revoked.
///
/// **Security:** compare `iss` of the format `iss_sub` before you use `sub`.
///
/// ```
/// use jwt_verify::{
///     Lookup, StoreUnavailable,
///     security_events::{SubjectIdentifier, SubjectResolver},
/// };
///
/// # struct Database;
/// # impl Database {
/// #     async fn id_of(&self, _: &str) -> Result<Option<String>, std::io::Error> { Ok(None) }
/// # }
/// struct Directory(Database);
///
/// impl SubjectResolver for Directory {
///     fn resolve<'a>(
///         &'a self,
///         subject: &'a SubjectIdentifier,
///     ) -> Lookup<'a, Result<Option<String>, StoreUnavailable>> {
///         let Some(email) = subject.member("email") else { return Lookup::Ready(Ok(None)) };
///         Lookup::Pending(Box::pin(async move {
///             self.0.id_of(email).await.map_err(StoreUnavailable::caused_by)
///         }))
///     }
/// }
/// ```
pub trait SubjectResolver: Send + Sync + 'static {
    /// Returns the `sub` that the user's tokens have, or `None` if there is no such user.
    ///
    /// # Errors
    /// [`StoreUnavailable`] if it cannot be told now: the transmitter gets 503 and sends the event
    /// again.
    fn resolve<'a>(
        &'a self,
        subject: &'a SubjectIdentifier,
    ) -> Lookup<'a, Result<Option<String>, StoreUnavailable>>;
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn formats_of_all_ages_are_read() {
        let read = |value: Value| SubjectIdentifier::read(&value);
        let email = read(json!({"format": "email", "email": "u@example.com"})).unwrap();
        assert_eq!((email.format(), email.member("email")), ("email", Some("u@example.com")));
        assert_eq!(email.member("id"), None);
        let old = read(json!({"subject_type": "iss-sub", "iss": "i", "sub": "s"})).unwrap();
        assert_eq!(old, {
            let mut new = SubjectIdentifier::of_claims("i", "s");
            new.members = old.members.clone();
            new
        });
        for bad in [json!({}), json!({"format": 1}), json!("x"), json!({"email": "u"})] {
            assert_eq!(read(bad), None);
        }
        for (format, members) in [
            ("iss_sub", &["iss", "sub"][..]),
            ("jwt_id", &["iss", "jti"]),
            ("opaque", &["id"]),
            ("email", &["email"]),
            ("phone_number", &["phone_number"]),
            ("account", &["uri"]),
            ("uri", &["uri"]),
            ("did", &["url"]),
            ("saml_assertion_id", &["issuer", "assertion_id"]),
        ] {
            let mut subject = json!({ "format": format });
            for member in members {
                assert_eq!(read(subject.clone()), None, "{format} without {member}");
                subject[*member] = json!("x");
            }
            let known = read(subject.clone()).unwrap();
            assert_eq!(known.format(), format);
            let aliases = |all: Value| read(json!({"format": "aliases", "identifiers": all}));
            assert!(aliases(json!(["x", subject])).is_some(), "{format}");
        }
        for bad in [json!([]), json!(["x"]), json!([{"format": "email"}]), json!("x")] {
            assert_eq!(read(json!({"format": "aliases", "identifiers": bad})), None);
        }
        assert_eq!(format!("{email:?}"), "SubjectIdentifier(..)");
    }
}
