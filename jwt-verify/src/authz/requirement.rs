//! What a route demands.

use std::{borrow::Cow, sync::Arc, time::Duration};

use serde_json::Value;

use crate::{AuthError, Missing, VerifiedClaims};

/// What a route demands of its callers.
///
/// It is met by a caller who has *any* of the roles, if roles are named, **and** *any* of the
/// permissions, if permissions are named, or *all* of them with [`all`](Self::all). An empty
/// requirement is met by everybody who is authenticated. Names compare exactly.
///
/// ```
/// use jwt_verify::Requirement;
///
/// let editors = Requirement::roles(["editor", "admin"])
///     .and_permissions(["read:posts", "write:posts"])
///     .all();
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Requirement {
    roles: Option<Names>,
    permissions: Option<Names>,
    all: bool,
    login: Login,
    is_for_refresh: bool,
}

/// How recent the user's login has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Login {
    #[default]
    AnyTime,
    Fresh,
    Within(Duration),
}

type Names = Cow<'static, [Cow<'static, str>]>;

impl Requirement {
    /// Only that the caller is authenticated.
    pub const fn authenticated() -> Self {
        Self {
            roles: None,
            permissions: None,
            all: false,
            login: Login::AnyTime,
            is_for_refresh: false,
        }
    }

    /// Any of these roles. An empty list is met by nobody.
    pub fn roles<I, S>(roles: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<Cow<'static, str>>,
    {
        Self { roles: Some(names(roles)), ..Self::authenticated() }
    }

    /// Any of these permissions, or all of them with [`all`](Self::all). An empty list is met by
    /// nobody.
    pub fn permissions<I, S>(permissions: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<Cow<'static, str>>,
    {
        Self::authenticated().and_permissions(permissions)
    }

    /// Adds permissions to those that are named already, of which any is enough, or all are needed
    /// with [`all`](Self::all).
    #[must_use]
    pub fn and_permissions<I, S>(mut self, permissions: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<Cow<'static, str>>,
    {
        let named = self.permissions.get_or_insert_default();
        named.to_mut().extend(permissions.into_iter().map(Into::into));
        self
    }

    /// Demands every permission instead of any. Roles stay alternatives.
    #[must_use]
    pub const fn all(mut self) -> Self {
        self.all = true;
        self
    }

    /// Demands a token that was issued for a login, not for a refresh: its claim `fresh` is true.
    /// Others are refused with 401 `insufficient_user_authentication` (RFC 9470 §3).
    #[must_use]
    pub const fn fresh(mut self) -> Self {
        self.login = Login::Fresh;
        self
    }

    /// Demands a login that is no longer ago than this, by the claim `auth_time` (OIDC Core §2). A
    /// token that says that it is not `fresh` is refused, however recent its login.
    #[must_use]
    pub const fn fresh_within(mut self, age: Duration) -> Self {
        self.login = Login::Within(age);
        self
    }

    /// Demands a refresh token in the place of an access token; see `Sessions`.
    #[must_use]
    pub const fn refresh_token(mut self) -> Self {
        self.is_for_refresh = true;
        self
    }

    /// Whether it is about refresh tokens.
    pub(crate) const fn is_for_refresh(&self) -> bool {
        self.is_for_refresh
    }

    /// Whether the login of a caller is recent enough. [`check`](Self::check) does not look at it,
    /// since it has no clock.
    pub(crate) fn check_login<T>(
        &self,
        claims: &VerifiedClaims<T>,
        now: Duration,
    ) -> Result<(), AuthError> {
        let claims = claims.standard();
        let fresh = claims.get("fresh").and_then(Value::as_bool);
        let logged_in_at = || claims.get("auth_time").and_then(Value::as_f64);
        let (is_met, max_age) = match self.login {
            Login::AnyTime => (true, None),
            Login::Fresh => (fresh == Some(true), None),
            Login::Within(age) => {
                let is_recent = logged_in_at().is_some_and(|then| {
                    // A login in the future is as recent as can be; the issuer's clock is ahead.
                    now.as_secs_f64() - then <= age.as_secs_f64()
                });
                (is_recent && fresh != Some(false), Some(age))
            }
        };
        if is_met { Ok(()) } else { Err(AuthError::NotFresh { max_age }) }
    }

    /// For generated code: everything known at compile time, where nothing written is nothing
    /// demanded.
    #[doc(hidden)]
    pub const fn fixed(
        roles: &'static [Cow<'static, str>],
        permissions: &'static [Cow<'static, str>],
        all: bool,
    ) -> Self {
        const fn named(names: &'static [Cow<'static, str>]) -> Option<Names> {
            if names.is_empty() { None } else { Some(Cow::Borrowed(names)) }
        }

        Self {
            roles: named(roles),
            permissions: named(permissions),
            all,
            login: Login::AnyTime,
            is_for_refresh: false,
        }
    }

    /// Holds a caller's roles and permissions against the requirement. Whether the login is recent
    /// and which kind of token it is, is not looked at: that needs a clock and the token, which
    /// [`JwtAuth`](crate::JwtAuth) has.
    ///
    /// # Errors
    /// What is missing: first a role, then permissions.
    pub fn check<T>(&self, claims: &VerifiedClaims<T>) -> Result<(), Missing> {
        if let Some(roles) = &self.roles
            && !roles.iter().any(|role| claims.has_role(role))
        {
            return Err(Missing::Role);
        }
        let Some(permissions) = &self.permissions else { return Ok(()) };
        let mut needed = permissions.iter();
        let permitted = if self.all {
            !permissions.is_empty() && needed.all(|permission| claims.has_permission(permission))
        } else {
            needed.any(|permission| claims.has_permission(permission))
        };
        if permitted { Ok(()) } else { Err(Missing::Permission(scope(permissions))) }
    }
}

/// The permissions as a `scope` attribute; names that may not stand in one are left out
/// (RFC 6750 §3, RFC 6749 §3.3).
fn scope(permissions: &[Cow<'static, str>]) -> Arc<str> {
    let printable = |name: &&Cow<'_, str>| {
        name.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
    };
    let names: Vec<&str> = permissions.iter().filter(printable).map(|name| &**name).collect();
    names.join(" ").into()
}

fn names<I, S>(names: I) -> Names
where
    I: IntoIterator<Item = S>,
    S: Into<Cow<'static, str>>,
{
    Cow::Owned(names.into_iter().map(Into::into).collect())
}

#[cfg(test)]
mod tests;
