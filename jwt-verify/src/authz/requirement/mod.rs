//! Requirements of a route.

#[cfg(feature = "utoipa")]
mod alternatives;
mod claim_rule;
mod claims_read;
mod display;
mod evaluate;
mod explain;
mod included;
mod joined;
mod lacking;
mod named_kinds;
#[cfg(feature = "mcp")]
mod needs;
mod number;
#[cfg(feature = "utoipa")]
mod of_kind;
#[cfg(feature = "cli")]
mod parse;
mod policy;
mod report;
mod serialize;
mod single_terms;

use std::{
    any::TypeId,
    borrow::Cow,
    ops::{BitAnd, BitOr, Not},
    time::Duration,
};

use serde_json::Value;

#[doc(hidden)]
pub use self::claim_rule::literal;
use self::claim_rule::{ClaimRule, Operand};
#[doc(hidden)]
pub use self::policy::{authorizer, function};
pub(crate) use self::{
    evaluate::{EvalContext, Evaluation},
    included::IncludingNames,
    policy::PolicyRef,
};

/// A requirement that a route places on its callers.
///
/// All its parts must be met. Of several roles, permissions or scopes one is enough; with
/// [`all`](Self::all) and [`all_roles`](Self::all_roles) every one is needed. Every authenticated
/// caller meets an empty requirement. Names compare exactly.
///
/// ```
/// use jwt_verify::Requirement;
///
/// let editors = Requirement::roles(["editor", "admin"])
///     .and_permissions(["read:posts", "write:posts"])
///     .all();
/// let own = Requirement::claim_equals_segment("sub", "user_id");
/// let either = editors & (own | Requirement::roles(["support"]));
/// assert_eq!(
///     either.to_string(),
///     r#"roles = ["editor", "admin"], permissions = ["read:posts", "write:posts"], all, any(claim("sub" == path.user_id), roles = "support")"#,
/// );
/// ```
///
/// `Display` renders it as the equivalent `#[require(…)]` arguments, with values that the attribute
/// does not accept in angle brackets. It is serialized as an object with the same names.
#[doc(alias = "rbac", alias = "acl", alias = "permissions")]
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Requirement {
    roles: Option<Names>,
    all_roles: bool,
    permissions: Option<Names>,
    scopes: Option<Names>,
    /// True if every permission and every scope is needed.
    all: bool,
    login: LoginAge,
    max_age: Option<Duration>,
    acr_values: Option<Names>,
    is_for_refresh: bool,
    terms: Vec<Term>,
}

/// The required age of the user's login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum LoginAge {
    #[default]
    AnyTime,
    Fresh,
    Within(Duration),
}

/// A requirement other than a list of names.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Term {
    All(Requirement),
    Any(Vec<Requirement>),
    Not(Requirement),
    Claim(ClaimRule),
    /// Any of these kinds.
    Credential(Names),
    /// Decided by the handler of the requirement.
    Policy(PolicyRef),
}

type Names = Vec<Cow<'static, str>>;

impl Requirement {
    /// Requires an authenticated caller and nothing else.
    pub const fn authenticated() -> Self {
        Self {
            roles: None,
            all_roles: false,
            permissions: None,
            scopes: None,
            all: false,
            login: LoginAge::AnyTime,
            max_age: None,
            acr_values: None,
            is_for_refresh: false,
            terms: Vec::new(),
        }
    }

