//! A fast filter for the names of an object.

use crate::mix::mix;

/// A set filter: it rules out most names that do not exist, and never one that does.
#[derive(Clone, Copy, Default)]
pub(super) struct NameFilter(u128);

impl NameFilter {
    /// Adds a name; `true` if it certainly did not exist before.
    pub(super) fn add(&mut self, name: &[u8]) -> bool {
        let bit = bit(name);
        let is_new = self.0 & bit == 0;
        self.0 |= bit;
        is_new
    }

    #[inline]
    pub(super) fn may_contain(self, name: &str) -> bool {
        self.0 & bit(name.as_bytes()) != 0
    }
}

/// Selects one of 128 bits, by length and both ends.
#[inline]
fn bit(name: &[u8]) -> u128 {
    let byte = |byte: Option<&u8>| byte.copied().map_or(0, u64::from);
    let (first, last) = (byte(name.first()), byte(name.last()));
    let ends = (name.len() as u64) << 16 | last << 8 | first;
    1 << (mix(ends) >> 57)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_never_denied() {
        let names = ["", "a", "é", "scope", "permissions", "https://myapp.com/roles"];
        let mut filter = NameFilter::default();
        assert!(names.iter().all(|name| !filter.may_contain(name)));
        for name in names {
            assert!(filter.add(name.as_bytes()), "{name}");
            assert!(filter.may_contain(name) && !filter.add(name.as_bytes()), "{name}");
        }
    }
}
