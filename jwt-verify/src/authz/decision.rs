//! Result of a policy.

/// The decision of a policy.
///
/// ```
/// use jwt_verify::{Decision, VerifiedClaims};
///
/// fn is_employee(claims: &VerifiedClaims) -> Decision {
///     let email: Option<String> = claims.get_as("email");
///     email.is_some_and(|email| email.ends_with("@example.com")).into()
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The rule is met.
    Allow,
    /// The rule is not met: 403, unless an alternative is met.
    Deny,
}

impl From<bool> for Decision {
    /// Allows if `true`.
    fn from(is_met: bool) -> Self {
        if is_met { Self::Allow } else { Self::Deny }
    }
}
