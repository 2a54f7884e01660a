#[doc(hidden)]
#[allow(
    non_camel_case_types,
    unreachable_pub,
    missing_docs,
    missing_debug_implementations,
    missing_copy_implementations,
    dead_code
)]
pub struct __Require_a476ea6a533fedc6_list;
#[automatically_derived]
impl ::jwt_verify::__private::HandlerRequirement for __Require_a476ea6a533fedc6_list {
    const HANDLER: &'static ::core::primitive::str = "list";
    fn requirement() -> &'static ::jwt_verify::__private::Requirement {
        static __JWT_VERIFY_REQUIREMENT: ::jwt_verify::__private::LazyLock<
            ::jwt_verify::__private::Requirement,
        > = ::jwt_verify::__private::LazyLock::new(|| {
            (::jwt_verify::__private::Requirement::authenticated()
                .and_permissions([::jwt_verify::__private::name(&"read")]))
        });
        &__JWT_VERIFY_REQUIREMENT
    }
}
#[doc(hidden)]
#[allow(
    non_camel_case_types,
    unreachable_pub,
    missing_docs,
    missing_debug_implementations,
    missing_copy_implementations,
    dead_code
)]
pub struct __Require_a476ea6a533fedc6_edit;
#[automatically_derived]
impl ::jwt_verify::__private::HandlerRequirement for __Require_a476ea6a533fedc6_edit {
    const HANDLER: &'static ::core::primitive::str = "edit";
    fn requirement() -> &'static ::jwt_verify::__private::Requirement {
        static __JWT_VERIFY_REQUIREMENT: ::jwt_verify::__private::LazyLock<
            ::jwt_verify::__private::Requirement,
        > = ::jwt_verify::__private::LazyLock::new(|| {
            (::jwt_verify::__private::Requirement::authenticated()
                .and_roles([::jwt_verify::__private::name(&"editor")])
                & (::jwt_verify::__private::Requirement::authenticated()
                    .and_permissions([::jwt_verify::__private::name(&"read")])))
        });
        &__JWT_VERIFY_REQUIREMENT
    }
}
#[require(__used)]
const _: () = ();
#[doc(hidden)]
#[allow(
    non_camel_case_types,
    unreachable_pub,
    missing_docs,
    missing_debug_implementations,
    missing_copy_implementations,
    dead_code
)]
pub struct __Require_a476ea6a533fedc6_count;
#[automatically_derived]
impl ::jwt_verify::__private::IsPublic for __Require_a476ea6a533fedc6_count {
    const HANDLER: &'static ::core::primitive::str = "count";
}
#[public(__used)]
const _: () = ();
impl<T> Posts<T> {
    #[allow(clippy::too_many_arguments, clippy::type_complexity, clippy::unused_async)]
    async fn list(
        _: ::jwt_verify::__private::Authorized<__Require_a476ea6a533fedc6_list>,
    ) {}
    #[allow(clippy::too_many_arguments, clippy::type_complexity, clippy::unused_async)]
    async fn edit(
        _: ::jwt_verify::__private::Authorized<__Require_a476ea6a533fedc6_edit>,
    ) {}
    #[allow(clippy::too_many_arguments, clippy::type_complexity, clippy::unused_async)]
    async fn count(
        _: ::jwt_verify::__private::PublicRoute<__Require_a476ea6a533fedc6_count>,
    ) {}
    fn helper(&self) {}
}
