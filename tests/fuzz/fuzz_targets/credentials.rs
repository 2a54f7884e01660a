//! Header fields of a request: at most one credential comes out, and never more than was put in.
#![no_main]

use actix_web::{
    http::header::{AUTHORIZATION, COOKIE, HeaderValue},
    test::TestRequest,
};
use jwt_verify::extract::{BearerExtractor, CookieExtractor, FirstOf, TokenExtractor};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|fields: Vec<(bool, Vec<u8>)>| {
    let mut request = TestRequest::default();
    for (is_cookie, value) in &fields {
        let Ok(value) = HeaderValue::from_bytes(value) else { continue };
        let name = if *is_cookie { COOKIE } else { AUTHORIZATION };
        request = request.append_header((name, value));
    }
    let request = request.to_http_request();
    let bearer = BearerExtractor.extract(&request);
    let cookie = CookieExtractor::new("tok").extract(&request);
    let exclusive = FirstOf::bearer().or(CookieExtractor::new("tok")).exclusive().extract(&request);
    for found in [&bearer, &cookie, &exclusive].into_iter().flatten().flatten() {
        let inside = fields.iter().any(|(_, value)| {
            value.windows(found.as_bytes().len().max(1)).any(|part| part == found.as_bytes())
        });
        assert!(inside && !found.as_bytes().is_empty());
    }
    // Both sources with a credential, or either refusing, is never an exclusive pass.
    if let Ok(Some(_)) = exclusive {
        let count = [bearer, cookie].into_iter().flatten().flatten().count();
        assert_eq!(count, 1);
    }
});
