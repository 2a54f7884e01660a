//! Every rule about the arguments, with its message.

use proc_macro2::Span;
use quote::ToTokens as _;
use syn::{
    Error, Expr, ExprField, ExprLit, ExprPath, ExprUnary, Ident, Lit, LitStr, Member, Path, Result,
    Type, UnOp, spanned::Spanned,
};

use crate::{
    args::{Arg, Args, Comparison, Value},
    errors::Errors,
    vocabulary::unknown_argument,
};

/// The checked requirement. All of it has to be met. Default: an authenticated caller.
#[derive(Default)]
pub(crate) struct Requirement {
    pub(crate) roles: Vec<Name>,
    pub(crate) all_roles: bool,
    pub(crate) permissions: Vec<Name>,
    pub(crate) scopes: Vec<Name>,
    pub(crate) all: bool,
    pub(crate) acr: Vec<Name>,
    pub(crate) max_age: Option<u64>,
    pub(crate) fresh: Option<Fresh>,
    pub(crate) refresh: bool,
    pub(crate) terms: Vec<Term>,
}

/// A requirement other than a list of names.
pub(crate) enum Term {
    Any(Vec<Requirement>),
    All(Requirement),
    Not(Requirement),
    Claim(Claim),
    /// `credential = …`
    Credential(Vec<Name>),
    Policy(Path),
    Authorizer(Type),
}

/// The name of a role, permission or scope.
pub(crate) enum Name {
    Text(LitStr),
    /// A constant, or a variant of an enum of the application.
    Path(ExprPath),
}

pub(crate) struct Claim {
    pub(crate) name: LitStr,
    pub(crate) is_contains: bool,
    pub(crate) operand: Operand,
}

pub(crate) enum Operand {
    /// A string, number or boolean.
    Value(Expr),
    /// A segment of the path.
    Segment(Ident),
}

/// Required age of the login.
#[derive(Clone, Copy)]
pub(crate) enum Fresh {
    Login,
    Seconds(u64),
}

/// Arguments that a requirement can have more than once.
const REPEATABLE: [&str; 6] = ["any", "all_of", "not", "claim", "policy", "authorizer"];

pub(crate) fn requirement(args: &Args) -> Result<Requirement> {
    let requirement = group(args)?;
    if let Some(refresh) = args.0.iter().find(|arg| arg.name == "refresh")
        && args.0.len() > 1
    {
        return Err(Error::new(refresh.name.span(), REFRESH_ALONE));
    }
    Ok(requirement)
}

/// Refuses relative paths in the requirement of a module: they would be resolved at each handler,
/// where the same words can mean something else.
pub(crate) fn paths_are_absolute(requirement: &Requirement) -> Result<()> {
    let lists =
        [&requirement.roles, &requirement.permissions, &requirement.scopes, &requirement.acr];
    let mut errors = Errors::default();
    let mut check = |path: &Path| {
        let is_absolute = path.leading_colon.is_some()
            || path.segments.first().is_some_and(|first| first.ident == "crate");
        if !is_absolute {
            errors.add(
                path.span(),
                "on a module a path is looked up inside of it; write it from `crate::` on",
            );
        }
    };
    for name in lists.into_iter().flatten() {
        if let Name::Path(path) = name {
            check(&path.path);
        }
    }
    for term in &requirement.terms {
        match term {
            Term::Policy(path) => check(path),
            Term::Credential(kinds) => {
                for kind in kinds {
                    if let Name::Path(path) = kind {
                        check(&path.path);
                    }
                }
            }
            Term::Authorizer(Type::Path(ty)) => check(&ty.path),
            _ => {}
        }
    }
    for term in &requirement.terms {
        let nested: &[Requirement] = match term {
            Term::Any(alternatives) => alternatives,
            Term::All(nested) | Term::Not(nested) => std::slice::from_ref(nested),
            Term::Claim(_) | Term::Credential(_) | Term::Policy(_) | Term::Authorizer(_) => &[],
        };
        for nested in nested {
            errors.collect(paths_are_absolute(nested));
        }
    }
    errors.into_result()
}

