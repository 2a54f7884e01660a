pub mod admin {
    #[::jwt_verify::require(roles = "admin")]
    #[get("/a")]
    async fn routed() {}
    #[require(all_of(roles = "admin"), permissions = "write")]
    async fn marked() {}
    #[public]
    #[get("/b")]
    async fn open() {}
    fn helper() {}
    #[::jwt_verify::require(roles = "admin")]
    mod inner {}
    const _: () = {
        fn is_marked<T: ::jwt_verify::__private::HandlerRequirement>() {}
        let _: fn() = is_marked::<__Require_routed>;
    };
    const _: () = {
        fn is_marked<T: ::jwt_verify::__private::HandlerRequirement>() {}
        let _: fn() = is_marked::<__Require_marked>;
    };
    const _: () = {
        fn is_marked<T: ::jwt_verify::__private::IsPublic>() {}
        let _: fn() = is_marked::<__Require_open>;
    };
}
