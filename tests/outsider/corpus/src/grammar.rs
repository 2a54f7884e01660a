//! A grammar of modules with one handler each, which nothing marks by itself.

/// What stands in front of the handler's body.
struct Signature {
    name: &'static str,
    is_async: bool,
    arguments: &'static str,
    output: &'static str,
    body: &'static str,
    /// What has to be there besides, in the module of the handler.
    support: &'static str,
}

const READY: &str = "std::future::ready(actix_web::HttpResponse::Ok().finish())";
const BOXED: &str = "Box::pin(async { actix_web::HttpResponse::Ok().finish() })";

/// A future of its own, which is an extractor too.
const FUTURE: &str = "pub struct Reply;
    impl std::future::Future for Reply {
        type Output = actix_web::HttpResponse;
        fn poll(self: std::pin::Pin<&mut Self>, _: &mut std::task::Context<'_>) -> std::task::Poll<Self::Output> {
            std::task::Poll::Ready(actix_web::HttpResponse::Ok().finish())
        }
    }";

const fn sync(name: &'static str, output: &'static str, body: &'static str) -> Signature {
    Signature { name, is_async: false, arguments: "", output, body, support: "" }
}

const fn with(mut signature: Signature, support: &'static str) -> Signature {
    signature.support = support;
    signature
}

const fn taking(mut signature: Signature, arguments: &'static str) -> Signature {
    signature.arguments = arguments;
    signature
}

const fn asynchronous(name: &'static str, arguments: &'static str) -> Signature {
    let body = "actix_web::HttpResponse::Ok().finish()";
    Signature {
        name,
        is_async: true,
        arguments,
        output: "actix_web::HttpResponse",
        body,
        support: "",
    }
}

/// Everything that Actix takes for a handler, by what it returns and takes.
const SIGNATURES: &[Signature] = &[
    asynchronous("asynchronous", ""),
    asynchronous(
        "asynchronous_with_arguments",
        "_: actix_web::HttpRequest, _: Option<actix_web::web::Path<u8>>",
    ),
    taking(
        sync("ready_with_argument", "std::future::Ready<actix_web::HttpResponse>", READY),
        "_: actix_web::HttpRequest",
    ),
    sync("opaque", "impl std::future::Future<Output = actix_web::HttpResponse>", READY),
    sync(
        "opaque_with_more",
        "impl Unpin + std::future::Future<Output = actix_web::HttpResponse>",
        READY,
    ),
    sync("ready", "std::future::Ready<actix_web::HttpResponse>", READY),
    sync(
        "boxed",
        "std::pin::Pin<Box<dyn std::future::Future<Output = actix_web::HttpResponse>>>",
        BOXED,
    ),
    sync(
        "boxed_unpin",
        "Box<dyn std::future::Future<Output = actix_web::HttpResponse> + Unpin>",
        "Box::new(std::future::ready(actix_web::HttpResponse::Ok().finish()))",
    ),
    sync(
        "boxed_ready",
        "Box<std::future::Ready<actix_web::HttpResponse>>",
        "Box::new(std::future::ready(actix_web::HttpResponse::Ok().finish()))",
    ),
    sync(
        "pinned_ready",
        "std::pin::Pin<Box<std::future::Ready<actix_web::HttpResponse>>>",
        "Box::pin(std::future::ready(actix_web::HttpResponse::Ok().finish()))",
    ),
    sync(
        "exclusive_reference",
        "&'static mut std::future::Ready<actix_web::HttpResponse>",
        "Box::leak(Box::new(std::future::ready(actix_web::HttpResponse::Ok().finish())))",
    ),
    sync(
        "unwind_safe",
        "std::panic::AssertUnwindSafe<std::future::Ready<actix_web::HttpResponse>>",
        "std::panic::AssertUnwindSafe(std::future::ready(actix_web::HttpResponse::Ok().finish()))",
    ),
    with(
        sync("alias", "Answer", READY),
        "pub type Answer = std::future::Ready<actix_web::HttpResponse>;",
    ),
    with(
        sync("alias_of_box", "Answer", BOXED),
        "pub type Answer = std::pin::Pin<Box<dyn std::future::Future<Output = actix_web::HttpResponse>>>;",
    ),
    with(
        sync("alias_with_parameter", "Answer<actix_web::HttpResponse>", READY),
        "pub type Answer<T> = std::future::Ready<T>;",
    ),
    with(
        sync("shadowed_string", "String", READY),
        "type String = std::future::Ready<actix_web::HttpResponse>;",
    ),
    with(
        sync("shadowed_option", "Option<u8>", READY),
        "pub trait Pick { type Reply; } impl Pick for u8 { type Reply = std::future::Ready<actix_web::HttpResponse>; } type Option<T> = <T as Pick>::Reply;",
    ),
    with(
        sync("opaque_by_own_trait", "impl Answer", READY),
        "pub trait Answer: std::future::Future<Output = actix_web::HttpResponse> {} impl<T: std::future::Future<Output = actix_web::HttpResponse>> Answer for T {}",
    ),
    with(sync("own_future", "Reply", "Reply"), FUTURE),
    with(sync("future_of_elsewhere", "crate::Reply", "crate::Reply"), ""),
    with(
        sync("associated_type", "<u8 as Answer>::Reply", READY),
        "pub trait Answer { type Reply; } impl Answer for u8 { type Reply = std::future::Ready<actix_web::HttpResponse>; }",
    ),
    with(
        sync("macro_as_type", "answer!()", READY),
        "macro_rules! answer { () => { std::future::Ready<actix_web::HttpResponse> } } use answer;",
    ),
];

