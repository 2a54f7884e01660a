//! Errors of a fetch.

use std::time::Duration;

/// A failed fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FetchError {
    pub(super) failure: Failure,
    /// Pause that the issuer asks for (`Retry-After`).
    pub(super) retry_after: Option<Duration>,
    pub(super) step: FetchStep,
}

/// Document whose fetch failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FetchStep {
    Discovery,
    KeySet,
}

impl FetchStep {
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Discovery => "discovery",
            Self::KeySet => "key_set",
        }
    }
}

/// Class of a failure. Its name is the only part of an upstream response that is ever reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    Connect,
    Proxy,
    Timeout,
    Protocol,
    NotFound,
    Redirect,
    Status,
    Encoding,
    TooLarge,
    Truncated,
    Empty,
    DiscoveryDocument,
    DiscoveryIssuer,
    DiscoveryUrl,
    KeySetDocument,
    TooManyKeys,
    NoUsableKeys,
    Aborted,
    /// Not asked, because it failed to answer another instance.
    Elsewhere,
}

impl Failure {
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Proxy => "proxy",
            Self::Timeout => "timeout",
            Self::Protocol => "protocol",
            Self::NotFound => "not_found",
            Self::Redirect => "redirect",
            Self::Status => "status",
            Self::Encoding => "encoding",
            Self::TooLarge => "too_large",
            Self::Truncated => "truncated",
            Self::Empty => "empty",
            Self::DiscoveryDocument => "discovery_document",
            Self::DiscoveryIssuer => "discovery_issuer",
            Self::DiscoveryUrl => "discovery_url",
            Self::KeySetDocument => "key_set_document",
            Self::TooManyKeys => "too_many_keys",
            Self::NoUsableKeys => "no_usable_keys",
            Self::Aborted => "aborted",
            Self::Elsewhere => "elsewhere",
        }
    }
}

impl From<Failure> for FetchError {
    fn from(failure: Failure) -> Self {
        Self { failure, retry_after: None, step: FetchStep::KeySet }
    }
}
