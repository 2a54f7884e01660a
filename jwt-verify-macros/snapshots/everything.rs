#[cfg(unix)]
#[doc(hidden)]
#[allow(
    non_camel_case_types,
    unreachable_pub,
    missing_docs,
    missing_debug_implementations,
    missing_copy_implementations,
    dead_code
)]
pub struct __Require_handler;
#[cfg(unix)]
#[automatically_derived]
impl ::jwt_verify::__private::HandlerRequirement for __Require_handler {
    const HANDLER: &'static ::core::primitive::str = "handler";
    fn requirement() -> &'static ::jwt_verify::__private::Requirement {
        static __JWT_VERIFY_REQUIREMENT: ::jwt_verify::__private::LazyLock<
            ::jwt_verify::__private::Requirement,
        > = ::jwt_verify::__private::LazyLock::new(|| {
            (::jwt_verify::__private::Requirement::authenticated()
                .and_roles([::jwt_verify::__private::name(&Role::Admin)])
                .and_scopes([::jwt_verify::__private::name(&"s")])
                .acr_values([::jwt_verify::__private::name(&"mfa")])
                .all_roles()
                .max_age(::jwt_verify::__private::Duration::from_secs(300u64))
                .fresh_within(::jwt_verify::__private::Duration::from_secs(3600u64))
                & ::jwt_verify::__private::Requirement::credentials([
                    ::jwt_verify::__private::name(&"api-key"),
                ])
                & ::jwt_verify::__private::Requirement::any_of([
                    (::jwt_verify::__private::Requirement::authenticated()
                        & ::jwt_verify::__private::Requirement::claim_equals(
                            "a",
                            ::jwt_verify::__private::literal(true),
                        )),
                    (::jwt_verify::__private::Requirement::authenticated()
                        & !(::jwt_verify::__private::Requirement::authenticated()
                            & ::jwt_verify::__private::Requirement::claim_contains_segment(
                                "b",
                                "c",
                            ))),
                ])
                & ::jwt_verify::__private::Requirement::policy(
                    0usize,
                    "crate::owns",
                    ::jwt_verify::__private::function(&crate::owns),
                )
                & ::jwt_verify::__private::Requirement::authorizer(
                    1usize,
                    "Accounts<u8>",
                    ::jwt_verify::__private::authorizer::<Accounts<u8>>(),
                ))
        });
        &__JWT_VERIFY_REQUIREMENT
    }
    fn policy(
        __jwt_verify_index: ::core::primitive::usize,
        __jwt_verify_request: &::jwt_verify::__private::HttpRequest,
        __jwt_verify_claims: &::jwt_verify::__private::VerifiedClaims,
    ) -> ::jwt_verify::__private::PolicyFuture {
        match __jwt_verify_index {
            0usize => {
                ::jwt_verify::__private::ask_policy(
                    crate::owns,
                    __jwt_verify_request,
                    __jwt_verify_claims,
                )
            }
            1usize => {
                ::jwt_verify::__private::ask_authorizer::<
                    Accounts<u8>,
                >(
                    __jwt_verify_request,
                    __jwt_verify_claims,
                    <Self as ::jwt_verify::__private::HandlerRequirement>::requirement(),
                )
            }
            _ => ::jwt_verify::__private::no_policy(),
        }
    }
}
#[allow(clippy::too_many_arguments, clippy::type_complexity, clippy::unused_async)]
#[cfg(unix)]
async fn handler<T>(
    ::jwt_verify::__private::Authorized {
        arguments: value,
        ..
    }: ::jwt_verify::__private::Authorized<__Require_handler, T>,
) -> T
where
    T: FromRequest,
{
    value
}
