//! Errors of a fetch.

use std::{sync::Arc, time::Duration};

use crate::error::codes::codes;

/// A failed fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FetchError {
    pub(super) failure: Failure,
    /// Pause that the issuer asks for (`Retry-After`).
    pub(super) retry_after: Option<Duration>,
    pub(super) step: FetchStep,
    /// The answer is about one address: the document may be at another one.
    pub(super) may_be_elsewhere: bool,
    /// The names of two issuers that should be one.
    pub(super) issuers: Option<IssuerMismatch>,
}

/// The issuer of the metadata is not the configured one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct IssuerMismatch {
    pub(super) configured: Arc<str>,
    /// It comes from outside.
    pub(super) found: Arc<str>,
}

codes! {
    /// Document whose fetch failed.
    pub(super) enum FetchStep {
        Discovery => "discovery",
        KeySet => "key_set",
    }
}

codes! {
    /// Class of a failure. Its name is all that is ever reported of an upstream response, except
    /// an [`IssuerMismatch`], in the log.
    pub(super) enum Failure {
        Connect => "connect",
        Proxy => "proxy",
        Timeout => "timeout",
        Protocol => "protocol",
        NotFound => "not_found",
        Redirect => "redirect",
        Status => "status",
        Encoding => "encoding",
        TooLarge => "too_large",
        Truncated => "truncated",
        Empty => "empty",
        /// The end of the connection is the only mark of the body's end, which the client does not
        /// support.
        CloseDelimited => "close_delimited",
        /// The file with the credential for fetches is missing or has none.
        Credential => "credential",
        DiscoveryDocument => "discovery_document",
        DiscoveryIssuer => "discovery_issuer",
        DiscoveryUrl => "discovery_url",
        KeySetDocument => "key_set_document",
        TooManyKeys => "too_many_keys",
        NoUsableKeys => "no_usable_keys",
        Aborted => "aborted",
        /// Not asked, because it failed to answer another instance.
        Elsewhere => "elsewhere",
    }
}

impl From<Failure> for FetchError {
    fn from(failure: Failure) -> Self {
        let may_be_elsewhere = failure.is_about_one_address();
        Self {
            failure,
            retry_after: None,
            step: FetchStep::KeySet,
            may_be_elsewhere,
            issuers: None,
        }
    }
}

impl Failure {
    /// Returns true if an issuer that works answers like this where it has no such document: with
    /// an error page, a login page, or the metadata of another issuer.
    fn is_about_one_address(self) -> bool {
        matches!(
            self,
            Self::NotFound
                | Self::Redirect
                | Self::Encoding
                | Self::TooLarge
                | Self::Empty
                | Self::CloseDelimited
                | Self::DiscoveryDocument
                | Self::DiscoveryIssuer
        )
    }
}