/// Where the handler stands. `@` is the attribute on a module, `$` that on a block; the parts of
/// the signature are `{fn}`, `{support}` and, without a body, `{declared}`.
struct Surroundings {
    name: &'static str,
    source: &'static str,
    path: &'static str,
}

const SURROUNDINGS: &[Surroundings] = &[
    Surroundings {
        name: "module",
        source: "@ pub mod m { {support} pub {fn} }",
        path: "m::handler",
    },
    Surroundings {
        name: "conditional",
        source: "@ pub mod m { {support} #[cfg(all())] pub {fn} }",
        path: "m::handler",
    },
    Surroundings {
        name: "nested_module",
        source: "@ pub mod m { pub mod inner { {support} pub {fn} } }",
        path: "m::inner::handler",
    },
    Surroundings {
        name: "block_in_module",
        source: "@ pub mod m { pub struct Users; {support} impl Users { pub {fn} } }",
        path: "m::Users::handler",
    },
    Surroundings {
        name: "generic_block_in_module",
        source: "@ pub mod m { pub struct Users<T>(T); {support} impl<T: 'static> Users<T> { pub {fn} } }",
        path: "m::Users::<u8>::handler",
    },
    Surroundings {
        name: "block",
        source: "pub mod m { pub struct Users; {support} $ impl Users { pub {fn} } }",
        path: "m::Users::handler",
    },
    Surroundings {
        name: "generic_block",
        source: "pub mod m { pub struct Users<T>(T); {support} $ impl<T: 'static> Users<T> { pub {fn} } }",
        path: "m::Users::<u8>::handler",
    },
    Surroundings {
        name: "marked_block_in_module",
        source: "@ pub mod m { pub struct Users; {support} $ impl Users { pub {fn} } }",
        path: "m::Users::handler",
    },
    Surroundings {
        name: "trait_implementation",
        source: "@ pub mod m { pub struct Users; {support} pub trait Crud { {declared}; } impl Crud for Users { {fn} } }",
        path: "<m::Users as m::Crud>::handler",
    },
    Surroundings {
        name: "generic_trait_implementation",
        source: "@ pub mod m { pub struct Users; {support} pub trait Crud<T> { {declared}; } impl<T> Crud<T> for Users { {fn} } }",
        path: "<m::Users as m::Crud<u8>>::handler",
    },
    Surroundings {
        name: "trait_of_elsewhere",
        source: "pub trait Crud { {declared}; } {support} @ pub mod m { #[allow(unused_imports)] use super::*; pub struct Users; impl Crud for Users { {fn} } }",
        path: "<m::Users as Crud>::handler",
    },
    Surroundings {
        name: "default_method",
        source: "@ pub mod m { pub struct Users; {support} pub trait Crud { {fn} } impl Crud for Users {} }",
        path: "<m::Users as m::Crud>::handler",
    },
    Surroundings {
        name: "block_in_constant",
        source: "@ pub mod m { pub struct Users; {support} const _: () = { impl Users { pub {fn} } }; }",
        path: "m::Users::handler",
    },
    Surroundings {
        name: "block_in_body",
        source: "@ pub mod m { pub struct Users; {support} pub fn host() { impl Users { pub {fn} } } }",
        path: "m::Users::handler",
    },
    Surroundings {
        name: "re_export",
        source: "{support} pub {fn} @ pub mod m { pub use super::handler; }",
        path: "m::handler",
    },
    Surroundings {
        name: "glob_re_export",
        source: "pub mod n { {support} pub {fn} } @ pub mod m { pub use super::n::*; }",
        path: "m::handler",
    },
];

