//! Credentials of callers, which a server behind the guard does not get.

use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderName};

use crate::http::auth::context::AuthContext;

const DPOP: HeaderName = HeaderName::from_static("dpop");

/// Removes every credential that the `JwtAuth` reads. Returns `false` if there may be others, in places
/// that only the application knows.
pub(super) fn remove(context: &AuthContext, headers: &mut HeaderMap) -> bool {
    headers.remove(AUTHORIZATION);
    headers.remove(DPOP);
    // A refresh token may come along, such as the cookie of a session with the path `/`.
    let sources = [context.token_source(false), context.token_source(true)].into_iter().flatten();
    let mut all_removed = true;
    for source in sources {
        all_removed &= source.extractor.remove(headers);
    }
    for authenticator in context.authenticators() {
        all_removed &= authenticator.remove(headers);
    }
    all_removed
}

#[cfg(all(test, feature = "issuing"))]
mod tests {
    use actix_web::http::header::{COOKIE, HeaderValue};

    use super::*;
    use crate::{
        algorithm::Algorithm,
        http::{auth::context::JwtAuth, sessions::cookies::SessionCookies},
        issuing::{SigningKey, TokenIssuer, sessions::Sessions},
        revocation::MemoryRevocation,
        secret::Secret,
    };

    #[test]
    fn a_session_leaves_no_token_in_the_cookies() {
        let key = SigningKey::generate(Algorithm::ES256).unwrap();
        let issuer = TokenIssuer::builder("https://app.example", "https://api.example", key);
        let sessions = Sessions::builder(issuer.build().unwrap());
        let sessions = sessions.revocation(MemoryRevocation::new()).build().unwrap();
        let cookies = SessionCookies::builder(&Secret::new([7; 32])).refresh_path("/");
        let cookies = cookies.refresh_name("__Host-refresh").build().unwrap();
        let auth = JwtAuth::for_sessions(&sessions).cookies(&cookies).build().unwrap();
        let mut headers = HeaderMap::new();
        let sent = "__Host-access=a; theme=dark; __Host-refresh=r";
        headers.insert(COOKIE, HeaderValue::from_static(sent));
        assert!(remove(&auth.context, &mut headers));
        assert_eq!(headers.get(COOKIE).unwrap(), "theme=dark");
    }
}
