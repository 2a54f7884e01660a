//! The tokens that one thread meets most.

use crate::limits::{RECENT_TOKEN_BYTES, RECENT_TOKENS};

/// A few tokens, each in the place that its last bytes say. They belong to the signature, so that
/// tokens spread, and who has two that meet in one place only loses the place.
pub(super) struct Recent<E> {
    /// None until the first token is met.
    places: Vec<Place<E>>,
    most: usize,
}

struct Place<E> {
    kept: Option<(Box<[u8]>, E)>,
    /// The end of the token that was met last and is not kept.
    met: u64,
}

impl<E> Recent<E> {
    /// For at most so many tokens, and never for more than 64.
    pub(super) fn new(most: usize) -> Self {
        Self { places: Vec::new(), most: most.clamp(1, RECENT_TOKENS) }
    }

    /// What `judge` says of a token that is kept. One of which it says nothing is let go.
    pub(super) fn get<T>(&mut self, token: &[u8], judge: impl Fn(&E) -> Option<T>) -> Option<T> {
        let place = self.place(token)?;
        let (_, entry) = place.kept.as_ref().filter(|(kept, _)| **kept == *token)?;
        let judged = judge(entry);
        place.met = 0;
        if judged.is_none() {
            place.kept = None;
        }
        judged
    }

    /// Keeps a token that is met twice in a row in its place. So those that are met often push out
    /// those that are not, and a thread that meets ever other tokens copies none.
    pub(super) fn met(&mut self, token: &[u8], entry: impl FnOnce() -> E) {
        if token.len() > RECENT_TOKEN_BYTES {
            return;
        }
        if self.places.is_empty() {
            self.places.reserve_exact(self.most);
            self.places.resize_with(self.most, || Place { kept: None, met: 0 });
        }
        let Some(place) = self.place(token) else { return };
        let end = end(token);
        if place.met == end {
            place.kept = Some((token.into(), entry()));
        }
        place.met = end;
    }

    fn place(&mut self, token: &[u8]) -> Option<&mut Place<E>> {
        // The upper bits of a product depend on all bits of its factors.
        let mixed = end(token).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let index = usize::try_from(mixed).unwrap_or_default().checked_rem(self.places.len())?;
        self.places.get_mut(index)
    }
}

fn end(token: &[u8]) -> u64 {
    token.last_chunk().map_or(0, |end| u64::from_le_bytes(*end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_kept(recent: &mut Recent<u8>, token: &[u8]) -> bool {
        recent.get(token, |entry| Some(*entry)).is_some()
    }

    #[test]
    fn a_token_is_kept_when_it_is_met_again() {
        let mut recent = Recent::new(100);
        for (times, kept) in [(1, false), (2, true)] {
            recent.met(b"one token", || 1);
            assert_eq!(is_kept(&mut recent, b"one token"), kept, "{times}");
        }
        assert!(!is_kept(&mut recent, b"one tokem"));
    }

    #[test]
    fn tokens_that_are_met_in_turn_leave_the_one_that_is_kept() {
        let mut recent = Recent::new(1);
        (0..2).for_each(|_| recent.met(b"the first token", || 1));
        for _ in 0..3 {
            assert!(is_kept(&mut recent, b"the first token"));
            recent.met(b"another token", || 2);
            recent.met(b"and yet another", || 3);
        }
        (0..2).for_each(|_| recent.met(b"another token", || 2));
        assert!(
            is_kept(&mut recent, b"another token") && !is_kept(&mut recent, b"the first token")
        );
    }

    #[test]
    fn places_and_bytes_are_bounded() {
        for (most, places) in [(0, 1), (1, 1), (10_000, RECENT_TOKENS)] {
            let mut recent = Recent::new(most);
            assert!(recent.places.is_empty() && !is_kept(&mut recent, b"one token"));
            recent.met(b"one token", || 1);
            assert_eq!(recent.places.len(), places);
        }
        let mut recent = Recent::new(1);
        for (length, kept) in [(RECENT_TOKEN_BYTES, true), (RECENT_TOKEN_BYTES + 1, false)] {
            let token = vec![b'x'; length];
            (0..3).for_each(|_| recent.met(&token, || 1));
            assert_eq!(is_kept(&mut recent, &token), kept);
        }
    }
}
