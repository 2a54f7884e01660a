//! `Retry-After` of an issuer (RFC 9110 §10.2.3).

use std::time::{Duration, UNIX_EPOCH};

/// Reads the pause that an issuer asks for, in seconds or as a date. A date in the past asks for
/// none. `now` is the time of the wall clock.
pub(super) fn retry_after(value: &str, now: Duration) -> Option<Duration> {
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(UNIX_EPOCH).ok()?.saturating_sub(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fri, 15 Jan 2027 08:00:00 GMT.
    const NOW: Duration = Duration::from_secs(1_800_000_000);

    #[test]
    fn seconds_and_dates_are_read() {
        for (value, seconds) in [
            ("0", 0),
            ("120", 120),
            ("Fri, 15 Jan 2027 08:00:20 GMT", 20),
            ("Friday, 15-Jan-27 08:00:20 GMT", 20),
            ("Fri Jan 15 08:01:00 2027", 60),
            ("Fri, 15 Jan 2027 08:00:00 GMT", 0),
            ("Fri, 15 Jan 2027 07:00:00 GMT", 0),
        ] {
            assert_eq!(retry_after(value, NOW), Some(Duration::from_secs(seconds)), "{value}");
        }
        for value in ["", "-1", "1.5", "soon", "Fri, 32 Jan 2027 08:00:20 GMT", "2027-01-15"] {
            assert_eq!(retry_after(value, NOW), None, "{value}");
        }
        assert_eq!(
            retry_after("Fri, 15 Jan 2027 08:00:20 GMT", Duration::MAX),
            Some(Duration::ZERO)
        );
    }
}