const REFRESH_ALONE: &str =
    "`refresh` stands alone: a refresh token grants nothing but the next pair of tokens";

/// Terms that all have to be met.
fn group(args: &Args) -> Result<Requirement> {
    let mut requirement = Requirement::default();
    let mut seen: Vec<String> = Vec::new();
    let mut errors = Errors::default();
    for arg in &args.0 {
        let name = arg.name.to_string();
        if seen.contains(&name) && !REPEATABLE.contains(&name.as_str()) {
            errors.add(arg.name.span(), format!("`{name}` is given twice"));
            continue;
        }
        errors.collect(add(&mut requirement, arg));
        seen.push(name);
    }
    let names = |name: &str| seen.iter().any(|seen| seen == name);
    let flag = |name: &str| args.0.iter().find(|arg| arg.name == name).map(|arg| arg.name.span());
    if let Some(span) = flag("all")
        && !names("permissions")
        && !names("scopes")
    {
        errors.add(
            span,
            "`all` demands every permission and scope, so it needs `permissions` or `scopes`; for \
             roles there is `all_roles`",
        );
    }
    if let Some(span) = flag("all_roles")
        && !names("roles")
    {
        errors.add(span, "`all_roles` demands every role, so it needs `roles`");
    }
    errors.into_result()?;
    Ok(requirement)
}

/// Adds the requirement of one argument.
fn add(requirement: &mut Requirement, arg: &Arg) -> Result<()> {
    match arg.name.to_string().as_str() {
        "roles" => requirement.roles = names(arg)?,
        "permissions" => requirement.permissions = names(arg)?,
        "scopes" => requirement.scopes = names(arg)?,
        "acr" => requirement.acr = names(arg)?,
        "all" => requirement.all = flag(arg)?,
        "all_roles" => requirement.all_roles = flag(arg)?,
        "refresh" => requirement.refresh = flag(arg)?,
        "fresh" => requirement.fresh = Some(fresh(arg)?),
        "max_age" => requirement.max_age = Some(age(arg)?),
        "any" | "all_of" | "not" => requirement.terms.push(nested(arg)?),
        "claim" => requirement.terms.push(Term::Claim(claim(arg)?)),
        "credential" => requirement.terms.push(Term::Credential(names(arg)?)),
        "policy" => match &arg.value {
            Value::Path(path) => {
                refuse_self(path)?;
                requirement.terms.push(Term::Policy(path.clone()));
            }
            _ => return Err(Error::new(arg.name.span(), "write `policy = path::to::function`")),
        },
        "authorizer" => match &arg.value {
            Value::Type(ty) => requirement.terms.push(Term::Authorizer(ty.clone())),
            _ => return Err(Error::new(arg.name.span(), "write `authorizer = path::to::Type`")),
        },
        unknown => return Err(Error::new(arg.name.span(), unknown_argument(unknown))),
    }
    Ok(())
}

/// Refuses `Self`: the generated code is beside the handler's block, where `Self` is another type.
fn refuse_self(path: &Path) -> Result<()> {
    match path.segments.first() {
        Some(first) if first.ident == "Self" => {
            Err(Error::new(first.ident.span(), "write the name of the type instead of `Self`"))
        }
        _ => Ok(()),
    }
}

