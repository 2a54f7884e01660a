//! Every rule about the attribute and what it stands on, with its message.

use proc_macro2::{Span, TokenStream};
use syn::{
    Attribute, Error, Expr, ExprLit, FnArg, Item, ItemFn, Lit, LitStr, Result, Type, TypePath,
    spanned::Spanned,
};

use crate::args::{Arg, Args};

/// What is demanded, checked.
#[derive(Default)]
pub(crate) struct Requirement {
    pub(crate) roles: Vec<LitStr>,
    pub(crate) permissions: Vec<LitStr>,
    pub(crate) all: bool,
    pub(crate) fresh: Option<Fresh>,
    pub(crate) refresh: bool,
}

/// How recent the login has to be.
#[derive(Clone, Copy)]
pub(crate) enum Fresh {
    Login,
    Seconds(u64),
}

const KNOWN: [&str; 5] = ["roles", "permissions", "all", "fresh", "refresh"];

/// Actix handlers take at most 16 arguments, and one is ours.
const MOST_ARGUMENTS: usize = 15;

pub(crate) fn requirement(args: &Args) -> Result<Requirement> {
    let mut requirement = Requirement::default();
    let mut seen: Vec<String> = Vec::new();
    let mut errors = Errors::default();
    let (mut all_span, mut refresh_span) = (None, None);
    for arg in &args.0 {
        let name = arg.name.to_string();
        if seen.contains(&name) {
            errors.add(arg.name.span(), format!("`{name}` is given twice"));
            continue;
        }
        match name.as_str() {
            "roles" => errors.collect(names(arg)).into_iter().for_each(|n| requirement.roles = n),
            "permissions" => {
                errors.collect(names(arg)).into_iter().for_each(|n| requirement.permissions = n);
            }
            "all" => {
                if let Some(value) = &arg.value {
                    errors.add(value.span(), "`all` takes no value; write `all`");
                }
                requirement.all = true;
                all_span = Some(arg.name.span());
            }
            "fresh" => {
                errors.collect(fresh(arg)).into_iter().for_each(|f| requirement.fresh = Some(f));
            }
            "refresh" => {
                if let Some(value) = &arg.value {
                    errors.add(value.span(), "`refresh` takes no value; write `refresh`");
                }
                requirement.refresh = true;
                refresh_span = Some(arg.name.span());
            }
            unknown => errors.add(arg.name.span(), unknown_argument(unknown)),
        }
        seen.push(name);
    }
    if let Some(span) = all_span
        && !seen.iter().any(|name| name == "permissions")
    {
        errors.add(
            span,
            "`all` demands every permission, so it needs `permissions`; roles are always \
             alternatives",
        );
    }
    if let Some(span) = refresh_span
        && seen.len() > 1
    {
        errors.add(
            span,
            "`refresh` stands alone: a refresh token grants nothing but the next pair of tokens",
        );
    }
    errors.into_result()?;
    Ok(requirement)
}

/// `fresh`, or `fresh = "10m"`.
fn fresh(arg: &Arg) -> Result<Fresh> {
    let Some(value) = &arg.value else { return Ok(Fresh::Login) };
    let seconds = match value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => seconds(&text.value()),
        _ => None,
    };
    seconds.map(Fresh::Seconds).ok_or_else(|| {
        Error::new(
            value.span(),
            "expected how long ago the login may be: a whole number and `s`, `m`, `h` or `d`, as in \
             `fresh = \"10m\"`",
        )
    })
}

/// A whole number and a unit.
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

fn unknown_argument(name: &str) -> String {
    let meant = KNOWN.into_iter().find(|known| {
        known.eq_ignore_ascii_case(name)
            || known.strip_suffix('s').is_some_and(|singular| singular == name)
            || distance(known, name) <= 2
    });
    match meant {
        Some(known) => format!("unknown argument `{name}`; did you mean `{known}`?"),
        None => format!(
            "unknown argument `{name}`; known are `roles`, `permissions`, `all`, `fresh` and \
             `refresh`"
        ),
    }
}

