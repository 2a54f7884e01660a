//! Unmarked functions and constants that Actix could call as handlers.
//!
//! Actix accepts a function whose arguments are all extractors and whose return value is a future
//! of a responder. If the syntax does not decide, the compiler does: an assertion beside the
//! function fails if its types are those of a handler.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::{
    Attribute, FnArg, GenericArgument, Generics, Ident, PathArguments, Receiver, ReturnType,
    Signature, Type, TypeImplTrait, TypeParamBound, TypePath,
};

/// Classification of an unmarked function or constant.
pub(crate) enum Candidate {
    /// It cannot be a handler.
    No,
    /// An assertion that compiles only if it is not a handler.
    Assert(TokenStream),
    /// It may be a handler.
    Yes,
}

/// The types around a function: those of its `impl` block or trait.
#[derive(Default, Clone, Copy)]
pub(crate) struct Owner<'a> {
    /// The type of `Self`; `None` outside of blocks, and in traits.
    self_type: Option<&'a Type>,
    generics: Option<&'a Generics>,
}

impl<'a> Owner<'a> {
    /// The owner of the functions of an `impl` block.
    pub(crate) fn block(self_type: &'a Type, generics: &'a Generics) -> Self {
        Self { self_type: Some(self_type), generics: Some(generics) }
    }

    /// The owner of the functions of a trait.
    pub(crate) fn of_trait(generics: &'a Generics) -> Self {
        Self { self_type: None, generics: Some(generics) }
    }
}