/// Shapes that the combinations do not have.
const OTHERS: &[(&str, &str, &str)] = &[
    (
        "constant_pointer",
        "@ pub mod m { pub const HANDLER: fn() -> std::future::Ready<&'static str> = || std::future::ready(\"\"); }",
        "m::HANDLER",
    ),
    (
        "static_pointer",
        "@ pub mod m { pub static HANDLER: fn() -> std::future::Ready<&'static str> = || std::future::ready(\"\"); }",
        "m::HANDLER",
    ),
    (
        "aliased_pointer",
        "pub type H = fn(actix_web::HttpRequest) -> std::future::Ready<&'static str>; @ pub mod m { pub const HANDLER: super::H = |_| std::future::ready(\"\"); }",
        "m::HANDLER",
    ),
    (
        "referred_pointer",
        "@ pub mod m { pub const HANDLER: &fn() -> std::future::Ready<&'static str> = &(f as fn() -> std::future::Ready<&'static str>); #[jwt_verify::require] fn f() -> std::future::Ready<&'static str> { std::future::ready(\"\") } }",
        "*m::HANDLER",
    ),
    (
        "associated_pointer",
        "pub mod m { pub struct Users; $ impl Users { pub const HANDLER: fn() -> std::future::Ready<&'static str> = || std::future::ready(\"\"); } }",
        "m::Users::HANDLER",
    ),
    (
        "associated_pointer_in_module",
        "@ pub mod m { pub struct Users; impl Users { pub const HANDLER: fn() -> std::future::Ready<&'static str> = || std::future::ready(\"\"); } }",
        "m::Users::HANDLER",
    ),
    (
        "returned_pointer",
        "@ pub mod m { pub fn make() -> fn() -> std::future::Ready<&'static str> { || std::future::ready(\"\") } }",
        "m::make()",
    ),
    (
        "returned_closure",
        "@ pub mod m { pub fn make() -> impl Fn() -> std::future::Ready<&'static str> + Clone { || std::future::ready(\"\") } }",
        "m::make()",
    ),
    (
        "self_is_a_future",
        "@ pub mod m { impl crate::Reply { pub fn handler() -> Self { crate::Reply } } }",
        "crate::Reply::handler",
    ),
    (
        "self_is_a_future_in_block",
        "pub mod m { $ impl crate::Reply { pub fn handler_in_block() -> Self { crate::Reply } } }",
        "crate::Reply::handler_in_block",
    ),
    (
        "constructor",
        "@ pub mod m { pub struct Users(pub actix_web::HttpRequest); impl std::future::Future for Users { type Output = &'static str; fn poll(self: std::pin::Pin<&mut Self>, _: &mut std::task::Context<'_>) -> std::task::Poll<&'static str> { std::task::Poll::Ready(\"\") } } }",
        "m::Users",
    ),
    (
        "extractor_as_self",
        "@ pub mod m { impl crate::Extracted { pub async fn handler(self) -> &'static str { \"\" } } }",
        "crate::Extracted::handler",
    ),
    (
        "extractor_as_self_of_trait",
        "@ pub mod m { pub trait Crud { fn handler(self) -> std::future::Ready<&'static str>; } impl Crud for crate::Extracted { fn handler(self) -> std::future::Ready<&'static str> { std::future::ready(\"\") } } }",
        "<crate::Extracted as m::Crud>::handler",
    ),
    (
        "extractor_as_self_of_default",
        "@ pub mod m { pub trait Crud: Sized { fn handler(self) -> std::future::Ready<&'static str> { std::future::ready(\"\") } } impl Crud for crate::Extracted {} }",
        "<crate::Extracted as m::Crud>::handler",
    ),
    (
        "extractor_as_boxed_self",
        "@ pub mod m { impl crate::Extracted { pub fn boxed(self: Box<Self>) -> std::future::Ready<&'static str> { std::future::ready(\"\") } } }",
        "crate::Extracted::boxed",
    ),
    (
        "extractor_as_reference",
        "@ pub mod m { impl crate::Extracted { pub async fn referred(&'static self) -> &'static str { \"\" } } }",
        "crate::Extracted::referred",
    ),
    (
        "extractor_with_lifetime",
        "@ pub mod m { pub fn handler<'a>(_: crate::Borrowed<'a>) -> std::future::Ready<&'static str> { std::future::ready(\"\") } }",
        "m::handler",
    ),
    (
        "generic_function",
        "@ pub mod m { pub async fn handler<T>(_: T) -> &'static str { \"\" } }",
        "m::handler::<actix_web::HttpRequest>",
    ),
    (
        "generic_output",
        "@ pub mod m { pub fn handler<T: Default>() -> T { T::default() } }",
        "m::handler::<crate::Reply>",
    ),
    (
        "generic_self",
        "@ pub mod m { pub struct Users<T>(T); impl<T: Default> Users<T> { pub fn handler() -> T { T::default() } } }",
        "m::Users::<crate::Reply>::handler",
    ),
    (
        "foreign_attribute",
        "use jwt_verify::public as open; @ pub mod m { #[super::open] pub async fn handler() -> &'static str { \"\" } }",
        "m::handler",
    ),
];

