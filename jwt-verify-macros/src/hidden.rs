//! Items that could hide a handler from the attribute on a module or a block.

use proc_macro2::Span;
use quote::quote;
use syn::{
    Attribute, ForeignItem, Ident, ImplItem, Item, ItemForeignMod, ItemImpl, ItemTrait, Signature,
    TraitItem, Type, UseTree, Visibility, spanned::Spanned, visit::Visit,
};

use crate::{
    attributes::{conditions, is_marked},
    candidate::{Candidate, Owner},
    errors::Errors,
};

/// Searches the items of a module that are neither marked functions nor marked blocks for handlers.
pub(crate) struct Hidden<'a> {
    pub(crate) errors: &'a mut Errors,
    /// Assertions for the compiler.
    pub(crate) assertions: &'a mut Vec<Item>,
}

impl Hidden<'_> {
    pub(crate) fn item(&mut self, item: &Item) {
        match item {
            Item::Mod(file) => self.errors.add(
                file.ident.span(),
                format!(
                    "the handlers in the file of `{}` are not reached from here; write `#[require]` \
                     at each, and declare the module outside of this one",
                    file.ident
                ),
            ),
            Item::Impl(block) => self.within(&block.attrs, |hidden| hidden.block(block)),
            Item::Trait(definition) => {
                self.within(&definition.attrs, |hidden| hidden.definition(definition));
            }
            Item::Const(constant) => {
                let name = &constant.ident;
                self.constant(name, &constant.ty, &constant.attrs, Owner::default());
            }
            Item::Static(variable) => {
                let name = &variable.ident;
                self.constant(name, &variable.ty, &variable.attrs, Owner::default());
            }
            Item::ForeignMod(foreign) => {
                self.within(&foreign.attrs, |hidden| hidden.foreign(foreign));
            }
            Item::Use(import) if !matches!(import.vis, Visibility::Inherited) => {
                self.import(&import.tree);
            }
            Item::Macro(call) if !call.mac.path.is_ident("macro_rules") => self.errors.add(
                call.mac.path.span(),
                "what this macro makes is not reached by `#[require]` on the module; move it out \
                 and put `#[require]` at each handler",
            ),
            Item::Verbatim(_) => {
                self.errors.add(item.span(), "`#[require]` on the module cannot read this item");
            }
            // Types, and items that only name others. A tuple struct is a function too, but only an
            // `impl Future` could make it a handler.
            _ => {}
        }
    }

    /// Searches an item. Its assertions are emitted only if the item exists.
    fn within(&mut self, attributes: &[Attribute], look: impl FnOnce(&mut Hidden<'_>)) {
        let mut assertions = Vec::new();
        look(&mut Hidden { errors: &mut *self.errors, assertions: &mut assertions });
        let conditions = conditions(attributes);
        let conditional = |assertion| Item::Verbatim(quote! { #(#conditions)* #assertion });
        self.assertions.extend(assertions.iter().map(conditional));
    }

    fn block(&mut self, block: &ItemImpl) {
        let owner = Owner::block(&block.self_ty, &block.generics);
        let is_of_trait = match &block.trait_ {
            Some((_, path, _)) if is_future(path) => {
                self.errors.add(
                    path.span(),
                    "what returns this type may be a handler; move the type and this block out of \
                     the module",
                );
                return;
            }
            trait_ => trait_.is_some(),
        };
        for item in &block.items {
            match item {
                ImplItem::Fn(function) => {
                    let name = &function.sig.ident;
                    let message = if is_of_trait {
                        of_trait(name)
                    } else {
                        format!(
                            "is `{name}` a handler? Then put `#[require]` on this `impl` block; if \
                             not, move the block out of this module"
                        )
                    };
                    if is_marked(&function.attrs) {
                        self.errors.add(name.span(), message);
                    } else {
                        self.function(&function.sig, &function.attrs, owner, &message);
                    }
                }
                ImplItem::Const(constant) => {
                    self.constant(&constant.ident, &constant.ty, &constant.attrs, owner);
                }
                ImplItem::Type(_) => {}
                other => self.errors.add(
                    other.span(),
                    "what this makes is not reached by `#[require]` on the module; move the block \
                     out of it",
                ),
            }
        }
    }

    /// Functions of a trait are handlers if they have a body.
    fn definition(&mut self, definition: &ItemTrait) {
        let owner = Owner::of_trait(&definition.generics);
        for item in &definition.items {
            match item {
                TraitItem::Fn(function) if function.default.is_some() => {
                    let message = of_trait(&function.sig.ident);
                    self.function(&function.sig, &function.attrs, owner, &message);
                }
                TraitItem::Const(constant) if constant.default.is_some() => {
                    self.constant(&constant.ident, &constant.ty, &constant.attrs, owner);
                }
                TraitItem::Fn(_) | TraitItem::Const(_) | TraitItem::Type(_) => {}
                other => self.errors.add(
                    other.span(),
                    "what this makes is not reached by `#[require]` on the module; move the trait \
                     out of it",
                ),
            }
        }
    }

    fn foreign(&mut self, foreign: &ItemForeignMod) {
        for item in &foreign.items {
            match item {
                ForeignItem::Fn(function) => {
                    let message = format!(
                        "is `{}` a handler? `#[require]` on the module does not reach it; declare \
                         it outside",
                        function.sig.ident
                    );
                    self.function(&function.sig, &function.attrs, Owner::default(), &message);
                }
                ForeignItem::Static(_) | ForeignItem::Type(_) => {}
                other => self.errors.add(
                    other.span(),
                    "`#[require]` on the module does not reach this; declare it outside",
                ),
            }
        }
    }

    /// Handlers from elsewhere that could be routed by a name in this module.
    fn import(&mut self, tree: &UseTree) {
        match tree {
            UseTree::Path(path) => match &*path.tree {
                UseTree::Name(name) if name.ident == "self" => self.import_name(&path.ident),
                UseTree::Rename(rename) if rename.ident == "self" => self.import_name(&path.ident),
                rest => self.import(rest),
            },
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.import(tree)),
            UseTree::Name(name) => self.import_name(&name.ident),
            UseTree::Rename(rename) => self.import_name(&rename.ident),
            UseTree::Glob(glob) => self.errors.add(glob.span(), NOT_OF_THIS_MODULE),
        }
    }

    /// Refuses names of functions and modules; by convention, types and constants begin in upper case.
    fn import_name(&mut self, name: &Ident) {
        if !name.to_string().starts_with(char::is_uppercase) {
            self.errors.add(name.span(), NOT_OF_THIS_MODULE);
        }
    }

    pub(crate) fn function(
        &mut self,
        signature: &Signature,
        attributes: &[Attribute],
        owner: Owner<'_>,
        message: &str,
    ) {
        let candidate = Candidate::function(signature, owner, &conditions(attributes), message);
        self.candidate(candidate, signature.ident.span(), message);
    }

    fn constant(&mut self, name: &Ident, ty: &Type, attributes: &[Attribute], owner: Owner<'_>) {
        let message = is_pointer(name);
        let candidate = Candidate::constant(name, ty, owner, &conditions(attributes), &message);
        self.candidate(candidate, name.span(), &message);
    }

    fn candidate(&mut self, candidate: Candidate, span: Span, message: &str) {
        match candidate {
            Candidate::No => {}
            Candidate::Assert(assertion) => self.assertions.push(Item::Verbatim(assertion)),
            Candidate::Yes => self.errors.add(span, message),
        }
    }
}

const NOT_OF_THIS_MODULE: &str = "what is re-exported here is not reached by `#[require]` on the \
                                  module; re-export it elsewhere, or write `use` without `pub`";

/// Returns the message about a constant that may be a handler.
pub(crate) fn is_pointer(name: &Ident) -> String {
    format!("does `{name}` point to a handler? `#[require]` does not reach it; move it elsewhere")
}

fn of_trait(name: &Ident) -> String {
    format!(
        "is `{name}` a handler? A trait prescribes its arguments, so `#[require]` cannot protect it: \
         put it into an `impl` block of a type; if it is none, move this out of the module"
    )
}

fn is_future(path: &syn::Path) -> bool {
    path.segments.last().is_some_and(|last| last.ident == "Future")
}

/// Searches bodies and initial values for `impl` blocks: their items can be named outside.
pub(crate) fn in_bodies_of_item(item: &Item, errors: &mut Errors) {
    let mut bodies = Bodies { errors };
    match item {
        // These are searched separately, with their content.
        Item::Mod(_) => {}
        Item::Impl(block) if is_marked(&block.attrs) => {}
        Item::Impl(block) => block.items.iter().for_each(|item| bodies.visit_impl_item(item)),
        item => bodies.visit_item(item),
    }
}

/// Searches a function or constant of a block for them.
pub(crate) fn in_bodies_of_impl_item(item: &ImplItem, errors: &mut Errors) {
    Bodies { errors }.visit_impl_item(item);
}

struct Bodies<'a> {
    errors: &'a mut Errors,
}

impl<'ast> Visit<'ast> for Bodies<'_> {
    fn visit_item_impl(&mut self, block: &'ast ItemImpl) {
        if !is_marked(&block.attrs) {
            // Nothing can be asserted from outside of the body, so unclear items are refused.
            let mut unclear = Vec::new();
            Hidden { errors: &mut *self.errors, assertions: &mut unclear }.block(block);
            if !unclear.is_empty() {
                self.errors.add(
                    block.impl_token.span(),
                    "does this define a handler? `#[require]` does not reach into bodies; move the \
                     `impl` block out of this one",
                );
            }
        }
        syn::visit::visit_item_impl(self, block);
    }
}
