//! Tokens in cookies.

#[cfg(feature = "issuing")]
pub(crate) mod cookies;
mod id_token_cookie;

#[cfg(feature = "issuing")]
pub use cookies::{SameSite, SessionCookieError, SessionCookies, SessionCookiesBuilder};
