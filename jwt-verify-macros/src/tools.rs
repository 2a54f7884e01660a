//! `tools! { "search" => require(scopes = "read"), … }`

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{
    Error, Ident, LitStr, Result, Token, parenthesized,
    parse::{Parse, ParseStream},
    punctuated::Punctuated,
    token::Paren,
};

use crate::{
    args::Args,
    errors::Errors,
    expand::plain_requirement,
    validate::{self, Operand, Requirement, Term},
};

/// Rules of tools, separated by commas.
pub(crate) struct Tools(Vec<Tool>);

struct Tool {
    name: LitStr,
    require: Span,
    requirement: Requirement,
}

const SYNTAX: &str = "write `\"tool\" => require(scopes = \"…\")`, or `\"tool\" => require` for every \
                      authenticated caller";

impl Parse for Tools {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let tools = Punctuated::<Tool, Token![,]>::parse_terminated(input)?;
        Ok(Self(tools.into_iter().collect()))
    }
}

impl Parse for Tool {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let of_syntax = |error: Error| Error::new(error.span(), SYNTAX);
        let name: LitStr = input.parse().map_err(of_syntax)?;
        input.parse::<Token![=>]>().map_err(of_syntax)?;
        let require: Ident = input.parse().map_err(of_syntax)?;
        if require != "require" {
            return Err(Error::new(require.span(), SYNTAX));
        }
        let args = if input.peek(Paren) {
            let content;
            parenthesized!(content in input);
            content.parse()?
        } else {
            Args::default()
        };
        let requirement = validate::requirement(&args)?;
        Ok(Self { name, require: require.span(), requirement })
    }
}

impl Tools {
    /// Refuses what cannot be decided for a call of a tool.
    pub(crate) fn check(&self) -> Result<()> {
        let mut errors = Errors::default();
        for (index, tool) in self.0.iter().enumerate() {
            if tool.name.value().is_empty() {
                errors.add(tool.name.span(), "a tool has a name");
            }
            let is_same = |other: &Tool| other.name.value() == tool.name.value();
            if self.0.iter().take(index).any(is_same) {
                errors.add(tool.name.span(), "this tool has a rule already");
            }
            if tool.requirement.refresh {
                errors
                    .add(tool.require, "a tool is called with an access token, not to refresh one");
            }
            check_terms(&tool.requirement, tool.require, &mut errors);
        }
        errors.into_result()
    }

    pub(crate) fn expand(&self) -> TokenStream {
        let rules = self.0.iter().map(|Tool { name, requirement, .. }| {
            let requirement = plain_requirement(requirement);
            quote! { .tool(#name, #requirement) }
        });
        quote! { ::jwt_verify::mcp::Rules::new() #(#rules)* }
    }
}

fn check_terms(requirement: &Requirement, require: Span, errors: &mut Errors) {
    for term in &requirement.terms {
        match term {
            Term::Policy(_) | Term::Authorizer(_) => errors.add(
                require,
                "`policy` and `authorizer` belong to a handler; for tools set an `Authorizer` of the \
                 `JwtAuth`",
            ),
            Term::Claim(claim) if matches!(claim.operand, Operand::Segment(_)) => errors.add(
                require,
                "a tool has no path; `path.…` is for resources, with `Rules::resource`",
            ),
            Term::Any(ways) => ways.iter().for_each(|way| check_terms(way, require, errors)),
            Term::All(nested) | Term::Not(nested) => check_terms(nested, require, errors),
            Term::Claim(_) | Term::Credential(_) => {}
        }
    }
}
