//! What stands in the parentheses, with its spans. Nothing is judged here but syntax.

use syn::{
    Expr, Ident, Token,
    parse::{Parse, ParseStream},
    punctuated::Punctuated,
};

/// `roles = …, permissions = …, all`
pub(crate) struct Args(pub(crate) Vec<Arg>);

pub(crate) struct Arg {
    pub(crate) name: Ident,
    pub(crate) value: Option<Expr>,
}

impl Parse for Args {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let args = Punctuated::<Arg, Token![,]>::parse_terminated(input)?;
        Ok(Self(args.into_iter().collect()))
    }
}

impl Parse for Arg {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let name: Ident = input.parse().map_err(|error| {
            syn::Error::new(
                error.span(),
                "expected `roles = …`, `permissions = …`, `all`, `fresh` or `refresh`, separated by \
                 commas",
            )
        })?;
        if input.peek(syn::token::Paren) {
            return Err(input.error(format!("write `{name} = \"…\"` or `{name} = [\"…\", \"…\"]`")));
        }
        let value = if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
            Some(input.parse()?)
        } else {
            None
        };
        Ok(Self { name, value })
    }
}
