//! Claims that count as verified, without a token.

use std::{fmt, sync::Arc};

use serde_json::Value;

use super::claim_set::ClaimSet;
use crate::{
    claims::{Claims, ClaimsMapping, VerifiedClaims, VerifiedToken},
    clock::{Clock, SystemClock},
};

/// The claims of a caller, without a token, a key or an issuer: by default of the subject
/// `test-user`, for [`AUDIENCE`](crate::testing::AUDIENCE) and for ten minutes from the time at which
/// they are used.
///
/// ```
/// use jwt_verify::{VerifiedClaims, testing::TestClaims};
///
/// async fn greeting(claims: VerifiedClaims) -> String {
///     format!("hello {}", claims.subject().unwrap_or("unknown user"))
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let ada = TestClaims::new().subject("ada").role("admin").verified();
/// assert!(ada.has_role("admin"));
/// assert_eq!(greeting(ada).await, "hello ada");
/// # });
/// ```
#[derive(Clone)]
#[must_use = "claims do nothing by themselves"]
pub struct TestClaims {
    claims: ClaimSet,
    mapping: ClaimsMapping,
}

impl TestClaims {
    /// Creates valid claims without roles and permissions.
    pub fn new() -> Self {
        let claims = ClaimSet::without_dates("https://issuer.example.com");
        Self { claims, mapping: ClaimsMapping::default() }
    }

    /// Sets `sub`.
    pub fn subject(self, subject: impl Into<String>) -> Self {
        self.claim("sub", subject.into())
    }

    /// Adds a role, in the claim `roles`.
    pub fn role(mut self, role: impl Into<String>) -> Self {
        self.claims.add("roles", role);
        self
    }

    /// Adds a permission, in the claim `permissions`.
    pub fn permission(mut self, permission: impl Into<String>) -> Self {
        self.claims.add("permissions", permission);
        self
    }

    /// Sets `scope`: names separated by spaces.
    pub fn scope(self, scope: impl Into<String>) -> Self {
        self.claim("scope", scope.into())
    }

    /// Sets any claim.
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.claims.set(name, value);
        self
    }

    /// Sets the claims that hold roles and permissions.
    pub fn mapping(mut self, mapping: ClaimsMapping) -> Self {
        self.mapping = mapping;
        self
    }

    /// Returns the claims as a handler takes them. Their dates are not checked here, unlike those of
    /// [`to_request_as`](crate::testing::TestRequestExt::to_request_as).
    ///
    /// # Panics
    /// If registered claims do not have their type, such as an `exp` that is not a number.
    pub fn verified(&self) -> VerifiedClaims {
        self.verified_at(&SystemClock)
    }

    /// Returns the claims with default dates by a clock.
    #[expect(clippy::expect_used, reason = "a test cannot go on without its claims")]
    pub(super) fn verified_at(&self, clock: &dyn Clock) -> VerifiedClaims {
        let token = self.token(clock.now().as_secs());
        VerifiedClaims::new(Arc::new(token.expect("registered claims have their types")))
    }

    fn token(&self, now: u64) -> serde_json::Result<VerifiedToken> {
        let members = self.claims.clone().with_dates(now).into_members();
        let payload = Value::from(members).to_string();
        let claims: Claims = serde_json::from_str(&payload)?;
        let grants = self.mapping.grants(&claims);
        Ok(VerifiedToken::new(claims, grants))
    }
}

impl Default for TestClaims {
    fn default() -> Self {
        Self::new()
    }
}

/// Contains the names of the claims, not the values.
impl fmt::Debug for TestClaims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestClaims").field("claims", &self.claims).finish_non_exhaustive()
    }
}
