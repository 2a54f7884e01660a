//! The user as an argument.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use actix_web::{App, HttpResponse, Responder, get};
use jwt_verify::{
    BoxFuture, CurrentUser, JwtAuth, StoreUnavailable, VerifiedClaims,
    extract::{UserLoader, UserLoaderData},
    issuing::TokenIssuer,
    require,
};
use jwt_verify_tests::{TestClock, TestServer};

use crate::issuer;

struct User {
    name: String,
}

#[derive(Clone, Default)]
struct Directory {
    asked: Arc<AtomicUsize>,
}

impl UserLoader for Directory {
    type User = User;

    fn load<'a>(
        &'a self,
        claims: &'a VerifiedClaims,
    ) -> BoxFuture<'a, Result<Option<User>, StoreUnavailable>> {
        Box::pin(async move {
            self.asked.fetch_add(1, Ordering::SeqCst);
            // Somewhere else, as a database would be: the arguments wait at the same time.
            tokio::task::yield_now().await;
            match claims.subject() {
                Some("nobody") => Ok(None),
                Some("unlucky") => Err(StoreUnavailable::new()),
                name => Ok(Some(User { name: name.unwrap().to_uppercase() })),
            }
        })
    }
}

#[get("/me")]
#[require]
async fn me(user: CurrentUser<User>, again: CurrentUser<User>) -> impl Responder {
    assert_eq!(user.name, again.name);
    HttpResponse::Ok().body(user.name.clone())
}

fn server(directory: Option<Directory>) -> (TokenIssuer, TestServer) {
    let issuer = issuer(&TestClock::new());
    let auth = JwtAuth::new(issuer.verifier().build().unwrap());
    let server = TestServer::start(move || {
        let app = App::new().app_data(auth.clone()).service(me);
        match &directory {
            Some(directory) => app.app_data(UserLoaderData::new(directory.clone())),
            None => app,
        }
    });
    (issuer, server)
}

#[test]
fn the_user_is_looked_up_once_for_a_request() {
    let directory = Directory::default();
    let (issuer, server) = server(Some(directory.clone()));
    let ask = |name: &str| {
        let token = issuer.access_token(&name).sign().unwrap();
        server.get("/me").bearer(token.as_str()).send()
    };
    assert_eq!(ask("alice").text(), "ALICE");
    assert_eq!(directory.asked.load(Ordering::SeqCst), 1);
    let unknown = ask("nobody");
    assert_eq!(unknown.status, 401);
    assert!(unknown.challenge().unwrap().contains("invalid_token"));
    let unlucky = ask("unlucky");
    assert_eq!((unlucky.status, unlucky.header("retry-after")), (503, Some("1")));
    assert_eq!(server.get("/me").send().status, 401);
    assert_eq!(directory.asked.load(Ordering::SeqCst), 3, "nobody is asked about strangers");
}

#[test]
fn an_application_without_users_is_told_so() {
    let (issuer, server) = server(None);
    let token = issuer.access_token(&1).sign().unwrap();
    assert_eq!(server.get("/me").bearer(token.as_str()).send().status, 500);
}
