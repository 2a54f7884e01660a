//! The form of a key: `PREFIX_`, 34 random characters, and six that check all of them.

use aws_lc_rs::error::Unspecified;
use zeroize::Zeroizing;

use super::crc32::crc32;
use crate::error::ConfigError;

/// The prefix of new keys, and those that presented keys may have.
#[derive(Debug, Clone)]
pub(super) struct KeyForm {
    /// With its underscore.
    prefix: Box<str>,
    /// True if keys with other prefixes are refused.
    is_only: bool,
}

impl KeyForm {
    /// Creates the form of keys that may have any prefix, and new ones the default.
    pub(super) fn any() -> Self {
        Self { prefix: format!("{DEFAULT_PREFIX}_").into(), is_only: false }
    }

    /// Creates the form of keys with this prefix alone.
    pub(super) fn only(prefix: &str) -> Result<Self, ConfigError> {
        if !is_prefix(prefix.as_bytes()) {
            let problem = "must be 1 to 32 letters, digits and inner `_` of ASCII, and must not begin \
                           with `ey`, as tokens do";
            return Err(ConfigError::invalid("api_keys.prefix", problem));
        }
        Ok(Self { prefix: format!("{prefix}_").into(), is_only: true })
    }

    /// Returns `true` for a text that claims to be a key: it has the prefix, or the whole form.
    ///
    /// A JWT is longer than any key, so that one costs it two comparisons.
    #[inline]
    pub(super) fn claims(&self, text: &[u8]) -> bool {
        text.starts_with(self.prefix.as_bytes())
            || (!self.is_only && text.len() <= MAX_KEY_BYTES && self.matches(text))
    }

    /// Returns `true` for a key of the right form whose last characters check the others.
    pub(super) fn matches(&self, key: &[u8]) -> bool {
        let Some((checked, check)) = key.split_last_chunk::<CHECK>() else { return false };
        let Some((prefix, random)) = checked.split_last_chunk::<RANDOM>() else { return false };
        let Some((b'_', name)) = prefix.split_last() else { return false };
        let is_known =
            if self.is_only { prefix == self.prefix.as_bytes() } else { is_prefix(name) };
        is_known && random.iter().all(u8::is_ascii_alphanumeric) && *check == check_of(checked)
    }

    /// Makes a key.
    pub(super) fn generate(&self) -> Result<Zeroizing<String>, Unspecified> {
        let mut key = Zeroizing::new(String::with_capacity(MAX_KEY_BYTES));
        key.push_str(&self.prefix);
        let mut random = Zeroizing::new([0; RANDOM]);
        let mut missing = RANDOM;
        while missing > 0 {
            aws_lc_rs::rand::fill(&mut *random)?;
            // The highest bytes would make some characters likelier than others.
            let fair = random.iter().filter(|byte| **byte < FAIR_BELOW).take(missing);
            let characters = fair.map(|byte| char::from(digit(u32::from(*byte))));
            let before = key.len();
            key.extend(characters);
            missing -= key.len() - before;
        }
        let check = check_of(key.as_bytes());
        key.extend(check.map(char::from));
        Ok(key)
    }
}

/// Returns `true` for letters, digits and inner underscores. None begins as the header of a token
/// does.
fn is_prefix(prefix: &[u8]) -> bool {
    let is_inside = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let is_end = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    prefix.len() <= MAX_PREFIX_BYTES
        && is_end(prefix.first())
        && is_end(prefix.last())
        && prefix.iter().all(is_inside)
        && !prefix.starts_with(b"ey")
}

/// Writes the CRC-32 as six digits of base62.
fn check_of(checked: &[u8]) -> [u8; CHECK] {
    let mut rest = crc32(checked);
    let mut digits = [b'0'; CHECK];
    for place in digits.iter_mut().rev() {
        *place = digit(rest);
        rest /= BASE;
    }
    digits
}

/// Returns the digit of base62 for the remainder of a number.
fn digit(number: u32) -> u8 {
    let index = usize::try_from(number % BASE).unwrap_or_default();
    DIGITS.get(index).copied().unwrap_or(b'0')
}

