//! Access tokens, from their claims to the signed token.

use std::{fmt, time::Duration};

use serde::Serialize;
use serde_json::{Map, Value};

use super::{issuer::TokenIssuer, random_name};
use crate::defaults::MAX_ACCESS_LIFETIME;

/// Builder of an access token; made by
/// [`TokenIssuer::access_token`](crate::issuing::TokenIssuer::access_token).
///
/// Each claim is set once: a claim that is copied from elsewhere neither replaces an earlier one
/// nor is replaced by a later one. This mistake and others, such as a reserved claim, are reported
/// by [`sign`](Self::sign).
#[must_use]
pub struct AccessTokenBuilder<'i> {
    issuer: &'i TokenIssuer,
    claims: Map<String, Value>,
    lifetime: Duration,
    problem: Option<IssuingError>,
}

/// Claims that have a setter or would change the kind of token. Claims that an application copies
/// from elsewhere cannot replace them.
const RESERVED: [&str; 27] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "sid",
    "client_id",
    "azp",
    "scope",
    "scp",
    "roles",
    "role",
    "permissions",
    "fresh",
    "auth_time",
    "acr",
    "amr",
    "token_use",
    "typ",
    "cnf",
    "events",
    "nonce",
    "c_hash",
    "s_hash",
    "at_hash",
];

impl<'i> AccessTokenBuilder<'i> {
    pub(super) fn new(issuer: &'i TokenIssuer, subject: &impl Serialize) -> Self {
        let mut token =
            Self { issuer, claims: Map::new(), lifetime: issuer.access_lifetime(), problem: None };
        match subject_name(subject) {
            Some(subject) => token.set("sub", subject),
            None => token.problem = Some(IssuingError::Subject),
        }
        token
    }

    fn set(&mut self, name: &str, value: impl Into<Value>) {
        if self.claims.contains_key(name) {
            self.refuse(IssuingError::RepeatedClaim);
        } else {
            self.replace(name, value);
        }
    }

    fn replace(&mut self, name: &str, value: impl Into<Value>) {
        self.claims.insert(name.to_owned(), value.into());
    }

    /// Sets the caller's roles.
    pub fn roles<S: Into<String>>(mut self, roles: impl IntoIterator<Item = S>) -> Self {
        let roles: Vec<String> = roles.into_iter().map(Into::into).collect();
        self.set("roles", roles);
        self
    }

    /// Sets the caller's permissions.
    pub fn permissions<S: Into<String>>(
        mut self,
        permissions: impl IntoIterator<Item = S>,
    ) -> Self {
        let permissions: Vec<String> = permissions.into_iter().map(Into::into).collect();
        self.set("permissions", permissions);
        self
    }

