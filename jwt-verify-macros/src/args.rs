//! Arguments in the parentheses, with their spans. Only the syntax is checked here.

use proc_macro2::Span;
use syn::{
    Error, Expr, Ident, LitStr, Path, Result, Token, Type, parenthesized,
    parse::{Parse, ParseStream},
    punctuated::Punctuated,
    token::Paren,
};

use crate::vocabulary::{KNOWN, unknown_argument};

/// `roles = …, permissions = …, all, any(…)`
#[derive(Default)]
pub(crate) struct Args(pub(crate) Vec<Arg>);

pub(crate) struct Arg {
    pub(crate) name: Ident,
    pub(crate) value: Value,
}

pub(crate) enum Value {
    /// `all`
    None,
    /// `roles = "admin"`
    Expr(Expr),
    /// `policy = path::to::function`
    Path(Path),
    /// `authorizer = Type`
    Type(Type),
    /// `any(…)`
    Group(Span, Args),
    /// `claim("name" == …)`
    Comparison(Comparison),
}

pub(crate) struct Comparison {
    pub(crate) claim: LitStr,
    pub(crate) is_contains: bool,
    pub(crate) operand: Expr,
}

const CLAIM_SYNTAX: &str = "write `claim(\"name\" == \"value\")`, `claim(\"name\" == path.segment)` \
                            or `claim(\"name\" contains …)`";

impl Parse for Args {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let args = Punctuated::<Arg, Token![,]>::parse_terminated(input)?;
        Ok(Self(args.into_iter().collect()))
    }
}

impl Parse for Arg {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let name: Ident = input.parse().map_err(|error| {
            Error::new(
                error.span(),
                "expected arguments such as `roles = …`, `permissions = …`, `scopes = …` or \
                 `any(…)`, separated by commas",
            )
        })?;
        let value = if input.peek(Paren) {
            match name.to_string().as_str() {
                "any" | "all_of" | "not" => {
                    let content;
                    let parentheses = parenthesized!(content in input);
                    Value::Group(parentheses.span.join(), content.parse()?)
                }
                "claim" => {
                    let content;
                    parenthesized!(content in input);
                    Value::Comparison(content.parse()?)
                }
                "policy" | "authorizer" => {
                    return Err(input.error(format!("write `{name} = …`")));
                }
                "all" => {
                    return Err(input.error(
                        "`all` is a flag; write `permissions = […], all`, or `all_of(…)` for a group",
                    ));
                }
                known @ ("fresh" | "max_age") => {
                    return Err(input.error(format!("write `{known} = \"10m\"`")));
                }
                known @ ("all_roles" | "refresh") => {
                    return Err(input.error(format!("`{known}` is a flag; write `{known}`")));
                }
                known if KNOWN.contains(&known) => {
                    return Err(
                        input.error(format!("write `{name} = \"…\"` or `{name} = [\"…\", \"…\"]`"))
                    );
                }
                unknown => return Err(Error::new(name.span(), unknown_argument(unknown))),
            }
        } else if input.peek(Token![=]) && !input.peek(Token![==]) {
            input.parse::<Token![=]>()?;
            match name.to_string().as_str() {
                "policy" => Value::Path(path(input)?),
                "authorizer" => Value::Type(input.parse().map_err(|error| {
                    Error::new(error.span(), "expected a type; write `authorizer = path::to::Type`")
                })?),
                _ => Value::Expr(input.parse()?),
            }
        } else {
            Value::None
        };
        Ok(Self { name, value })
    }
}

fn path(input: ParseStream<'_>) -> Result<Path> {
    let what = "expected a function; write `policy = path::to::function`";
    let path: Path = input.parse().map_err(|error| Error::new(error.span(), what))?;
    if input.peek(Paren) {
        return Err(input.error(
            "a policy is named, not called; its arguments are extractors, which it is given",
        ));
    }
    Ok(path)
}

impl Parse for Comparison {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let claim: LitStr =
            input.parse().map_err(|error| Error::new(error.span(), CLAIM_SYNTAX))?;
        let is_contains = if input.peek(Token![==]) {
            input.parse::<Token![==]>()?;
            false
        } else if input.peek(Token![!=]) {
            return Err(input.error(
                "write `not(claim(… == …))`, which also lets pass who does not have the claim",
            ));
        } else {
            let word: Option<Ident> = input.parse().ok();
            match word {
                Some(word) if word == "contains" => true,
                Some(word) => return Err(Error::new(word.span(), CLAIM_SYNTAX)),
                None if input.is_empty() => return Err(Error::new(claim.span(), CLAIM_SYNTAX)),
                None => return Err(input.error(CLAIM_SYNTAX)),
            }
        };
        if input.is_empty() {
            return Err(Error::new(claim.span(), CLAIM_SYNTAX));
        }
        let operand = input.parse().map_err(|error| Error::new(error.span(), CLAIM_SYNTAX))?;
        if !input.is_empty() {
            return Err(input.error("`claim(…)` compares one claim; write several side by side"));
        }
        Ok(Self { claim, is_contains, operand })
    }
}