    /// Requires any of these roles. An empty list is never met.
    pub fn roles<I, S>(roles: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<Cow<'static, str>>,
    {
        Self::authenticated().and_roles(roles)
    }

    /// Requires any of these permissions, or all of them with [`all`](Self::all). An empty list is
    /// never met.
    pub fn permissions<I, S>(permissions: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<Cow<'static, str>>,
    {
        Self::authenticated().and_permissions(permissions)
    }

    /// Requires any of these scopes of the token (`scope`, or else `scp`, or the claim that
    /// [`ClaimsMapping::scopes_claim`](crate::ClaimsMapping::scopes_claim) names), or all of them
    /// with [`all`](Self::all). An empty list is never met.
    ///
    /// A scope states what the client was allowed to do, not what the user may do (RFC 6749 §3.3).
    pub fn scopes<I, S>(scopes: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<Cow<'static, str>>,
    {
        Self::authenticated().and_scopes(scopes)
    }

    /// Requires a credential of one of these kinds, such as `"api-key"` or
    /// [`CredentialKind::ApiKey`](crate::extract::CredentialKind::ApiKey). An empty list is never met.
    pub fn credentials<I, S>(kinds: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<Cow<'static, str>>,
    {
        Term::Credential(kinds.into_iter().map(Into::into).collect()).into()
    }

    /// Requires a claim to have this value: a string, a number or a boolean.
    ///
    /// The claim is named as in [`ClaimsMapping`](crate::ClaimsMapping). An absent claim, or one of
    /// another type, is not equal. A list of audiences equals nothing; see
    /// [`claim_contains`](Self::claim_contains).
    pub fn claim_equals(claim: impl AsRef<str>, value: impl Into<Value>) -> Self {
        ClaimRule::equals(claim.as_ref(), Operand::Value(value.into())).into()
    }

    /// Requires a list claim to contain this value. A single value counts as a list of one.
    pub fn claim_contains(claim: impl AsRef<str>, value: impl Into<Value>) -> Self {
        ClaimRule::contains(claim.as_ref(), Operand::Value(value.into())).into()
    }

    /// Requires a claim to equal a segment of the request's path, such as `{user_id}` in
    /// `/users/{user_id}`. The segment is compared as `web::Path` passes it to a handler.
    ///
    /// A route without that path parameter answers 500, and the log has its name, the route and the
    /// handler.
    pub fn claim_equals_segment(
        claim: impl AsRef<str>,
        segment: impl Into<Cow<'static, str>>,
    ) -> Self {
        ClaimRule::equals(claim.as_ref(), Operand::Segment(segment.into())).into()
    }

    /// Requires a list claim to contain a segment of the path; see
    /// [`claim_equals_segment`](Self::claim_equals_segment).
    pub fn claim_contains_segment(
        claim: impl AsRef<str>,
        segment: impl Into<Cow<'static, str>>,
    ) -> Self {
        ClaimRule::contains(claim.as_ref(), Operand::Segment(segment.into())).into()
    }

    /// Requires one of these to be met. An empty list is never met.
    pub fn any_of(alternatives: impl IntoIterator<Item = Self>) -> Self {
        Term::Any(alternatives.into_iter().collect()).into()
    }

    /// Requires each of these to be met, as if they were joined with `&`.
    pub fn all_of(requirements: impl IntoIterator<Item = Self>) -> Self {
        requirements.into_iter().fold(Self::authenticated(), |all, next| all & next)
    }

    /// Adds roles to the existing ones, of which one is enough.
    #[must_use]
    pub fn and_roles<I, S>(mut self, roles: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<Cow<'static, str>>,
    {
        extend(&mut self.roles, roles);
        self
    }

    /// Adds permissions to the existing ones, of which one is enough, or all are needed with
    /// [`all`](Self::all).
    #[must_use]
    pub fn and_permissions<I, S>(mut self, permissions: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<Cow<'static, str>>,
    {
        extend(&mut self.permissions, permissions);
        self
    }

    /// Adds scopes to the existing ones, of which one is enough, or all are needed with
    /// [`all`](Self::all).
    #[must_use]
    pub fn and_scopes<I, S>(mut self, scopes: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<Cow<'static, str>>,
    {
        extend(&mut self.scopes, scopes);
        self
    }

    /// Requires every permission and every scope instead of one. Roles remain alternatives.
    #[must_use]
    pub const fn all(mut self) -> Self {
        self.all = true;
        self
    }

    /// Requires every role instead of one.
    #[must_use]
    pub const fn all_roles(mut self) -> Self {
        self.all_roles = true;
        self
    }

    /// Requires a token that was issued for a login, not for a refresh: its claim `fresh` is true.
    /// Others are refused with 401 `insufficient_user_authentication` (RFC 9470 §3).
    #[must_use]
    pub const fn fresh(mut self) -> Self {
        self.login = LoginAge::Fresh;
        self
    }

    /// Requires a login of at most this age, by the claim `auth_time` (OIDC Core §2). A token that
    /// is marked as not `fresh` is refused, however recent its login.
    #[must_use]
    pub const fn fresh_within(mut self, age: Duration) -> Self {
        self.login = LoginAge::Within(age);
        self
    }

    /// Requires a login of at most this age, by the claim `auth_time` alone. The refusal is 401
    /// `insufficient_user_authentication` with `max_age` in whole seconds (RFC 9470 §3), which a
    /// client passes on to the issuer.
    #[must_use]
    pub const fn max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }

    /// Requires a login of one of these authentication context classes, by the claim `acr`. The
    /// refusal is 401 `insufficient_user_authentication` with `acr_values` (RFC 9470 §3). An empty
    /// list is never met.
    #[must_use]
    pub fn acr_values<I, S>(mut self, classes: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<Cow<'static, str>>,
    {
        extend(&mut self.acr_values, classes);
        self
    }

    /// Requires a refresh token instead of an access token; see `Sessions`.
    ///
    /// Joined with others by `&`, the whole requirement applies to refresh tokens. Under `|` and
    /// `!` the token is an access token, so it is not met.
    #[must_use]
    pub const fn refresh_token(mut self) -> Self {
        self.is_for_refresh = true;
        self
    }

    /// For generated code: a decision of the handler, as the outcome of this index.
    #[doc(hidden)]
    pub fn policy(index: usize, name: &'static str, function: Option<TypeId>) -> Self {
        Term::Policy(PolicyRef::function(index, name, function)).into()
    }

    /// For generated code: a decision of an authorizer in the app's data, as the outcome of this
    /// index.
    #[doc(hidden)]
    pub fn authorizer(index: usize, name: &'static str, of: TypeId) -> Self {
        Term::Policy(PolicyRef::authorizer(index, name, of)).into()
    }

    /// Returns `true` if it applies to refresh tokens.
    pub(crate) const fn is_for_refresh(&self) -> bool {
        self.is_for_refresh
    }

    /// Returns `true` if it requires an authenticated caller and nothing else.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::authenticated()
    }

    /// Returns `true` if it consists of terms only, which can be added to those of another.
    fn is_plain_term(&self) -> bool {
        let terms_only = Self { terms: self.terms.clone(), ..Self::authenticated() };
        *self == terms_only
    }
}

fn extend<I, S>(names: &mut Option<Names>, more: I)
where
    I: IntoIterator<Item = S>,
    S: Into<Cow<'static, str>>,
{
    names.get_or_insert_default().extend(more.into_iter().map(Into::into));
}

impl From<Term> for Requirement {
    fn from(term: Term) -> Self {
        Self { terms: vec![term], ..Self::authenticated() }
    }
}

impl From<ClaimRule> for Requirement {
    fn from(rule: ClaimRule) -> Self {
        Term::Claim(rule).into()
    }
}

/// Requires both.
impl BitAnd for Requirement {
    type Output = Self;

    fn bitand(mut self, other: Self) -> Self {
        if self.is_empty() {
            return other;
        }
        let is_for_refresh = self.is_for_refresh || other.is_for_refresh;
        let mut other = other;
        other.is_for_refresh = false;
        if other.is_plain_term() {
            self.terms.append(&mut other.terms);
        } else {
            self.terms.push(Term::All(other));
        }
        self.is_for_refresh = is_for_refresh;
        self
    }
}

/// Requires one of them.
impl BitOr for Requirement {
    type Output = Self;

    fn bitor(mut self, other: Self) -> Self {
        if self.is_plain_term()
            && let [Term::Any(alternatives)] = &mut *self.terms
        {
            alternatives.push(other);
            return self;
        }
        Self::any_of([self, other])
    }
}

/// Requires that it is not met.
impl Not for Requirement {
    type Output = Self;

    fn not(self) -> Self {
        Term::Not(self).into()
    }
}

#[cfg(test)]
mod tests;
