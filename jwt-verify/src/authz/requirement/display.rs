//! A requirement as the arguments of `#[require]`.

use std::{
    borrow::Cow,
    fmt::{self, Write as _},
    time::Duration,
};

use super::{
    Login, Requirement, Term,
    claim_rule::{ClaimRule, Comparison, Operand},
};

/// The arguments of `#[require]` that say the same; `authenticated` if there are none. For people:
/// what it demands may get words of its own in later versions.
impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = List { f, is_first: true };
        if let Some(roles) = &self.roles {
            list.next(format_args!("roles = {}", NameList(roles)))?;
        }
        list.flag("all_roles", self.all_roles)?;
        if let Some(permissions) = &self.permissions {
            list.next(format_args!("permissions = {}", NameList(permissions)))?;
        }
        if let Some(scopes) = &self.scopes {
            list.next(format_args!("scopes = {}", NameList(scopes)))?;
        }
        list.flag("all", self.all)?;
        for term in &self.terms {
            list.next(format_args!("{term}"))?;
        }
        if let Some(classes) = &self.acr_values {
            list.next(format_args!("acr = {}", NameList(classes)))?;
        }
        if let Some(age) = self.max_age {
            list.next(format_args!("max_age = \"{}\"", Age(age)))?;
        }
        match self.login {
            Login::AnyTime => {}
            Login::Fresh => list.next(format_args!("fresh"))?,
            Login::Within(age) => list.next(format_args!("fresh = \"{}\"", Age(age)))?,
        }
        list.flag("refresh", self.is_for_refresh)?;
        if list.is_first { f.write_str("authenticated") } else { Ok(()) }
    }
}

struct List<'a, 'f> {
    f: &'a mut fmt::Formatter<'f>,
    is_first: bool,
}

impl List<'_, '_> {
    fn next(&mut self, item: fmt::Arguments<'_>) -> fmt::Result {
        if !self.is_first {
            self.f.write_str(", ")?;
        }
        self.is_first = false;
        self.f.write_fmt(item)
    }

    fn flag(&mut self, name: &str, is_set: bool) -> fmt::Result {
        if is_set { self.next(format_args!("{name}")) } else { Ok(()) }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(nested) => write!(f, "all_of({nested})"),
            Self::Any(alternatives) => {
                f.write_str("any(")?;
                let mut list = List { f, is_first: true };
                for alternative in alternatives {
                    list.next(format_args!("{}", Operated(alternative)))?;
                }
                f.write_char(')')
            }
            Self::Not(nested) => write!(f, "not({})", Operated(nested)),
            Self::Claim(rule) => rule.fmt(f),
            Self::Policy { name, .. } => write!(f, "policy = {name}"),
        }
    }
}

/// Where a comma would not mean "and".
struct Operated<'a>(&'a Requirement);

impl fmt::Display for Operated<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        let is_one = self.0.parts() == 1;
        if is_one { f.write_str(&text) } else { write!(f, "all_of({text})") }
    }
}

impl Requirement {
    /// How many arguments it is written with.
    fn parts(&self) -> usize {
        [
            self.roles.is_some(),
            self.all_roles,
            self.permissions.is_some(),
            self.scopes.is_some(),
            self.all,
            self.login != Login::AnyTime,
            self.max_age.is_some(),
            self.acr_values.is_some(),
            self.is_for_refresh,
        ]
        .into_iter()
        .map(usize::from)
        .sum::<usize>()
            + self.terms.len()
    }
}

impl fmt::Display for ClaimRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operator = match self.comparison {
            Comparison::Equals => "==",
            Comparison::Contains => "contains",
        };
        write!(f, "claim({:?} {operator} ", self.claim.as_str())?;
        match &self.operand {
            Operand::Value(value) => write!(f, "{value}")?,
            Operand::Segment(name) => write!(f, "path.{name}")?,
        }
        f.write_char(')')
    }
}

/// One name, or several in brackets.
struct NameList<'a>(&'a [Cow<'static, str>]);

impl fmt::Display for NameList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [one] => write!(f, "{one:?}"),
            several => f.debug_list().entries(several).finish(),
        }
    }
}

/// In the largest unit that is whole.
struct Age(Duration);

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let units = [(24 * 3600, 'd'), (3600, 'h'), (60, 'm')];
        let (size, unit) = units
            .into_iter()
            .find(|(size, _)| seconds > 0 && seconds.is_multiple_of(*size))
            .unwrap_or((1, 's'));
        write!(f, "{}{unit}", seconds / size)
    }
}
