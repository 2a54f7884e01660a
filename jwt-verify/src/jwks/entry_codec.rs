//! Format of entries in the shared store: expiry, and an HMAC that proves their origin.

use std::time::Duration;

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{
    clock::millis,
    defaults::MAX_CLOCK_SKEW,
    error::{ConfigError, codes::codes},
    secret::Secret,
};

/// Encodes and decodes entries.
///
/// An entry is a line and the content. The line has a version, the expiry in milliseconds of the
/// wall clock, since the operator of a store can undo the store's own expiry, and a tag: with a
/// key, the HMAC-SHA-256 of the entry's name, its expiry and the content.
#[derive(Debug)]
pub(crate) struct EntryCodec {
    key: Option<hmac::Key>,
}

codes! {
    /// Reason why an entry is ignored.
    pub(crate) enum EntryError {
        /// Not an entry of this version.
        Malformed => "malformed",
        /// Not written with the key.
        Forged => "forged",
        /// Expired, or with an expiry further away than any entry may have.
        Outdated => "outdated",
    }
}

const VERSION: &str = "jwt-verify-1";

impl EntryCodec {
    pub(crate) fn new(key: Option<&Secret>) -> Result<Self, ConfigError> {
        let key = key.map(|secret| secret.hmac_key("cache_integrity_key")).transpose()?;
        Ok(Self { key })
    }

    /// Encodes content that expires at `until`.
    pub(crate) fn encode(&self, name: &str, until: Duration, content: &[u8]) -> Vec<u8> {
        let until = millis(until);
        let tag = match &self.key {
            Some(key) => URL_SAFE_NO_PAD.encode(hmac::sign(key, &signed(name, until, content))),
            None => "-".into(),
        };
        let mut entry = format!("{VERSION} {until} {tag}\n").into_bytes();
        entry.extend_from_slice(content);
        entry
    }

    /// Decodes an entry into its content and its expiry.
    pub(crate) fn decode<'a>(
        &self,
        name: &str,
        entry: &'a [u8],
        now: Duration,
        longest: Duration,
    ) -> Result<(&'a [u8], Duration), EntryError> {
        let end = entry.iter().take(MAX_LINE).position(|byte| *byte == b'\n');
        let (line, content) = end
            .and_then(|end| Some((entry.get(..end)?, entry.get(end + 1..)?)))
            .ok_or(EntryError::Malformed)?;
        let line = std::str::from_utf8(line).map_err(|_| EntryError::Malformed)?;
        let mut words = line.split(' ');
        let (Some(VERSION), Some(until), Some(tag), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(EntryError::Malformed);
        };
        let until: u64 = until.parse().map_err(|_| EntryError::Malformed)?;
        if let Some(key) = &self.key {
            let tag = URL_SAFE_NO_PAD.decode(tag).map_err(|_| EntryError::Forged)?;
            hmac::verify(key, &signed(name, until, content), &tag)
                .map_err(|_| EntryError::Forged)?;
        }
        let until = Duration::from_millis(until);
        if now >= until || until > now.saturating_add(longest).saturating_add(MAX_CLOCK_SKEW) {
            return Err(EntryError::Outdated);
        }
        Ok((content, until))
    }
}

/// Upper bound for the length of the first line.
const MAX_LINE: usize = 128;

/// The signed bytes. They contain the lengths, so that nothing can move from one part to the next.
fn signed(name: &str, until: u64, content: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{VERSION} {until} {} {} ", name.len(), content.len()).into_bytes();
    bytes.extend_from_slice(name.as_bytes());
    bytes.extend_from_slice(content);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1_800_000_000);
    const MINUTE: Duration = Duration::from_secs(60);

    fn codec(key: &str) -> EntryCodec {
        EntryCodec::new(Some(&Secret::from(key))).unwrap()
    }

    #[test]
    fn an_entry_is_decoded_until_it_expires() {
        for codec in [EntryCodec::new(None).unwrap(), codec("0123456789abcdef0123456789abcdef")] {
            let entry = codec.encode("n", NOW + MINUTE, b"a\nb");
            let decode = |now| codec.decode("n", &entry, now, MINUTE);
            assert_eq!(decode(NOW), Ok((&b"a\nb"[..], NOW + MINUTE)));
            assert_eq!(decode(NOW + MINUTE), Err(EntryError::Outdated));
            assert_eq!(decode(NOW.saturating_sub(2 * MINUTE)), Err(EntryError::Outdated));
        }
    }

    #[test]
    fn without_the_key_nothing_can_be_written_changed_or_moved() {
        let own = codec("0123456789abcdef0123456789abcdef");
        let entry = own.encode("n", NOW + MINUTE, b"content");
        let judge = |name: &str, entry: &[u8]| own.decode(name, entry, NOW, MINUTE).err();
        assert_eq!(judge("n", &entry), None);
        assert_eq!(judge("m", &entry), Some(EntryError::Forged));
        for (index, _) in entry.iter().enumerate() {
            let mut changed = entry.clone();
            changed[index] ^= 1;
            assert!(judge("n", &changed).is_some(), "{index}");
        }
        let other = codec("another key of thirty-two bytes!");
        assert_eq!(judge("n", &other.encode("n", NOW + MINUTE, b"x")), Some(EntryError::Forged));
        let none = EntryCodec::new(None).unwrap();
        assert_eq!(judge("n", &none.encode("n", NOW + MINUTE, b"x")), Some(EntryError::Forged));
    }

    #[test]
    fn garbage_is_malformed() {
        let codec = EntryCodec::new(None).unwrap();
        let long = format!("jwt-verify-1 {} -\n", "9".repeat(200));
        for entry in
            ["", "\n", "{}", "jwt-verify-1", "jwt-verify-0 1 -\nx", "jwt-verify-1 x -\n", &long]
        {
            let decoded = codec.decode("n", entry.as_bytes(), NOW, MINUTE);
            assert_eq!(decoded, Err(EntryError::Malformed), "{entry:?}");
        }
        let forever = format!("jwt-verify-1 {} -\n", u64::MAX);
        assert_eq!(codec.decode("n", forever.as_bytes(), NOW, MINUTE), Err(EntryError::Outdated));
    }

    #[test]
    fn a_short_key_is_refused() {
        assert!(EntryCodec::new(Some(&Secret::from("0123456789abcdef0123456789abcde"))).is_err());
    }
}