/// `any(…)`, `all_of(…)`, `not(…)`
fn nested(arg: &Arg) -> Result<Term> {
    let name = &arg.name;
    let Value::Group(span, args) = &arg.value else {
        return Err(Error::new(name.span(), format!("write `{name}(…)`")));
    };
    let mut errors = Errors::default();
    for refresh in args.0.iter().filter(|inner| inner.name == "refresh") {
        errors.add(refresh.name.span(), REFRESH_ALONE);
    }
    if args.0.is_empty() {
        errors.add(*span, format!("`{name}()` is empty; put terms into it or leave it out"));
    }
    if name == "all_of" {
        errors.into_result()?;
        return group(args).map(Term::All);
    }
    for inner in args.0.iter().filter(|inner| inner.name == "all" || inner.name == "all_roles") {
        errors.add(
            inner.name.span(),
            format!(
                "in `{name}(…)` a comma does not mean \"and\"; write `{name}(all_of(…, {}))`",
                inner.name
            ),
        );
    }
    if name == "not"
        && let Some(second) = args.0.get(1)
    {
        errors.add(
            second.name.span(),
            "`not(…)` takes one term; write `not(any(…))` if none may be met, or `not(all_of(…))`",
        );
    }
    if name == "not"
        && let Some(login) = args.0.iter().find(|one| one.name == "fresh" || one.name == "max_age")
    {
        errors.add(login.name.span(), format!("`not({})` would demand an old login", login.name));
    }
    errors.into_result()?;
    let mut errors = Errors::default();
    let mut alternatives = Vec::new();
    for inner in &args.0 {
        let mut alternative = Requirement::default();
        if errors.collect(add(&mut alternative, inner)).is_some() {
            alternatives.push(alternative);
        }
    }
    errors.into_result()?;
    if name == "not"
        && let Some(only) = alternatives.pop()
    {
        return Ok(Term::Not(only));
    }
    Ok(Term::Any(alternatives))
}

/// `claim("name" == …)`
fn claim(arg: &Arg) -> Result<Claim> {
    let Value::Comparison(Comparison { claim, is_contains, operand }) = &arg.value else {
        return Err(Error::new(
            arg.name.span(),
            "write `claim(\"name\" == \"value\")` or `claim(\"name\" == path.segment)`",
        ));
    };
    if claim.value().is_empty() {
        return Err(Error::new(claim.span(), "a claim has a name"));
    }
    let operand = ungrouped(operand);
    let operand = match operand {
        Expr::Lit(ExprLit { lit: Lit::Str(_) | Lit::Bool(_), .. }) => {
            Operand::Value(operand.clone())
        }
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => {
            whole_number(number, number.span())?;
            Operand::Value(operand.clone())
        }
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => match &**expr {
            Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => {
                whole_number(number, operand.span())?;
                Operand::Value(operand.clone())
            }
            _ => return Err(Error::new(operand.span(), OPERANDS)),
        },
        Expr::Field(ExprField { base, member: Member::Named(segment), .. }) if is_path(base) => {
            Operand::Segment(segment.clone())
        }
        _ => return Err(Error::new(operand.span(), OPERANDS)),
    };
    Ok(Claim { name: claim.clone(), is_contains: *is_contains, operand })
}

const OPERANDS: &str = "expected a string, a whole number, `true`, `false`, or a segment of the \
                        path as in `path.user_id`";

fn whole_number(number: &syn::LitInt, span: Span) -> Result<()> {
    let fits = number.suffix().is_empty() && number.base10_parse::<i64>().is_ok();
    if fits { Ok(()) } else { Err(Error::new(span, "expected a whole number that fits `i64`")) }
}

fn is_path(base: &Expr) -> bool {
    matches!(base, Expr::Path(path) if path.path.is_ident("path"))
}

fn flag(arg: &Arg) -> Result<bool> {
    let name = &arg.name;
    match &arg.value {
        Value::None => Ok(true),
        Value::Expr(value) => {
            Err(Error::new(value.span(), format!("`{name}` takes no value; write `{name}`")))
        }
        _ => Err(Error::new(name.span(), format!("`{name}` takes no value; write `{name}`"))),
    }
}

/// `fresh`, or `fresh = "10m"`.
fn fresh(arg: &Arg) -> Result<Fresh> {
    if matches!(arg.value, Value::None) { Ok(Fresh::Login) } else { age(arg).map(Fresh::Seconds) }
}

/// `max_age = "5m"`
fn age(arg: &Arg) -> Result<u64> {
    let name = &arg.name;
    let Value::Expr(value) = &arg.value else {
        return Err(Error::new(name.span(), format!("write `{name} = \"10m\"`")));
    };
    let seconds = match ungrouped(value) {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => seconds(&text.value()),
        _ => None,
    };
    seconds.ok_or_else(|| {
        Error::new(
            value.span(),
            format!(
                "expected how long ago the login may be: a whole number and `s`, `m`, `h` or `d`, \
                 as in `{name} = \"10m\"`"
            ),
        )
    })
}

