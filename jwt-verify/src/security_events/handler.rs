//! Hook of the application.

use super::event_token::SecurityEvent;
use crate::{error::StoreUnavailable, lookup::BoxFuture};

/// Is told of every verified event, after its effect: to remove a user from a cache, or for types of
/// your own.
///
/// It is called at least once for each event: again if the transmitter sends the event again after
/// an error or an interruption, or twice at the same time. The transmitter waits for it.
pub trait SecurityEventHandler: Send + Sync + 'static {
    /// Handles one event.
    ///
    /// # Errors
    /// [`StoreUnavailable`] if it could not be handled now: the transmitter gets 503 and sends it
    /// again.
    fn handle<'a>(
        &'a self,
        event: SecurityEvent<'a>,
    ) -> BoxFuture<'a, Result<(), StoreUnavailable>>;
}
