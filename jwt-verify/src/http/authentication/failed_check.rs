//! A requirement that a handler has found unmet on its way.

use crate::{authz::Requirement, error::AuthError};

/// A requirement that [`VerifiedClaimsExt::check`](crate::VerifiedClaimsExt::check) has found unmet.
/// The handler may return the error, or go on.
pub(crate) struct FailedCheck {
    pub(crate) error: AuthError,
    pub(crate) requirement: Requirement,
}
