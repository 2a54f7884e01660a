//! The authorization examples that come with the Flask extension, as one writes them here.

use std::time::Duration;

use actix_web::{
    App, HttpResponse, delete,
    error::{ErrorBadRequest, ErrorForbidden, ErrorNotFound},
    get, post, put, web,
};
use jwt_verify::{
    AuthError, ClaimsMapping, Decision, ForbiddenReason, Lookup, Requirement, RoleHierarchy,
    VerifiedClaims, authorization::Authorizer, require,
};
use jwt_verify_tests::{TestBed, TestServer};
use serde_json::{Value, json};

/// What a database would hold.
struct Database;

struct Post {
    author: &'static str,
    is_draft: bool,
}

impl Database {
    async fn post(&self, id: u64) -> Option<Post> {
        tokio::task::yield_now().await;
        match id {
            1 => Some(Post { author: "alice", is_draft: true }),
            2 => Some(Post { author: "bob", is_draft: true }),
            3 => Some(Post { author: "alice", is_draft: false }),
            _ => None,
        }
    }

    async fn is_premium(&self, organization: &str) -> bool {
        tokio::task::yield_now().await;
        organization == "acme"
    }
}

#[get("/admin/users")]
#[require(roles = "admin")]
async fn manage_users() -> &'static str {
    "users"
}

#[get("/moderation")]
#[require(roles = ["admin", "moderator"])]
async fn moderate(claims: VerifiedClaims) -> String {
    claims.roles().collect::<Vec<_>>().join(" ")
}

#[put("/admin/settings")]
#[require(permissions = ["read:settings", "write:settings"], all)]
async fn settings() -> &'static str {
    "settings"
}

#[get("/content")]
#[require(permissions = ["read:posts", "read:comments", "read:users"])]
async fn content() -> &'static str {
    "content"
}

#[get("/reports")]
#[require(roles = ["manager", "admin"], permissions = ["read:reports", "read:analytics"], all)]
async fn reports() -> &'static str {
    "reports"
}

async fn is_author(
    claims: &VerifiedClaims,
    id: web::Path<u64>,
    database: web::Data<Database>,
) -> actix_web::Result<Decision> {
    let post = database.post(*id).await.ok_or_else(|| ErrorNotFound("no such post"))?;
    Ok(Decision::from(claims.subject() == Some(post.author)))
}

/// Everybody may change what is theirs, and an admin everything.
#[put("/posts/{id}")]
#[require(permissions = "write:posts", any(roles = "admin", policy = is_author))]
async fn edit(_: web::Path<u64>) -> &'static str {
    "edited"
}

#[delete("/posts/{id}")]
#[require(permissions = "delete:posts", any(roles = "admin", policy = is_author))]
async fn remove(_: web::Path<u64>) -> &'static str {
    "deleted"
}

/// Only drafts can be published: by their author, or by a manager.
#[post("/posts/{id}/publish")]
#[require(permissions = "write:posts", any(roles = "manager", policy = is_author))]
async fn publish(
    id: web::Path<u64>,
    database: web::Data<Database>,
) -> actix_web::Result<&'static str> {
    let post = database.post(*id).await.ok_or_else(|| ErrorNotFound("no such post"))?;
    if post.is_draft { Ok("published") } else { Err(ErrorBadRequest("not a draft")) }
}

/// What is needed depends on what is asked for.
#[get("/organizations/{organization}/figures")]
#[require]
async fn figures(
    claims: VerifiedClaims,
    organization: web::Path<String>,
    database: web::Data<Database>,
) -> Result<&'static str, AuthError> {
    let needed = if database.is_premium(&organization).await { "premium" } else { "basic" };
    claims.check(&Requirement::permissions([format!("read:{needed}_data")]))?;
    Ok("figures")
}

/// Nobody who is suspended, and what is premium only with a subscription.
struct Accounts;

impl Authorizer for Accounts {
    fn authorize(
        &self,
        claims: &VerifiedClaims,
        requirement: &Requirement,
    ) -> Lookup<'static, Result<(), AuthError>> {
        let account = claims.get("account").and_then(Value::as_str).map(str::to_owned);
        let is_premium = requirement.to_string().contains("\"premium:");
        Lookup::Pending(Box::pin(async move {
            tokio::time::timeout(Duration::from_secs(5), std::future::ready(()))
                .await
                .map_err(|_| AuthError::Unavailable { retry_after: Duration::from_secs(5) })?;
            match account.as_deref() {
                Some("suspended") => Err(AuthError::Forbidden(ForbiddenReason::Policy)),
                Some("free") if is_premium => Err(AuthError::Forbidden(ForbiddenReason::Policy)),
                _ => Ok(()),
            }
        }))
    }
}

