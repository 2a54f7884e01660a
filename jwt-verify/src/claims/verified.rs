//! Verified claims.

use std::{any::Any, fmt, ops::Deref, sync::Arc, time::Duration};

use serde::{Serialize, Serializer, de::DeserializeOwned};

use super::{AuthorityNames, Claims, CredentialKind, GrantedAuthorities, shape::shape_problem};
use crate::{
    clock::{Clock, SystemClock},
    error::{AuthError, InvalidTokenReason},
};

/// The data kept of a verified token, without the token.
#[derive(Clone)]
pub(crate) struct VerifiedToken {
    claims: Arc<Claims>,
    grants: GrantedAuthorities,
    kind: CredentialKind,
    is_bound: bool,
    /// Clock that it was verified by; `None` for the system clock.
    clock: Option<Arc<dyn Clock>>,
}

impl VerifiedToken {
    pub(crate) fn new(claims: impl Into<Arc<Claims>>, grants: GrantedAuthorities) -> Self {
        let claims = claims.into();
        let is_bound = claims.find("cnf").is_some();
        Self { claims, grants, kind: CredentialKind::Jwt, is_bound, clock: None }
    }

    /// Returns the token as a credential of another kind than a JWT.
    pub(crate) fn of_kind(self, kind: CredentialKind) -> Self {
        Self { kind, ..self }
    }

    /// Returns the token with the clock that it was verified by; `None` is the system clock.
    pub(crate) fn by_clock(self, clock: Option<Arc<dyn Clock>>) -> Self {
        Self { clock, ..self }
    }

    /// Returns the time until `exp`, without leeway; `None` without `exp`.
    pub(crate) fn time_left(&self) -> Option<Duration> {
        let end = self.claims.expires_at()?.since_epoch();
        let now = match &self.clock {
            Some(clock) => clock.now(),
            None => SystemClock.now(),
        };
        Some(end.saturating_sub(now))
    }

    pub(crate) fn kind(&self) -> CredentialKind {
        self.kind
    }

    /// Returns `true` if it is sender-constrained (RFC 7800 §3.1), so that it is not a bearer
    /// token. Called on every request.
    pub(crate) fn is_bound(&self) -> bool {
        self.is_bound
    }

    pub(crate) fn claims(&self) -> &Claims {
        &self.claims
    }

    pub(crate) fn roles(&self) -> AuthorityNames<'_> {
        self.grants.roles(&self.claims)
    }

    pub(crate) fn permissions(&self) -> AuthorityNames<'_> {
        self.grants.permissions(&self.claims)
    }

    pub(crate) fn scopes(&self) -> AuthorityNames<'_> {
        self.grants.scopes(&self.claims)
    }
}

impl fmt::Debug for VerifiedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedToken").field("claims", &self.claims).finish_non_exhaustive()
    }
}

/// The claims of a verified token, as the library's [`Claims`] or as your own type.
///
/// As a handler's argument it proves that the request was authenticated. With [`JwtAuth`] as
/// middleware in front, it takes what the middleware verified; without, it verifies the token with
/// the [`JwtAuth`] in the app's data. Several of them in one request with a valid token cost one
/// verification. An [`Authorizer`](crate::authorization::Authorizer) of the application is called too, if nothing
/// in front of the handler has called it.
///
/// Your own type is deserialized from the whole payload, registered claims included. Claims that do
/// not have its shape are refused with 401 `invalid_token`; so are those with a member whose name
/// `serde_json` reserves (`$serde_json::private::…`), since it would change their value.
///
/// ```
/// use jwt_verify::VerifiedClaims;
/// use serde::Deserialize;
///
/// #[derive(Deserialize)]
/// struct Employee {
///     sub: String,
///     department: String,
/// }
///
/// async fn badge(employee: VerifiedClaims<Employee>) -> String {
///     format!("{} of {}", employee.sub, employee.department)
/// }
/// ```
///
/// `Option<VerifiedClaims>` as an argument turns *every* refusal into `None`, an expired or forged
/// token included. Use [`OptionalClaims`] instead.
///
/// [`JwtAuth`]: crate::JwtAuth
/// [`OptionalClaims`]: crate::OptionalClaims
#[doc(alias = "extractor")]
pub struct VerifiedClaims<T = Claims> {
    claims: View<T>,
    token: Arc<VerifiedToken>,
}

/// Location of the claims that it returns.
enum View<T> {
    /// In the token.
    Standard(fn(&VerifiedToken) -> &T),
    Own(Arc<T>),
}

