//! The compact form of a token and its header (RFC 7515 §3.1, §4).

mod base64url;
mod compact;
mod header;

pub(crate) use base64url::{decode_exact, decode_into};
pub(crate) use compact::CompactToken;
pub(crate) use header::{Header, KnownHeaders, TypeName};