#[get("/premium")]
#[require(permissions = "premium:films")]
async fn premium() -> &'static str {
    "film"
}

/// A rule of one handler can be written in it, too.
#[get("/by-hand/{id}")]
#[require(permissions = "write:posts")]
async fn by_hand(
    claims: VerifiedClaims,
    id: web::Path<u64>,
    database: web::Data<Database>,
) -> actix_web::Result<HttpResponse> {
    let post = database.post(*id).await.ok_or_else(|| ErrorNotFound("no such post"))?;
    if claims.subject() != Some(post.author) && !claims.has_role("admin") {
        return Err(ErrorForbidden("you can only edit your own posts"));
    }
    Ok(HttpResponse::Ok().body("edited"))
}

#[test]
fn the_examples_work() {
    let bed = TestBed::new();
    let hierarchy = RoleHierarchy::new()
        .role("owner", ["admin"])
        .permissions("owner", ["write:posts", "premium:films"]);
    let mapping = ClaimsMapping::auth0("https://myapp.com").role_hierarchy(hierarchy);
    let auth = bed.auth_with(|issuer| issuer.claims_mapping(mapping));
    let auth = auth.authorizer(Accounts).build().unwrap();
    let api = TestServer::start(move || {
        App::new()
            .app_data(web::Data::new(Database))
            .wrap(auth.clone())
            .service((manage_users, moderate, settings, content, reports))
            .service((edit, remove, publish, figures, premium, by_hand))
    });
    let with = |roles: &[&str], permissions: &[&str]| json!({"https://myapp.com/roles": roles, "permissions": permissions});
    let account = |kind: &str, mut claims: Value| {
        claims["account"] = kind.into();
        claims
    };
    for (method, path, claims, status) in [
        ("GET", "/admin/users", with(&["admin"], &[]), 200),
        ("GET", "/admin/users", with(&["owner"], &[]), 200),
        ("GET", "/admin/users", with(&["moderator"], &[]), 403),
        ("GET", "/admin/users", json!({"roles": ["admin"]}), 403),
        ("GET", "/moderation", with(&["moderator"], &[]), 200),
        ("PUT", "/admin/settings", with(&[], &["read:settings", "write:settings"]), 200),
        ("PUT", "/admin/settings", with(&[], &["read:settings"]), 403),
        ("GET", "/content", with(&[], &["read:users"]), 200),
        ("GET", "/content", with(&[], &["read"]), 403),
        ("GET", "/reports", with(&["manager"], &["read:reports", "read:analytics"]), 200),
        ("GET", "/reports", with(&["manager"], &["read:reports"]), 403),
        ("GET", "/reports", with(&["user"], &["read:reports", "read:analytics"]), 403),
        ("PUT", "/posts/1", with(&[], &["write:posts"]), 200),
        ("PUT", "/posts/2", with(&[], &["write:posts"]), 403),
        ("PUT", "/posts/2", with(&["admin"], &["write:posts"]), 200),
        ("PUT", "/posts/2", with(&["owner"], &[]), 200),
        ("PUT", "/posts/9", with(&[], &["write:posts"]), 404),
        ("PUT", "/posts/9", with(&[], &[]), 403),
        ("DELETE", "/posts/1", with(&[], &["delete:posts"]), 200),
        ("DELETE", "/posts/2", with(&[], &["delete:posts"]), 403),
        ("POST", "/posts/1/publish", with(&[], &["write:posts"]), 200),
        ("POST", "/posts/2/publish", with(&[], &["write:posts"]), 403),
        ("POST", "/posts/2/publish", with(&["manager"], &["write:posts"]), 200),
        ("POST", "/posts/3/publish", with(&[], &["write:posts"]), 400),
        ("GET", "/organizations/acme/figures", with(&[], &["read:premium_data"]), 200),
        ("GET", "/organizations/acme/figures", with(&[], &["read:basic_data"]), 403),
        ("GET", "/organizations/small/figures", with(&[], &["read:basic_data"]), 200),
        ("GET", "/premium", with(&[], &["premium:films"]), 200),
        ("GET", "/premium", account("free", with(&[], &["premium:films"])), 403),
        ("GET", "/content", account("free", with(&[], &["read:users"])), 200),
        ("GET", "/content", account("suspended", with(&[], &["read:users"])), 403),
        ("GET", "/by-hand/1", with(&[], &["write:posts"]), 200),
        ("GET", "/by-hand/2", with(&[], &["write:posts"]), 403),
    ] {
        let response = api.request(method, path).bearer(bed.token_with(&claims)).send();
        assert_eq!(response.status, status, "{method} {path} {claims}: {}", response.everything());
    }
}
