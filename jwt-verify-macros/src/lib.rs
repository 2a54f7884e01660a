//! The attribute of `actix-jwt-verify`. Use it through that crate, as `jwt_verify::require`; its
//! documentation is there too.

mod args;
mod expand;
mod validate;

use proc_macro::TokenStream;

/// Protects a handler with roles and permissions.
#[proc_macro_attribute]
pub fn require(args: TokenStream, item: TokenStream) -> TokenStream {
    let untouched = proc_macro2::TokenStream::from(item.clone());
    match protect(args, item) {
        Ok(expansion) => expansion,
        // The handler as it was, so that one mistake is one message.
        Err(error) => {
            let error = error.into_compile_error();
            quote::quote! { #error #untouched }
        }
    }
    .into()
}

fn protect(args: TokenStream, item: TokenStream) -> syn::Result<proc_macro2::TokenStream> {
    let args = syn::parse::<args::Args>(args)?;
    let requirement = validate::requirement(&args)?;
    let handler = validate::handler(item.into())?;
    Ok(expand::handler(&requirement, handler))
}
