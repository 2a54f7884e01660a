//! Code generation; everything has been checked before.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{
    FnArg, Ident, Path, Token, Type, ext::IdentExt, parse_quote, punctuated::Punctuated,
    spanned::Spanned,
};

use crate::{
    attributes::conditions,
    handler::{Handler, Mark},
    routing,
    validate::{Claim, Fresh, Name, Operand, Requirement, Term},
};

/// A handler with its hidden argument, and the items beside it.
pub(crate) struct Expansion {
    pub(crate) siblings: TokenStream,
    pub(crate) handler: TokenStream,
}

impl ToTokens for Expansion {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self { siblings, handler } = self;
        tokens.extend(quote! { #siblings #handler });
    }
}

/// Expands a handler with a requirement. `within` distinguishes handlers of one name in several
/// blocks.
pub(crate) fn required(requirement: &Requirement, handler: Handler, within: &str) -> Expansion {
    let mut policies = Vec::new();
    let tokens = requirement_tokens(requirement, &mut policies);
    // Names that no handler has: Actix makes a type of each, and a type's name is a pattern.
    let ask = (!policies.is_empty()).then(|| {
        let arms = policies.iter().enumerate().map(|(index, policy)| policy.arm(index));
        quote! {
            fn policy(
                __jwt_verify_index: ::core::primitive::usize,
                __jwt_verify_request: &::jwt_verify::__private::HttpRequest,
                __jwt_verify_claims: &::jwt_verify::__private::VerifiedClaims,
            ) -> ::jwt_verify::__private::PolicyFuture {
                match __jwt_verify_index {
                    #(#arms)*
                    _ => ::jwt_verify::__private::no_policy(),
                }
            }
        }
    });
    let implementation = |marker: &Ident, name: &str| {
        quote! {
            impl ::jwt_verify::__private::HandlerRequirement for #marker {
                const HANDLER: &'static ::core::primitive::str = #name;

                fn requirement() -> &'static ::jwt_verify::__private::Requirement {
                    static __JWT_VERIFY_REQUIREMENT: ::jwt_verify::__private::LazyLock<
                        ::jwt_verify::__private::Requirement,
                    > = ::jwt_verify::__private::LazyLock::new(|| #tokens);
                    &__JWT_VERIFY_REQUIREMENT
                }

                #ask
            }
        }
    };
    mark(handler, within, &format_ident!("Authorized"), implementation, |own, access, marker| {
        if own.is_empty() {
            return vec![parse_quote!(_: #access)];
        }
        let parts = own.into_iter().filter_map(|argument| match argument {
            FnArg::Typed(typed) => Some((typed.pat, typed.ty)),
            FnArg::Receiver(_) => None,
        });
        let (patterns, types): (Vec<_>, Vec<_>) = parts.unzip();
        // A single argument needs no tuple, whose future would be larger.
        let (patterns, types) = match (&*patterns, &*types) {
            ([pattern], [ty]) => (quote! { #pattern }, quote! { #ty }),
            _ => (quote! { (#(#patterns,)*) }, quote! { (#(#types,)*) }),
        };
        vec![parse_quote! {
            ::jwt_verify::__private::Authorized { arguments: #patterns, .. }:
                ::jwt_verify::__private::Authorized<#marker, #types>
        }]
    })
}

/// Expands a public handler.
pub(crate) fn public(handler: Handler, within: &str) -> Expansion {
    let implementation = |marker: &Ident, name: &str| {
        quote! {
            impl ::jwt_verify::__private::IsPublic for #marker {
                const HANDLER: &'static ::core::primitive::str = #name;
            }
        }
    };
    mark(handler, within, &format_ident!("PublicRoute"), implementation, |own, access, _| {
        std::iter::once(parse_quote!(_: #access)).chain(own).collect()
    })
}

/// Rebuilds the arguments, including the hidden one, and creates the type that names the
/// requirement beside the handler.
fn mark(
    mut handler: Handler,
    within: &str,
    argument: &Ident,
    implementation: impl FnOnce(&Ident, &str) -> TokenStream,
    arguments: impl FnOnce(Punctuated<FnArg, Token![,]>, &TokenStream, &Ident) -> Vec<FnArg>,
) -> Expansion {
    let name = handler.ident().unraw().to_string();
    let marker = marker(within, handler.ident());
    // It is `pub` for every handler: Actix can make the handler's service `pub` itself, and types
    // in the traits of a public type must not be private. A twin for another configuration has a
    // marker of the same name.
    let conditions = conditions(&handler.attrs);
    let implementation = implementation(&marker, &name);
    let access = quote! { ::jwt_verify::__private::#argument<#marker> };
    // A block has no services: Actix' attributes do not work there.
    let annotated = within.is_empty().then(|| annotated(&handler, &access));
    let siblings = quote! {
        #(#conditions)*
        #[doc(hidden)]
        #[allow(
            non_camel_case_types,
            unreachable_pub,
            missing_docs,
            missing_debug_implementations,
            missing_copy_implementations,
            dead_code
        )]
        pub struct #marker;

        #(#conditions)*
        #[automatically_derived]
        #implementation

        #annotated
    };
    let lints = handler.take_argument_lints();
    let own = std::mem::take(&mut handler.sig.inputs);
    handler.sig.inputs.extend(arguments(own, &access, &marker));
    // The hidden argument is not counted, and the handler is async even if it never waits.
    let handler = quote! {
        #[allow(clippy::too_many_arguments, clippy::type_complexity, clippy::unused_async)]
        #(#lints)*
        #handler
    };
    Expansion { siblings, handler }
}

/// Returns the name of the type with the requirement of a handler.
fn marker(within: &str, handler: &Ident) -> Ident {
    let span = Span::mixed_site().located_at(handler.span());
    format_ident!("__Require_{within}{}", handler.unraw().to_string(), span = span)
}

/// Does not compile if the attribute on a handler belonged to another crate.
pub(crate) fn assertion(mark: Mark, handler: &Handler) -> TokenStream {
    let marker = marker("", handler.ident());
    let conditions = conditions(&handler.attrs);
    let bound = match mark {
        Mark::Require => quote! { ::jwt_verify::__private::HandlerRequirement },
        Mark::Public => quote! { ::jwt_verify::__private::IsPublic },
    };
    quote! {
        #(#conditions)*
        const _: () = {
            fn is_marked<T: #bound>() {}
            let _: fn() = is_marked::<#marker>;
        };
    }
}

/// Annotates a handler that Actix makes a service of, for `AuthScope`.
fn annotated(handler: &Handler, access: &TokenStream) -> Option<TokenStream> {
    let routes = routing::routes(&handler.attrs);
    if routes.is_empty() {
        return None;
    }
    let service = handler.ident();
    let conditions = conditions(&handler.attrs);
    let routes = routes.iter().map(|route| {
        let (method, path) = (&route.method, &route.path);
        quote! { (#method, #path) }
    });
    Some(quote! {
        #(#conditions)*
        #[automatically_derived]
        impl ::jwt_verify::__private::Annotated for #service {
            type Access = #access;
            const ROUTES: &'static [(
                &'static ::core::primitive::str,
                &'static ::core::primitive::str,
            )] = &[#(#routes),*];
        }
    })
}

/// A decision beyond the claims.
enum Policy<'a> {
    Function(&'a Path),
    Authorizer(&'a Type),
}

impl Policy<'_> {
    fn arm(&self, index: usize) -> TokenStream {
        match self {
            Self::Function(path) => quote! {
                #index => ::jwt_verify::__private::ask_policy(
                    #path,
                    __jwt_verify_request,
                    __jwt_verify_claims,
                ),
            },
            Self::Authorizer(ty) => quote! {
                #index => ::jwt_verify::__private::ask_authorizer::<#ty>(
                    __jwt_verify_request,
                    __jwt_verify_claims,
                    <Self as ::jwt_verify::__private::HandlerRequirement>::requirement(),
                ),
            },
        }
    }

    /// Returns the requirement that it allows the request. The last argument distinguishes two of
    /// them.
    fn requirement(&self, index: usize) -> TokenStream {
        match self {
            Self::Function(path) => {
                let name = written(path);
                quote! {
                    ::jwt_verify::__private::Requirement::policy(
                        #index,
                        #name,
                        ::jwt_verify::__private::function(&#path),
                    )
                }
            }
            Self::Authorizer(ty) => {
                let name = written(ty);
                quote! {
                    ::jwt_verify::__private::Requirement::authorizer(
                        #index,
                        #name,
                        ::jwt_verify::__private::authorizer::<#ty>(),
                    )
                }
            }
        }
    }
}

/// Formats a path or a type with spaces between words only.
fn written(tokens: &impl ToTokens) -> String {
    let text = tokens.to_token_stream().to_string();
    let is_word = |character: Option<char>| {
        character.is_some_and(|character| character.is_alphanumeric() || character == '_')
    };
    let mut written = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let is_between = is_word(written.chars().last()) && is_word(characters.peek().copied());
        if character != ' ' || is_between {
            written.push(character);
        }
    }
    written
}

/// Generates an expression for a requirement without policies.
pub(crate) fn plain_requirement(requirement: &Requirement) -> TokenStream {
    requirement_tokens(requirement, &mut Vec::new())
}

/// Generates an expression for the requirement. Policies are numbered in their order.
fn requirement_tokens<'a>(
    requirement: &'a Requirement,
    policies: &mut Vec<Policy<'a>>,
) -> TokenStream {
    let mut tokens = quote! { ::jwt_verify::__private::Requirement::authenticated() };
    for (method, list) in [
        ("and_roles", &requirement.roles),
        ("and_permissions", &requirement.permissions),
        ("and_scopes", &requirement.scopes),
        ("acr_values", &requirement.acr),
    ] {
        if !list.is_empty() {
            let method = format_ident!("{method}");
            let names = list.iter().map(name_tokens);
            tokens.extend(quote! { .#method([#(#names),*]) });
        }
    }
    for (method, is_set) in [
        ("all_roles", requirement.all_roles),
        ("all", requirement.all),
        ("refresh_token", requirement.refresh),
    ] {
        if is_set {
            let method = format_ident!("{method}");
            tokens.extend(quote! { .#method() });
        }
    }
    if let Some(seconds) = requirement.max_age {
        tokens.extend(quote! { .max_age(::jwt_verify::__private::Duration::from_secs(#seconds)) });
    }
    match requirement.fresh {
        None => {}
        Some(Fresh::Login) => tokens.extend(quote! { .fresh() }),
        Some(Fresh::Seconds(seconds)) => tokens.extend(quote! {
            .fresh_within(::jwt_verify::__private::Duration::from_secs(#seconds))
        }),
    }
    for term in &requirement.terms {
        let term = term_tokens(term, policies);
        tokens.extend(quote! { & #term });
    }
    quote! { (#tokens) }
}

fn term_tokens<'a>(term: &'a Term, policies: &mut Vec<Policy<'a>>) -> TokenStream {
    let mut policy = |policy: Policy<'a>| {
        let requirement = policy.requirement(policies.len());
        policies.push(policy);
        requirement
    };
    match term {
        Term::Policy(path) => policy(Policy::Function(path)),
        Term::Authorizer(ty) => policy(Policy::Authorizer(ty)),
        Term::All(nested) => requirement_tokens(nested, policies),
        Term::Any(alternatives) => {
            let alternatives: Vec<_> =
                alternatives.iter().map(|one| requirement_tokens(one, policies)).collect();
            quote! { ::jwt_verify::__private::Requirement::any_of([#(#alternatives),*]) }
        }
        Term::Not(nested) => {
            let nested = requirement_tokens(nested, policies);
            quote! { !#nested }
        }
        Term::Credential(kinds) => {
            let kinds = kinds.iter().map(name_tokens);
            quote! { ::jwt_verify::__private::Requirement::credentials([#(#kinds),*]) }
        }
        Term::Claim(Claim { name, is_contains, operand }) => {
            let comparison = if *is_contains { "claim_contains" } else { "claim_equals" };
            match operand {
                Operand::Value(value) => {
                    let method = format_ident!("{comparison}");
                    quote! {
                        ::jwt_verify::__private::Requirement::#method(
                            #name,
                            ::jwt_verify::__private::literal(#value),
                        )
                    }
                }
                Operand::Segment(segment) => {
                    let method = format_ident!("{comparison}_segment");
                    let segment = segment.unraw().to_string();
                    quote! { ::jwt_verify::__private::Requirement::#method(#name, #segment) }
                }
            }
        }
    }
}

fn name_tokens(name: &Name) -> TokenStream {
    match name {
        Name::Text(text) => quote! { ::jwt_verify::__private::name(&#text) },
        Name::Path(path) => quote_spanned! { path.span() =>
            ::jwt_verify::__private::name(&#path)
        },
    }
}
