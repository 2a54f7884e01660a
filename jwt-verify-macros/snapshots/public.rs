#[doc(hidden)]
#[allow(
    non_camel_case_types,
    unreachable_pub,
    missing_docs,
    missing_debug_implementations,
    missing_copy_implementations,
    dead_code
)]
pub struct __Require_news;
#[automatically_derived]
impl ::jwt_verify::__private::IsPublic for __Require_news {
    const HANDLER: &'static ::core::primitive::str = "news";
}
#[automatically_derived]
impl ::jwt_verify::__private::Annotated for news {
    type Access = ::jwt_verify::__private::PublicRoute<__Require_news>;
    const ROUTES: &'static [(
        &'static ::core::primitive::str,
        &'static ::core::primitive::str,
    )] = &[("GET", "/news")];
}
#[allow(clippy::too_many_arguments, clippy::type_complexity, clippy::unused_async)]
#[get("/news")]
async fn news(_: ::jwt_verify::__private::PublicRoute<__Require_news>) -> &'static str {
    "news"
}
