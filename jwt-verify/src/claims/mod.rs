//! The claims of a token (RFC 7519 §4): registered ones typed, all others as JSON.

mod audience;
mod authorities;
mod claim_path;
mod credential_kind;
mod mapping;
mod numeric_date;
mod parse;
mod presets;
mod role_hierarchy;
mod scope_hierarchy;
mod scope_token;
mod service_account;
mod shape;
mod verified;

use std::{fmt, sync::OnceLock};

use serde::{Serialize, Serializer, de::DeserializeOwned, ser::SerializeMap};
use serde_json::{Map, Value};

use self::parse::{ClaimPosition, is_registered};
use crate::json::{Json, JsonDocument, entry};

pub use audience::Audience;
pub(crate) use authorities::{AuthorityNames, GrantedAuthorities};
pub(crate) use claim_path::ClaimPath;
pub use credential_kind::CredentialKind;
pub use mapping::ClaimsMapping;
pub use numeric_date::NumericDate;
pub use role_hierarchy::RoleHierarchy;
pub use scope_hierarchy::ScopeHierarchy;
pub(crate) use scope_token::is_scope_token;
pub use service_account::{NotAServiceAccount, ServiceAccount};
pub use verified::VerifiedClaims;
pub(crate) use verified::VerifiedToken;

/// The claims of a token.
///
/// A value of this type may come from any source; only [`VerifiedClaims`] are verified. The library
/// never returns the claims of a token that it has not verified.
///
/// `Debug` contains the names of the claims, not their values.
///
/// [`VerifiedClaims`]: crate::VerifiedClaims
#[derive(Clone, Default)]
pub struct Claims {
    document: JsonDocument,
    issuer: Option<ClaimPosition>,
    subject: Option<ClaimPosition>,
    audience: Option<ClaimPosition>,
    id: Option<ClaimPosition>,
    expires_at: Option<NumericDate>,
    not_before: Option<NumericDate>,
    issued_at: Option<NumericDate>,
    /// Claims without a field, parsed when the application first reads one of them.
    values: OnceLock<Map<String, Value>>,
}

impl Claims {
    /// Returns the principal that issued the token, `iss`.
    pub fn issuer(&self) -> Option<&str> {
        self.text_at(self.issuer)
    }

    /// Returns the subject of the token, `sub`. Unique within the issuer, never across issuers.
    ///
    /// Of a number, its digits, where the issuer may send one
    /// ([`TrustedIssuer::numeric_subject`](crate::TrustedIssuer::numeric_subject)).
    pub fn subject(&self) -> Option<&str> {
        let subject = self.at(self.subject?);
        subject.as_str().or_else(|| subject.as_digits())
    }

    /// Returns `true` if `sub` is a number.
    pub(crate) fn has_numeric_subject(&self) -> bool {
        self.subject.is_some_and(|place| self.at(place).is_number())
    }

