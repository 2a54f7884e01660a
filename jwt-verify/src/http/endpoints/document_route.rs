//! A route that serves a document with `GET` and `HEAD`.

use std::future::ready;

use actix_web::{HttpResponse, Resource, web};

/// Returns a route at a path, whose response is made anew for each request.
pub(crate) fn document_route(
    path: impl AsRef<str>,
    response: impl Fn() -> HttpResponse + Clone + 'static,
) -> Resource {
    let serve = move || ready(response());
    web::resource(path.as_ref()).route(web::get().to(serve.clone())).route(web::head().to(serve))
}
