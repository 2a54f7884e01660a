//! The attribute on a module or a block of handlers.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{
    Attribute, Error, Ident, ImplItem, ImplItemFn, Item, ItemImpl, ItemMod, Meta, Result,
    Signature, parse_quote, spanned::Spanned,
};

use crate::{
    args::Args,
    errors::Errors,
    expand,
    handler::{Handler, Mark, returns_future},
    routing, validate,
};

/// Gives every handler of a module the requirement, besides its own. What could hide a handler from
/// it is an error: a route that nobody protects must not come of a word that says so.
pub(crate) fn module(outer: &TokenStream, mut module: ItemMod) -> Result<TokenStream> {
    // Once, and not once for each handler.
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
        match item {
            Item::Fn(function) => {
                let handler: Handler = syn::parse2(function.to_token_stream())?;
                let mark = handler.attrs.iter().find_map(Mark::of);
                if mark.is_some() || handler.is_routed() {
                    add_outer(outer, &mut function.attrs)?;
                    let mark = mark.unwrap_or(Mark::Require);
                    assertions.push(Item::Verbatim(expand::assertion(mark, &handler)));
                } else if handler.may_be_handler() && !handler.is_test() {
                    errors.add(handler.ident().span(), unmarked(handler.ident()));
                }
            }
            Item::Mod(tests) if tests.attrs.iter().any(is_for_tests) => {}
            Item::Mod(nested) if nested.content.is_some() => add_outer(outer, &mut nested.attrs)?,
            Item::Mod(file) => errors.add(
                file.ident.span(),
                format!(
                    "the handlers in the file of `{}` are not reached from here; write `#[require]` \
                     at each, and declare the module outside of this one",
                    file.ident
                ),
            ),
            Item::Impl(block) if block.attrs.iter().any(|one| Mark::of(one).is_some()) => {
                add_outer(outer, &mut block.attrs)?;
            }
            Item::Impl(block) if block.trait_.is_none() => {
                let handler = block.items.iter().find_map(|item| match item {
                    ImplItem::Fn(function) if may_be_handler(&function.sig) => Some(&function.sig),
                    _ => None,
                });
                if let Some(handler) = handler {
                    errors.add(
                        handler.ident.span(),
                        format!(
                            "is `{}` a handler? Then put `#[require]` on this `impl` block; if not, \
                             move the block out of this module",
                            handler.ident
                        ),
                    );
                }
            }
            Item::Macro(call) if !call.mac.path.is_ident("macro_rules") => errors.add(
                call.mac.path.span(),
                "what this macro makes is not reached by `#[require]` on the module; move it out and \
                 put `#[require]` at each handler",
            ),
            _ => {}
        }
    }
    errors.into_result()?;
    items.extend(assertions);
    Ok(module.into_token_stream())
}

fn unmarked(handler: &Ident) -> String {
    format!(
        "is `{handler}` a handler? Then mark it with `#[require]` or `#[public]`; if not, move it out \
         of this module"
    )
}

/// Whether Actix could call it with extractors.
fn may_be_handler(signature: &Signature) -> bool {
    signature.receiver().is_none() && returns_future(signature)
}

fn is_for_tests(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg")
        && attribute.parse_args::<Ident>().is_ok_and(|condition| condition == "test")
}

