#[doc(hidden)]
#[allow(
    non_camel_case_types,
    unreachable_pub,
    missing_docs,
    missing_debug_implementations,
    missing_copy_implementations,
    dead_code
)]
pub struct __Require_edit;
#[automatically_derived]
impl ::jwt_verify::__private::HandlerRequirement for __Require_edit {
    const HANDLER: &'static ::core::primitive::str = "edit";
    fn requirement() -> &'static ::jwt_verify::__private::Requirement {
        static __JWT_VERIFY_REQUIREMENT: ::jwt_verify::__private::LazyLock<
            ::jwt_verify::__private::Requirement,
        > = ::jwt_verify::__private::LazyLock::new(|| {
            (::jwt_verify::__private::Requirement::authenticated()
                .and_roles([
                    ::jwt_verify::__private::name(&"editor"),
                    ::jwt_verify::__private::name(&"admin"),
                ])
                .and_permissions([
                    ::jwt_verify::__private::name(&"read"),
                    ::jwt_verify::__private::name(&"write"),
                ])
                .all())
        });
        &__JWT_VERIFY_REQUIREMENT
    }
}
#[automatically_derived]
impl ::jwt_verify::__private::Annotated for edit {
    type Access = ::jwt_verify::__private::Authorized<__Require_edit>;
    const ROUTES: &'static [(
        &'static ::core::primitive::str,
        &'static ::core::primitive::str,
    )] = &[("PUT", "/posts/{id}")];
}
#[allow(clippy::too_many_arguments, clippy::type_complexity, clippy::unused_async)]
/// Its documentation stays.
#[put("/posts/{id}")]
pub async fn edit(
    ::jwt_verify::__private::Authorized {
        arguments: id,
        ..
    }: ::jwt_verify::__private::Authorized<__Require_edit, web::Path<u64>>,
) -> impl Responder {
    id.to_string()
}