/// One module with a handler.
pub(crate) struct Shape {
    pub(crate) name: String,
    source: String,
    pub(crate) path: String,
}

impl Shape {
    /// The source with the attribute in its place, or without any, where the handler is open.
    pub(crate) fn source(&self, is_protected: bool) -> String {
        let attribute = if is_protected { "#[jwt_verify::require(roles = \"admin\")]" } else { "" };
        let mut source = self.source.replace(['@', '$'], attribute);
        if !is_protected {
            source = source.replace("#[jwt_verify::require]", "").replace("#[super::open]", "");
        }
        source
    }
}

/// Every shape of the grammar.
pub(crate) fn shapes() -> Vec<Shape> {
    let mut shapes = Vec::new();
    for surroundings in SURROUNDINGS {
        for signature in SIGNATURES {
            let declared = format!(
                "{}fn handler({}) -> {}",
                if signature.is_async { "async " } else { "" },
                signature.arguments,
                signature.output,
            );
            let function = format!("{declared} {{ {} }}", signature.body);
            shapes.push(Shape {
                name: format!("{}_{}", surroundings.name, signature.name),
                source: surroundings
                    .source
                    .replace("{support}", signature.support)
                    .replace("{declared}", &declared)
                    .replace("{fn}", &function),
                path: surroundings.path.to_owned(),
            });
        }
    }
    for (name, source, path) in OTHERS {
        let (name, source, path) = ((*name).to_owned(), (*source).to_owned(), (*path).to_owned());
        shapes.push(Shape { name, source, path });
    }
    shapes
}
