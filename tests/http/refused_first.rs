//! A refused caller learns nothing from the other arguments, whatever the decision has to wait for.

use std::sync::{
    Arc, LazyLock,
    atomic::{AtomicUsize, Ordering},
};

use actix_web::{FromRequest, HttpRequest, dev::Payload, middleware::Condition, web};
use jwt_verify::{
    Authorized, Decision, Requirement, VerifiedClaims, authorization::HandlerRequirement, require,
};
use serde_json::{Value, json};

use super::*;

/// An argument that counts how often it is asked for.
struct Asked;

impl FromRequest for Asked {
    type Error = actix_web::Error;
    type Future = std::future::Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        request.app_data::<Arc<AtomicUsize>>().unwrap().fetch_add(1, Ordering::SeqCst);
        std::future::ready(Ok(Self))
    }
}

/// Is waited for.
async fn is_alice(claims: &VerifiedClaims) -> Decision {
    tokio::task::yield_now().await;
    Decision::from(claims.subject() == Some("alice"))
}

#[require(policy = is_alice)]
async fn decided(
    #[expect(unused_variables, reason = "an attribute of an argument counts")] id: web::Path<u32>,
    _: Asked,
    web::Json(body): web::Json<Value>,
) -> String {
    body.to_string()
}

#[require]
async fn authenticated(id: web::Path<u32>, _: Asked, body: web::Json<Value>) -> String {
    format!("{id} {body}")
}

#[require]
async fn without_arguments() -> &'static str {
    "nothing"
}

/// What the attribute generates, by hand.
struct Editors;

impl HandlerRequirement for Editors {
    const HANDLER: &'static str = "by_hand";

    fn requirement() -> &'static Requirement {
        static EDITORS: LazyLock<Requirement> = LazyLock::new(|| Requirement::roles(["editor"]));
        &EDITORS
    }
}

async fn by_hand(
    Authorized { arguments: (id, _), .. }: Authorized<Editors, (web::Path<u32>, Asked)>,
) -> String {
    id.to_string()
}

fn api(auth: JwtAuth, is_wrapped: bool, asked: &Arc<AtomicUsize>) -> TestServer {
    let asked = asked.clone();
    TestServer::start(move || {
        let routes = web::scope("")
            .route("/decided/{id}", web::post().to(decided))
            .route("/authenticated/{id}", web::post().to(authenticated))
            .route("/by_hand/{id}", web::get().to(by_hand))
            .route("/without", web::get().to(without_arguments));
        let app = App::new().app_data(asked.clone()).wrap(Condition::new(is_wrapped, auth.clone()));
        if is_wrapped { app.service(routes) } else { app.app_data(auth.clone()).service(routes) }
    })
}

/// DEV-01: by a policy that is waited for, by keys that have to be fetched, by a bad signature.
#[test]
fn nothing_is_wrong_with_the_arguments_of_a_caller_who_is_refused() {
    let other = SigningKey::new(Algorithm::ES256, "key-1");
    for is_wrapped in [false, true] {
        let bed = TestBed::new();
        let bob = bed.token().claim("sub", "bob").sign(&bed.key);
        let forged = bed.token().sign(&other);
        let asked = Arc::new(AtomicUsize::new(0));
        // The first with keys that have yet to be fetched.
        for token in [&forged, &bob, &forged] {
            let api = api(bed.auth().build().unwrap(), is_wrapped, &asked);
            for path in ["/decided/zz", "/decided/7", "/authenticated/zz", "/authenticated/7"] {
                let expected = match (token == &bob, path.starts_with("/decided")) {
                    (true, true) => 403,
                    (true, false) => continue,
                    (false, _) => 401,
                };
                let post = || api.request("POST", path).bearer(token);
                let what = format!("{path} {is_wrapped}");
                assert_eq!(post().send().status, expected, "{what}");
                assert_eq!(post().json("{}").send().status, expected, "{what}");
                assert_eq!(post().body("text/plain", "x").send().status, expected, "{what}");
                let unfinished = post().header("content-length", "1000000");
                let unfinished = unfinished.header("content-type", "application/json");
                assert_eq!(unfinished.send().status, expected, "{what}");
            }
        }
        let api = api(bed.auth().build().unwrap(), is_wrapped, &asked);
        for path in ["/by_hand/zz", "/by_hand/7"] {
            assert_eq!(api.get(path).send().status, 401, "{path}");
            assert_eq!(api.get(path).bearer(bed.good()).send().status, 403, "{path}");
        }
        assert_eq!(asked.load(Ordering::SeqCst), 0, "no argument is asked for anything");
    }
}

/// DEV-01: and who may call gets what the arguments say, in their order.
#[test]
fn the_arguments_of_who_may_call_are_as_ever() {
    for is_wrapped in [false, true] {
        let (bed, asked) = (TestBed::new(), Arc::default());
        for path in ["/decided", "/authenticated"] {
            // With keys that have yet to be fetched, and then without waiting.
            let api = api(bed.auth().build().unwrap(), is_wrapped, &asked);
            for _ in 0..2 {
                let post =
                    |id: &str| api.request("POST", &format!("{path}/{id}")).bearer(bed.good());
                let good = post("7").json(&json!({ "a": 1 }).to_string()).send();
                assert!(good.text().ends_with(r#"{"a":1}"#), "{}", good.text());
                assert_eq!(post("zz").json("{}").send().status, 404);
                assert_eq!(post("7").json("{").send().status, 400);
                assert_eq!(post("7").body("text/plain", "{}").send().status, 400);
            }
        }
        let api = api(bed.auth().build().unwrap(), is_wrapped, &asked);
        assert_eq!(api.get("/without").bearer(bed.good()).send().text(), "nothing");
        assert_eq!(api.get("/without").send().status, 401);
        let editor = bed.token().roles(&["editor"]).sign(&bed.key);
        assert_eq!(api.get("/by_hand/7").bearer(&editor).send().text(), "7");
        assert_eq!(api.get("/by_hand/zz").bearer(&editor).send().status, 404);
    }
}
