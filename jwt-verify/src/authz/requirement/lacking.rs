//! The parts of a requirement that a caller does not meet, of the branch that is nearest.

use std::{borrow::Cow, collections::HashSet, sync::Arc};

use super::{EvalContext, Evaluation, Names, Requirement, Term, evaluate::has};
use crate::{
    claims::{VerifiedToken, is_scope_token},
    error::{ForbiddenReason, MissingGrants, MissingNames},
};

/// The caller of a requirement.
#[derive(Clone, Copy)]
pub(super) enum Caller<'c> {
    Verified(&'c VerifiedToken, &'c dyn EvalContext),
    /// Has no token, so only names are known to be missing.
    Anonymous,
}

/// Parts of a requirement that are not met.
#[derive(Debug, Default)]
pub(super) struct Lacking<'r> {
    lists: Vec<List<'r>>,
    /// The first part that another login would not supply.
    first: Option<Part>,
    /// Number of claims and policies among them.
    others: usize,
    needs_login: bool,
}

/// A list of names that is not met.
#[derive(Debug)]
struct List<'r> {
    part: Part,
    names: &'r Names,
    /// True if one of the names is enough.
    is_choice: bool,
    /// How many names the caller needs in addition.
    missing: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Role,
    Permission,
    Scope,
    Condition,
    Policy,
}

impl Requirement {
    /// Returns everything that is not met. Of alternatives it is the [nearest](nearest).
    pub(super) fn lacking<'r>(&'r self, caller: Caller<'_>) -> Lacking<'r> {
        let mut lacking = Lacking::default();
        for (part, names, all) in [
            (Part::Role, &self.roles, self.all_roles),
            (Part::Permission, &self.permissions, self.all),
            (Part::Scope, &self.scopes, self.all),
        ] {
            lacking.extend(names.as_ref().and_then(|names| caller.list(part, names, all)));
        }
        lacking.needs_login = match caller {
            Caller::Verified(token, context) => !self.has_login(token, context),
            Caller::Anonymous => false,
        };
        self.terms.iter().fold(lacking, |lacking, term| lacking.and(term.lacking(caller)))
    }

    pub(super) fn lacking_nested<'r>(&'r self, caller: Caller<'_>) -> Lacking<'r> {
        if self.is_for_refresh { Lacking::other(Part::Condition) } else { self.lacking(caller) }
    }

    /// Returns the scopes of the branch that needs the fewest names, for a caller without a token;
    /// `None` if it names none.
    pub(crate) fn scopes_to_request(&self, inner: Option<&Self>) -> Option<Arc<str>> {
        let mut lacking = self.lacking(Caller::Anonymous);
        if let Some(inner) = inner {
            lacking = lacking.and_lists(inner.lacking(Caller::Anonymous));
        }
        Some(listed(lacking.names(&[Part::Scope]))).filter(|scopes| !scopes.is_empty())
    }
}

impl Term {
    fn lacking<'r>(&'r self, caller: Caller<'_>) -> Lacking<'r> {
        let is_unmet = match caller {
            Caller::Verified(token, context) => self.evaluate(token, context) == Evaluation::Unmet,
            // Claims and policies may be met by any token.
            Caller::Anonymous => matches!(self, Self::All(_) | Self::Any(_)),
        };
        match self {
            Self::All(nested) => nested.lacking_nested(caller),
            _ if !is_unmet => Lacking::default(),
            Self::Any(alternatives) => {
                nearest(alternatives.iter().map(|one| one.lacking_nested(caller)))
            }
            Self::Not(_) | Self::Claim(_) => Lacking::other(Part::Condition),
            Self::Policy(_) => Lacking::other(Part::Policy),
        }
    }
}

/// Selects the alternative to tell of, if none is met: by [`Lacking::rank`], then the one with
/// the fewest missing names and other parts, then the first.
fn nearest<'r>(alternatives: impl Iterator<Item = Lacking<'r>>) -> Lacking<'r> {
    // The first of equal ones.
    let nearest = alternatives.min_by_key(|lacking| (lacking.rank(), lacking.missing()));
    nearest.unwrap_or_else(|| Lacking::other(Part::Condition))
}

impl Caller<'_> {
    /// Returns a list, if it is not met.
    fn list<'r>(self, part: Part, names: &'r Names, all: bool) -> Option<List<'r>> {
        let held = |name: &str| match self {
            Self::Verified(token, _) => match part {
                Part::Role => token.roles().contains(name),
                Part::Permission => token.permissions().contains(name),
                _ => token.scopes().contains(name),
            },
            Self::Anonymous => false,
        };
        if has(Some(names), all, held) {
            return None;
        }
        let missing = names.iter().filter(|name| !held(name)).count();
        let is_choice = !all && names.len() > 1;
        Some(List { part, names, is_choice, missing: if all { missing } else { 1 } })
    }
}