impl Candidate {
    /// Classifies a function. `message` is the compiler's message if the assertion fails.
    pub(crate) fn function(
        signature: &Signature,
        owner: Owner<'_>,
        conditions: &[&Attribute],
        message: &str,
    ) -> Self {
        let scope = Scope::new(owner, Some(&signature.generics));
        let output = match &signature.output {
            _ if signature.asyncness.is_some() => Output::Future,
            ReturnType::Default => Output::Plain,
            ReturnType::Type(_, ty) => scope.output(ty),
        };
        let mut conjunction = Vec::new();
        match output {
            Output::Plain => return Self::No,
            Output::Named(ty) => conjunction.push(quote! { <#PROBE<#ty>>::RESPONDS }),
            Output::Future | Output::Unknown => {}
        }
        let mut is_worth_asking = !conjunction.is_empty();
        for argument in &signature.inputs {
            let argument = match argument {
                FnArg::Receiver(receiver) => match scope.receiver(receiver) {
                    Argument::Borrowed => return Self::No,
                    argument => argument,
                },
                FnArg::Typed(typed) => scope.argument(&typed.ty),
            };
            if let Argument::Named { ty, is_doubtful } = argument {
                conjunction.push(quote! { <#PROBE<#ty>>::IS_EXTRACTOR });
                is_worth_asking |= is_doubtful;
            }
        }
        if is_worth_asking {
            Self::Assert(assertion(&conjunction, conditions, signature.ident.span(), message))
        } else {
            Self::Yes
        }
    }

    /// Classifies the type of a constant or static: function pointers are handlers too.
    pub(crate) fn constant(
        name: &Ident,
        ty: &Type,
        owner: Owner<'_>,
        conditions: &[&Attribute],
        message: &str,
    ) -> Self {
        let scope = Scope::new(owner, None);
        match scope.pointer(ty) {
            Output::Plain => Self::No,
            Output::Future | Output::Unknown => Self::Yes,
            Output::Named(ty) => {
                let is_handler = quote! { <#PROBE<#ty>>::IS_HANDLER };
                Self::Assert(assertion(&[is_handler], conditions, name.span(), message))
            }
        }
    }
}

/// Returns `true` if a function returns a future, as far as its signature shows: it is async, or
/// returns `impl Future`, a boxed one, or an alias such as `LocalBoxFuture`.
pub(crate) fn returns_future(signature: &Signature) -> bool {
    let is_future = match &signature.output {
        ReturnType::Default => false,
        ReturnType::Type(_, ty) => {
            matches!(Scope::new(Owner::default(), None).output(ty), Output::Future)
        }
    };
    signature.asyncness.is_some() || is_future
}

/// The kind of a return type.
enum Output {
    /// Certainly not a future.
    Plain,
    Future,
    /// A type that the compiler has to check.
    Named(TokenStream),
    Unknown,
}

/// The kind of an argument.
enum Argument {
    /// A type that the compiler has to check, and a flag for one that is probably not an extractor.
    Named {
        ty: TokenStream,
        is_doubtful: bool,
    },
    /// A borrowed `self` of a type that cannot be named.
    Borrowed,
    Unknown,
}

/// Names that are only valid inside of the function.
struct Scope<'a> {
    owner: Owner<'a>,
    parameters: Vec<&'a Ident>,
    lifetimes: Vec<&'a Ident>,
}

impl<'a> Scope<'a> {
    fn new(owner: Owner<'a>, generics: Option<&'a Generics>) -> Self {
        let generics = || owner.generics.into_iter().chain(generics);
        Self {
            owner,
            parameters: generics()
                .flat_map(|generics| {
                    let types = generics.type_params().map(|parameter| &parameter.ident);
                    types.chain(generics.const_params().map(|parameter| &parameter.ident))
                })
                .collect(),
            lifetimes: generics()
                .flat_map(Generics::lifetimes)
                .map(|parameter| &parameter.lifetime.ident)
                .collect(),
        }
    }

    fn output(&self, ty: &Type) -> Output {
        match ty {
            Type::Group(group) => self.output(&group.elem),
            Type::Paren(paren) => self.output(&paren.elem),
            Type::Tuple(_) | Type::Array(_) | Type::Slice(_) | Type::Never(_) | Type::Ptr(_) => {
                Output::Plain
            }
            // A shared reference is never a future; an exclusive one is if its target is.
            Type::Reference(reference) if reference.mutability.is_none() => Output::Plain,
            Type::Reference(reference) => match self.output(&reference.elem) {
                Output::Named(_) => self.named(ty).map_or(Output::Unknown, Output::Named),
                output => output,
            },
            Type::BareFn(function) => self.called(&function.output),
            Type::ImplTrait(opaque) => self.opaque(opaque),
            Type::Path(path) => self.path(path),
            _ => Output::Unknown,
        }
    }

    /// Returns the kind of the result of a returned function.
    fn called(&self, output: &ReturnType) -> Output {
        match output {
            ReturnType::Default => Output::Plain,
            ReturnType::Type(_, ty) => match self.output(ty) {
                Output::Plain => Output::Plain,
                _ => Output::Unknown,
            },
        }
    }

    fn opaque(&self, opaque: &TypeImplTrait) -> Output {
        for bound in &opaque.bounds {
            let TypeParamBound::Trait(bound) = bound else { continue };
            let Some(last) = bound.path.segments.last() else { return Output::Unknown };
            let name = last.ident.to_string();
            if name.ends_with("Future") {
                return Output::Future;
            }
            let is_harmless = match &last.arguments {
                PathArguments::Parenthesized(call) => {
                    matches!(self.called(&call.output), Output::Plain)
                }
                _ => NOT_FUTURES.contains(&name.as_str()),
            };
            if !is_harmless {
                return Output::Unknown;
            }
        }
        Output::Plain
    }

    fn path(&self, path: &TypePath) -> Output {
        let Some(last) = path.path.segments.last() else { return Output::Unknown };
        let name = last.ident.to_string();
        if path.path.is_ident("Self") {
            // A generic type cannot be checked here; its `impl Future` is searched instead.
            return self.self_type().map_or(Output::Plain, Output::Named);
        }
        if name.ends_with("Future")
            || matches!(name.as_str(), "Box" | "Pin") && boxes_future(&last.arguments)
        {
            return Output::Future;
        }
        match self.named(path) {
            Some(ty) => Output::Named(ty),
            None if CONTAINERS.contains(&name.as_str()) => Output::Plain,
            None => Output::Unknown,
        }
    }

    /// Returns the kind of the result of calling a value of the type.
    fn pointer(&self, ty: &Type) -> Output {
        match ty {
            Type::Group(group) => self.pointer(&group.elem),
            Type::Paren(paren) => self.pointer(&paren.elem),
            Type::Reference(reference) => self.pointer(&reference.elem),
            Type::BareFn(function) => self.called(&function.output),
            Type::Path(_) => match self.named(ty) {
                Some(ty) => Output::Named(ty),
                None => Output::Unknown,
            },
            Type::Tuple(_) | Type::Array(_) | Type::Slice(_) | Type::Never(_) | Type::Ptr(_) => {
                Output::Plain
            }
            _ => Output::Unknown,
        }
    }

    fn argument(&self, ty: &Type) -> Argument {
        match self.named(ty) {
            Some(named) => {
                Argument::Named { ty: named, is_doubtful: matches!(ty, Type::Reference(_)) }
            }
            None => Argument::Unknown,
        }
    }

    fn receiver(&self, receiver: &Receiver) -> Argument {
        let is_borrowed = receiver.reference.is_some()
            || receiver.colon_token.is_some()
                && !matches!(&*receiver.ty, Type::Path(path) if path.path.is_ident("Self"));
        match self.named(&receiver.ty) {
            Some(ty) => Argument::Named { ty, is_doubtful: true },
            None if is_borrowed => Argument::Borrowed,
            None => Argument::Unknown,
        }
    }

    /// Returns `Self`, if it can be named outside of the block.
    fn self_type(&self) -> Option<TokenStream> {
        self.named(self.owner.self_type?)
    }

    /// Returns the type as it is written outside of the function, if that is possible.
    fn named(&self, ty: impl ToTokens) -> Option<TokenStream> {
        self.renamed(ty.to_token_stream())
    }

    fn renamed(&self, tokens: TokenStream) -> Option<TokenStream> {
        let mut renamed = TokenStream::new();
        let mut is_after_quote = false;
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            let is_quote = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == '\'');
            match token {
                TokenTree::Ident(ident) if is_after_quote => {
                    let is_parameter = self.lifetimes.iter().any(|lifetime| **lifetime == ident);
                    let ident = if is_parameter { Ident::new("_", ident.span()) } else { ident };
                    renamed.extend([TokenTree::Ident(ident)]);
                }
                TokenTree::Ident(ident) if ident == "Self" => {
                    let is_path = matches!(tokens.peek(), Some(TokenTree::Punct(next)) if next.as_char() == ':');
                    let own = self.owner.self_type.filter(|_| !is_path)?;
                    renamed.extend(self.renamed(own.to_token_stream())?);
                }
                TokenTree::Ident(ident)
                    if ident == "impl" || self.parameters.iter().any(|name| **name == ident) =>
                {
                    return None;
                }
                TokenTree::Group(group) => {
                    let inner = self.renamed(group.stream())?;
                    let mut outer = proc_macro2::Group::new(group.delimiter(), inner);
                    outer.set_span(group.span());
                    renamed.extend([TokenTree::Group(outer)]);
                }
                token => renamed.extend([token]),
            }
            is_after_quote = is_quote;
        }
        Some(renamed)
    }
}

/// Returns `true` if `Box<…>` or `Pin<…>` contains a type that is named as a future.
fn boxes_future(arguments: &PathArguments) -> bool {
    fn names_future(tokens: TokenStream) -> bool {
        tokens.into_iter().any(|token| match token {
            TokenTree::Ident(ident) => ident.to_string().ends_with("Future"),
            TokenTree::Group(group) => names_future(group.stream()),
            TokenTree::Punct(_) | TokenTree::Literal(_) => false,
        })
    }
    let PathArguments::AngleBracketed(arguments) = arguments else { return false };
    arguments
        .args
        .iter()
        .any(|one| matches!(one, GenericArgument::Type(ty) if names_future(ty.to_token_stream())))
}

/// Creates an assertion that does not compile if everything in `conjunction` is true.
fn assertion(
    conjunction: &[TokenStream],
    conditions: &[&Attribute],
    span: Span,
    message: &str,
) -> TokenStream {
    let span = Span::mixed_site().located_at(span);
    quote_spanned! { span =>
        #(#conditions)*
        #[allow(
            deprecated,
            elided_lifetimes_in_paths,
            single_use_lifetimes,
            unused_imports,
            unused_parens,
            unused_qualifications
        )]
        const _: () = {
            use ::jwt_verify::__private::Otherwise as _;
            ::core::assert!(!(#(#conjunction)&&*), #message)
        };
    }
}

/// The path of the type that tests types.
struct ProbePath;

const PROBE: ProbePath = ProbePath;

impl ToTokens for ProbePath {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(quote! { ::jwt_verify::__private::Probe });
    }
}

/// Types of the standard library that are not futures, whatever their parameters.
const CONTAINERS: [&str; 14] = [
    "Arc",
    "BTreeMap",
    "BTreeSet",
    "Cell",
    "HashMap",
    "HashSet",
    "Mutex",
    "Option",
    "PhantomData",
    "Rc",
    "RefCell",
    "Result",
    "Vec",
    "VecDeque",
];

/// Traits that do not make a type a future by themselves.
const NOT_FUTURES: [&str; 26] = [
    "AsRef",
    "Clone",
    "Copy",
    "Debug",
    "Default",
    "Display",
    "DoubleEndedIterator",
    "Eq",
    "Error",
    "ExactSizeIterator",
    "From",
    "FusedIterator",
    "Hash",
    "HttpServiceFactory",
    "Into",
    "IntoIterator",
    "Iterator",
    "Ord",
    "PartialEq",
    "PartialOrd",
    "Responder",
    "Send",
    "Serialize",
    "Sync",
    "ToString",
    "Unpin",
];
