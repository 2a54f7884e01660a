//! The attribute on an `impl` block of handlers.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, Error, ImplItem, ImplItemFn, ItemImpl, Result, spanned::Spanned};

use crate::{
    args::Args,
    attributes::{arguments, conditions, joined},
    candidate::{Candidate, Owner, returns_future},
    errors::Errors,
    expand,
    handler::{Handler, Mark},
    hidden, routing, validate,
};

/// Gives every handler of a block the requirement, besides its own. A block cannot contain sibling
/// items, so everything is done here.
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
    let owner = Owner::block(&block.self_ty, &block.generics);
    for item in &mut block.items {
        hidden::in_bodies_of_impl_item(item, &mut errors);
        let function = match item {
            ImplItem::Fn(function) => function,
            ImplItem::Const(constant) => {
                let name = &constant.ident;
                let message = hidden::is_pointer(name);
                let conditions = conditions(&constant.attrs);
                match Candidate::constant(name, &constant.ty, owner, &conditions, &message) {
                    Candidate::No => {}
                    Candidate::Assert(assertion) => siblings.extend(assertion),
                    Candidate::Yes => errors.add(name.span(), message),
                }
                continue;
            }
            ImplItem::Type(_) => continue,
            ImplItem::Macro(call) => {
                errors.add(
                    call.mac.path.span(),
                    "what this macro makes is not reached by `#[require]` on the block",
                );
                continue;
            }
            other => {
                errors.add(other.span(), "`#[require]` on the block cannot read this item");
                continue;
            }
        };
        let own = take_marks(function);
        if own.is_empty() && !(function.sig.receiver().is_none() && returns_future(&function.sig)) {
            let name = &function.sig.ident;
            let message = format!(
                "is `{name}` a handler? Then mark it with `#[require]` or `#[public]`; if not, move \
                 it into another `impl` block"
            );
            match Candidate::function(&function.sig, owner, &conditions(&function.attrs), &message)
            {
                Candidate::No => {}
                Candidate::Assert(assertion) => siblings.extend(assertion),
                Candidate::Yes => errors.add(name.span(), message),
            }
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
            // Marks the attributes as used.
            for mark in &own {
                let path = mark.path();
                siblings.extend(quote! { #[#path(__used)] const _: () = (); });
            }
            *item = ImplItem::Verbatim(expansion.handler);
        }
    }
    errors.into_result()?;
    let conditions = conditions(&block.attrs);
    if !conditions.is_empty() {
        // Items beside the block exist only if the block does.
        return Ok(quote! {
            #(#conditions)*
            const _: () = { #siblings #block };
        });
    }
    Ok(quote! { #siblings #block })
}

/// Returns a block without attributes that do not work in it, to be emitted beside an error.
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

/// Distinguishes the blocks of two types, with the same result for every compiler (FNV-1a).
fn fingerprint(ty: &syn::Type) -> String {
    let text = ty.to_token_stream().to_string();
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:x}_")
}
