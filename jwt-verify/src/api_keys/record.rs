//! Stored part of a key: its hash, its owner, and its grants.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use super::hash::ApiKeyHash;
use crate::{
    claims::{NumericDate, is_scope_token},
    defaults::MAX_NUMERIC_DATE,
    error::codes::codes,
    json::JsonDocument,
};

/// The stored part of an API key: its hash, its owner, its grants and its expiry. The key itself is
/// not stored.
///
/// As JSON it is an object with the members `hash`, `sub`, `name`, `roles`, `permissions`, `scopes`
/// and `exp`, of which the first two are required. Reading refuses other members, so that a
/// misspelled `exp` does not make a key that never expires.
///
/// ```
/// use jwt_verify::{Secret, api_keys::{ApiKeys, MemoryApiKeys}};
///
/// # fn secret() -> Secret { Secret::from("x".repeat(32)) }
/// let store = MemoryApiKeys::new();
/// let keys = ApiKeys::builder(secret(), store.clone()).build()?;
/// let key = keys.generate()?;
/// let record = keys.record(&key, "ada").name("backup").scopes(["posts:read"]).build()?;
/// println!("shown once: {}", key.expose());
/// # let _ = record;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKeyRecord {
    hash: ApiKeyHash,
    subject: String,
    name: Option<String>,
    roles: Vec<String>,
    permissions: Vec<String>,
    scopes: Vec<String>,
    expires_at: Option<Duration>,
}

codes! {
    /// Reasons why a record of an API key cannot be used. Its texts hold nothing of the record.
    #[derive(thiserror::Error)]
    #[non_exhaustive]
    pub enum InvalidApiKeyRecord {
        /// Not a JSON object with the known members, each once and of the right type.
        #[error("the record is not an object with `hash`, `sub` and the optional members alone")]
        Document => "document",
        /// Not the base64url of 32 bytes.
        #[error("`hash` must be the base64url of 32 bytes")]
        Hash => "hash",
        /// Empty, longer than 256 bytes, or with control characters.
        #[error("`sub` must be 1 to 256 bytes without control characters")]
        Subject => "sub",
        /// Empty, longer than 256 bytes, or with control characters.
        #[error("`name` must be 1 to 256 bytes without control characters")]
        Name => "name",
        /// More than 256 of a kind, or a name that is empty, longer than 256 bytes, or has control
        /// characters.
        #[error("`roles` and `permissions` must be at most 256 names of 1 to 256 bytes without control characters")]
        Authority => "authority",
        /// More than 256, or a name that is not a scope (RFC 6749 §3.3).
        #[error("`scopes` must be at most 256 names of printable ASCII without spaces, quotes and backslashes")]
        Scope => "scope",
        /// Not whole seconds between 1970 and the year 9999.
        #[error("`exp` must be whole seconds since the epoch, before the year 10000")]
        Expiry => "exp",
        /// The hash of another record of the same source.
        #[error("two records have one `hash`")]
        Duplicate => "duplicate",
    }
}

impl ApiKeyRecord {
    /// Returns a builder for the record of the key with this hash, which belongs to this owner.
    pub fn builder(hash: ApiKeyHash, subject: impl Into<String>) -> ApiKeyRecordBuilder {
        ApiKeyRecordBuilder(Self {
            hash,
            subject: subject.into(),
            name: None,
            roles: Vec::new(),
            permissions: Vec::new(),
            scopes: Vec::new(),
            expires_at: None,
        })
    }

    /// Returns the hash of the key.
    pub fn hash(&self) -> ApiKeyHash {
        self.hash
    }

    /// Returns the name of the key for logs: see [`ApiKeyHash::id`].
    pub fn id(&self) -> String {
        self.hash.id()
    }

    /// Returns the owner, which is the claim `sub` of the caller.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Returns the name that the owner has given it, which is the claim `name`.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Returns the roles that it grants.
    pub fn roles(&self) -> &[String] {
        &self.roles
    }

    /// Returns the permissions that it grants.
    pub fn permissions(&self) -> &[String] {
        &self.permissions
    }

