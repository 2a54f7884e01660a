//! The annotated function.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{
    Attribute, Error, FnArg, Ident, Result, Signature, Type, TypePath, Visibility,
    parse::{Parse, ParseStream},
    spanned::Spanned,
};

use crate::routing;

/// A handler. Its body is not parsed, so that the compiler reports mistakes in it.
pub(crate) struct Handler {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    body: TokenTree,
}

/// Actix handlers take at most 16 arguments, and one is generated.
const MOST_ARGUMENTS: usize = 15;

impl Parse for Handler {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        Ok(Self {
            attrs: input.call(Attribute::parse_outer)?,
            vis: input.parse()?,
            sig: input.parse()?,
            body: match input.parse()? {
                body @ TokenTree::Group(_) => body,
                other => return Err(Error::new(other.span(), "a handler has a body")),
            },
        })
    }
}

impl ToTokens for Handler {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self { attrs, vis, sig, body } = self;
        tokens.extend(quote! { #(#attrs)* #vis #sig #body });
    }
}

impl Handler {
    /// Checks that it can be a handler and has not been marked before.
    pub(crate) fn checked(self, marked_by: &str) -> Result<Self> {
        if let Some(other) = self.attrs.iter().find(|attribute| Mark::of(attribute).is_some()) {
            return Err(Error::new(other.span(), already_marked(marked_by, other)));
        }
        for argument in &self.sig.inputs {
            match argument {
                FnArg::Receiver(receiver) => {
                    return Err(Error::new(
                        receiver.span(),
                        "a handler has no `self`; take what it needs as `web::Data<_>`",
                    ));
                }
                FnArg::Typed(typed) if is_hidden_argument(&typed.ty) => {
                    return Err(Error::new(
                        typed.ty.span(),
                        format!("`#[{marked_by}]` adds this argument by itself; remove it"),
                    ));
                }
                FnArg::Typed(typed) => {
                    if let Some(other) = typed.attrs.iter().find(|attribute| !is_lint(attribute)) {
                        return Err(Error::new(
                            other.span(),
                            "an argument of a marked handler has no attributes but those of lints; \
                             write this one on the handler",
                        ));
                    }
                }
            }
        }
        if let Some(extra) = self.sig.inputs.iter().nth(MOST_ARGUMENTS) {
            return Err(Error::new(
                extra.span(),
                format!(
                    "with `#[{marked_by}]` a handler takes at most 15 arguments; join some in a tuple"
                ),
            ));
        }
        Ok(self)
    }

    /// Takes the attributes that read the types of its arguments: `#[utoipa::path]`.
    pub(crate) fn take_readers(&mut self) -> Vec<Attribute> {
        let is_reader = |attribute: &Attribute| {
            attribute.path().segments.last().is_some_and(|last| last.ident == "path")
        };
        let (readers, others) = std::mem::take(&mut self.attrs).into_iter().partition(is_reader);
        self.attrs = others;
        readers
    }

    /// Takes the lint attributes of its arguments, for the handler as a whole.
    pub(crate) fn take_argument_lints(&mut self) -> Vec<Attribute> {
        let attributes = |argument: &mut FnArg| match argument {
            FnArg::Typed(typed) => std::mem::take(&mut typed.attrs),
            FnArg::Receiver(_) => Vec::new(),
        };
        self.sig.inputs.iter_mut().flat_map(attributes).collect()
    }

    /// Returns `true` if a module's attribute applies to it automatically.
    pub(crate) fn is_routed(&self) -> bool {
        self.attrs.iter().any(routing::is_route)
    }

    /// Returns `true` if it is a test.
    pub(crate) fn is_test(&self) -> bool {
        let is_test = |attribute: &Attribute| {
            attribute.path().segments.last().is_some_and(|last| last.ident == "test")
        };
        self.attrs.iter().any(is_test)
    }

    pub(crate) fn ident(&self) -> &Ident {
        &self.sig.ident
    }
}

/// Marks in an attribute who may call a handler.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    Require,
    Public,
}

impl Mark {
    pub(crate) fn of(attribute: &Attribute) -> Option<Self> {
        let path = attribute.path();
        let is_ours = match path.segments.len() {
            1 => true,
            2 => path.segments.first().is_some_and(|first| first.ident == "jwt_verify"),
            _ => false,
        };
        let last = path.segments.last().filter(|_| is_ours)?;
        if last.ident == "require" {
            Some(Self::Require)
        } else if last.ident == "public" {
            Some(Self::Public)
        } else {
            None
        }
    }
}

fn already_marked(marked_by: &str, other: &Attribute) -> &'static str {
    match (marked_by, Mark::of(other)) {
        ("require", Some(Mark::Require)) => {
            "a handler has one `#[require]`; put everything into one: `#[require(roles = …, \
             permissions = …)]`"
        }
        ("public", Some(Mark::Public)) => "a handler is `#[public]` once",
        _ => "a handler is either `#[public]` or has a requirement, not both",
    }
}

fn is_lint(attribute: &Attribute) -> bool {
    let levels = ["allow", "expect", "warn", "deny", "forbid"];
    levels.iter().any(|level| attribute.path().is_ident(level))
}

fn is_hidden_argument(ty: &Type) -> bool {
    matches!(ty, Type::Path(TypePath { path, .. })
        if path.segments.last().is_some_and(|last| last.ident == "Authorized"))
}

/// Returns the span of errors about an item as a whole.
pub(crate) fn first_span(item: &TokenStream) -> Span {
    item.clone().into_iter().next().map_or_else(Span::call_site, |token| token.span())
}
