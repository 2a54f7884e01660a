//! `NumericDate` (RFC 7519 §2).

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, Visitor},
};

use crate::{defaults::MAX_NUMERIC_DATE, json::Json};

/// A time in a claim: seconds since the Unix epoch, possibly with a fraction, between 1970 and the
/// end of the year 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NumericDate(Duration);

impl NumericDate {
    pub(super) fn read(value: Json<'_>) -> Option<Self> {
        match value.as_integer() {
            Some(seconds) => Self::from_secs(seconds),
            None => Self::deserialize(value.as_number()?).ok(),
        }
    }

    fn from_secs(seconds: u64) -> Option<Self> {
        (seconds <= MAX_NUMERIC_DATE).then(|| Self(Duration::from_secs(seconds)))
    }

    /// Returns the time since the Unix epoch.
    pub const fn since_epoch(self) -> Duration {
        self.0
    }

    /// Returns whole seconds since the Unix epoch.
    pub const fn as_secs(self) -> u64 {
        self.0.as_secs()
    }
}

impl From<NumericDate> for SystemTime {
    fn from(date: NumericDate) -> Self {
        UNIX_EPOCH + date.0
    }
}

impl Serialize for NumericDate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.subsec_nanos() == 0 {
            serializer.serialize_u64(self.0.as_secs())
        } else {
            serializer.serialize_f64(self.0.as_secs_f64())
        }
    }
}

impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Seconds;

        impl Visitor<'_> for Seconds {
            type Value = NumericDate;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("seconds since the epoch")
            }

            fn visit_u64<E: Error>(self, seconds: u64) -> Result<NumericDate, E> {
                NumericDate::from_secs(seconds).ok_or_else(|| E::custom("date out of range"))
            }

            fn visit_f64<E: Error>(self, seconds: f64) -> Result<NumericDate, E> {
                // Fails for negative, infinite and huge numbers; the bound is checked after it.
                Duration::try_from_secs_f64(seconds)
                    .ok()
                    .filter(|date| date.as_secs() <= MAX_NUMERIC_DATE)
                    .map(NumericDate)
                    .ok_or_else(|| E::custom("date out of range"))
            }
        }

        deserializer.deserialize_f64(Seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_range_are_dates() {
        for (text, seconds) in [
            ("0", 0),
            ("1790000000", 1_790_000_000),
            ("1.79e9", 1_790_000_000),
            ("0.5", 0),
            ("253402300799", 253_402_300_799),
        ] {
            assert_eq!(
                serde_json::from_str::<NumericDate>(text).unwrap().as_secs(),
                seconds,
                "{text}"
            );
        }
    }

    #[test]
    fn everything_else_is_not() {
        for text in [
            "-1",
            "-0.5",
            "253402300800",
            "1e20",
            "1e300",
            "9007199254740993",
            "9223372036854775808",
            "18446744073709551616",
            "1e400",
            "null",
            "true",
            "\"1\"",
            "[]",
            "{}",
        ] {
            assert!(serde_json::from_str::<NumericDate>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_fraction_survives_a_round_trip() {
        let date: NumericDate = serde_json::from_str("1790000000.25").unwrap();
        assert_eq!(serde_json::to_string(&date).unwrap(), "1790000000.25");
    }

    #[test]
    fn a_date_is_a_moment_after_the_epoch() {
        let date: NumericDate = serde_json::from_str("1800000000").unwrap();
        let moment = SystemTime::from(date);
        let since = moment.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(since.as_secs(), 1_800_000_000);
    }
}
