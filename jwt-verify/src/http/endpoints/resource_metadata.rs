//! The endpoint of Protected Resource Metadata (RFC 9728 §3).

use std::future::ready;

use actix_web::{
    HttpResponse,
    dev::{AppService, HttpServiceFactory},
    http::{
        Method,
        header::{
            ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
            ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE, CACHE_CONTROL, ContentType,
            HeaderName,
        },
    },
    web,
};

use crate::http::{auth::context::AuthContext, endpoints::document_route::document_route};

/// Serves the [`ResourceMetadata`](crate::endpoints::ResourceMetadata) with `GET`; made by [`JwtAuth::resource_metadata_route`](crate::JwtAuth::resource_metadata_route).
///
/// Its path is that of the resource identifier after `/.well-known/oauth-protected-resource`:
/// register it in the `App` itself, before a scope whose prefix is empty. In an `App` that is
/// wrapped with a [`JwtAuth`](crate::JwtAuth) it would need a token: wrap a scope instead. A proxy in front has to
/// forward that path. Clients may cache the document for five minutes. Pages of other origins cannot
/// read it, unless it is [`cross_origin`](crate::endpoints::ResourceMetadata::cross_origin) or a CORS
/// middleware is around it.
#[derive(Debug)]
pub struct ResourceMetadataEndpoint {
    context: AuthContext,
}

impl ResourceMetadataEndpoint {
    pub(crate) fn new(context: AuthContext) -> Self {
        Self { context }
    }
}

impl HttpServiceFactory for ResourceMetadataEndpoint {
    fn register(self, config: &mut AppService) {
        let Some(published) = &self.context.settings().metadata else {
            tracing::error!(
                "there is no resource metadata to publish: set it with \
                 `JwtAuthBuilder::resource_metadata`"
            );
            return;
        };
        let document = published.document().clone();
        let is_cross_origin = published.is_cross_origin();
        let response = move || {
            let mut response = HttpResponse::Ok();
            response
                .insert_header((CACHE_CONTROL, "public, max-age=300"))
                .insert_header(ContentType::json());
            if is_cross_origin {
                response.insert_header(ANY_ORIGIN);
            }
            response.body(document.clone())
        };
        for path in published.paths() {
            let mut route = document_route(path, response.clone());
            if is_cross_origin {
                route = route.route(web::method(Method::OPTIONS).to(|| ready(preflight())));
            }
            route.register(config);
        }
    }
}

const ANY_ORIGIN: (HeaderName, &str) = (ACCESS_CONTROL_ALLOW_ORIGIN, "*");

/// Allows the request that a browser asks about: clients of the Model Context Protocol send a header
/// that is not among those that pages may send unasked.
fn preflight() -> HttpResponse {
    HttpResponse::NoContent()
        .insert_header(ANY_ORIGIN)
        .insert_header((ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD"))
        .insert_header((ACCESS_CONTROL_ALLOW_HEADERS, "*"))
        .insert_header((ACCESS_CONTROL_MAX_AGE, "86400"))
        .finish()
}