/// Puts the requirement of the module in front of that of the item, and the attribute above all
/// others: what it leaves beside the handler is then beside it in the module, and not inside of what
/// Actix' attributes make.
fn add_outer(outer: &TokenStream, attributes: &mut Vec<Attribute>) -> Result<()> {
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

/// What an attribute has in its parentheses.
fn arguments(attribute: &Attribute) -> Result<TokenStream> {
    match &attribute.meta {
        Meta::Path(_) => Ok(TokenStream::new()),
        Meta::List(list) => Ok(list.tokens.clone()),
        Meta::NameValue(pair) => {
            Err(Error::new(pair.span(), "write `#[require(…)]`, with the arguments in parentheses"))
        }
    }
}

fn joined(outer: &TokenStream, inner: &TokenStream) -> TokenStream {
    match (outer.is_empty(), inner.is_empty()) {
        (true, _) => inner.clone(),
        (_, true) => outer.clone(),
        _ => quote! { all_of(#outer), #inner },
    }
}

/// Gives every handler of a block the requirement, besides its own. Siblings cannot stand in a block,
/// so everything is done here.
pub(crate) fn block(outer: &TokenStream, mut block: ItemImpl) -> Result<TokenStream> {
    validate::requirement(&syn::parse2::<Args>(outer.clone())?)?;
    if let Some((_, path, _)) = &block.trait_ {
        return Err(Error::new(
            path.span(),
            "`#[require]` would change the signatures that the trait prescribes; put the handlers \
             into an `impl` block of the type",
        ));
    }
    let within = fingerprint(&block.self_ty);
    let mut errors = Errors::default();
    let mut siblings = TokenStream::new();
    for item in &mut block.items {
        let function = match item {
            ImplItem::Fn(function) => function,
            ImplItem::Macro(call) => {
                errors.add(
                    call.mac.path.span(),
                    "what this macro makes is not reached by `#[require]` on the block",
                );
                continue;
            }
            _ => continue,
        };
        let own = take_marks(function);
        if own.is_empty() && !may_be_handler(&function.sig) {
            continue;
        }
        if let Some(route) = function.attrs.iter().find(|attribute| routing::is_route(attribute)) {
            errors.add(
                route.span(),
                "Actix' routing attributes do not work in an `impl` block; route the function with \
                 `.to(…)`",
            );
            continue;
        }
        if let Some(expansion) = errors.collect(method(outer, &own, function, &within)) {
            siblings.extend(expansion.siblings);
            // So that the attributes count as used.
            for mark in &own {
                let path = mark.path();
                siblings.extend(quote! { #[#path(__used)] const _: () = (); });
            }
            *item = ImplItem::Verbatim(expansion.handler);
        }
    }
    errors.into_result()?;
    let conditions: Vec<_> =
        block.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg")).collect();
    if !conditions.is_empty() {
        // What stands beside the block exists only where the block does.
        return Ok(quote! {
            #(#conditions)*
            const _: () = { #siblings #block };
        });
    }
    Ok(quote! { #siblings #block })
}

/// A block as it is without attributes that do not work in it, to be shown beside an error.
pub(crate) fn unmarked_block(item: TokenStream) -> TokenStream {
    let Ok(mut block) = syn::parse2::<ItemImpl>(item.clone()) else { return item };
    for item in &mut block.items {
        if let ImplItem::Fn(function) = item {
            take_marks(function);
            function.attrs.retain(|attribute| !routing::is_route(attribute));
        }
    }
    block.into_token_stream()
}

fn take_marks(function: &mut ImplItemFn) -> Vec<Attribute> {
    function.attrs.extract_if(.., |attribute| Mark::of(attribute).is_some()).collect()
}

fn method(
    outer: &TokenStream,
    own: &[Attribute],
    function: &ImplItemFn,
    within: &str,
) -> Result<expand::Expansion> {
    let handler: Handler = syn::parse2(function.to_token_stream())?;
    let (mark, inner) = match own {
        [] => (Mark::Require, TokenStream::new()),
        [only] => (Mark::of(only).unwrap_or(Mark::Require), arguments(only)?),
        [_, second, ..] => {
            return Err(Error::new(second.span(), "a handler has one `#[require]` or `#[public]`"));
        }
    };
    if mark == Mark::Public {
        if !inner.is_empty() {
            return Err(Error::new(inner.span(), "`#[public]` takes no arguments"));
        }
        return Ok(expand::public(handler.checked("public")?, within));
    }
    let args: Args = syn::parse2(joined(outer, &inner))?;
    let requirement = validate::requirement(&args)?;
    Ok(expand::required(&requirement, handler.checked("require")?, within))
}

/// Tells the blocks of two types apart, in the same way whatever the compiler (FNV-1a).
fn fingerprint(ty: &syn::Type) -> String {
    let text = ty.to_token_stream().to_string();
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:x}_")
}
