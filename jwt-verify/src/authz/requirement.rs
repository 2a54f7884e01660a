//! What a route demands.

use std::{borrow::Cow, sync::Arc};

use crate::{Missing, VerifiedClaims};

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
}

type Names = Cow<'static, [Cow<'static, str>]>;

impl Requirement {
    /// Only that the caller is authenticated.
    pub const fn authenticated() -> Self {
        Self { roles: None, permissions: None, all: false }
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

        Self { roles: named(roles), permissions: named(permissions), all }
    }

    /// Holds a caller against the requirement.
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
