//! The parts of a requirement that a caller does not meet, of the branch that is nearest.

use std::{borrow::Cow, collections::HashSet, sync::Arc};

use super::{EvalContext, Evaluation, Names, Requirement, Term, evaluate::has};
use crate::{
    claims::{VerifiedToken, is_scope_token},
    error::{ForbiddenReason, MissingGrants, MissingNames},
};

/// The caller of a requirement.
#[derive(Clone, Copy)]
pub(super) struct Caller<'c> {
    /// `None` without a token: only names are known to be missing then.
    verified: Option<(&'c VerifiedToken, &'c dyn EvalContext)>,
    /// Names that the caller is assumed to have in addition.
    assumed: Option<&'c GrantedAsWell<'c>>,
}

type GrantedAsWell<'n> = HashSet<(Part, &'n str)>;

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
    names: Vec<&'r str>,
    /// Those that the caller does not have.
    lacked: Vec<&'r str>,
    /// True if one of the names is enough.
    is_choice: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Part {
    Role,
    Permission,
    Scope,
    Condition,
    Policy,
}

/// Parts that a client can request.
const REQUESTABLE: &[Part] = &[Part::Permission, Part::Scope];

impl Requirement {
    /// Returns everything that the nearest branch lacks, with the names of a requirement that is
    /// decided later. Names that could be left out are not among them.
    pub(super) fn lacking_with<'r>(
        &'r self,
        later: Option<&'r Self>,
        caller: Caller<'_>,
    ) -> Lacking<'r> {
        let mut lacking = self.lacking_before(later, caller);
        lacking.prune(|assumed| {
            let assumed = Some(assumed);
            self.lacking_before(later, Caller { verified: caller.verified, assumed })
        });
        lacking
    }

    fn lacking_before<'r>(&'r self, later: Option<&'r Self>, caller: Caller<'_>) -> Lacking<'r> {
        let own = self.lacking(caller);
        match later {
            Some(later) => own.and_lists(later.lacking(caller)),
            None => own,
        }
    }

    /// Returns everything that is not met. Of alternatives it is the [nearest](nearest).
    fn lacking<'r>(&'r self, caller: Caller<'_>) -> Lacking<'r> {
        let mut lacking = Lacking::default();
        for (part, names, all) in [
            (Part::Role, &self.roles, self.all_roles),
            (Part::Permission, &self.permissions, self.all),
            (Part::Scope, &self.scopes, self.all),
        ] {
            lacking.extend(names.as_ref().and_then(|names| caller.list(part, names, all)));
        }
        lacking.needs_login =
            caller.verified.is_some_and(|(token, context)| !self.has_login(token, context));
        self.terms.iter().fold(lacking, |lacking, term| lacking.and(term.lacking(caller)))
    }

    pub(super) fn lacking_nested<'r>(&'r self, caller: Caller<'_>) -> Lacking<'r> {
        if self.is_for_refresh { Lacking::other(Part::Condition) } else { self.lacking(caller) }
    }

    /// Returns the scopes and permissions with which the caller would meet it, but for a login; `None` if
    /// something else is missing as well.
    #[cfg(feature = "mcp")]
    pub(crate) fn names_that_open(
        &self,
        token: &VerifiedToken,
        context: &dyn EvalContext,
    ) -> Option<Arc<str>> {
        let lacking = self.lacking_with(None, Caller::of(token, context));
        let names = lacking.needs_names_alone().then(|| listed(lacking.names(REQUESTABLE)))?;
        Some(names).filter(|names| !names.is_empty())
    }

    /// Returns the scopes of the branch that needs the fewest names, for a caller without a token;
    /// `None` if it names none.
    pub(crate) fn scopes_to_request(&self, later: Option<&Self>) -> Option<Arc<str>> {
        let anonymous = Caller { verified: None, assumed: None };
        let scopes = listed(self.lacking_with(later, anonymous).names(&[Part::Scope]));
        Some(scopes).filter(|scopes| !scopes.is_empty())
    }
}

impl Term {
    fn lacking<'r>(&'r self, caller: Caller<'_>) -> Lacking<'r> {
        let is_unmet = match caller.verified {
            Some((token, context)) => self.evaluate(token, context) == Evaluation::Unmet,
            // Any token may meet claims and policies.
            None => matches!(self, Self::All(_) | Self::Any(_)),
        };
        match self {
            Self::All(nested) => nested.lacking_nested(caller),
            _ if !is_unmet => Lacking::default(),
            Self::Any(alternatives) => {
                nearest(alternatives.iter().map(|one| one.lacking_nested(caller)))
            }
            Self::Not(_) | Self::Claim(_) | Self::Credential(_) => Lacking::other(Part::Condition),
            Self::Policy(_) => Lacking::other(Part::Policy),
        }
    }
}

/// Selects the alternative to tell of, if none is met: by [`Lacking::rank`], then the one with the
/// fewest missing names and other parts, then the first.
fn nearest<'r>(alternatives: impl Iterator<Item = Lacking<'r>>) -> Lacking<'r> {
    // The first of equal ones.
    let nearest = alternatives.min_by_key(|lacking| (lacking.rank(), lacking.missing()));
    nearest.unwrap_or_else(|| Lacking::other(Part::Condition))
}

