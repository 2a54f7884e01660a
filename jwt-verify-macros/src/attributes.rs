//! Attributes of this crate on the items inside of a module or a block.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Error, Ident, Meta, Result, parse_quote, spanned::Spanned};

use crate::handler::Mark;

/// Puts the requirement of the module in front of that of the item, and the attribute above all
/// others: items that it adds beside the handler are then beside it in the module, and not inside
/// of the items that Actix' attributes generate.
pub(crate) fn add_outer(outer: &TokenStream, attributes: &mut Vec<Attribute>) -> Result<()> {
    let Some(place) = attributes.iter().position(|one| Mark::of(one).is_some()) else {
        attributes.insert(0, parse_quote!(#[::jwt_verify::require(#outer)]));
        return Ok(());
    };
    let mut own = attributes.remove(place);
    if Mark::of(&own) == Some(Mark::Require) {
        let both = joined(outer, &arguments(&own)?);
        let path = own.path().clone();
        own = parse_quote!(#[#path(#both)]);
    }
    attributes.insert(0, own);
    Ok(())
}

/// Returns the arguments of an attribute.
pub(crate) fn arguments(attribute: &Attribute) -> Result<TokenStream> {
    match &attribute.meta {
        Meta::Path(_) => Ok(TokenStream::new()),
        Meta::List(list) => Ok(list.tokens.clone()),
        Meta::NameValue(pair) => {
            Err(Error::new(pair.span(), "write `#[require(…)]`, with the arguments in parentheses"))
        }
    }
}

/// Joins the arguments of two attributes; both apply.
pub(crate) fn joined(outer: &TokenStream, inner: &TokenStream) -> TokenStream {
    match (outer.is_empty(), inner.is_empty()) {
        (true, _) => inner.clone(),
        (_, true) => outer.clone(),
        _ => quote! { all_of(#outer), #inner },
    }
}

/// Returns the `cfg` conditions of an item, which generated items need too.
pub(crate) fn conditions(attributes: &[Attribute]) -> Vec<&Attribute> {
    attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).collect()
}

pub(crate) fn is_marked(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|one| Mark::of(one).is_some())
}

/// Returns `true` if an item exists in tests only.
pub(crate) fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<Ident>().is_ok_and(|condition| condition == "test")
    })
}