    /// Returns the intended recipients of the token, `aud`.
    pub fn audience(&self) -> Option<Audience<'_>> {
        self.audience.map(|place| Audience::of(self.at(place)))
    }

    /// Returns the time from which the token must not be accepted, `exp`.
    pub fn expires_at(&self) -> Option<NumericDate> {
        self.expires_at
    }

    /// Returns the time before which the token must not be accepted, `nbf`.
    pub fn not_before(&self) -> Option<NumericDate> {
        self.not_before
    }

    /// Returns the time of issue, `iat`.
    pub fn issued_at(&self) -> Option<NumericDate> {
        self.issued_at
    }

    /// Returns the identifier of the token, `jti`. Unique within the issuer.
    pub fn token_id(&self) -> Option<&str> {
        self.text_at(self.id)
    }

    /// Returns a claim without an accessor of its own, by its exact name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        // Most requested names do not exist.
        self.find(name)?;
        self.values().get(name)
    }

    /// Deserializes a claim without an accessor of its own. `None` if it is absent or has another
    /// shape, or if a member in it has a name that `serde_json` reserves
    /// (`$serde_json::private::…`), since the result would differ from the signed value.
    pub fn get_as<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let json = self.find(name).filter(|json| !json.has_reserved_names())?;
        T::deserialize(json.to_value()).ok()
    }

    /// Returns the names in the `scope` claim (a string with spaces between them, RFC 8693 §4.2, or
    /// an array) or, if that is absent, `null` or empty, in `scp` (a string or an array, depending
    /// on the issuer). Of a verified token, [`VerifiedClaims::scopes`] reads the claim that its
    /// issuer's [`ClaimsMapping`] names.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.scope_claim().into_iter().flat_map(scope_names)
    }

    pub(crate) fn scope_claim(&self) -> Option<Json<'_>> {
        self.find("scope").filter(|scope| !is_empty(*scope)).or_else(|| self.find("scp"))
    }

    /// Returns the payload that contains the claims.
    pub(crate) fn payload(&self) -> &str {
        self.document.text()
    }

    /// Finds a claim without a field of its own.
    pub(crate) fn find(&self, name: &str) -> Option<Json<'_>> {
        if self.document.may_have(name) && !is_registered(name) {
            self.document.root().get(name)
        } else {
            None
        }
    }

    /// Finds a string claim without a field of its own.
    pub(crate) fn find_text(&self, name: &str) -> Option<&str> {
        self.find(name)?.as_str()
    }

    /// Returns `true` if a type deserialized from the payload could differ from its text.
    pub(crate) fn has_reserved_names(&self) -> bool {
        self.document.root().has_reserved_names()
    }

    /// Finds a claim, with or without a field.
    pub(crate) fn find_any(&self, name: &str) -> Option<Json<'_>> {
        self.document.root().get(name)
    }

    /// Returns the claims without a field, in their order.
    fn others(&self) -> impl Iterator<Item = (&str, Json<'_>)> {
        self.document.root().members().filter(|(name, _)| !is_registered(name))
    }

    /// Returns the claims without a field as values.
    fn values(&self) -> &Map<String, Value> {
        let of = |(name, json): (&str, Json<'_>)| (name.to_owned(), json.to_value());
        self.values.get_or_init(|| self.others().map(of).collect())
    }

    fn text_at(&self, place: Option<ClaimPosition>) -> Option<&str> {
        self.at(place?).as_str()
    }

    fn at(&self, place: ClaimPosition) -> Json<'_> {
        self.document.at(place.index())
    }
}

/// Returns `true` for `null`, a text without a word, and an array without an element.
fn is_empty(value: Json<'_>) -> bool {
    match value.as_str() {
        Some(text) => text.bytes().all(|byte| byte == b' '),
        None => value.is_null() || value.is_array() && value.elements().next().is_none(),
    }
}

/// Splits a claim's value into scope names: at spaces, or into the strings of an array.
pub(crate) fn scope_names(value: Json<'_>) -> impl Iterator<Item = &str> {
    let text = value.as_str().into_iter().flat_map(|text| text.split(' '));
    text.chain(value.elements().filter_map(Json::as_str)).filter(|name| !name.is_empty())
}

/// Ignores order and spelling.
impl PartialEq for Claims {
    fn eq(&self, other: &Self) -> bool {
        let dates = |claims: &Self| (claims.expires_at, claims.not_before, claims.issued_at);
        dates(self) == dates(other)
            && self.issuer() == other.issuer()
            && self.subject() == other.subject()
            && self.token_id() == other.token_id()
            && self.audience() == other.audience()
            && self.values() == other.values()
    }
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
            .chain(self.others().map(|(name, _)| name));
        f.write_str("Claims")?;
        f.debug_set().entries(names).finish()
    }
}

/// Writes each claim as its accessor reads it: a registered claim that is `null` is left out, and a
/// subject is a text.
impl Serialize for Claims {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        entry(&mut map, "iss", self.issuer().as_ref())?;
        entry(&mut map, "sub", self.subject().as_ref())?;
        entry(&mut map, "aud", self.audience().as_ref())?;
        entry(&mut map, "exp", self.expires_at.as_ref())?;
        entry(&mut map, "nbf", self.not_before.as_ref())?;
        entry(&mut map, "iat", self.issued_at.as_ref())?;
        entry(&mut map, "jti", self.token_id().as_ref())?;
        for (name, json) in self.others() {
            map.serialize_entry(name, &json.to_value())?;
        }
        map.end()
    }
}