    /// Returns the scopes that it grants.
    pub fn scopes(&self) -> &[String] {
        &self.scopes
    }

    /// Returns the time from which it must not be accepted, since the epoch.
    pub fn expires_at(&self) -> Option<Duration> {
        self.expires_at
    }

    /// Returns `true` at and after its expiry. There is no leeway: one application has set the time
    /// and reads it.
    pub fn has_expired(&self, now: Duration) -> bool {
        self.expires_at.is_some_and(|expires_at| expires_at <= now)
    }

    /// Returns a copy that expires at this time, unless it expires before.
    #[must_use]
    pub fn expiring_at(&self, time: Duration) -> Self {
        let time = Duration::from_secs(time.as_secs());
        let expires_at = Some(self.expires_at.map_or(time, |known| known.min(time)));
        Self { expires_at, ..self.clone() }
    }

    /// Returns a builder for the record of another key with the same owner, name, grants and expiry.
    pub fn successor(&self, hash: ApiKeyHash) -> ApiKeyRecordBuilder {
        ApiKeyRecordBuilder(Self { hash, ..self.clone() })
    }

    /// Reads a record from JSON.
    ///
    /// # Errors
    /// The member that is wrong.
    pub fn from_json(json: &str) -> Result<Self, InvalidApiKeyRecord> {
        check_members(json)?;
        let document: Document =
            serde_json::from_str(json).map_err(|_| InvalidApiKeyRecord::Document)?;
        document.into_record()
    }

    /// Reads an array of records from JSON.
    ///
    /// # Errors
    /// The first mistake in it; also two records with one hash.
    pub fn list_from_json(json: &str) -> Result<Vec<Self>, InvalidApiKeyRecord> {
        check_members(json)?;
        let documents: Vec<Document> =
            serde_json::from_str(json).map_err(|_| InvalidApiKeyRecord::Document)?;
        let records: Vec<Self> =
            documents.into_iter().map(Document::into_record).collect::<Result<_, _>>()?;
        let mut hashes = std::collections::HashSet::new();
        if records.iter().all(|record| hashes.insert(record.hash)) {
            Ok(records)
        } else {
            Err(InvalidApiKeyRecord::Duplicate)
        }
    }

    /// Writes it as JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    fn check(self) -> Result<Self, InvalidApiKeyRecord> {
        let is_few = |names: &[String]| names.len() <= MAX_NAMES;
        let are_names = |names: &[String]| is_few(names) && names.iter().all(|name| is_name(name));
        let is_scope = |name: &String| is_name(name) && is_scope_token(name);
        if !is_name(&self.subject) {
            return Err(InvalidApiKeyRecord::Subject);
        }
        if self.name.as_deref().is_some_and(|name| !is_name(name)) {
            return Err(InvalidApiKeyRecord::Name);
        }
        if !are_names(&self.roles) || !are_names(&self.permissions) {
            return Err(InvalidApiKeyRecord::Authority);
        }
        if !is_few(&self.scopes) || !self.scopes.iter().all(is_scope) {
            return Err(InvalidApiKeyRecord::Scope);
        }
        let expires_at = self.expires_at.map(|time| time.as_secs());
        if expires_at.is_some_and(|seconds| seconds > MAX_NUMERIC_DATE) {
            return Err(InvalidApiKeyRecord::Expiry);
        }
        Ok(self)
    }
}

/// Builder of an [`ApiKeyRecord`].
#[derive(Debug, Clone)]
#[must_use]
pub struct ApiKeyRecordBuilder(ApiKeyRecord);

