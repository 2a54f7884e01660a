//! The endpoint of Protected Resource Metadata (RFC 9728 §3).

use actix_web::{
    HttpResponse,
    dev::{AppService, HttpServiceFactory},
    http::header::{CACHE_CONTROL, ContentType},
};

use crate::http::{auth::context::AuthContext, endpoints::document_route::document_route};

/// Serves the [`ResourceMetadata`](crate::endpoints::ResourceMetadata) with `GET`; made by [`JwtAuth::resource_metadata_route`](crate::JwtAuth::resource_metadata_route).
///
/// Its path is that of the resource identifier after `/.well-known/oauth-protected-resource`:
/// register it in the `App` itself, before a scope whose prefix is empty. In an `App` that is
/// wrapped with a [`JwtAuth`](crate::JwtAuth) it would need a token: wrap a scope instead. A proxy in front has to
/// forward that path. Pages of other origins need a CORS middleware around it. Clients may cache
/// the document for five minutes.
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
        let (path, document) = (published.path().to_owned(), published.document().clone());
        let response = move || {
            HttpResponse::Ok()
                .insert_header((CACHE_CONTROL, "public, max-age=300"))
                .insert_header(ContentType::json())
                .body(document.clone())
        };
        document_route(path, response).register(config);
    }
}
