//! What a route demands.

#[cfg(feature = "utoipa")]
mod alternatives;
mod claim_rule;
mod display;
mod evaluate;
mod explain;
mod joined;
mod number;
mod policy;
mod serialize;

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
    policy::PolicyRef,
};

/// What a route demands of its callers.
///
/// Everything named must be met. Of several roles, permissions or scopes any is enough, or all are
/// needed with [`all`](Self::all) and [`all_roles`](Self::all_roles). An empty requirement is met by
/// everybody who is authenticated. Names compare exactly.
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
/// It is shown as the arguments of `#[require]` that would say the same, with what the attribute would
/// not take in angle brackets, and serialised as an object with the same names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Requirement {
    roles: Option<Names>,
    all_roles: bool,
    permissions: Option<Names>,
    scopes: Option<Names>,
    /// Every permission, and every scope.
    all: bool,
    login: LoginAge,
    max_age: Option<Duration>,
    acr_values: Option<Names>,
    is_for_refresh: bool,
    terms: Vec<Term>,
}

/// How recent the user's login has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum LoginAge {
    #[default]
    AnyTime,
    Fresh,
    Within(Duration),
}

/// What cannot be said with a list of names.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Term {
    All(Requirement),
    Any(Vec<Requirement>),
    Not(Requirement),
    Claim(ClaimRule),
    /// Decided by the handler that the requirement belongs to.
    Policy(PolicyRef),
}

type Names = Vec<Cow<'static, str>>;

impl Requirement {
    /// Only that the caller is authenticated.
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