impl VerifiedClaims {
    pub(crate) fn new(token: Arc<VerifiedToken>) -> Self {
        Self { claims: View::Standard(VerifiedToken::claims), token }
    }

    /// Deserializes the claims as your own type.
    ///
    /// # Errors
    /// [`InvalidTokenReason::ClaimsShape`] if they do not have its shape, or if a member has a name
    /// that `serde_json` reserves.
    pub fn parse<T: DeserializeOwned + Send + Sync + 'static>(
        self,
    ) -> Result<VerifiedClaims<T>, AuthError> {
        self.try_parse().map_err(|_| InvalidTokenReason::ClaimsShape.into())
    }

    /// Deserializes the claims, or returns them unchanged.
    pub(crate) fn try_parse<T: DeserializeOwned + Send + Sync + 'static>(
        self,
    ) -> Result<VerifiedClaims<T>, Self> {
        let standard: fn(&VerifiedToken) -> &Claims = VerifiedToken::claims;
        let of_any_type: &dyn Any = &standard;
        let claims = match of_any_type.downcast_ref::<fn(&VerifiedToken) -> &T>() {
            Some(standard) => View::Standard(*standard),
            None if self.standard().has_reserved_names() => return Err(self),
            None => match serde_json::from_str(self.payload()) {
                Ok(claims) => View::Own(Arc::new(claims)),
                Err(_) => return Err(self),
            },
        };
        Ok(VerifiedClaims { claims, token: self.token })
    }

    /// Returns why the claims do not have the shape of a type, for logs: fixed words and names of
    /// the type, nothing of the token.
    pub(crate) fn shape_problem<T: DeserializeOwned>(&self) -> Option<String> {
        shape_problem::<T>(self.payload())
    }
}

impl<T> VerifiedClaims<T> {
    /// Returns the verified token.
    pub(crate) fn verified(&self) -> &VerifiedToken {
        &self.token
    }

    /// Returns the verified token, to be kept with a request or a stream.
    pub(crate) fn token(&self) -> Arc<VerifiedToken> {
        self.token.clone()
    }

    /// Returns `true` if both come from one verification.
    pub(crate) fn is_of_same_token(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.token, &other.token)
    }

    /// Returns the claims as the library reads them, for any `T`.
    pub fn standard(&self) -> &Claims {
        self.token.claims()
    }

    /// Returns the kind of the credential that the caller was authenticated by.
    pub fn credential_kind(&self) -> CredentialKind {
        self.token.kind()
    }

    /// Returns the time until the `exp` of the claims, by the clock of the
    /// [`JwtAuth`](crate::JwtAuth) that verified them; zero once that is past. `None` if they have no
    /// `exp`, which only other credentials than tokens may lack.
    ///
    /// The leeway is not part of it: it tolerates clocks that differ, and prolongs nothing. Of a token
    /// that is accepted within the leeway after its `exp`, no time is left.
    /// [`StreamGuard`](crate::streams::StreamGuard) ends a stream at this time.
    ///
    /// ```
    /// use actix_web::{HttpResponse, get};
    /// use jwt_verify::{VerifiedClaims, require};
    ///
    /// #[require]
    /// #[get("/ticket")]
    /// async fn ticket(claims: VerifiedClaims) -> HttpResponse {
    ///     let seconds = claims.time_left().unwrap_or_default().as_secs();
    ///     HttpResponse::Ok().insert_header(("Cache-Control", format!("private, max-age={seconds}"))).finish()
    /// }
    /// ```
    pub fn time_left(&self) -> Option<Duration> {
        self.token.time_left()
    }

    /// Returns the caller's roles, as the [`ClaimsMapping`](crate::ClaimsMapping) finds them, each
    /// once. The list is made at each call; [`has_role`](Self::has_role) makes none.
    pub fn roles(&self) -> impl ExactSizeIterator<Item = &str> {
        self.token.roles().iter()
    }

    /// Returns the caller's permissions, as the [`ClaimsMapping`](crate::ClaimsMapping) finds them,
    /// each once. The list is made at each call; [`has_permission`](Self::has_permission) makes
    /// none.
    pub fn permissions(&self) -> impl ExactSizeIterator<Item = &str> {
        self.token.permissions().iter()
    }

    /// Returns the scopes of the token, with those that a [`ScopeHierarchy`](crate::ScopeHierarchy)
    /// adds, each once: of the claim that
    /// [`ClaimsMapping::scopes_claim`](crate::ClaimsMapping::scopes_claim) names, by default `scope`
    /// or else `scp`. The list is made at each call.
    pub fn scopes(&self) -> impl ExactSizeIterator<Item = &str> {
        self.token.scopes().iter()
    }

    /// Returns `true` if the caller has exactly this role.
    pub fn has_role(&self, role: &str) -> bool {
        self.token.roles().contains(role)
    }

    /// Returns `true` if the caller has exactly this permission.
    pub fn has_permission(&self, permission: &str) -> bool {
        self.token.permissions().contains(permission)
    }

    /// Returns the payload of the token as it was signed.
    pub fn payload(&self) -> &str {
        self.token.claims.payload()
    }
}