    /// Sets the scopes, separated by spaces (RFC 9068 §2.2.3).
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.set("scope", scope.into());
        self
    }

    /// Adds a claim. Names with a defined meaning, such as `roles` or `acr`, are refused.
    pub fn claim(mut self, name: &str, value: impl Serialize) -> Self {
        match serde_json::to_value(value) {
            _ if RESERVED.contains(&name) => self.refuse(IssuingError::ReservedClaim),
            Ok(value) => self.set(name, value),
            Err(_) => self.refuse(IssuingError::Claims),
        }
        self
    }

    /// Adds claims: the members of a struct or map. The rules of [`claim`](Self::claim) apply to
    /// each.
    pub fn claims(mut self, claims: impl Serialize) -> Self {
        match serde_json::to_value(claims) {
            Ok(Value::Object(claims)) => {
                for (name, value) in claims {
                    self = self.claim(&name, value);
                }
            }
            _ => self.refuse(IssuingError::Claims),
        }
        self
    }

    fn refuse(&mut self, problem: IssuingError) {
        self.problem.get_or_insert(problem);
    }

    /// Marks the token as *fresh*: the user has just logged in, and `auth_time` is now. With
    /// `#[require(fresh)]`, sensitive operations can be restricted to fresh tokens.
    pub fn fresh(mut self) -> Self {
        let now = self.issuer.now().as_secs();
        self.set("fresh", true);
        self.set("auth_time", now);
        self
    }

    /// Sets the class of the login (`acr`), such as `urn:example:mfa`, on which `#[require(acr =
    /// "…")]` decides. In a session it applies until the session ends.
    pub fn acr(mut self, class: impl Into<String>) -> Self {
        self.set("acr", class.into());
        self
    }

    /// Sets the methods of the login (`amr`, RFC 8176), such as `pwd` and `otp`. In a session they
    /// apply until the session ends.
    pub fn amr<S: Into<String>>(mut self, methods: impl IntoIterator<Item = S>) -> Self {
        let methods: Vec<String> = methods.into_iter().map(Into::into).collect();
        self.set("amr", methods);
        self
    }

    /// Sets the session (`sid`), by which the token can be revoked. The holder of the token can end
    /// the session, so its ID must not come from a request. [`Sessions`](crate::sessions::Sessions) sets it
    /// itself.
    pub fn session(mut self, session_id: impl Into<String>) -> Self {
        self.set("sid", session_id.into());
        self
    }

    /// Sets the session, and overrides what was granted.
    pub(super) fn in_session(mut self, session_id: &str) -> Self {
        self.replace("sid", session_id);
        self
    }

    /// Marks it as issued for a login at this moment, and returns the granted claims about the
    /// login.
    pub(super) fn at_login(mut self) -> (Self, Login) {
        let at = self.issuer.now().as_secs();
        self.replace("fresh", true);
        self.replace("auth_time", at);
        let said = |name: &str| self.claims.get(name).cloned();
        let login = Login { at, acr: said("acr"), amr: said("amr") };
        (self, login)
    }

    /// Copies the claims of an earlier login, and overrides what was granted (RFC 9068 §2.2.1).
    pub(super) fn after(mut self, login: &Login) -> Self {
        self.replace("fresh", false);
        self.replace("auth_time", login.at);
        for (name, said) in [("acr", &login.acr), ("amr", &login.amr)] {
            match said {
                Some(said) => self.replace(name, said.clone()),
                None => drop(self.claims.remove(name)),
            }
        }
        self
    }

    /// Sets another lifetime than the issuer's; at most a day.
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Limits the lifetime to a time of the wall clock.
    pub(super) fn ends_before(mut self, end: Duration) -> Self {
        self.lifetime = self.lifetime.min(end.saturating_sub(self.issuer.now()));
        self
    }

    /// Signs the token.
    ///
    /// # Errors
    /// A subject that is not a string or number, claims that are not a JSON object, a reserved
    /// claim among them, a claim that was set twice, no lifetime, and failures of the operating
    /// system's random numbers and of the key.
    pub fn sign(mut self) -> Result<IssuedToken, IssuingError> {
        if let Some(problem) = self.problem {
            return Err(problem);
        }
        if self.lifetime > MAX_ACCESS_LIFETIME {
            return Err(IssuingError::Lifetime);
        }
        if let Some(client) = self.issuer.client_id() {
            let client = client.to_owned();
            self.replace("client_id", client);
        }
        let id = random_name::<16>()?;
        self.issuer.sign("at+jwt", self.claims, self.issuer.audience_claim(), id, self.lifetime)
    }
}

/// Claims about the login that all tokens of a session have, however long ago it was.
pub(super) struct Login {
    /// In seconds since the epoch.
    pub(super) at: u64,
    pub(super) acr: Option<Value>,
    pub(super) amr: Option<Value>,
}

impl fmt::Debug for AccessTokenBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&String> = self.claims.keys().collect();
        f.debug_struct("AccessTokenBuilder").field("claims", &names).finish_non_exhaustive()
    }
}

/// Converts a subject to its name: a string, or a number in decimal.
pub(super) fn subject_name(subject: &impl Serialize) -> Option<String> {
    match serde_json::to_value(subject).ok()? {
        Value::String(name) if !name.is_empty() => Some(name),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
        _ => None,
    }
}

/// A signed token. Its `Debug` output is redacted.
#[derive(Clone)]
pub struct IssuedToken {
    pub(super) token: String,
    pub(super) id: String,
    pub(super) expires_at: Duration,
    pub(super) lifetime: Duration,
}

impl IssuedToken {
    /// Returns the token in compact form: a secret of its holder.
    pub fn as_str(&self) -> &str {
        &self.token
    }

    /// Returns its `jti`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns its expiry, as time since the epoch.
    pub fn expires_at(&self) -> Duration {
        self.expires_at
    }

    /// Returns its lifetime.
    pub fn lifetime(&self) -> Duration {
        self.lifetime
    }
}

impl fmt::Debug for IssuedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedToken").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// Reasons why no token was issued. A mistake of the application, or a failure of the machine; the
/// caller cannot do anything about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssuingError {
    /// The subject is empty, or neither a string nor a whole number.
    #[error("a subject must be a string or a whole number")]
    Subject,
    /// Additional claims are not a JSON object.
    #[error("additional claims must be a JSON object")]
    Claims,
    /// Additional claims contain one with a defined meaning, such as `exp` or `roles`.
    #[error("additional claims must not contain a reserved one")]
    ReservedClaim,
    /// A claim was set twice. Only the application knows which of the two is right.
    #[error("a claim must not be set twice")]
    RepeatedClaim,
    /// The lifetime of the token is zero, or longer than a day.
    #[error("a token must have a lifetime, of at most a day")]
    Lifetime,
    /// The operating system has no random numbers.
    #[error("there are no random numbers")]
    Random,
    /// The key cannot sign.
    #[error("the key does not sign")]
    Signing,
}