/// How many letters have to be put in, taken out or changed.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, letter) in one.chars().enumerate() {
        let mut next = vec![index + 1];
        for (column, candidate) in other.iter().enumerate() {
            let cell = |row: &[usize], at: usize| row.get(at).copied().unwrap_or(usize::MAX);
            let changed = cell(&row, column) + usize::from(letter != *candidate);
            let shorter = cell(&row, column + 1).min(cell(&next, column)) + 1;
            next.push(changed.min(shorter));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

/// One string or an array of strings, none of them empty or doubled.
fn names(arg: &Arg) -> Result<Vec<LitStr>> {
    let name = &arg.name;
    let Some(value) = &arg.value else {
        return Err(Error::new(
            name.span(),
            format!("`{name}` needs a value; write `{name} = \"…\"` or `{name} = [\"…\", \"…\"]`"),
        ));
    };
    let literals: Vec<&Expr> = match value {
        Expr::Array(array) => array.elems.iter().collect(),
        single => vec![single],
    };
    if literals.is_empty() {
        return Err(Error::new(
            value.span(),
            format!("`{name}` is empty; leave it out to demand only authentication"),
        ));
    }
    let mut names: Vec<LitStr> = Vec::new();
    for literal in literals {
        let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = literal else {
            return Err(Error::new(
                literal.span(),
                format!("expected a string; write `{name} = \"…\"` or `{name} = [\"…\", \"…\"]`"),
            ));
        };
        let problem = match text.value() {
            empty if empty.is_empty() => Some("an empty name is held by nobody"),
            padded if padded.trim() != padded => {
                Some("names compare exactly; remove the white space around this one")
            }
            list if list.contains(',') => {
                Some("this is one name; write several as `[\"…\", \"…\"]`")
            }
            value if names.iter().any(|known| known.value() == value) => {
                Some("this name is given twice")
            }
            _ => None,
        };
        match problem {
            Some(problem) => return Err(Error::new(text.span(), problem)),
            None => names.push(text.clone()),
        }
    }
    Ok(names)
}

/// A function that can be an Actix handler and has no requirement yet.
pub(crate) fn handler(item: TokenStream) -> Result<ItemFn> {
    let span = item.clone().into_iter().next().map_or_else(Span::call_site, |token| token.span());
    let function = match syn::parse2::<Item>(item) {
        Ok(Item::Fn(function)) => function,
        Ok(_) => {
            return Err(Error::new(span, "`#[require]` goes on a handler, which is a function"));
        }
        Err(error) => return Err(error),
    };
    if let Some(other) = function.attrs.iter().find(|attribute| is_require(attribute)) {
        return Err(Error::new(
            other.span(),
            "a handler has one `#[require]`; put everything into one: `#[require(roles = …, \
             permissions = …)]`",
        ));
    }
    for argument in &function.sig.inputs {
        match argument {
            FnArg::Receiver(receiver) => {
                return Err(Error::new(
                    receiver.span(),
                    "a handler has no `self`; take what it needs as `web::Data<_>`",
                ));
            }
            FnArg::Typed(typed) if is_authorized(&typed.ty) => {
                return Err(Error::new(
                    typed.ty.span(),
                    "`#[require]` adds this argument by itself; remove it",
                ));
            }
            FnArg::Typed(_) => {}
        }
    }
    if let Some(extra) = function.sig.inputs.iter().nth(MOST_ARGUMENTS) {
        return Err(Error::new(
            extra.span(),
            "with `#[require]` a handler takes at most 15 arguments; join some in a tuple",
        ));
    }
    Ok(function)
}

fn is_require(attribute: &Attribute) -> bool {
    let path = attribute.path();
    path.segments.last().is_some_and(|last| last.ident == "require")
        && path.segments.len() <= 2
        && path
            .segments
            .first()
            .is_some_and(|first| first.ident == "require" || first.ident == "jwt_verify")
}

fn is_authorized(ty: &Type) -> bool {
    matches!(ty, Type::Path(TypePath { path, .. })
        if path.segments.last().is_some_and(|last| last.ident == "Authorized"))
}

/// Collects errors, so that all mistakes are shown at once.
#[derive(Default)]
struct Errors(Option<Error>);

impl Errors {
    fn add(&mut self, span: Span, message: impl std::fmt::Display) {
        self.combine(Error::new(span, message));
    }

    fn collect<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.combine(error)).ok()
    }

    fn combine(&mut self, error: Error) {
        match &mut self.0 {
            Some(first) => first.combine(error),
            None => self.0 = Some(error),
        }
    }

    fn into_result(self) -> Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}