/// Parses a whole number and a unit.
fn seconds(text: &str) -> Option<u64> {
    let unit = match text.as_bytes().last()? {
        b's' => 1,
        b'm' => 60,
        b'h' => 3600,
        b'd' => 24 * 3600,
        _ => return None,
    };
    let number = text.get(..text.len() - 1)?;
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    number.parse::<u64>().ok()?.checked_mul(unit).filter(|seconds| *seconds > 0)
}

/// Parses one name or an array of names, none of them empty or repeated.
fn names(arg: &Arg) -> Result<Vec<Name>> {
    let name = &arg.name;
    let Value::Expr(value) = &arg.value else {
        return Err(Error::new(
            name.span(),
            format!("`{name}` needs a value; write `{name} = \"…\"` or `{name} = [\"…\", \"…\"]`"),
        ));
    };
    let listed: Vec<&Expr> = match ungrouped(value) {
        Expr::Array(array) => array.elems.iter().map(ungrouped).collect(),
        single => vec![single],
    };
    if listed.is_empty() {
        return Err(Error::new(
            value.span(),
            format!("`{name}` is empty; leave it out to demand only authentication"),
        ));
    }
    let mut names: Vec<Name> = Vec::new();
    for one in listed {
        match one {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => {
                if let Some(problem) = problem(&text.value(), &names) {
                    return Err(Error::new(text.span(), problem));
                }
                if (name == "scopes" || name == "acr") && text.value().contains(' ') {
                    return Err(Error::new(
                        text.span(),
                        "no such name has a space in it; write several as `[\"…\", \"…\"]`",
                    ));
                }
                if name == "credential" && !is_kind(&text.value()) {
                    return Err(Error::new(
                        text.span(),
                        "a kind of credential is lower-case letters, digits and hyphens, such as \
                         `\"api-key\"`, `\"jwt\"` or `\"opaque-token\"`",
                    ));
                }
                names.push(Name::Text(text.clone()));
            }
            Expr::Path(path) if path.path.get_ident().is_none_or(is_constant) => {
                refuse_self(&path.path)?;
                let is_same = |known: &Name| match known {
                    Name::Path(known) => {
                        known.to_token_stream().to_string() == path.to_token_stream().to_string()
                    }
                    Name::Text(_) => false,
                };
                if names.iter().any(is_same) {
                    return Err(Error::new(path.span(), "this name is given twice"));
                }
                names.push(Name::Path(path.clone()));
            }
            Expr::Path(path) => {
                return Err(Error::new(
                    path.span(),
                    format!(
                        "expected a string or a constant; write `{name} = \"…\"`, or a path such as \
                         `Role::Admin`"
                    ),
                ));
            }
            _ => {
                return Err(Error::new(
                    one.span(),
                    format!(
                        "expected a string; write `{name} = \"…\"` or `{name} = [\"…\", \"…\"]`"
                    ),
                ));
            }
        }
    }
    Ok(names)
}

fn is_kind(name: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    name.bytes().all(is_part)
}

/// Removes the group around an expression that a macro of the application has inserted.
fn ungrouped(expr: &Expr) -> &Expr {
    match expr {
        Expr::Group(group) => ungrouped(&group.expr),
        other => other,
    }
}

/// Returns `true` for a constant. A single word in lower case is a string whose quotes were
/// forgotten.
fn is_constant(ident: &Ident) -> bool {
    ident.to_string().chars().next().is_some_and(char::is_uppercase)
}

fn problem(name: &str, known: &[Name]) -> Option<&'static str> {
    let is_twice =
        known.iter().any(|known| matches!(known, Name::Text(known) if known.value() == name));
    if name.is_empty() {
        Some("an empty name is held by nobody")
    } else if name.trim() != name {
        Some("names compare exactly; remove the white space around this one")
    } else if name.contains(',') && !name.contains('=') {
        // Groups of a directory are named `cn=admins,dc=example`.
        Some("this is one name; write several as `[\"…\", \"…\"]`")
    } else if is_twice {
        Some("this name is given twice")
    } else {
        None
    }
}
