//! How middleware, extractors and attribute work together, and what happens without each.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use actix_web::{
    HttpResponse, Responder,
    dev::Service as _,
    get,
    http::header::{HeaderName, HeaderValue},
    post, web,
};
use jwt_verify::{
    AuthError, ForbiddenReason, Lookup, OptionalClaims, Requirement, VerifiedClaims,
    VerifiedClaimsExt as _, authorization::Authorizer, require,
};

use super::*;

#[get("/claims")]
async fn subject(caller: VerifiedClaims) -> String {
    caller.subject().unwrap_or_default().to_owned()
}

#[get("/maybe")]
async fn maybe(OptionalClaims(caller): OptionalClaims) -> String {
    caller.map_or("guest".into(), |caller| caller.subject().unwrap_or_default().to_owned())
}

#[get("/bare")]
async fn bare() -> &'static str {
    "bare"
}

#[get("/admin")]
#[require(roles = "admin")]
async fn admin() -> &'static str {
    "admin"
}

#[post("/echo")]
#[require(permissions = "write")]
async fn echo(body: String) -> String {
    body
}

#[test]
fn single_routes_can_be_protected_without_the_middleware() {
    let bed = TestBed::new();
    let auth = bed.auth().build().unwrap();
    for wrapped in [false, true] {
        let auth = auth.clone();
        let api = TestServer::start(move || {
            let app = App::new().service((subject, maybe, bare, admin));
            if wrapped {
                app.app_data(web::Data::new(auth.clone()))
            } else {
                app.app_data(auth.clone())
            }
        });
        assert_eq!(api.get("/bare").send().text(), "bare");
        assert_eq!(api.get("/claims").send().challenge(), Some("Bearer"));
        assert_eq!(api.get("/claims").bearer(bed.good()).send().text(), "alice");
        assert_eq!(api.get("/maybe").send().text(), "guest");
        assert_eq!(api.get("/maybe").bearer("bad").send().challenge(), Some(INVALID));
        assert_eq!(api.get("/admin").send().status, 401);
        assert_eq!(api.get("/admin").bearer(bed.good()).send().status, 403);
    }
}

#[test]
fn with_neither_the_answer_is_500_and_never_a_pass() {
    let bed = TestBed::new();
    let api = TestServer::start(|| App::new().service((subject, maybe, admin)));
    for path in ["/claims", "/maybe", "/admin"] {
        for request in [api.get(path), api.get(path).bearer(bed.good())] {
            let response = request.send();
            assert_eq!(response.status, 500, "{path}");
            assert_eq!(response.json()["code"], "server_error");
        }
    }
}

#[test]
fn everything_inside_a_wrapped_app_needs_a_token_unknown_paths_included() {
    let bed = TestBed::new();
    let auth = bed.auth().build().unwrap();
    let api = TestServer::start(move || App::new().wrap(auth.clone()).service((bare, maybe)));
    for path in ["/bare", "/maybe", "/nowhere", "//bare", "/bare/", "/BARE"] {
        assert_eq!(api.get(path).send().status, 401, "{path}");
    }
    assert_eq!(api.get("/bare").bearer(bed.good()).send().status, 200);
    assert_eq!(api.get("/nowhere").bearer(bed.good()).send().status, 404);
    assert_eq!(api.request("OPTIONS", "/bare").send().status, 401);
    assert_eq!(api.request("HEAD", "/bare").send().status, 401);
}

