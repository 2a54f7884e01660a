//! Copies of the most frequent tokens of one thread.

use crate::{
    defaults::{RECENT_TOKEN_BYTES, RECENT_TOKENS},
    mix::mix,
};

/// A few tokens, each in the slot that its last bytes select. They belong to the signature, so
/// tokens spread evenly, and a client with two tokens for one slot only loses the slot.
pub(super) struct ThreadLocalCache<E> {
    /// Empty until the first token.
    slots: Vec<Slot<E>>,
    most: usize,
}

struct Slot<E> {
    entry: Option<(Box<[u8]>, E)>,
    /// The end of the last token that is not kept.
    last_miss: u64,
}

impl<E> ThreadLocalCache<E> {
    /// Creates a cache for at most this many tokens, and never for more than 64.
    pub(super) fn new(most: usize) -> Self {
        Self { slots: Vec::new(), most: most.clamp(1, RECENT_TOKENS) }
    }

    /// Returns the result of `judge` for a kept token. If that is `None`, the token is removed.
    pub(super) fn get<T>(
        &mut self,
        token: &[u8],
        is_same: fn(&[u8], &[u8]) -> bool,
        judge: impl Fn(&E) -> Option<T>,
    ) -> Option<T> {
        let slot = self.slot(token)?;
        let (_, entry) = slot.entry.as_ref().filter(|(kept, _)| is_same(token, kept))?;
        let judged = judge(entry);
        slot.last_miss = 0;
        if judged.is_none() {
            slot.entry = None;
        }
        judged
    }

    /// Keeps a token that arrives twice in a row in its slot. So frequent tokens replace rare ones,
    /// and a thread that only sees new tokens copies none.
    pub(super) fn record_miss(&mut self, token: &[u8], entry: impl FnOnce() -> E) {
        if token.len() > RECENT_TOKEN_BYTES {
            return;
        }
        if self.slots.is_empty() {
            self.slots.reserve_exact(self.most);
            self.slots.resize_with(self.most, || Slot { entry: None, last_miss: 0 });
        }
        let Some(slot) = self.slot(token) else { return };
        let end = end(token);
        if slot.last_miss == end {
            slot.entry = Some((token.into(), entry()));
        }
        slot.last_miss = end;
    }

    fn slot(&mut self, token: &[u8]) -> Option<&mut Slot<E>> {
        let mixed = mix(end(token)) >> 32;
        let index = usize::try_from(mixed).unwrap_or_default().checked_rem(self.slots.len())?;
        self.slots.get_mut(index)
    }
}

fn end(token: &[u8]) -> u64 {
    token.last_chunk().map_or(0, |end| u64::from_le_bytes(*end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_kept(recent: &mut ThreadLocalCache<u8>, token: &[u8]) -> bool {
        recent.get(token, |one, other| one == other, |entry| Some(*entry)).is_some()
    }

    #[test]
    fn a_token_is_kept_when_it_is_met_again() {
        let mut recent = ThreadLocalCache::new(100);
        for (times, kept) in [(1, false), (2, true)] {
            recent.record_miss(b"one token", || 1);
            assert_eq!(is_kept(&mut recent, b"one token"), kept, "{times}");
        }
        assert!(!is_kept(&mut recent, b"one tokem"));
    }

    #[test]
    fn tokens_that_are_met_in_turn_leave_the_one_that_is_kept() {
        let mut recent = ThreadLocalCache::new(1);
        (0..2).for_each(|_| recent.record_miss(b"the first token", || 1));
        for _ in 0..3 {
            assert!(is_kept(&mut recent, b"the first token"));
            recent.record_miss(b"another token", || 2);
            recent.record_miss(b"and yet another", || 3);
        }
        (0..2).for_each(|_| recent.record_miss(b"another token", || 2));
        assert!(
            is_kept(&mut recent, b"another token") && !is_kept(&mut recent, b"the first token")
        );
    }

    #[test]
    fn places_and_bytes_are_bounded() {
        for (most, slots) in [(0, 1), (1, 1), (10_000, RECENT_TOKENS)] {
            let mut recent = ThreadLocalCache::new(most);
            assert!(recent.slots.is_empty() && !is_kept(&mut recent, b"one token"));
            recent.record_miss(b"one token", || 1);
            assert_eq!(recent.slots.len(), slots);
        }
        let mut recent = ThreadLocalCache::new(1);
        for (length, kept) in [(RECENT_TOKEN_BYTES, true), (RECENT_TOKEN_BYTES + 1, false)] {
            let token = vec![b'x'; length];
            (0..3).for_each(|_| recent.record_miss(&token, || 1));
            assert_eq!(is_kept(&mut recent, &token), kept);
        }
    }
}
