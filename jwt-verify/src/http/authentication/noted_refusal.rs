//! Notes about the refusal of an authenticated request, for its event.

use std::cell::Cell;

/// Details of a refusal that only the refusing stage knows: names of the configuration and of fixed
/// sets; nothing of the request.
#[derive(Debug, Default)]
pub(crate) struct RefusalDetails {
    /// Requirement that is not met.
    pub(crate) requirement: Option<String>,
    /// True if the requirement may be made of data of the request, so that it is not logged.
    pub(crate) is_of_request: bool,
    /// Names of the claims that were read for it.
    pub(crate) claims_read: Option<String>,
    /// Segment of the path that the route does not have.
    pub(crate) segment: Option<String>,
    /// Problem with the shape of the claims, without their values.
    pub(crate) shape: Option<String>,
}

/// Notes in cells: an application may hold the extensions of the request while it extracts claims,
/// so that nothing can be put there.
#[derive(Default)]
pub(crate) struct NotedRefusal {
    /// True if the refusal is in the log.
    pub(crate) is_recorded: Cell<bool>,
    pub(crate) details: Cell<Option<Box<RefusalDetails>>>,
}

/// Details are of one refusal, and are not copied.
impl Clone for NotedRefusal {
    fn clone(&self) -> Self {
        Self { is_recorded: self.is_recorded.clone(), details: Cell::default() }
    }
}
