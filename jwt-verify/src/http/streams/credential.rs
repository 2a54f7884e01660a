//! The credential of a stream, which is checked again while the stream is open.

use std::sync::Arc;

use zeroize::Zeroizing;

/// The text of a credential, overwritten when it is dropped.
#[derive(Clone)]
pub(crate) struct StreamCredential(Arc<Zeroizing<Box<[u8]>>>);

impl StreamCredential {
    pub(super) fn new(text: &[u8]) -> Self {
        Self(Arc::new(Zeroizing::new(text.into())))
    }

    pub(super) fn text(&self) -> &[u8] {
        &self.0
    }
}
