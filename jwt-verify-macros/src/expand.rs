//! Generates code; everything has been checked before.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::{Attribute, ItemFn, LitStr, ext::IdentExt, parse_quote};

use crate::validate::{Fresh, Requirement};

/// The handler with the hidden argument, and the type that says what it demands.
pub(crate) fn handler(requirement: &Requirement, mut function: ItemFn) -> TokenStream {
    let ident = function.sig.ident.unraw();
    let name = ident.to_string();
    let marker = format_ident!(
        "__Require_{name}",
        span = Span::mixed_site().located_at(function.sig.ident.span())
    );
    let visibility = &function.vis;
    // A twin for another configuration has a marker of the same name.
    let conditions: Vec<&Attribute> =
        function.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg")).collect();
    let roles = names(&requirement.roles);
    let permissions = names(&requirement.permissions);
    let all = requirement.all;
    let fresh = requirement.fresh.map(|fresh| match fresh {
        Fresh::Login => quote! { .fresh() },
        Fresh::Seconds(seconds) => quote! {
            .fresh_within(::jwt_verify::__private::Duration::from_secs(#seconds))
        },
    });
    let refresh = requirement.refresh.then(|| quote! { .refresh_token() });
    let marker_items = quote! {
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
        #visibility struct #marker;

        #(#conditions)*
        #[automatically_derived]
        impl ::jwt_verify::__private::Requires for #marker {
            const HANDLER: &'static str = #name;

            fn requirement() -> &'static ::jwt_verify::__private::Requirement {
                static ROLES: &[::jwt_verify::__private::Cow<'static, str>] = &#roles;
                static PERMISSIONS: &[::jwt_verify::__private::Cow<'static, str>] = &#permissions;
                static REQUIREMENT: ::jwt_verify::__private::Requirement =
                    ::jwt_verify::__private::Requirement::fixed(ROLES, PERMISSIONS, #all)
                        #fresh #refresh;
                &REQUIREMENT
            }
        }
    };
    function.sig.inputs.insert(0, parse_quote!(_: ::jwt_verify::__private::Authorized<#marker>));
    quote! {
        #marker_items
        #[allow(clippy::too_many_arguments)]
        #function
    }
}

fn names(names: &[LitStr]) -> TokenStream {
    quote! { [#(::jwt_verify::__private::Cow::Borrowed(#names)),*] }
}
