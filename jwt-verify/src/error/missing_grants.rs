//! Roles, permissions and scopes that a caller lacks, of more than one kind.

use std::{borrow::Cow, sync::Arc};

/// Roles, permissions and scopes that one branch of a requirement demands and the caller lacks.
///
/// Each list that is not met is named as a whole: every name of it, or those of which one is enough.
/// A hook of [`JwtAuthBuilder::error_response`](crate::JwtAuthBuilder::error_response) can read them;
/// the default response names permissions and scopes in the challenge (RFC 6750 §3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingGrants {
    /// Code of the part that is not met and comes first in the requirement.
    pub(crate) code: &'static str,
    pub(crate) names: Arc<MissingNames>,
}

/// The names, apart from the code, so that an error stays small.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct MissingNames {
    pub(crate) roles: Box<[Cow<'static, str>]>,
    pub(crate) permissions: Box<str>,
    pub(crate) scopes: Box<str>,
    /// Permissions and scopes, in the order of the requirement.
    pub(crate) scope: Arc<str>,
}

impl MissingGrants {
    /// Returns the roles. Callers are not told, unless
    /// [`JwtAuthBuilder::reveal_roles`](crate::JwtAuthBuilder::reveal_roles) is set.
    pub fn roles(&self) -> &[Cow<'static, str>] {
        &self.names.roles
    }

    /// Returns the permissions, separated by spaces.
    pub fn permissions(&self) -> &str {
        &self.names.permissions
    }

    /// Returns the scopes, separated by spaces.
    pub fn scopes(&self) -> &str {
        &self.names.scopes
    }
}
