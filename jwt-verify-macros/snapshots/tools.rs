fn rules() -> ::jwt_verify::mcp::Rules {
    ::jwt_verify::mcp::Rules::new()
        .tool("whoami", (::jwt_verify::__private::Requirement::authenticated()))
        .tool(
            "search",
            (::jwt_verify::__private::Requirement::authenticated()
                .and_scopes([
                    ::jwt_verify::__private::name(&"notes:read"),
                    ::jwt_verify::__private::name(&SCOPE),
                ])
                .all()),
        )
        .tool(
            "delete_note",
            (::jwt_verify::__private::Requirement::authenticated()
                .and_roles([::jwt_verify::__private::name(&"admin")])
                & !(::jwt_verify::__private::Requirement::authenticated()
                    & ::jwt_verify::__private::Requirement::claim_equals(
                        "acr",
                        ::jwt_verify::__private::literal("0"),
                    ))),
        )
}