    /// Any of these roles. An empty list is met by nobody.
    pub fn roles<I, S>(roles: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<Cow<'static, str>>,
    {
        Self::authenticated().and_roles(roles)
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

    /// Any of these scopes of the token (`scope`, or else `scp`), or all of them with
    /// [`all`](Self::all). An empty list is met by nobody.
    ///
    /// A scope says what the client was allowed to do, not what the user may do (RFC 6749 §3.3).
    pub fn scopes<I, S>(scopes: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<Cow<'static, str>>,
    {
        Self::authenticated().and_scopes(scopes)
    }

    /// That a claim has this value: a string, a number or a boolean.
    ///
    /// The claim is named as in [`ClaimsMapping`](crate::ClaimsMapping). One that is absent, or of
    /// another type, is not equal. A list of audiences equals nothing; see
    /// [`claim_contains`](Self::claim_contains).
    pub fn claim_equals(claim: impl AsRef<str>, value: impl Into<Value>) -> Self {
        ClaimRule::equals(claim.as_ref(), Operand::Value(value.into())).into()
    }

    /// That a claim which is a list has this value among its elements. A single value counts as a
    /// list of one.
    pub fn claim_contains(claim: impl AsRef<str>, value: impl Into<Value>) -> Self {
        ClaimRule::contains(claim.as_ref(), Operand::Value(value.into())).into()
    }

    /// That a claim has the value of this segment of the request's path, as `{user_id}` in
    /// `/users/{user_id}`. It is compared as `web::Path` gives it to a handler.
    ///
    /// A route without such a segment answers 500, and the log names the segment, the route and the
    /// handler.
    pub fn claim_equals_segment(
        claim: impl AsRef<str>,
        segment: impl Into<Cow<'static, str>>,
    ) -> Self {
        ClaimRule::equals(claim.as_ref(), Operand::Segment(segment.into())).into()
    }

    /// That a claim which is a list has the value of this segment of the path among its elements; as
    /// [`claim_equals_segment`](Self::claim_equals_segment).
    pub fn claim_contains_segment(
        claim: impl AsRef<str>,
        segment: impl Into<Cow<'static, str>>,
    ) -> Self {
        ClaimRule::contains(claim.as_ref(), Operand::Segment(segment.into())).into()
    }

    /// That one of these is met. An empty list is met by nobody.
    pub fn any_of(alternatives: impl IntoIterator<Item = Self>) -> Self {
        Term::Any(alternatives.into_iter().collect()).into()
    }

    /// That each of these is met; the same as joining them with `&`.
    pub fn all_of(requirements: impl IntoIterator<Item = Self>) -> Self {
        requirements.into_iter().fold(Self::authenticated(), |all, next| all & next)
    }

    /// Adds roles to those that are named already, of which any is enough.
    #[must_use]
    pub fn and_roles<I, S>(mut self, roles: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<Cow<'static, str>>,
    {
        extend(&mut self.roles, roles);
        self
    }

    /// Adds permissions to those that are named already, of which any is enough, or all are needed
    /// with [`all`](Self::all).
    #[must_use]
    pub fn and_permissions<I, S>(mut self, permissions: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<Cow<'static, str>>,
    {
        extend(&mut self.permissions, permissions);
        self
    }

    /// Adds scopes to those that are named already, of which any is enough, or all are needed with
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

    /// Demands every permission and every scope instead of any. Roles stay alternatives.
    #[must_use]
    pub const fn all(mut self) -> Self {
        self.all = true;
        self
    }

    /// Demands every role instead of any.
    #[must_use]
    pub const fn all_roles(mut self) -> Self {
        self.all_roles = true;
        self
    }

    /// Demands a token that was issued for a login, not for a refresh: its claim `fresh` is true.
    /// Others are refused with 401 `insufficient_user_authentication` (RFC 9470 §3).
    #[must_use]
    pub const fn fresh(mut self) -> Self {
        self.login = LoginAge::Fresh;
        self
    }

    /// Demands a login that is no longer ago than this, by the claim `auth_time` (OIDC Core §2). A
    /// token that says that it is not `fresh` is refused, however recent its login.
    #[must_use]
    pub const fn fresh_within(mut self, age: Duration) -> Self {
        self.login = LoginAge::Within(age);
        self
    }

    /// Demands a login that is no longer ago than this, by the claim `auth_time` alone. The refusal
    /// is 401 `insufficient_user_authentication` with `max_age` in whole seconds (RFC 9470 §3), which
    /// a client passes on to the issuer.
    #[must_use]
    pub const fn max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }

    /// Demands a login of one of these authentication context classes, by the claim `acr`. The
    /// refusal is 401 `insufficient_user_authentication` with `acr_values` (RFC 9470 §3). An empty
    /// list is met by nobody.
    #[must_use]
    pub fn acr_values<I, S>(mut self, classes: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<Cow<'static, str>>,
    {
        extend(&mut self.acr_values, classes);
        self
    }

    /// Demands a refresh token in the place of an access token; see `Sessions`.
    ///
    /// Joined with others by `&` the whole is about refresh tokens. Under `|` and `!` it is about an
    /// access token, which is none.
    #[must_use]
    pub const fn refresh_token(mut self) -> Self {
        self.is_for_refresh = true;
        self
    }

    /// For generated code: what only a handler can decide, as the outcome of this number.
    #[doc(hidden)]
    pub fn policy(index: usize, name: &'static str, function: Option<TypeId>) -> Self {
        Term::Policy(PolicyRef::function(index, name, function)).into()
    }

    /// For generated code: the same of an authorizer that is in the app's data.
    #[doc(hidden)]
    pub fn authorizer(index: usize, name: &'static str, of: TypeId) -> Self {
        Term::Policy(PolicyRef::authorizer(index, name, of)).into()
    }

    /// Whether it is about refresh tokens.
    pub(crate) const fn is_for_refresh(&self) -> bool {
        self.is_for_refresh
    }

    /// Whether it demands nothing beyond a caller who is authenticated.
    fn is_empty(&self) -> bool {
        *self == Self::authenticated()
    }

    /// Whether it consists of terms alone, which can stand among those of another.
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

/// Both are met.
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

/// One of them is met.
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

/// It is not met.
impl Not for Requirement {
    type Output = Self;

    fn not(self) -> Self {
        Term::Not(self).into()
    }
}

#[cfg(test)]
mod tests;
