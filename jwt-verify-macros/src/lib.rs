//! The macros of `actix-jwt-verify`. Use them through that crate, as `jwt_verify::require`,
//! `jwt_verify::public` and `jwt_verify::mcp::tools`; their documentation is there too.

mod args;
mod attributes;
mod block;
mod candidate;
mod errors;
mod expand;
mod handler;
mod hidden;
mod module;
mod routing;
mod segments;
mod tools;
mod validate;
mod vocabulary;

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};
use syn::{
    Attribute, Error, Result, Token, Visibility,
    parse::{ParseStream, Parser as _},
};

use crate::{args::Args, handler::Handler};

/// Protects a handler with roles, permissions and other requirements.
#[proc_macro_attribute]
pub fn require(
    args: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    or_untouched(item, |item| protect(&args.into(), item))
}

/// Marks a handler as public on purpose.
#[proc_macro_attribute]
pub fn public(
    args: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    or_untouched(item, |item| open(&args.into(), item))
}

/// Writes the rules of an MCP server's tools.
#[proc_macro]
pub fn tools(rules: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let rules = rules_of_tools(rules.into()).unwrap_or_else(|errors| {
        let errors = errors.into_compile_error();
        // A value of its type, so that no other message follows.
        quote! {{ #errors ::jwt_verify::mcp::Rules::new() }}
    });
    rules.into()
}

fn rules_of_tools(rules: TokenStream) -> Result<TokenStream> {
    let tools = syn::parse2::<tools::Tools>(rules)?;
    tools.check()?;
    Ok(tools.expand())
}

/// Returns the unchanged item beside the error, so that one mistake causes one message.
fn or_untouched(
    item: proc_macro::TokenStream,
    expand: impl FnOnce(TokenStream) -> Result<TokenStream>,
) -> proc_macro::TokenStream {
    let item = TokenStream::from(item);
    match expand(item.clone()) {
        Ok(expansion) => expansion,
        Err(error) => {
            let error = error.into_compile_error();
            let item = match kind(&item) {
                Kind::Block => block::unmarked_block(item),
                Kind::Function | Kind::Module | Kind::Other => item,
            };
            quote! { #error #item }
        }
    }
    .into()
}

fn protect(args: &TokenStream, item: TokenStream) -> Result<TokenStream> {
    match kind(&item) {
        Kind::Function => {
            let mut handler = syn::parse2::<Handler>(item)?.checked("require")?;
            // They come first, so that they see the original handler.
            let readers = handler.take_readers();
            if !readers.is_empty() {
                return Ok(quote! { #(#readers)* #[::jwt_verify::require(#args)] #handler });
            }
            let requirement = syn::parse2::<Args>(args.clone()).and_then(|args| {
                let requirement = validate::requirement(&args)?;
                segments::are_on_the_routes(&requirement, &routing::routes(&handler.attrs))?;
                Ok(requirement)
            });
            // A handler with wrong arguments is still a handler, so that no other check fails.
            let (requirement, error) = match requirement {
                Ok(requirement) => (requirement, None),
                Err(error) => (validate::Requirement::default(), Some(error.into_compile_error())),
            };
            let expansion = expand::required(&requirement, handler, "");
            Ok(quote! { #error #expansion })
        }
        Kind::Module => module::module(args, syn::parse2(item)?),
        Kind::Block => block::block(args, syn::parse2(item)?),
        Kind::Other if is_used_mark(args) => Ok(TokenStream::new()),
        Kind::Other => Err(Error::new(
            handler::first_span(&item),
            "`#[require]` goes on a handler, which is a function, or on a module or `impl` block of \
             handlers",
        )),
    }
}

fn open(args: &TokenStream, item: TokenStream) -> Result<TokenStream> {
    match kind(&item) {
        Kind::Other if is_used_mark(args) => Ok(TokenStream::new()),
        _ if !args.is_empty() => {
            Err(Error::new(handler::first_span(args), "`#[public]` takes no arguments"))
        }
        Kind::Function => {
            let handler = syn::parse2::<Handler>(item)?.checked("public")?;
            Ok(expand::public(handler, "").into_token_stream())
        }
        Kind::Module | Kind::Block | Kind::Other => Err(Error::new(
            handler::first_span(&item),
            "`#[public]` goes on a handler, which is a function; each exception is named by itself",
        )),
    }
}

/// Returns `true` for the mark that a block leaves for an attribute that it has removed, so that
/// its import is used.
fn is_used_mark(args: &TokenStream) -> bool {
    syn::parse2::<syn::Ident>(args.clone()).is_ok_and(|word| word == "__used")
}

/// The annotated item.
enum Kind {
    Function,
    Module,
    Block,
    Other,
}

fn kind(item: &TokenStream) -> Kind {
    let parser = |input: ParseStream<'_>| {
        input.call(Attribute::parse_outer)?;
        input.parse::<Visibility>()?;
        let kind = if input.peek(Token![mod]) {
            Kind::Module
        } else if input.peek(Token![impl])
            || input.peek(Token![unsafe]) && input.peek2(Token![impl])
        {
            Kind::Block
        } else if input.peek(Token![fn])
            || input.peek(Token![async])
            || input.peek(Token![unsafe])
            || input.peek(Token![extern])
            || input.peek(Token![const]) && (input.peek2(Token![fn]) || input.peek2(Token![async]))
        {
            Kind::Function
        } else {
            Kind::Other
        };
        input.parse::<TokenStream>()?;
        Ok(kind)
    };
    parser.parse2(item.clone()).unwrap_or(Kind::Other)
}

#[cfg(test)]
mod tests;