impl<'r> Lacking<'r> {
    fn other(part: Part) -> Self {
        Self { first: Some(part), others: 1, ..Self::default() }
    }

    fn extend(&mut self, list: Option<List<'r>>) {
        self.first = self.first.or(list.as_ref().map(|list| list.part));
        self.lists.extend(list);
    }

    fn and(mut self, other: Self) -> Self {
        self.lists.extend(other.lists);
        self.first = self.first.or(other.first);
        self.others += other.others;
        self.needs_login |= other.needs_login;
        self
    }

    /// Adds the lists of a requirement that is decided later, and not what may be met by then.
    pub(super) fn and_lists(mut self, later: Lacking<'r>) -> Self {
        for list in later.lists {
            self.extend(Some(list));
        }
        self
    }

    /// Returns `true` if another login would be enough.
    pub(super) fn is_login_only(&self) -> bool {
        self.first.is_none()
    }

    /// Ranks alternatives by what a client can do: log in again, request names, and then nothing.
    fn rank(&self) -> u8 {
        let has_roles = self.lists.iter().any(|list| list.part == Part::Role);
        match self.first {
            None => 0,
            _ if !has_roles && self.others == 0 => 1 + u8::from(self.needs_login),
            Some(Part::Permission | Part::Scope) => 3,
            Some(Part::Policy) => 4,
            Some(Part::Role | Part::Condition) => 5,
        }
    }

    fn missing(&self) -> usize {
        self.lists.iter().map(|list| list.missing).sum::<usize>() + self.others
    }

    /// Returns the names in the lists of some kinds. A choice is left out if another list has one of
    /// its names.
    fn names(&self, parts: &'static [Part]) -> impl Iterator<Item = &'r str> {
        let lists = self.lists.iter().filter(|list| parts.contains(&list.part));
        let needed: HashSet<(&str, &str)> = lists
            .clone()
            .filter(|list| !list.is_choice)
            .flat_map(|list| list.names.iter().map(|name| (list.part.code(), &**name)))
            .collect();
        let is_made = |list: &List<'_>| {
            let mut names = list.names.iter();
            list.is_choice && names.any(|name| needed.contains(&(list.part.code(), &**name)))
        };
        let lists: Vec<&'r Names> =
            lists.filter(|list| !is_made(list)).map(|list| list.names).collect();
        lists.into_iter().flatten().map(|name| &**name)
    }

    fn has_only(&self, part: Part) -> bool {
        self.lists.iter().all(|list| list.part == part)
    }

    /// Returns the reason of a refusal; `None` if another login would be enough.
    pub(super) fn reason(&self) -> Option<ForbiddenReason> {
        const REQUESTABLE: &[Part] = &[Part::Permission, Part::Scope];

        let first = self.first?;
        Some(match first {
            Part::Role if self.has_only(first) => ForbiddenReason::Role(self.roles().into()),
            Part::Permission if self.has_only(first) => {
                ForbiddenReason::Permission(listed(self.names(REQUESTABLE)))
            }
            Part::Scope if self.has_only(first) => {
                ForbiddenReason::Scope(listed(self.names(REQUESTABLE)))
            }
            // Roles cannot be requested, so the claim or the policy is the reason.
            Part::Condition if self.has_only(Part::Role) => ForbiddenReason::UnmetCondition,
            Part::Policy if self.has_only(Part::Role) => ForbiddenReason::Policy,
            _ => ForbiddenReason::Several(MissingGrants {
                code: first.code(),
                names: Arc::new(MissingNames {
                    roles: self.roles().into(),
                    permissions: (*listed(self.names(&[Part::Permission]))).into(),
                    scopes: (*listed(self.names(&[Part::Scope]))).into(),
                    scope: listed(self.names(REQUESTABLE)),
                }),
            }),
        })
    }

    fn roles(&self) -> Vec<Cow<'static, str>> {
        let mut roles: Names = Vec::new();
        let lists = self.lists.iter().filter(|list| list.part == Part::Role);
        for role in lists.flat_map(|list| list.names) {
            if !roles.contains(role) {
                roles.push(role.clone());
            }
        }
        roles
    }
}

impl Part {
    const fn code(self) -> &'static str {
        match self {
            Self::Role => "missing_role",
            Self::Permission => "missing_permission",
            Self::Scope => "missing_scope",
            Self::Condition => "condition_not_met",
            Self::Policy => "denied_by_policy",
        }
    }
}

/// Formats names as an attribute of a challenge, without duplicates; names that are not allowed
/// there are left out (RFC 6750 §3, RFC 6749 §3.3).
pub(super) fn listed<'a>(names: impl Iterator<Item = &'a str>) -> Arc<str> {
    let mut seen = HashSet::new();
    let allowed = names.filter(|name| is_scope_token(name));
    let names: Vec<&str> = allowed.filter(|name| seen.insert(*name)).collect();
    names.join(" ").into()
}
