//! The compact serialization: three segments (RFC 7515 §7.1).

use memchr::memchr;

use crate::error::InvalidTokenReason;

/// A token split at its dots. Nothing is decoded or verified yet.
#[derive(Clone, Copy)]
pub(crate) struct CompactToken<'a> {
    /// Header and payload with the dot between them: the input of the signature.
    pub(crate) signing_input: &'a [u8],
    pub(crate) header: &'a [u8],
    pub(crate) payload: &'a [u8],
    pub(crate) signature: &'a [u8],
}

impl<'a> CompactToken<'a> {
    /// Splits at the first three dots only, so that a token of dots costs nothing.
    pub(crate) fn parse(token: &'a [u8], limit: usize) -> Result<Self, InvalidTokenReason> {
        if token.len() > limit {
            return Err(InvalidTokenReason::TooLarge);
        }
        Self::split(token)
            .filter(|parts| {
                !parts.header.is_empty() && !parts.payload.is_empty() && !parts.signature.is_empty()
            })
            .ok_or_else(|| {
                if is_encrypted(token) {
                    InvalidTokenReason::Encrypted
                } else {
                    InvalidTokenReason::Malformed
                }
            })
    }

    fn split(token: &'a [u8]) -> Option<Self> {
        let first = memchr(b'.', token)?;
        let (header, rest) = (token.get(..first)?, token.get(first + 1..)?);
        let second = memchr(b'.', rest)?;
        let (payload, signature) = (rest.get(..second)?, rest.get(second + 1..)?);
        if memchr(b'.', signature).is_some() {
            return None;
        }
        let signing_input = token.get(..first + 1 + second)?;
        Some(Self { signing_input, header, payload, signature })
    }
}

/// Returns `true` for the form of an encrypted token: a header and four more segments (RFC 7516
/// §7.1).
#[cold]
fn is_encrypted(token: &[u8]) -> bool {
    let mut dots = memchr::memchr_iter(b'.', token);
    // One more than that is enough to know.
    dots.next().is_some_and(|first| first > 0) && dots.take(4).count() == 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_segments_are_taken_apart() {
        let token = CompactToken::parse(b"aa.bbb.c", 100).ok().unwrap();
        assert_eq!(token.signing_input, b"aa.bbb");
        assert_eq!(
            (token.header, token.payload, token.signature),
            (&b"aa"[..], &b"bbb"[..], &b"c"[..])
        );
    }

    #[test]
    fn any_other_number_of_segments_and_empty_ones_are_refused() {
        for token in [
            "",
            ".",
            "..",
            "...",
            "a",
            "a.b",
            "a.b.",
            ".b.c",
            "a..c",
            "a.b.c.",
            "a.b.c.d",
            "....",
            ".b.c.d.e",
            "a.b.c.d.e.f",
        ] {
            assert_eq!(
                CompactToken::parse(token.as_bytes(), 100).err(),
                Some(InvalidTokenReason::Malformed),
                "{token:?}"
            );
        }
    }

    #[test]
    fn an_encrypted_token_is_told_from_a_mangled_one() {
        for token in ["a.b.c.d.e", "a..c.d.e"] {
            let refused = CompactToken::parse(token.as_bytes(), 100).err();
            assert_eq!(refused, Some(InvalidTokenReason::Encrypted), "{token:?}");
        }
    }

    #[test]
    fn the_limit_is_the_last_accepted_length() {
        assert!(CompactToken::parse(b"a.b.c", 5).is_ok());
        assert_eq!(CompactToken::parse(b"a.b.c", 4).err(), Some(InvalidTokenReason::TooLarge));
    }
}