impl<T> Clone for VerifiedClaims<T> {
    fn clone(&self) -> Self {
        let claims = match &self.claims {
            View::Standard(of) => View::Standard(*of),
            View::Own(claims) => View::Own(claims.clone()),
        };
        Self { claims, token: self.token.clone() }
    }
}

impl<T> Deref for VerifiedClaims<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.claims {
            View::Standard(of) => of(&self.token),
            View::Own(claims) => claims,
        }
    }
}

/// Serialises the claims object: of [`Claims`] every claim of the token, of a type of your own what its
/// `Serialize` writes. Roles and permissions that a mapping or a hierarchy has added are not in it.
///
/// **Security:** a response made of it, such as `HttpResponse::Ok().json(&claims)`, shows the caller
/// all of that, including claims that the issuer meant for the API alone. Write the claims that the
/// caller may see into a type of your own.
///
/// ```
/// use actix_web::{HttpResponse, get};
/// use jwt_verify::{VerifiedClaims, require};
///
/// #[require]
/// #[get("/whoami")]
/// async fn whoami(claims: VerifiedClaims) -> HttpResponse {
///     HttpResponse::Ok().json(&claims)
/// }
/// ```
impl<T: Serialize> Serialize for VerifiedClaims<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        T::serialize(self, serializer)
    }
}

/// Contains the names of the claims, not their values, for any `T`.
impl<T> fmt::Debug for VerifiedClaims<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("VerifiedClaims").field(self.token.claims()).finish()
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::claims::ClaimsMapping;

    #[derive(Deserialize)]
    struct Named {
        sub: String,
    }

    fn verified(payload: &str) -> VerifiedClaims {
        let claims = Claims::parse(payload.to_owned()).unwrap();
        let grants = ClaimsMapping::default().grants(&claims);
        VerifiedClaims::new(Arc::new(VerifiedToken::new(claims, grants)))
    }

    /// `serde_json` replaces such a member by its content.
    #[test]
    fn a_type_holds_what_was_signed_or_is_not_made() {
        #[derive(Deserialize)]
        struct Profile {
            meta: serde_json::Value,
        }

        for member in [
            r#"{"$serde_json::private::RawValue":"{\"suspended\":false}"}"#,
            r#"{"\u0024serde_json::private::RawValue":"{\"suspended\":false}"}"#,
            r#"{"$serde_json::private::Number":"1"}"#,
            r#"[{"a":{"$serde_json::private::RawValue":"1"}}]"#,
        ] {
            let claims = verified(&format!(r#"{{"sub":"s","meta":{member}}}"#));
            assert!(claims.get("meta").is_some(), "{member}");
            assert!(claims.get_as::<serde_json::Value>("meta").is_none(), "{member}");
            let refused = claims.parse::<Profile>().unwrap_err();
            assert_eq!(refused, InvalidTokenReason::ClaimsShape.into(), "{member}");
        }
        let said = r#"{"text":"$serde_json::private::RawValue","\u0061":["\\"]}"#;
        let claims = verified(&format!(r#"{{"meta":{said}}}"#));
        assert_eq!(claims.get_as::<serde_json::Value>("meta").as_ref(), claims.get("meta"));
        let profile = claims.parse::<Profile>().unwrap();
        assert_eq!(Some(&profile.meta), profile.standard().get("meta"));
    }

    #[test]
    fn the_payload_and_the_standard_claims_stay_with_every_type() {
        let payload = r#"{"sub":"alice","roles":["admin"]}"#;
        let claims = Claims::parse(payload.to_owned()).unwrap();
        let grants = ClaimsMapping::default().grants(&claims);
        let token = Arc::new(VerifiedToken::new(claims, grants));
        let named = VerifiedClaims::new(token).parse::<Named>().unwrap();
        assert_eq!(named.sub, "alice");
        assert_eq!(named.payload(), payload);
        assert_eq!(named.standard().subject(), Some("alice"));
        assert!(named.has_role("admin") && !named.has_role("Admin"));
        assert!(!format!("{named:?}").contains("alice"));
    }
}
