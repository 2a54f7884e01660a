//! The claims of a token (RFC 7519 §4): registered ones typed, all others as JSON.

mod audience;
mod claim_path;
mod mapping;
mod members;
mod numeric_date;
mod parse;
mod role_hierarchy;
mod verified;

use std::fmt;

use serde::{Serialize, Serializer, de::DeserializeOwned, ser::SerializeMap};
use serde_json::Value;

use crate::json::entry;

pub use audience::Audience;
pub(crate) use claim_path::{ClaimPath, Found};
pub use mapping::ClaimsMapping;
pub(crate) use mapping::Grants;
pub use numeric_date::NumericDate;
pub use role_hierarchy::RoleHierarchy;
pub use verified::VerifiedClaims;
pub(crate) use verified::VerifiedToken;

/// The claims of a token.
///
/// A value of this type says nothing about who made it; only [`VerifiedClaims`] does. The library
/// never hands out the claims of a token it has not verified.
///
/// `Debug` shows the names of the claims, not their values.
///
/// [`VerifiedClaims`]: crate::VerifiedClaims
#[derive(Clone, Default, PartialEq)]
pub struct Claims {
    issuer: Option<String>,
    subject: Option<String>,
    audience: Option<Audience>,
    expires_at: Option<NumericDate>,
    not_before: Option<NumericDate>,
    issued_at: Option<NumericDate>,
    id: Option<String>,
    others: members::Members,
}

impl Claims {
    /// The principal that issued the token, `iss`.
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// Whom the token is about, `sub`. Unique within the issuer, never across issuers.
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// Whom the token is meant for, `aud`.
    pub fn audience(&self) -> Option<&Audience> {
        self.audience.as_ref()
    }

    /// From when on the token must not be accepted, `exp`.
    pub fn expires_at(&self) -> Option<NumericDate> {
        self.expires_at
    }

    /// Before when the token must not be accepted, `nbf`.
    pub fn not_before(&self) -> Option<NumericDate> {
        self.not_before
    }

    /// When the token was issued, `iat`.
    pub fn issued_at(&self) -> Option<NumericDate> {
        self.issued_at
    }

    /// The identifier of the token, `jti`. Unique within the issuer.
    pub fn token_id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// A claim that has no accessor of its own, by its exact name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.others.get(name)
    }

    /// A claim that has no accessor of its own, as a type of the caller's. `None` if it is absent
    /// or has another shape.
    pub fn get_as<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        self.get(name).and_then(|value| T::deserialize(value).ok())
    }

    /// The names in the `scope` claim (a string with spaces between them, RFC 8693 §4.2) or, where
    /// there is none, in `scp` (a string or an array, as some issuers have it).
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.get("scope").or_else(|| self.get("scp")).into_iter().flat_map(scope_names)
    }
}

/// The scope names in a claim's value: split at spaces, or the strings of an array.
pub(crate) fn scope_names(value: &Value) -> impl Iterator<Item = &str> {
    let text = value.as_str().into_iter().flat_map(|text| text.split(' '));
    let list = value.as_array().into_iter().flatten().filter_map(Value::as_str);
    text.chain(list).filter(|name| !name.is_empty())
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let registered = [
            ("iss", self.issuer.is_some()),
            ("sub", self.subject.is_some()),
            ("aud", self.audience.is_some()),
            ("exp", self.expires_at.is_some()),
            ("nbf", self.not_before.is_some()),
            ("iat", self.issued_at.is_some()),
            ("jti", self.id.is_some()),
        ];
        let names = registered
            .iter()
            .filter_map(|(name, present)| present.then_some(*name))
            .chain(self.others.iter().map(|(name, _)| name));
        f.write_str("Claims")?;
        f.debug_set().entries(names).finish()
    }
}

impl Serialize for Claims {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        entry(&mut map, "iss", self.issuer.as_ref())?;
        entry(&mut map, "sub", self.subject.as_ref())?;
        entry(&mut map, "aud", self.audience.as_ref())?;
        entry(&mut map, "exp", self.expires_at.as_ref())?;
        entry(&mut map, "nbf", self.not_before.as_ref())?;
        entry(&mut map, "iat", self.issued_at.as_ref())?;
        entry(&mut map, "jti", self.id.as_ref())?;
        for (name, value) in self.others.iter() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}
