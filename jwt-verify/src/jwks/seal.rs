//! What entries of a shared store are wrapped in: when they end, and proof of who wrote them.

use std::time::Duration;

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{error::ConfigError, limits::MAX_CLOCK_SKEW, secret::Secret};

/// Wraps entries and unwraps them again.
///
/// An entry is a line and the content. The line has a version, the moment until which the entry
/// counts, in milliseconds of the wall clock, since the store's own expiry can be undone by whoever
/// operates it, and a tag: with a key, the HMAC-SHA-256 of the entry's name, that moment and the
/// content.
#[derive(Debug)]
pub(super) struct Seal {
    key: Option<hmac::Key>,
}

/// An entry that is not what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    /// Not an entry of this version.
    Malformed,
    /// Not written by somebody who has the key.
    Forged,
    /// Over, or to end later than any entry does.
    Outdated,
}

impl Broken {
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Forged => "forged",
            Self::Outdated => "outdated",
        }
    }
}

const VERSION: &str = "jwt-verify-1";
/// A shorter key could be guessed from one entry (RFC 2104 §3).
const MIN_KEY_BYTES: usize = 32;

impl Seal {
    pub(super) fn new(key: Option<&Secret>) -> Result<Self, ConfigError> {
        let key = match key {
            Some(secret) if secret.expose().len() < MIN_KEY_BYTES => {
                return Err(ConfigError::invalid(
                    "cache_integrity_key",
                    "must have at least 32 bytes",
                ));
            }
            Some(secret) => Some(hmac::Key::new(hmac::HMAC_SHA256, secret.expose())),
            None => None,
        };
        Ok(Self { key })
    }

    /// The content wrapped, to count until then.
    pub(super) fn wrap(&self, name: &str, until: Duration, content: &[u8]) -> Vec<u8> {
        let until = millis(until);
        let tag = match &self.key {
            Some(key) => URL_SAFE_NO_PAD.encode(hmac::sign(key, &signed(name, until, content))),
            None => "-".into(),
        };
        let mut entry = format!("{VERSION} {until} {tag}\n").into_bytes();
        entry.extend_from_slice(content);
        entry
    }

    /// The content of an entry, and until when it counts.
    pub(super) fn unwrap<'a>(
        &self,
        name: &str,
        entry: &'a [u8],
        now: Duration,
        longest: Duration,
    ) -> Result<(&'a [u8], Duration), Broken> {
        let end = entry.iter().take(MAX_LINE).position(|byte| *byte == b'\n');
        let (line, content) = end
            .and_then(|end| Some((entry.get(..end)?, entry.get(end + 1..)?)))
            .ok_or(Broken::Malformed)?;
        let line = std::str::from_utf8(line).map_err(|_| Broken::Malformed)?;
        let mut words = line.split(' ');
        let (Some(VERSION), Some(until), Some(tag), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(Broken::Malformed);
        };
        let until: u64 = until.parse().map_err(|_| Broken::Malformed)?;
        if let Some(key) = &self.key {
            let tag = URL_SAFE_NO_PAD.decode(tag).map_err(|_| Broken::Forged)?;
            hmac::verify(key, &signed(name, until, content), &tag).map_err(|_| Broken::Forged)?;
        }
        let until = Duration::from_millis(until);
        if now >= until || until > now.saturating_add(longest).saturating_add(MAX_CLOCK_SKEW) {
            return Err(Broken::Outdated);
        }
        Ok((content, until))
    }
}

/// Longer than any first line.
const MAX_LINE: usize = 128;

/// What the tag is about. The lengths are inside, so that nothing can move from one part to the next.
fn signed(name: &str, until: u64, content: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{VERSION} {until} {} {} ", name.len(), content.len()).into_bytes();
    bytes.extend_from_slice(name.as_bytes());
    bytes.extend_from_slice(content);
    bytes
}

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1_800_000_000);
    const MINUTE: Duration = Duration::from_secs(60);

    fn seal(key: &str) -> Seal {
        Seal::new(Some(&Secret::from(key))).unwrap()
    }

    #[test]
    fn what_was_wrapped_is_unwrapped_until_its_time() {
        for seal in [Seal::new(None).unwrap(), seal("0123456789abcdef0123456789abcdef")] {
            let entry = seal.wrap("n", NOW + MINUTE, b"a\nb");
            let unwrap = |now| seal.unwrap("n", &entry, now, MINUTE);
            assert_eq!(unwrap(NOW), Ok((&b"a\nb"[..], NOW + MINUTE)));
            assert_eq!(unwrap(NOW + MINUTE), Err(Broken::Outdated));
            assert_eq!(unwrap(NOW.saturating_sub(2 * MINUTE)), Err(Broken::Outdated));
        }
    }

    #[test]
    fn without_the_key_nothing_can_be_written_changed_or_moved() {
        let own = seal("0123456789abcdef0123456789abcdef");
        let entry = own.wrap("n", NOW + MINUTE, b"content");
        let judge = |name: &str, entry: &[u8]| own.unwrap(name, entry, NOW, MINUTE).err();
        assert_eq!(judge("n", &entry), None);
        assert_eq!(judge("m", &entry), Some(Broken::Forged));
        for (index, _) in entry.iter().enumerate() {
            let mut changed = entry.clone();
            changed[index] ^= 1;
            assert!(judge("n", &changed).is_some(), "{index}");
        }
        let other = seal("another key of thirty-two bytes!");
        assert_eq!(judge("n", &other.wrap("n", NOW + MINUTE, b"x")), Some(Broken::Forged));
        let none = Seal::new(None).unwrap();
        assert_eq!(judge("n", &none.wrap("n", NOW + MINUTE, b"x")), Some(Broken::Forged));
    }

    #[test]
    fn garbage_is_no_entry() {
        let seal = Seal::new(None).unwrap();
        let long = format!("jwt-verify-1 {} -\n", "9".repeat(200));
        for entry in
            ["", "\n", "{}", "jwt-verify-1", "jwt-verify-0 1 -\nx", "jwt-verify-1 x -\n", &long]
        {
            let unwrapped = seal.unwrap("n", entry.as_bytes(), NOW, MINUTE);
            assert_eq!(unwrapped, Err(Broken::Malformed), "{entry:?}");
        }
        let forever = format!("jwt-verify-1 {} -\n", u64::MAX);
        assert_eq!(seal.unwrap("n", forever.as_bytes(), NOW, MINUTE), Err(Broken::Outdated));
    }

    #[test]
    fn a_short_key_is_refused() {
        assert!(Seal::new(Some(&Secret::from("0123456789abcdef0123456789abcde"))).is_err());
    }
}
