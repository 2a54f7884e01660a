//! One token, from what is put into it to what comes out.

use std::{fmt, time::Duration};

use serde::Serialize;
use serde_json::{Map, Value};

use super::{issuer::TokenIssuer, random_name};
use crate::limits::MAX_ACCESS_LIFETIME;

/// An access token that is being put together; made by
/// [`TokenIssuer::access_token`](crate::issuing::TokenIssuer::access_token).
///
/// Each claim is set once: what is copied from somewhere replaces nothing that was set before, and
/// is not replaced by what comes after. This mistake and others, such as a claim that is reserved,
/// are told by [`sign`](Self::sign).
#[must_use]
pub struct AccessTokenBuilder<'i> {
    issuer: &'i TokenIssuer,
    claims: Map<String, Value>,
    lifetime: Duration,
    problem: Option<IssuingError>,
}

/// Claims that are set in their own way or would make another kind of token of it. Claims that an
/// application copies from somewhere cannot replace them.
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

    /// What the caller may act as.
    pub fn roles<S: Into<String>>(mut self, roles: impl IntoIterator<Item = S>) -> Self {
        let roles: Vec<String> = roles.into_iter().map(Into::into).collect();
        self.set("roles", roles);
        self
    }

    /// What the caller may do.
    pub fn permissions<S: Into<String>>(
        mut self,
        permissions: impl IntoIterator<Item = S>,
    ) -> Self {
        let permissions: Vec<String> = permissions.into_iter().map(Into::into).collect();
        self.set("permissions", permissions);
        self
    }

    /// Scopes, separated by spaces (RFC 9068 §2.2.3).
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.set("scope", scope.into());
        self
    }

    /// One more claim. Names that have a meaning of their own, such as `roles` or `acr`, are
    /// refused.
    pub fn claim(mut self, name: &str, value: impl Serialize) -> Self {
        match serde_json::to_value(value) {
            _ if RESERVED.contains(&name) => self.refuse(IssuingError::ReservedClaim),
            Ok(value) => self.set(name, value),
            Err(_) => self.refuse(IssuingError::Claims),
        }
        self
    }

    /// More claims: the members of a struct or map. Each is held to the rules of
    /// [`claim`](Self::claim).
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

    /// Says that the user has just logged in: the token is *fresh*, and `auth_time` is now. What is
    /// dangerous can be left to fresh tokens with `#[require(fresh)]`.
    pub fn fresh(mut self) -> Self {
        let now = self.issuer.now().as_secs();
        self.set("fresh", true);
        self.set("auth_time", now);
        self
    }

    /// The class of the login (`acr`), such as `urn:example:mfa`, on which `#[require(acr = "…")]`
    /// decides. In a session it holds until the session ends.
    pub fn acr(mut self, class: impl Into<String>) -> Self {
        self.set("acr", class.into());
        self
    }

    /// The methods of the login (`amr`, RFC 8176), such as `pwd` and `otp`. In a session they hold
    /// until the session ends.
    pub fn amr<S: Into<String>>(mut self, methods: impl IntoIterator<Item = S>) -> Self {
        let methods: Vec<String> = methods.into_iter().map(Into::into).collect();
        self.set("amr", methods);
        self
    }

    /// The session that it belongs to (`sid`), by which it can be revoked. The holder of the token
    /// can end the session, so its name must not come from a request. [`Sessions`](crate::sessions::Sessions)
    /// sets it by itself.
    pub fn session(mut self, session_id: impl Into<String>) -> Self {
        self.set("sid", session_id.into());
        self
    }

    /// Belongs to a session, whatever was granted.
    pub(super) fn in_session(mut self, session_id: &str) -> Self {
        self.replace("sid", session_id);
        self
    }

    /// Is for a login of this moment, of which it says what was granted.
    pub(super) fn at_login(mut self) -> (Self, Login) {
        let at = self.issuer.now().as_secs();
        self.replace("fresh", true);
        self.replace("auth_time", at);
        let said = |name: &str| self.claims.get(name).cloned();
        let login = Login { at, acr: said("acr"), amr: said("amr") };
        (self, login)
    }

    /// Says of an earlier login what was said then, whatever was granted (RFC 9068 §2.2.1).
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

    /// Another lifetime than the issuer's; at most a day.
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Ends before a time of the wall clock, whatever its lifetime is.
    pub(super) fn ends_before(mut self, end: Duration) -> Self {
        self.lifetime = self.lifetime.min(end.saturating_sub(self.issuer.now()));
        self
    }

    /// Signs it.
    ///
    /// # Errors
    /// A subject that is no string or number, claims that are no JSON object, a reserved claim among
    /// them, a claim that was set twice, no lifetime, and failures of the operating system's random
    /// numbers and of the key.
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

/// What tokens of a session say of its login, however long ago it was.
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

/// What a user is called: a string, or a number in decimal.
pub(super) fn subject_name(subject: &impl Serialize) -> Option<String> {
    match serde_json::to_value(subject).ok()? {
        Value::String(name) if !name.is_empty() => Some(name),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
        _ => None,
    }
}

/// A token that has been signed. `Debug` does not show it.
#[derive(Clone)]
pub struct IssuedToken {
    pub(super) token: String,
    pub(super) id: String,
    pub(super) expires_at: Duration,
    pub(super) lifetime: Duration,
}

impl IssuedToken {
    /// The token in compact form: a secret of whoever it is for.
    pub fn as_str(&self) -> &str {
        &self.token
    }

    /// Its `jti`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// When it expires, since the epoch.
    pub fn expires_at(&self) -> Duration {
        self.expires_at
    }

    /// How long it is good for.
    pub fn lifetime(&self) -> Duration {
        self.lifetime
    }
}

impl fmt::Debug for IssuedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedToken").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// Why no token was issued. A mistake of the application, or a failure of the machine; nothing that
/// a caller could do about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssuingError {
    /// The subject is no string and no whole number, or empty.
    #[error("a subject must be a string or a whole number")]
    Subject,
    /// Additional claims are no JSON object.
    #[error("additional claims must be a JSON object")]
    Claims,
    /// Additional claims contain one that has a meaning of its own, such as `exp` or `roles`.
    #[error("additional claims must not contain a reserved one")]
    ReservedClaim,
    /// A claim was set twice. Which of the two should count, only the application knows.
    #[error("a claim must not be set twice")]
    RepeatedClaim,
    /// The token would be over before it begins, or live longer than a day.
    #[error("a token must have a lifetime, of at most a day")]
    Lifetime,
    /// The operating system has no random numbers.
    #[error("there are no random numbers")]
    Random,
    /// The key does not sign.
    #[error("the key does not sign")]
    Signing,
}
