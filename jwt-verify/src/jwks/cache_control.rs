//! Freshness lifetime of a response (RFC 9111 §5.2.2.1).

use std::time::Duration;

use crate::defaults::{KEY_SET_TTL_CEILING, KEY_SET_TTL_FLOOR};

/// Reads `max-age` of a `Cache-Control` header, if there is a usable one, less the `Age` of the
/// response (RFC 9111 §5.1), and clamps it to 60 s and 24 h. The issuer decides how long its keys
/// are cached, but can neither have them fetched for every request nor cached forever.
pub(super) fn max_age(cache_control: &str, age: &str) -> Option<Duration> {
    let mut ages = cache_control.split(',').filter_map(|directive| {
        let (name, value) = directive.split_once('=')?;
        name.trim().eq_ignore_ascii_case("max-age").then(|| value.trim().trim_matches('"'))
    });
    let (Some(max_age), None) = (ages.next(), ages.next()) else { return None };
    if max_age.is_empty() || !max_age.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // More digits than fit mean "very long".
    let seconds: u64 = max_age.parse().unwrap_or(u64::MAX);
    let seconds = seconds.saturating_sub(age.parse().unwrap_or(0));
    Some(Duration::from_secs(seconds).clamp(KEY_SET_TTL_FLOOR, KEY_SET_TTL_CEILING))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn max_age_is_read_and_bounded() {
        for (text, seconds) in [
            ("max-age=300", 300),
            ("public, Max-Age=\"300\", must-revalidate", 300),
            ("max-age=0", 60),
            ("no-store, max-age=5", 60),
            ("max-age=99999999999999999999999", 86400),
        ] {
            assert_eq!(max_age(text, ""), Some(Duration::from_secs(seconds)), "{text}");
        }
        for (age, seconds) in [("100", 200), ("299", 60), ("9999", 60), ("-5", 300), ("x", 300)] {
            assert_eq!(max_age("max-age=300", age), Some(Duration::from_secs(seconds)), "{age}");
        }
        for text in [
            "",
            "no-store",
            "max-age",
            "max-age=",
            "max-age=-1",
            "max-age=1.5",
            "max-age=x",
            "s-maxage=9",
            "max-age=1, max-age=2",
        ] {
            assert_eq!(max_age(text, ""), None, "{text}");
        }
    }
}
