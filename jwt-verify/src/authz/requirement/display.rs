//! `Display` of a requirement, as the arguments of `#[require]`.

use std::{
    borrow::Cow,
    fmt::{self, Write as _},
    time::Duration,
};

use serde_json::Value;

use super::{
    LoginAge, Requirement, Term,
    claim_rule::{ClaimRule, Comparison, Operand},
};

/// Renders the equivalent `#[require(…)]` arguments, or `authenticated` if there are none.
///
/// Angle brackets mark what the attribute does not accept and only code can express: an empty list
/// of names or of alternatives as `<none>`, an alternative without demands as `<authenticated>`,
/// and a name, number, value or age that the attribute refuses, or a `refresh` beside others, as it
/// is: `claim("score" == <1.5>)`, `max_age = <1.5s>`.
///
/// The text is meant for people: later versions may word it differently.
impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arguments = self.arguments();
        match &*arguments {
            [] if self.is_for_refresh => f.write_str("refresh"),
            [] => f.write_str("authenticated"),
            arguments if self.is_for_refresh => write!(f, "{}, <refresh>", arguments.join(", ")),
            arguments => f.write_str(&arguments.join(", ")),
        }
    }
}

impl Requirement {
    /// Returns the arguments, without `refresh`.
    fn arguments(&self) -> Vec<String> {
        let mut arguments = Vec::new();
        let lists = [
            ("roles", &self.roles, may_be_spaced as fn(&str) -> bool),
            ("permissions", &self.permissions, may_be_spaced),
            ("scopes", &self.scopes, may_be_plain),
            ("acr", &self.acr_values, may_be_plain),
        ];
        for (name, list, is_taken) in lists {
            if let Some(names) = list {
                arguments.push(format!("{name} = {}", NameList { names, is_taken }));
            }
            // The flags follow the names that they apply to; without names they mean nothing.
            if name == "roles" && list.is_some() {
                arguments.extend(self.all_roles.then(|| "all_roles".to_owned()));
            }
            if name == "scopes" {
                let has_lists = self.permissions.is_some() || self.scopes.is_some();
                arguments.extend((self.all && has_lists).then(|| "all".to_owned()));
                arguments.extend(self.terms.iter().map(Term::to_string));
            }
        }
        if let Some(age) = self.max_age {
            arguments.push(format!("max_age = {}", Age(age)));
        }
        match self.login {
            LoginAge::AnyTime => {}
            LoginAge::Fresh => arguments.push("fresh".to_owned()),
            LoginAge::Within(age) => arguments.push(format!("fresh = {}", Age(age))),
        }
        arguments
    }

    /// Renders it as part of a group, where `refresh` is not possible.
    fn nested_arguments(&self) -> Vec<String> {
        let mut arguments = self.arguments();
        if self.is_for_refresh {
            arguments.push("<refresh>".to_owned());
        }
        if arguments.is_empty() {
            arguments.push("<authenticated>".to_owned());
        }
        arguments
    }

    /// Renders it as one term, where a comma would not mean "and".
    fn as_one(&self) -> String {
        match &*self.nested_arguments() {
            [one] => one.clone(),
            several => format!("all_of({})", several.join(", ")),
        }
    }

    fn demands_a_login(&self) -> bool {
        self.max_age.is_some() || self.login != LoginAge::AnyTime
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(nested) => write!(f, "all_of({})", nested.nested_arguments().join(", ")),
            Self::Any(alternatives) if alternatives.is_empty() => f.write_str("any(<none>)"),
            Self::Any(alternatives) => {
                let ways: Vec<String> = alternatives.iter().map(Requirement::as_one).collect();
                write!(f, "any({})", ways.join(", "))
            }
            // On its own the attribute rejects it as a mistake.
            Self::Not(nested) if nested.demands_a_login() => {
                write!(f, "not(all_of({}))", nested.nested_arguments().join(", "))
            }
            Self::Not(nested) => write!(f, "not({})", nested.as_one()),
            Self::Claim(rule) => rule.fmt(f),
            Self::Credential(names) => {
                write!(f, "credential = {}", NameList { names, is_taken: is_kind })
            }
            Self::Policy(policy) => {
                let kind = if policy.is_authorizer { "authorizer" } else { "policy" };
                write!(f, "{kind} = {}", policy.name)
            }
        }
    }
}