impl ApiKeyRecordBuilder {
    /// Sets a name by which the owner knows the key. Default: none.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.0.name = Some(name.into());
        self
    }

    /// Sets the roles. Default: none.
    pub fn roles<S: Into<String>>(mut self, roles: impl IntoIterator<Item = S>) -> Self {
        self.0.roles = roles.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the permissions. Default: none.
    pub fn permissions<S: Into<String>>(
        mut self,
        permissions: impl IntoIterator<Item = S>,
    ) -> Self {
        self.0.permissions = permissions.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the scopes. Default: none.
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.0.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the time from which the key must not be accepted, since the epoch and in whole seconds; a
    /// fraction is cut off. Default: none; it is accepted until it is revoked.
    pub fn expires_at(mut self, time: Duration) -> Self {
        self.0.expires_at = Some(Duration::from_secs(time.as_secs()));
        self
    }

    /// Checks the record.
    ///
    /// # Errors
    /// A member that is empty, too long, or not of the allowed characters.
    pub fn build(self) -> Result<ApiKeyRecord, InvalidApiKeyRecord> {
        self.0.check()
    }
}

/// A record as JSON has it. What is `null` is absent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    hash: String,
    sub: String,
    name: Option<String>,
    roles: Option<Vec<String>>,
    permissions: Option<Vec<String>>,
    scopes: Option<Vec<String>>,
    exp: Option<NumericDate>,
}

impl Document {
    fn into_record(self) -> Result<ApiKeyRecord, InvalidApiKeyRecord> {
        let record = ApiKeyRecord {
            hash: self.hash.parse()?,
            subject: self.sub,
            name: self.name,
            roles: self.roles.unwrap_or_default(),
            permissions: self.permissions.unwrap_or_default(),
            scopes: self.scopes.unwrap_or_default(),
            expires_at: self.exp.map(|date| Duration::from_secs(date.as_secs())),
        };
        record.check()
    }
}

impl Serialize for ApiKeyRecord {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Written<'a> {
            hash: String,
            sub: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            name: Option<&'a str>,
            #[serde(skip_serializing_if = "<[_]>::is_empty")]
            roles: &'a [String],
            #[serde(skip_serializing_if = "<[_]>::is_empty")]
            permissions: &'a [String],
            #[serde(skip_serializing_if = "<[_]>::is_empty")]
            scopes: &'a [String],
            #[serde(skip_serializing_if = "Option::is_none")]
            exp: Option<u64>,
        }
        let written = Written {
            hash: self.hash.to_string(),
            sub: &self.subject,
            name: self.name(),
            roles: &self.roles,
            permissions: &self.permissions,
            scopes: &self.scopes,
            exp: self.expires_at.map(|time| time.as_secs()),
        };
        written.serialize(serializer)
    }
}

/// Shows nothing of owner and grants.
impl fmt::Debug for ApiKeyRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeyRecord").field("id", &self.id()).finish_non_exhaustive()
    }
}

/// Refuses members that appear twice, at any depth.
fn check_members(json: &str) -> Result<(), InvalidApiKeyRecord> {
    let document = JsonDocument::parse(json.to_owned());
    document.map(drop).map_err(|_| InvalidApiKeyRecord::Document)
}

fn is_name(name: &str) -> bool {
    (1..=MAX_NAME_BYTES).contains(&name.len()) && !name.chars().any(char::is_control)
}