#[test]
fn scopes_and_resources_can_demand_something() {
    let bed = TestBed::new();
    let auth = bed.auth().build().unwrap();
    let api = TestServer::start(move || {
        App::new()
            .service(
                web::scope("/a").wrap(auth.require(Requirement::roles(["admin"]))).service(bare),
            )
            .service(
                web::resource("/b")
                    .wrap(auth.require(Requirement::permissions(["r", "w"]).all()))
                    .route(web::get().to(HttpResponse::Ok)),
            )
    });
    let get = |path: &str, token: Option<String>| {
        let request = api.get(path);
        token.map_or(request.clone(), |token| request.bearer(token)).send()
    };
    assert_eq!(get("/a/bare", None).status, 401);
    assert_eq!(get("/a/bare", Some(bed.good())).status, 403);
    assert_eq!(get("/a/bare", Some(bed.token().roles(&["admin"]).sign(&bed.key))).status, 200);
    let reader = bed.token().permissions(&["r"]).sign(&bed.key);
    assert!(get("/b", Some(reader)).challenge().unwrap().contains(r#"scope="r w""#));
    let both = bed.token().permissions(&["w", "r"]).sign(&bed.key);
    assert_eq!(get("/b", Some(both)).status, 200);
}

#[test]
fn an_inner_policy_holds_whatever_the_outer_one_has_found() {
    let (outer, inner) = (TestBed::new(), TestBed::new());
    let (outer_auth, inner_auth) = (outer.auth().build().unwrap(), inner.auth().build().unwrap());
    let api = TestServer::start(move || {
        App::new()
            .wrap(outer_auth.optional())
            .service(subject)
            .service(web::scope("/inner").wrap(inner_auth.clone()).service(subject))
    });
    assert_eq!(api.get("/claims").bearer(outer.good()).send().status, 200);
    assert_eq!(api.get("/inner/claims").bearer(outer.good()).send().status, 401);
    assert_eq!(api.get("/inner/claims").send().status, 401);
}

#[test]
fn a_policy_in_the_data_of_an_inner_scope_holds_there() {
    let (outer, inner) = (TestBed::new(), TestBed::new());
    let (customers, staff) = (outer.auth().build().unwrap(), inner.auth().build().unwrap());
    for wrapped in [true, false] {
        let (customers, staff) = (customers.clone(), staff.clone());
        let api = TestServer::start(move || {
            let app = App::new()
                .app_data(customers.clone())
                .wrap(actix_web::middleware::Condition::new(wrapped, customers.optional()))
                .service(subject);
            app.service(web::scope("/staff").app_data(staff.clone()).service((subject, admin)))
        });
        let admin_of = |bed: &TestBed| bed.token().roles(&["admin"]).sign(&bed.key);
        assert_eq!(api.get("/claims").bearer(admin_of(&outer)).send().status, 200);
        assert_eq!(api.get("/staff/admin").bearer(admin_of(&outer)).send().status, 401);
        // With the outer policy as middleware a token of the inner one does not get that far.
        let staff_status = api.get("/staff/admin").bearer(admin_of(&inner)).send().status;
        assert_eq!(staff_status, if wrapped { 401 } else { 200 });
    }
}

/// What a middleware has found out holds for the handlers behind it, though another policy lies in
/// the same app's data.
#[test]
fn the_middleware_decides_over_what_lies_beside_it() {
    let (wrapped, beside) = (TestBed::new(), TestBed::new());
    let (middleware, data) = (wrapped.auth().build().unwrap(), beside.auth().build().unwrap());
    let api = TestServer::start(move || {
        App::new().app_data(data.clone()).wrap(middleware.clone()).service(subject)
    });
    assert_eq!(api.get("/claims").bearer(wrapped.good()).send().status, 200);
    assert_eq!(api.get("/claims").bearer(beside.good()).send().status, 401);
}

/// WEA-15: one that is put into the data of a scope decides there, also where it lies further out as well,
/// in whatever form. Clones of `web::Data` share what is in them.
#[test]
fn one_that_is_there_once_more_further_in_decides_there() {
    let (wrapped, beside) = (TestBed::new(), TestBed::new());
    let (middleware, plain) = (wrapped.auth().build().unwrap(), beside.auth().build().unwrap());
    let data = web::Data::new(plain.clone());
    for (outer_is_data, inner_is_data) in
        [(false, false), (false, true), (true, false), (true, true)]
    {
        let (middleware, plain, data) = (middleware.clone(), plain.clone(), data.clone());
        let api = TestServer::start(move || {
            let scope = web::scope("/in");
            let scope = if inner_is_data {
                scope.app_data(data.clone())
            } else {
                scope.app_data(plain.clone())
            };
            let app = App::new().wrap(middleware.clone()).service(subject);
            let app = if outer_is_data {
                app.app_data(data.clone())
            } else {
                app.app_data(plain.clone())
            };
            app.service(scope.service(subject))
        });
        let status = |path: &str| api.get(path).bearer(wrapped.good()).send().status;
        let what = format!("{outer_is_data} {inner_is_data}");
        assert_eq!((status("/claims"), status("/in/claims")), (200, 401), "{what}");
    }
}

#[test]
fn two_policies_in_two_forms_of_data_are_a_mistake() {
    let (one, two) = (TestBed::new(), TestBed::new());
    let (plain, data) = (one.auth().build().unwrap(), web::Data::new(two.auth().build().unwrap()));
    let api = TestServer::start(move || {
        App::new()
            .app_data(plain.clone())
            .service(web::scope("/x").app_data(data.clone()).service(subject))
    });
    assert_eq!(api.get("/x/claims").bearer(one.good()).send().status, 500);
}

#[test]
fn one_policy_in_two_forms_of_data_is_one_policy() {
    let bed = TestBed::new();
    let auth = bed.auth().build().unwrap();
    let data = web::Data::new(auth.clone());
    let api = TestServer::start(move || {
        App::new().app_data(auth.clone()).app_data(data.clone()).service(subject)
    });
    assert_eq!(api.get("/claims").bearer(bed.good()).send().status, 200);
}

#[test]
fn an_optional_app_with_a_strict_scope_refuses_guests_there() {
    let bed = TestBed::new();
    let auth = bed.auth().build().unwrap();
    let api = TestServer::start(move || {
        App::new()
            .wrap(auth.optional())
            .service((maybe, subject, admin))
            .service(web::scope("/strict").wrap(auth.clone()).service(bare))
    });
    assert_eq!(api.get("/maybe").send().text(), "guest");
    for path in ["/claims", "/admin", "/strict/bare"] {
        let response = api.get(path).send();
        assert_eq!((response.status, response.challenge()), (401, Some("Bearer")), "{path}");
    }
    assert_eq!(api.get("/strict/bare").bearer(bed.good()).send().status, 200);
}

#[test]
fn a_refusal_passes_through_the_middlewares_outside() {
    let bed = TestBed::new();
    let auth = bed.auth().build().unwrap();
    let api = TestServer::start(move || {
        App::new().wrap(auth.clone()).service(bare).wrap_fn(|request, service| {
            assert!(request.verified_claims().is_none(), "nobody has looked yet");
            let response = service.call(request);
            async move {
                let mut response = response.await?;
                let name = HeaderName::from_static("access-control-allow-origin");
                response.headers_mut().insert(name, HeaderValue::from_static("*"));
                Ok(response)
            }
        })
    });
    let response = api.get("/bare").send();
    assert_eq!((response.status, response.header("access-control-allow-origin")), (401, Some("*")));
}

#[test]
fn middlewares_inside_see_the_claims() {
    let bed = TestBed::new();
    let auth = bed.auth().build().unwrap();
    let api = TestServer::start(move || {
        let inside = App::new().service(bare).wrap_fn(|request, service| {
            let caller = request.verified_claims().and_then(|c| c.subject().map(str::to_owned));
            let response = service.call(request);
            async move {
                let mut response = response.await?;
                let value = HeaderValue::from_str(&caller.unwrap_or_default()).unwrap();
                response.headers_mut().insert(HeaderName::from_static("x-subject"), value);
                Ok(response)
            }
        });
        inside.wrap(auth.clone())
    });
    let response = api.get("/bare").bearer(bed.good()).send();
    assert_eq!(response.header("x-subject"), Some("alice"));
}

#[test]
fn a_request_is_judged_once_however_many_ask() {
    struct Counting(Arc<AtomicUsize>);
    impl jwt_verify::extract::TokenExtractor for Counting {
        fn extract<'r>(
            &self,
            request: &'r actix_web::HttpRequest,
        ) -> Result<Option<jwt_verify::extract::Credential<'r>>, jwt_verify::InvalidRequestReason>
        {
            self.0.fetch_add(1, Ordering::SeqCst);
            jwt_verify::extract::BearerExtractor.extract(request)
        }
    }
    #[get("/many")]
    #[require]
    async fn many(
        request: actix_web::HttpRequest,
        _a: VerifiedClaims,
        _b: VerifiedClaims<serde_json::Value>,
        _c: OptionalClaims,
    ) -> impl Responder {
        request.verified_claims().unwrap().subject().unwrap().to_owned()
    }
    let bed = TestBed::new();
    let count = Arc::new(AtomicUsize::new(0));
    let auth = bed.auth().extractor(Counting(count.clone())).build().unwrap();
    let api = TestServer::start(move || App::new().app_data(auth.clone()).service(many));
    api.get("/many").bearer(bed.good()).send();
    count.store(0, Ordering::SeqCst);
    assert_eq!(api.get("/many").bearer(bed.good()).send().text(), "alice");
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[test]
fn an_authorizer_of_the_application_adds_to_the_standard_one() {
    struct NotSuspended;
    impl Authorizer for NotSuspended {
        fn authorize(
            &self,
            claims: &VerifiedClaims,
            needed: &Requirement,
        ) -> Lookup<'static, Result<(), AuthError>> {
            // By the middleware first, and then for the handler.
            assert!(["authenticated", r#"roles = "admin""#].contains(&&*needed.to_string()));
            Lookup::Ready(match claims.get("suspended") {
                None => Ok(()),
                Some(_) => Err(AuthError::Forbidden(ForbiddenReason::Policy)),
            })
        }
    }
    let bed = TestBed::new();
    let auth = bed.auth().authorizer(NotSuspended).build().unwrap();
    let api = TestServer::start(move || App::new().wrap(auth.clone()).service(admin));
    let token = bed.token().roles(&["admin"]);
    assert_eq!(api.get("/admin").bearer(token.sign(&bed.key)).send().status, 200);
    let suspended = token.claim("suspended", true).sign(&bed.key);
    assert_eq!(api.get("/admin").bearer(&suspended).send().status, 403);
}

#[test]
fn the_answer_and_the_realm_can_be_replaced() {
    let bed = TestBed::new();
    let auth = bed
        .auth()
        .realm("the \"api\"")
        .error_response(|error, request| {
            let mut response = actix_web::ResponseError::error_response(error);
            let name = HeaderName::from_static("x-path");
            let path = HeaderValue::from_str(request.path()).unwrap();
            response.headers_mut().insert(name, path);
            response.set_body(error.code()).map_into_boxed_body()
        })
        .build()
        .unwrap();
    let api = TestServer::start(move || {
        App::new()
            .service(web::scope("/w").wrap(auth.clone()).service(bare))
            .service(web::scope("/d").app_data(auth.clone()).service((subject, admin)))
    });
    for path in ["/w/bare", "/d/claims", "/d/admin"] {
        let response = api.get(path).send();
        assert_eq!((response.status, response.text()), (401, "missing_token"));
        assert_eq!(response.header("x-path"), Some(path));
    }
    let auth = bed.auth().realm("the \"api\"").build().unwrap();
    let api = TestServer::start(move || App::new().wrap(auth.clone()).service(bare));
    assert_eq!(api.get("/bare").send().challenge(), Some(r#"Bearer realm="the \"api\"""#));
}

#[test]
fn requests_on_one_connection_know_nothing_of_each_other() {
    use std::io::{Read as _, Write as _};
    let bed = TestBed::new();
    let auth = bed.auth().build().unwrap();
    let api = TestServer::start(move || App::new().wrap(auth.optional()).service((maybe, subject)));
    let mut stream = std::net::TcpStream::connect(api.address()).unwrap();
    let good = format!("authorization: Bearer {}\r\n", bed.good());
    for _ in 0..3 {
        for (path, field) in [("/maybe", good.as_str()), ("/maybe", ""), ("/claims", "")] {
            write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\n{field}\r\n").unwrap();
        }
    }
    write!(stream, "GET /maybe HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let answers: Vec<&str> = text.split("HTTP/1.1 ").skip(1).collect();
    assert_eq!(answers.len(), 10);
    for (index, answer) in answers.iter().enumerate() {
        let (status, body) = match index {
            9 => ("200", "guest"),
            index => [("200", "alice"), ("200", "guest"), ("401", "missing_token")][index % 3],
        };
        assert!(answer.starts_with(status) && answer.contains(body), "{index}: {answer}");
        assert!(body == "alice" || !answer.contains("alice"), "{index}: {answer}");
    }
}

#[test]
fn without_the_middleware_a_refusal_still_comes_before_the_body() {
    let bed = TestBed::new();
    let auth = bed.auth().build().unwrap();
    let api = TestServer::start(move || App::new().app_data(auth.clone()).service((echo, bare)));
    let warm = bed.token().permissions(&["write"]).sign(&bed.key);
    assert_eq!(api.request("POST", "/echo").bearer(warm).json("x").send().text(), "x");
    let unfinished = api.request("POST", "/echo").header("content-length", "1000000");
    assert_eq!(unfinished.send().status, 401);
    assert_eq!(unfinished.bearer(bed.good()).send().status, 403);
}
