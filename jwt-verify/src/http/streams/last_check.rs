//! The last check of the credential of a stream.

use std::time::Duration;

use tokio::time::Instant;

/// The last time at which a credential was checked, and what that depended on.
#[derive(Clone, Copy)]
pub(crate) struct LastCheck {
    /// On the clock of the process, which moves where that of a test stands still.
    pub(super) at: Instant,
    /// On the clock of the `JwtAuth`.
    pub(super) monotonic: Duration,
    /// State of the issuer, if it is known.
    pub(super) issuer: Option<u64>,
}
