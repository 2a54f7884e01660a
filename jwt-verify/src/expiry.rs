//! Expiry of map entries without full scans.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// Names ordered by the time of their next check.
///
/// A map with expiring entries schedules one check for each of them, and checks the few that are
/// due with every write. So a write has the same cost with any number of entries, and each removes
/// some expired ones. A checked name is scheduled again, or removed.
pub(crate) struct Agenda<N> {
    planned: Mutex<BTreeSet<(Duration, N)>>,
}

/// Number of names that one write checks: more than it may add.
pub(crate) const LOOKS: usize = 8;

impl<N: Ord> Agenda<N> {
    pub(crate) const fn new() -> Self {
        Self { planned: Mutex::new(BTreeSet::new()) }
    }

    /// Schedules a check of a name. It must not be scheduled already.
    pub(crate) fn plan(&self, at: Duration, name: N) {
        self.planned.lock().unwrap_or_else(PoisonError::into_inner).insert((at, name));
    }

    /// Takes the names that are due, the oldest first and [`LOOKS`] at most.
    pub(crate) fn due(&self, now: Duration) -> Vec<N> {
        let mut planned = self.planned.lock().unwrap_or_else(PoisonError::into_inner);
        let mut due = Vec::new();
        while due.len() < LOOKS && planned.first().is_some_and(|(at, _)| *at <= now) {
            due.extend(planned.pop_first().map(|(_, name)| name));
        }
        due
    }

    /// Returns the number of names.
    pub(crate) fn len(&self) -> usize {
        self.planned.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_that_are_due_come_first_and_not_all_at_once() {
        let agenda = Agenda::new();
        for number in (0..20).rev() {
            agenda.plan(Duration::from_secs(number), number);
        }
        assert_eq!(agenda.due(Duration::from_secs(2)), [0, 1, 2]);
        assert!(agenda.due(Duration::from_secs(2)).is_empty());
        assert_eq!(agenda.due(Duration::from_secs(99)), [3, 4, 5, 6, 7, 8, 9, 10]);
        assert_eq!(agenda.len(), 9);
    }
}