const MAX_NAME_BYTES: usize = 256;
const MAX_NAMES: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_8";

    fn read(members: &str) -> Result<ApiKeyRecord, InvalidApiKeyRecord> {
        ApiKeyRecord::from_json(&format!(r#"{{"hash":"{HASH}"{members}}}"#))
    }

    #[test]
    fn a_record_is_read_as_it_is_written() {
        let json = format!(
            r#"{{"hash":"{HASH}","sub":"ada","name":"backup job","roles":["a","b c"],"permissions":["p"],"scopes":["s:r"],"exp":1800000000}}"#
        );
        let record = ApiKeyRecord::from_json(&json).unwrap();
        assert_eq!(record.to_json(), json);
        assert_eq!(record.roles(), ["a", "b c"]);
        assert_eq!(record.expires_at(), Some(Duration::from_secs(1_800_000_000)));
        let least = read(r#","sub":"s","name":null,"roles":null,"scopes":[]"#).unwrap();
        assert_eq!(least.to_json(), format!(r#"{{"hash":"{HASH}","sub":"s"}}"#));
        assert!(!least.has_expired(Duration::MAX));
    }

    #[test]
    fn each_mistake_is_named() {
        let long = "x".repeat(257);
        let many = format!("[{}\"x\"]", "\"x\",".repeat(256));
        for (members, error) in [
            ("", InvalidApiKeyRecord::Document),
            (r#","sub":"s","sub":"s""#, InvalidApiKeyRecord::Document),
            (r#","sub":"s","\u0073ub":"t""#, InvalidApiKeyRecord::Document),
            (r#","sub":"s","expires":1"#, InvalidApiKeyRecord::Document),
            (r#","sub":"s","roles":"admin""#, InvalidApiKeyRecord::Document),
            (r#","sub":"s","exp":"1""#, InvalidApiKeyRecord::Document),
            (r#","sub":"s","exp":-1"#, InvalidApiKeyRecord::Document),
            (r#","sub":5"#, InvalidApiKeyRecord::Document),
            (r#","sub":"""#, InvalidApiKeyRecord::Subject),
            (r#","sub":"a\n""#, InvalidApiKeyRecord::Subject),
            (&format!(r#","sub":"{long}""#), InvalidApiKeyRecord::Subject),
            (r#","sub":"s","name":"""#, InvalidApiKeyRecord::Name),
            (r#","sub":"s","roles":[""]"#, InvalidApiKeyRecord::Authority),
            (r#","sub":"s","permissions":["a","\u0000"]"#, InvalidApiKeyRecord::Authority),
            (&format!(r#","sub":"s","roles":{many}"#), InvalidApiKeyRecord::Authority),
            (r#","sub":"s","scopes":["a b"]"#, InvalidApiKeyRecord::Scope),
            (r#","sub":"s","scopes":["ü"]"#, InvalidApiKeyRecord::Scope),
            (&format!(r#","sub":"s","scopes":{many}"#), InvalidApiKeyRecord::Scope),
        ] {
            assert_eq!(read(members), Err(error), "{members}");
        }
        assert_eq!(
            ApiKeyRecord::from_json(r#"{"hash":"x","sub":"s"}"#),
            Err(InvalidApiKeyRecord::Hash)
        );
        let builder = || ApiKeyRecord::builder(HASH.parse().unwrap(), "s");
        assert_eq!(builder().scopes([""]).build(), Err(InvalidApiKeyRecord::Scope));
        let late = Duration::from_secs(253_402_300_800);
        assert_eq!(builder().expires_at(late).build(), Err(InvalidApiKeyRecord::Expiry));
    }

    #[test]
    fn a_list_has_each_hash_once() {
        let one = format!(r#"{{"hash":"{HASH}","sub":"s"}}"#);
        assert_eq!(ApiKeyRecord::list_from_json("[]").unwrap().len(), 0);
        assert_eq!(ApiKeyRecord::list_from_json(&format!("[{one}]")).unwrap().len(), 1);
        assert_eq!(
            ApiKeyRecord::list_from_json(&format!("[{one},{one}]")),
            Err(InvalidApiKeyRecord::Duplicate)
        );
        for bad in ["", "{}", &one, "[1]", "[[]]", "null", "[]x"] {
            assert_eq!(
                ApiKeyRecord::list_from_json(bad),
                Err(InvalidApiKeyRecord::Document),
                "{bad}"
            );
        }
    }

    #[test]
    fn an_expiry_only_comes_nearer() {
        let at = Duration::from_secs;
        let record = read(r#","sub":"s","exp":100"#).unwrap();
        assert!(!record.has_expired(at(99)) && record.has_expired(at(100)));
        assert_eq!(record.expiring_at(at(50)).expires_at(), Some(at(50)));
        assert_eq!(record.expiring_at(at(150)).expires_at(), Some(at(100)));
        let endless = read(r#","sub":"s""#).unwrap();
        assert_eq!(endless.expiring_at(Duration::from_millis(7900)).expires_at(), Some(at(7)));
    }

    #[test]
    fn debug_shows_no_owner() {
        let text = format!("{:?}", read(r#","sub":"ada@example.com","roles":["admin"]"#).unwrap());
        assert!(text.starts_with("ApiKeyRecord { id: ") && !text.contains("ada"), "{text}");
        assert!(!text.contains(HASH));
    }
}
