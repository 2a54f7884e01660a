//! The [`JwtAuth`] in the data of an application.

use actix_web::{HttpRequest, web};

use crate::{
    error::AuthError,
    http::auth::context::{AuthContext, JwtAuth},
};

/// Address of a [`JwtAuth`] in the data of an application, directly or as `web::Data`. It stays the
/// same as long as the application runs. For `web::Data` it is the address of the handle, since
/// clones share the rest.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct DataAddress {
    plain: Option<usize>,
    wrapped: Option<usize>,
}

fn address_of<T>(of: &T) -> usize {
    std::ptr::from_ref(of).addr()
}

/// Finds the [`JwtAuth`] in the application's data, directly or as `web::Data`, and its address.
/// Two that differ are an error, since either could apply.
pub(crate) fn locate(
    request: &HttpRequest,
) -> (Result<Option<&AuthContext>, AuthError>, DataAddress) {
    let plain = request.app_data::<JwtAuth>();
    let data = request.app_data::<web::Data<JwtAuth>>();
    let address = DataAddress { plain: plain.map(address_of), wrapped: data.map(address_of) };
    let wrapped = data.map(|data| &data.context);
    let nearest = match (plain.map(|plain| &plain.context), wrapped) {
        (Some(plain), Some(wrapped)) if !plain.is_same(wrapped) => {
            tracing::error!(
                "the app's data holds one JwtAuth by itself and another as web::Data: use one \
                 form everywhere"
            );
            Err(AuthError::Misconfigured)
        }
        (plain, wrapped) => Ok(plain.or(wrapped)),
    };
    (nearest, address)
}
