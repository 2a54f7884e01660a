//! The attribute on a module of handlers.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Error, Item, ItemMod, Result, spanned::Spanned};

use crate::{
    args::Args,
    attributes::{add_outer, is_for_tests, is_marked},
    candidate::Owner,
    errors::Errors,
    expand,
    handler::{Handler, Mark},
    hidden::{self, Hidden},
    validate,
};

/// Gives every handler of a module the requirement, besides its own. An item that could hide a
/// handler from it is an error: the attribute must not leave a route unprotected.
pub(crate) fn module(outer: &TokenStream, mut module: ItemMod) -> Result<TokenStream> {
    // Once, and not for each handler.
    validate::paths_are_absolute(&validate::requirement(&syn::parse2::<Args>(outer.clone())?)?)?;
    let mut errors = Errors::default();
    let Some((_, items)) = &mut module.content else {
        return Err(Error::new(
            module.span(),
            "`#[require]` reaches the handlers of an inline module; write it inside the file of \
             this one, at each handler",
        ));
    };
    let mut assertions = Vec::new();
    for item in items.iter_mut() {
        hidden::in_bodies_of_item(item, &mut errors);
        match item {
            Item::Fn(function) => {
                let handler: Handler = syn::parse2(function.to_token_stream())?;
                let mark = handler.attrs.iter().find_map(Mark::of);
                if mark.is_some() || handler.is_routed() {
                    add_outer(outer, &mut function.attrs)?;
                    let mark = mark.unwrap_or(Mark::Require);
                    assertions.push(Item::Verbatim(expand::assertion(mark, &handler)));
                } else if !handler.is_test() {
                    let name = &function.sig.ident;
                    let message = format!(
                        "is `{name}` a handler? Then mark it with `#[require]` or `#[public]`; if \
                         not, move it out of this module"
                    );
                    Hidden { errors: &mut errors, assertions: &mut assertions }.function(
                        &function.sig,
                        &function.attrs,
                        Owner::default(),
                        &message,
                    );
                }
            }
            Item::Mod(tests) if is_for_tests(&tests.attrs) => {}
            Item::Mod(nested) if nested.content.is_some() => add_outer(outer, &mut nested.attrs)?,
            Item::Impl(block) if is_marked(&block.attrs) => add_outer(outer, &mut block.attrs)?,
            item => Hidden { errors: &mut errors, assertions: &mut assertions }.item(item),
        }
    }
    errors.into_result()?;
    items.extend(assertions);
    Ok(module.into_token_stream())
}