pub(super) const DEFAULT_PREFIX: &str = "ak";
const MAX_PREFIX_BYTES: usize = 32;
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BASE: u32 = 62;
/// Highest multiple of 62 in a byte.
const FAIR_BELOW: u8 = 248;
/// Number of random characters: 202 bits.
const RANDOM: usize = 34;
/// Number of characters that check the others.
const CHECK: usize = 6;
const MAX_KEY_BYTES: usize = MAX_PREFIX_BYTES + 1 + RANDOM + CHECK;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const ZEROS: &str = "ak_0000000000000000000000000000000000";

    fn key(checked: &str) -> String {
        format!("{checked}{}", String::from_utf8(check_of(checked.as_bytes()).into()).unwrap())
    }

    /// Computed apart from this code, with zlib.
    #[test]
    fn the_check_is_the_crc_in_base62() {
        assert_eq!(key(ZEROS), format!("{ZEROS}{KNOWN_CHECK}"));
        assert_eq!(digit(9), b'9');
        assert_eq!((digit(10), digit(35), digit(36), digit(61)), (b'A', b'Z', b'a', b'z'));
    }

    const KNOWN_CHECK: &str = "0BGpCK";

    #[test]
    fn a_new_key_has_the_form_and_uses_every_digit() {
        let form = KeyForm::only("my_app").unwrap();
        let mut seen = BTreeSet::new();
        for _ in 0..100 {
            let key = form.generate().unwrap();
            assert_eq!(key.len(), "my_app_".len() + 40);
            assert!(form.matches(key.as_bytes()) && form.claims(key.as_bytes()));
            assert!(KeyForm::any().matches(key.as_bytes()));
            seen.extend(key["my_app_".len()..][..RANDOM].bytes());
        }
        assert_eq!(seen.len(), 62);
    }

    #[test]
    fn any_change_is_noticed() {
        let good = key(ZEROS);
        let form = KeyForm::any();
        assert!(form.matches(good.as_bytes()));
        for place in 0..good.len() {
            let mut other = good.clone().into_bytes();
            other[place] = if other[place] == b'7' { b'8' } else { b'7' };
            assert!(!form.matches(&other), "{place}");
        }
        for other in ["", "_", "ak_", &good[1..3], &good[3..], &good[..good.len() - 1]] {
            assert!(!form.matches(other.as_bytes()), "{other}");
        }
        // Right checks of wrong forms.
        for wrong in [
            format!("{}-", &ZEROS[..ZEROS.len() - 1]),
            format!("{ZEROS}0"),
            ZEROS[..ZEROS.len() - 1].to_owned(),
            ZEROS.replace("ak_", "_"),
            ZEROS.replace("ak_", "_a_"),
            ZEROS.replace("ak_", "a__"),
            ZEROS.replace("ak_", "a.k_"),
            ZEROS.replace("ak_", "ak"),
        ] {
            assert!(!form.matches(key(&wrong).as_bytes()), "{wrong}");
        }
    }

    #[test]
    fn one_prefix_may_be_demanded() {
        let (live, test) = (key(&ZEROS.replace("ak_", "live_")), key(&ZEROS.replace("ak_", "t_")));
        let form = KeyForm::only("live").unwrap();
        assert!(form.matches(live.as_bytes()) && form.claims(live.as_bytes()));
        assert!(!form.matches(test.as_bytes()) && !form.claims(test.as_bytes()));
        assert!(form.claims(b"live_") && !form.claims(b"live") && !form.claims(b"Live_x"));
        let any = KeyForm::any();
        assert!(
            any.claims(test.as_bytes()) && any.claims(b"ak_broken") && !any.claims(b"t_broken")
        );
    }

    #[test]
    fn a_prefix_is_letters_digits_and_inner_underscores() {
        for good in ["a", "ak", "my_app", "A1", "x_y_z", "a__b", &"x".repeat(32)] {
            assert!(KeyForm::only(good).is_ok(), "{good}");
        }
        for bad in ["", "_", "_a", "a_", "a-b", "a b", "ü", "ey", "eyJ", &"x".repeat(33)] {
            assert!(KeyForm::only(bad).is_err(), "{bad}");
        }
    }
}
