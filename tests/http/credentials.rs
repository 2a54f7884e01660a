//! Where the token is in a request, and what else may be there.

use actix_web::{HttpResponse, web};
use jwt_verify::extract::{CookieExtractor, FirstOf, QueryExtractor};

use super::*;

#[test]
fn the_scheme_has_no_case() {
    let bed = TestBed::new();
    let api = api_of(&bed);
    for scheme in ["Bearer", "bearer", "BEARER", "bEaReR"] {
        let value = format!("{scheme} {}", bed.good());
        assert_eq!(api.get("/protected").header("Authorization", value).send().status, 200);
    }
}

#[test]
fn what_is_no_bearer_credential_counts_as_none() {
    let bed = TestBed::new();
    let api = api_of(&bed);
    for value in ["Basic dXNlcjpwYXNz", "Negotiate", "Token x", &format!("Bearer{}", bed.good())] {
        let response = api.get("/protected").header("authorization", value).send();
        assert_eq!((response.status, response.challenge()), (401, Some("Bearer")), "{value}");
    }
}

#[test]
fn what_cannot_be_read_as_one_credential_is_a_bad_request() {
    let bed = TestBed::new();
    let api = api_of(&bed);
    let good = bed.good();
    for value in [
        "Bearer".to_owned(),
        "Bearer    ".to_owned(),
        format!("Bearer\t{good}"),
        format!("Bearer,{good}"),
        format!("Bearer {good} {good}"),
        format!("Bearer {good},{good}"),
        format!("Bearer {good}, Bearer {good}"),
        format!("Basic x, Bearer {good}"),
        format!("Bearer {good}\u{a0}"),
    ] {
        let response = api.get("/protected").header("authorization", &value).send();
        assert_eq!(response.status, 400, "{value}");
        assert!(response.challenge().unwrap().contains(r#"error="invalid_request""#));
    }
}

#[test]
fn two_authorization_fields_are_a_bad_request_whatever_they_say() {
    let bed = TestBed::new();
    let api = api_of(&bed);
    let good = format!("Bearer {}", bed.good());
    for (first, second) in [
        (good.as_str(), "Bearer bad"),
        ("Bearer bad", good.as_str()),
        ("Basic dXNlcjpwYXNz", good.as_str()),
        (good.as_str(), good.as_str()),
    ] {
        let request = api.get("/protected").header("authorization", first);
        assert_eq!(request.header("authorization", second).send().status, 400);
    }
}

#[test]
fn nothing_else_is_read_unless_it_is_asked_for() {
    let bed = TestBed::new();
    let api = api_of(&bed);
    let good = bed.good();
    let elsewhere = [
        api.get(&format!("/protected?access_token={good}")),
        api.get("/protected").header("cookie", format!("access_token={good}; tok={good}")),
        api.get("/protected").header("x-access-token", &good),
        api.get("/protected").header("x-forwarded-user", "admin"),
        api.get("/protected").header("sec-websocket-protocol", &good),
        api.get("/protected").header("x-http-method-override", "OPTIONS"),
    ];
    for request in elsewhere {
        let response = request.send();
        assert_eq!((response.status, response.challenge()), (401, Some("Bearer")));
    }
    let beside = api.get(&format!("/protected?access_token={good}")).bearer(&good).send();
    assert_eq!(beside.status, 200);
}

#[test]
fn a_cookie_can_carry_the_token() {
    let bed = TestBed::new();
    let auth = bed.auth().extractor(CookieExtractor::new("__Host-tok")).build().unwrap();
    let api = serve(auth);
    let good = bed.good();
    let with = |cookie: String| api.get("/protected").header("cookie", cookie).send().status;
    assert_eq!(with(format!("a=b; __Host-tok={good}")), 200);
    assert_eq!(with(format!("tok={good}")), 401);
    assert_eq!(with(format!("__Host-tok={good}; __Host-tok=bad")), 400);
    assert_eq!(with("__Host-tok=".into()), 400);
    assert_eq!(api.get("/protected").bearer(&good).send().status, 401);
}

/// Python's frameworks write quotes, and `FastAPI` the scheme.
#[test]
fn a_cookie_may_have_quotes_and_a_scheme_where_that_is_set() {
    let bed = TestBed::new();
    let good = bed.good();
    let plain = serve(bed.auth().extractor(CookieExtractor::new("tok")).build().unwrap());
    let scheme = CookieExtractor::new("tok").with_scheme();
    let scheme = serve(bed.auth().extractor(scheme).build().unwrap());
    let ask = |api: &TestServer, value: String| {
        api.get("/protected").header("cookie", format!("a=b; tok={value}; c=d")).send().status
    };
    assert_eq!(ask(&plain, format!("\"{good}\"")), 200);
    assert_eq!(ask(&plain, format!("\"{good}")), 400);
    assert_eq!(ask(&plain, format!("{good}\"")), 400);
    assert_eq!(ask(&plain, format!("\"\"{good}\"\"")), 400);
    assert_eq!(ask(&plain, "\"\"".into()), 400);
    assert_eq!(ask(&plain, format!("\"Bearer {good}\"")), 401);
    assert_eq!(ask(&scheme, format!("\"Bearer {good}\"")), 200);
    assert_eq!(ask(&scheme, format!("Bearer {good}")), 200);
    assert_eq!(ask(&scheme, good.clone()), 400);
    assert_eq!(ask(&scheme, format!("\"Bearer {good}, Bearer {good}\"")), 400);
    let post = |site: &str| {
        let request = scheme.request("POST", "/nowhere").header("sec-fetch-site", site);
        request.header("cookie", format!("tok=\"Bearer {good}\"")).send().status
    };
    assert_eq!((post("cross-site"), post("same-origin")), (403, 404));
}

#[test]
fn a_query_parameter_can_carry_the_token() {
    let bed = TestBed::new();
    let auth = bed.auth().extractor(QueryExtractor::new("access_token")).build().unwrap();
    let api = serve(auth);
    let good = bed.good();
    let with = |query: String| api.get(&format!("/protected?{query}")).send().status;
    assert_eq!(with(format!("a=b&access_token={good}")), 200);
    assert_eq!(with(format!("access_token={good}&access_token={good}")), 400);
    assert_eq!(with("access_token=".into()), 400);
    assert_eq!(with(String::new()), 401);
}

/// WEA-15: caches go by URLs (RFC 6750 §2.3).
#[test]
fn an_answer_to_a_token_in_the_url_is_for_nobody_else() {
    async fn with(says: web::Path<String>) -> HttpResponse {
        let mut response = HttpResponse::Ok();
        for field in says.split('+').filter(|field| *field != "nothing") {
            response.append_header(("cache-control", field));
        }
        response.finish()
    }
    let bed = TestBed::new();
    let sources = FirstOf::bearer().or(QueryExtractor::new("access_token"));
    let auth = bed.auth().extractor(sources).build().unwrap();
    let api = TestServer::start(move || {
        // Twice: each sees that it is said already.
        let route = web::scope("/{says}").wrap(auth.clone()).route("", web::get().to(with));
        App::new().service(web::scope("").wrap(auth.clone()).service(route))
    });
    let good = bed.good();
    for (says, expected) in [
        ("nothing", &["private"][..]),
        ("no-store", &["no-store"]),
        ("max-age=60", &["max-age=60", "private"]),
        ("Private, max-age=60", &["Private, max-age=60"]),
        ("max-age=60+NO-STORE", &["max-age=60", "NO-STORE"]),
        ("private=\"set-cookie\"", &["private=\"set-cookie\"", "private"]),
    ] {
        let path = format!("/{}", says.replace(' ', "%20").replace('"', "%22"));
        let in_url = api.get(&format!("{path}?access_token={good}")).send();
        assert_eq!((in_url.status, in_url.headers("cache-control")), (200, expected.to_vec()));
        let in_field = api.get(&path).bearer(&good).send();
        let own: Vec<&str> = expected.iter().copied().filter(|field| *field != "private").collect();
        assert_eq!((in_field.status, in_field.headers("cache-control")), (200, own));
    }
    let refused = api.get("/nothing?access_token=x").send();
    assert_eq!((refused.status, refused.headers("cache-control")), (401, vec!["no-store"]));
}

#[test]
fn of_several_sources_the_first_counts_or_two_are_refused() {
    let bed = TestBed::new();
    let good = bed.good();
    for (exclusive, expected) in [(false, 200), (true, 400)] {
        let mut extractor = FirstOf::bearer().or(CookieExtractor::new("tok"));
        if exclusive {
            extractor = extractor.exclusive();
        }
        let api = serve(bed.auth().extractor(extractor).build().unwrap());
        let cookie = format!("tok={good}");
        assert_eq!(api.get("/protected").header("cookie", &cookie).send().status, 200);
        assert_eq!(api.get("/protected").bearer(&good).send().status, 200);
        let both = api.get("/protected").bearer(&good).header("cookie", "tok=bad").send();
        assert_eq!(both.status, expected);
        let bad_first = api.get("/protected").bearer("bad").header("cookie", &cookie).send();
        assert!(bad_first.status == 401 || exclusive && bad_first.status == 400);
        let malformed =
            api.get("/protected").header("authorization", "Bearer").header("cookie", cookie);
        assert_eq!(malformed.send().status, 400);
    }
}