impl<'c> Caller<'c> {
    pub(super) fn of(token: &'c VerifiedToken, context: &'c dyn EvalContext) -> Self {
        Self { verified: Some((token, context)), assumed: None }
    }

    /// Returns a list, if it is not met.
    fn list(self, part: Part, names: &Names, all: bool) -> Option<List<'_>> {
        let is_granted = |name: &str| match (self.verified, part) {
            (Some((token, _)), Part::Role) => token.roles().contains(name),
            (Some((token, _)), Part::Permission) => token.permissions().contains(name),
            (Some((token, _)), _) => token.scopes().contains(name),
            (None, _) => false,
        };
        let is_assumed =
            |name: &str| self.assumed.is_some_and(|assumed| assumed.contains(&(part, name)));
        let held = |name: &str| is_granted(name) || is_assumed(name);
        if has(Some(names), all, held) {
            return None;
        }
        let is_choice = !all && names.len() > 1;
        let names: Vec<&str> = names.iter().map(|name| &**name).collect();
        let lacked = names.iter().copied().filter(|name| !held(name)).collect();
        Some(List { part, names, lacked, is_choice })
    }
}

impl<'r> List<'r> {
    /// Returns the names that the caller does not have, each with its kind.
    fn lacked(&self) -> impl Iterator<Item = (Part, &'r str)> {
        self.lacked.iter().map(|name| (self.part, *name))
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
    fn and_lists(mut self, later: Self) -> Self {
        for list in later.lists {
            self.extend(Some(list));
        }
        self
    }

    /// Leaves out each name without which the others are enough: one of a choice that another list
    /// makes, or that of an alternative beside one that another list meets.
    fn prune(&mut self, lacking_with: impl Fn(&GrantedAsWell<'_>) -> Self) {
        // One list alone is needed as it is, and names alone do not help beside other parts.
        if self.lists.len() < 2 || self.others > 0 {
            return;
        }
        let opens = |assumed: &GrantedAsWell<'_>| lacking_with(assumed).is_login_only();
        let choices = || self.lists.iter().enumerate().filter(|(_, list)| list.is_choice);
        let others = || self.lists.iter().filter(|list| !list.is_choice).flat_map(List::lacked);
        let mut needed: GrantedAsWell<'r> = others().collect();
        let mut made: HashSet<usize> = HashSet::new();
        let with_choices =
            |needed: &GrantedAsWell<'r>, made: &HashSet<usize>| -> GrantedAsWell<'r> {
                let open = choices().filter(|(index, _)| !made.contains(index));
                open.flat_map(|(_, list)| list.lacked()).chain(needed.iter().copied()).collect()
            };
        for (index, _) in choices() {
            made.insert(index);
            if !opens(&with_choices(&needed, &made)) {
                made.remove(&index);
            }
        }
        for name in others() {
            if needed.remove(&name) && !opens(&with_choices(&needed, &made)) {
                needed.insert(name);
            }
        }
        let mut index = 0..;
        self.lists.retain_mut(|list| {
            let is_made = index.next().is_some_and(|index| made.contains(&index));
            if !list.is_choice && !list.lacked().all(|name| needed.contains(&name)) {
                list.names.retain(|name| needed.contains(&(list.part, *name)));
            }
            !is_made && !list.names.is_empty()
        });
    }

    /// Returns `true` if another login would be enough.
    pub(super) fn is_login_only(&self) -> bool {
        self.first.is_none()
    }

    /// Returns `true` if a client could request everything but a login.
    fn needs_names_alone(&self) -> bool {
        self.others == 0 && self.lists.iter().all(|list| list.part != Part::Role)
    }

    /// Ranks alternatives by what a client can do: log in again, request names, and then nothing.
    fn rank(&self) -> u8 {
        match self.first {
            None => u8::from(self.needs_login),
            _ if self.needs_names_alone() => 2 + u8::from(self.needs_login),
            Some(Part::Permission | Part::Scope) => 4,
            Some(Part::Policy) => 5,
            Some(Part::Role | Part::Condition) => 6,
        }
    }

    /// Returns the number of names that are needed at least, each once, and of other parts.
    fn missing(&self) -> usize {
        let (choices, others): (Vec<_>, Vec<_>) =
            self.lists.iter().partition(|list| list.is_choice);
        let needed: GrantedAsWell<'_> = others.iter().flat_map(|list| list.lacked()).collect();
        let is_made = |choice: &List<'_>| choice.lacked().any(|name| needed.contains(&name));
        let chosen = choices.iter().filter(|choice| !is_made(choice)).count();
        let empty = others.iter().filter(|list| list.names.is_empty()).count();
        needed.len() + chosen + empty + self.others
    }

    /// Returns the names in the lists of some kinds.
    fn names(&self, parts: &'static [Part]) -> impl Iterator<Item = &'r str> {
        let lists = self.lists.iter().filter(|list| parts.contains(&list.part));
        lists.flat_map(|list| list.names.iter().copied())
    }

    fn has_only(&self, part: Part) -> bool {
        self.lists.iter().all(|list| list.part == part)
    }

    /// Returns the reason of a refusal; `None` if another login would be enough.
    pub(super) fn reason(&self) -> Option<ForbiddenReason> {
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
        let mut seen = HashSet::new();
        let once = self.names(&[Part::Role]).filter(|role| seen.insert(*role));
        once.map(|role| Cow::Owned(role.to_owned())).collect()
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
