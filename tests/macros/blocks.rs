//! The attribute on modules and `impl` blocks.

use actix_web::{App, web};
use jwt_verify::{AuthScope, public, require};
use jwt_verify_tests::{TestBed, TestServer};
use serde_json::json;

#[require(roles = "admin")]
mod admin {
    use actix_web::{get, post, web};
    use jwt_verify::{public, require};

    #[get("/users")]
    pub(super) async fn users() -> &'static str {
        "ran"
    }

    #[require(permissions = "write")]
    #[post("/settings")]
    pub(super) async fn settings(_: web::Bytes) -> &'static str {
        "ran"
    }

    /// An empty one of its own takes that of the module.
    #[require]
    pub(super) async fn routed() -> &'static str {
        "ran"
    }

    #[public]
    #[get("/help")]
    pub(super) async fn help() -> &'static str {
        "ran"
    }

    pub(super) mod audit {
        use actix_web::get;

        #[get("/log")]
        pub(in super::super) async fn log() -> &'static str {
            super::no_handler()
        }
    }

    #[jwt_verify::require(roles = "auditor")]
    pub(super) mod strict {
        use actix_web::get;

        #[get("/strict")]
        pub(in super::super) async fn strict() -> &'static str {
            "ran"
        }
    }

    fn no_handler() -> &'static str {
        "ran"
    }
}

struct Posts;

#[require(permissions = "posts")]
impl Posts {
    async fn list() -> &'static str {
        Self::text()
    }

    #[require(roles = "editor")]
    async fn edit(_: web::Bytes) -> &'static str {
        Self::text()
    }

    #[public]
    async fn count() -> &'static str {
        Self::text()
    }

    fn text() -> &'static str {
        "ran"
    }
}

struct Of<T>(std::marker::PhantomData<T>);

#[require(roles = "numbers")]
impl Of<u32> {
    async fn list() -> &'static str {
        "ran"
    }
}

#[require(roles = "texts")]
impl Of<String> {
    async fn list() -> &'static str {
        "ran"
    }
}

#[require(roles = "any")]
impl<T: ToString> Of<Vec<T>> {
    async fn list() -> String
    where
        T: 'static,
    {
        "ran".to_owned()
    }
}

#[public]
async fn open() -> &'static str {
    "ran"
}

#[test]
fn each_handler_has_the_requirement_and_its_own() {
    let bed = TestBed::new();
    let auth = bed.auth().build().unwrap();
    let api = TestServer::start(move || {
        App::new()
            .app_data(auth.clone())
            .service((admin::users, admin::settings, admin::help))
            .service((admin::audit::log, admin::strict::strict))
            .route("/routed", web::get().to(admin::routed))
            .route("/posts", web::get().to(Posts::list))
            .route("/posts", web::put().to(Posts::edit))
            .route("/posts/count", web::get().to(Posts::count))
            .route("/numbers", web::get().to(Of::<u32>::list))
            .route("/texts", web::get().to(Of::<String>::list))
            .route("/any", web::get().to(Of::<Vec<u8>>::list))
            .route("/open", web::get().to(open))
    });
    let ask = |method: &str, path: &str, claims: &serde_json::Value| {
        api.request(method, path)
            .bearer(bed.token_with(claims))
            .body("text/plain", "x")
            .send()
            .status
    };
    for (method, path, good, bad) in [
        ("GET", "/users", json!({"roles": ["admin"]}), json!({})),
        (
            "POST",
            "/settings",
            json!({"roles": ["admin"], "permissions": ["write"]}),
            json!({"roles": ["admin"]}),
        ),
        (
            "POST",
            "/settings",
            json!({"roles": ["admin"], "permissions": ["write"]}),
            json!({"permissions": ["write"]}),
        ),
        ("GET", "/routed", json!({"roles": ["admin"]}), json!({})),
        ("GET", "/log", json!({"roles": ["admin"]}), json!({})),
        ("GET", "/strict", json!({"roles": ["admin", "auditor"]}), json!({"roles": ["admin"]})),
        ("GET", "/strict", json!({"roles": ["admin", "auditor"]}), json!({"roles": ["auditor"]})),
        ("GET", "/posts", json!({"permissions": ["posts"]}), json!({"roles": ["posts"]})),
        (
            "PUT",
            "/posts",
            json!({"permissions": ["posts"], "roles": ["editor"]}),
            json!({"permissions": ["posts"]}),
        ),
        (
            "PUT",
            "/posts",
            json!({"permissions": ["posts"], "roles": ["editor"]}),
            json!({"roles": ["editor"]}),
        ),
        ("GET", "/numbers", json!({"roles": ["numbers"]}), json!({"roles": ["texts"]})),
        ("GET", "/texts", json!({"roles": ["texts"]}), json!({"roles": ["numbers"]})),
        ("GET", "/any", json!({"roles": ["any"]}), json!({})),
    ] {
        assert_eq!(ask(method, path, &good), 200, "{method} {path}");
        assert_eq!(ask(method, path, &bad), 403, "{method} {path}");
        assert_eq!(api.request(method, path).send().status, 401, "{method} {path}");
    }
    for path in ["/help", "/posts/count", "/open"] {
        assert_eq!(api.get(path).send().status, 200, "{path}");
    }
}

/// A body that never comes does not keep a refusal from coming, wherever the attribute stands.
#[test]
fn a_refusal_comes_before_the_body() {
    let bed = TestBed::new();
    let auth = bed.auth().build().unwrap();
    for is_wrapped in [true, false] {
        let auth = auth.clone();
        let api = TestServer::start(move || {
            App::new()
                .app_data(auth.clone())
                .wrap(actix_web::middleware::Condition::new(is_wrapped, auth.clone()))
                .service(admin::settings)
                .route("/posts", web::put().to(Posts::edit))
        });
        let user = bed.token_with(&json!({}));
        for (method, path) in [("POST", "/settings"), ("PUT", "/posts")] {
            // Its head says that a body follows, and none does.
            let request = api.request(method, path).header("content-length", "5");
            assert_eq!(request.clone().send().status, 401, "{method} {path}");
            assert_eq!(request.bearer(&user).send().status, 403, "{method} {path}");
        }
    }
}

#[test]
fn what_is_added_by_a_module_is_shown() {
    let matrix = AuthScope::new("/admin")
        .service(admin::users)
        .service(admin::settings)
        .service(admin::help)
        .scope(AuthScope::new("/audit").service(admin::audit::log).service(admin::strict::strict))
        .access_matrix();
    assert_eq!(
        matrix.to_string(),
        r#"GET   /admin/audit/log     log       roles = "admin"
GET   /admin/audit/strict  strict    roles = "auditor", all_of(roles = "admin")
GET   /admin/help          help      public
POST  /admin/settings      settings  permissions = "write", all_of(roles = "admin")
GET   /admin/users         users     roles = "admin"
"#
    );
}