impl fmt::Display for ClaimRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operator = match self.comparison {
            Comparison::Equals => "==",
            Comparison::Contains => "contains",
        };
        let claim = self.claim.as_str();
        let claim = Marked { text: &format_args!("{claim:?}"), is_taken: !claim.is_empty() };
        write!(f, "claim({claim} {operator} ")?;
        match &self.operand {
            Operand::Value(Value::String(text)) => write!(f, "{text:?}")?,
            Operand::Value(value) => {
                // Its digits alone exceed an `i64`.
                let is_whole = value.as_i64().is_some_and(|number| number != i64::MIN);
                let is_taken = value.is_boolean() || is_whole;
                write!(f, "{}", Marked { text: value, is_taken })?;
            }
            Operand::Segment(name) => {
                let is_taken = is_identifier(name);
                write!(f, "{}", Marked { text: &format_args!("path.{name}"), is_taken })?;
            }
        }
        f.write_char(')')
    }
}

/// Renders accepted values as they are, and others in angle brackets.
struct Marked<'a> {
    text: &'a dyn fmt::Display,
    is_taken: bool,
}

impl fmt::Display for Marked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_taken { self.text.fmt(f) } else { write!(f, "<{}>", self.text) }
    }
}

/// One name, or several in square brackets.
struct NameList<'a> {
    names: &'a [Cow<'static, str>],
    /// Returns `true` if the attribute accepts a name.
    is_taken: fn(&str) -> bool,
}

impl fmt::Display for NameList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |(place, name): (usize, &Cow<'static, str>)| {
            let is_first = self.names.iter().take(place).all(|known| known != name);
            let is_taken = is_first && (self.is_taken)(name);
            Marked { text: &format_args!("{name:?}"), is_taken }.to_string()
        };
        let shown: Vec<String> = self.names.iter().enumerate().map(shown).collect();
        match &*shown {
            [] => f.write_str("<none>"),
            [one] => f.write_str(one),
            several => write!(f, "[{}]", several.join(", ")),
        }
    }
}

/// Returns `true` for a name that the attribute accepts; spaces are allowed.
fn may_be_spaced(name: &str) -> bool {
    !name.is_empty() && name.trim() == name && (!name.contains(',') || name.contains('='))
}

/// Returns `true` for a name that the attribute accepts and that may not contain spaces.
fn may_be_plain(name: &str) -> bool {
    may_be_spaced(name) && !name.contains(' ')
}

/// Returns `true` for a kind of credential that the attribute accepts.
fn is_kind(name: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !name.is_empty() && name.bytes().all(is_part)
}

/// Returns `true` if a path parameter can be written behind `path.`.
fn is_identifier(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && characters.all(|character| character.is_ascii_alphanumeric() || character == '_')
        && name != "_"
        && !KEYWORDS.contains(&name)
}

/// Keywords, which cannot be names of fields (Rust Reference, "Keywords").
const KEYWORDS: [&str; 52] = [
    "Self", "abstract", "as", "async", "await", "become", "box", "break", "const", "continue",
    "crate", "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if",
    "impl", "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub",
    "ref", "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// An age in the largest unit that divides it; the attribute has no fractions of seconds and no
/// zero.
struct Age(Duration);

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        if self.0.subsec_nanos() > 0 || seconds == 0 {
            return write!(f, "<{}s>", self.0.as_secs_f64());
        }
        let units = [(24 * 3600, 'd'), (3600, 'h'), (60, 'm'), (1, 's')];
        let unit = units.into_iter().find(|(size, _)| seconds.is_multiple_of(*size));
        let (size, unit) = unit.unwrap_or((1, 's'));
        write!(f, "\"{}{unit}\"", seconds / size)
    }
}
