//! Comparison of numbers as spelled: equal only without rounding.

use serde_json::Number;

/// Returns `true` if a number spelled in a document has this value.
///
/// An integer equals that integer only, in any spelling: `3`, `3.0` and `30e-1` are equal. A number
/// with a fraction equals whatever reads as the same `f64`.
pub(super) fn is_same(written: &str, value: &Number) -> bool {
    match integer(value) {
        Some(integer) => is_integer(written, integer),
        None => value.as_f64().is_some_and(|value| written.parse() == Ok(value)),
    }
}

/// Returns `true` if a path segment is this number. A number has one spelling there.
pub(super) fn is_spelled(written: &str, segment: &str) -> bool {
    let fits = written.parse::<i64>().is_ok() || written.parse::<u64>().is_ok();
    fits && written != "-0" && written == segment
}

/// Returns the exact value of a number without a fraction.
fn integer(value: &Number) -> Option<i128> {
    let whole = value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from));
    whole.or_else(|| value.as_f64().and_then(exact))
}

/// Returns the exact value of a float that is an integer. Below this bound every such float fits an
/// `i128`.
fn exact(value: f64) -> Option<i128> {
    /// 2 to the 126th.
    const BOUND: f64 = 85_070_591_730_234_615_865_843_651_857_942_052_864.0;
    #[expect(clippy::cast_possible_truncation, reason = "it has no fraction and fits")]
    (value.fract() == 0.0 && value.abs() <= BOUND).then_some(value as i128)
}

/// Returns `true` if a number of a document (RFC 8259 §6) is this integer.
fn is_integer(written: &str, integer: i128) -> bool {
    let (is_negative, written) = match written.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, written),
    };
    let (digits, exponent) = written.split_once(['e', 'E']).unwrap_or((written, "0"));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let magnitude = magnitude(whole, fraction, exponent.parse().ok());
    magnitude == Some(integer.unsigned_abs())
        && (integer == 0 || is_negative == integer.is_negative())
}

/// Returns the integer of these digits, if it fits. The exponent is `None` if it is out of range,
/// which only matters for values other than zero.
fn magnitude(whole: &str, fraction: &str, exponent: Option<i64>) -> Option<u128> {
    let digits = || whole.bytes().chain(fraction.bytes()).map(|byte| byte.wrapping_sub(b'0'));
    if digits().all(|digit| digit == 0) {
        return Some(0);
    }
    let point = i64::try_from(whole.len()).ok()?.checked_add(exponent?)?;
    let mut value = 0_u128;
    let mut place = 0_i64;
    for digit in digits() {
        if place < point {
            value = value.checked_mul(10)?.checked_add(u128::from(digit))?;
        } else if digit != 0 {
            return None;
        }
        place += 1;
    }
    // At most 39 times: then it no longer fits.
    while place < point {
        value = value.checked_mul(10)?;
        place += 1;
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn number(value: &serde_json::Value) -> Number {
        match value {
            serde_json::Value::Number(number) => number.clone(),
            other => panic!("{other} is no number"),
        }
    }

    #[test]
    fn an_integer_is_met_by_that_integer_alone() {
        for (written, value, expected) in [
            ("9007199254740993", json!(9_007_199_254_740_993_i64), true),
            ("9007199254740993.0", json!(9_007_199_254_740_993_i64), true),
            ("9007199254740992.0", json!(9_007_199_254_740_993_i64), false),
            ("9007199254740993.0", json!(9_007_199_254_740_992_i64), false),
            ("9007199254740993", json!(9_007_199_254_740_992.0), false),
            ("9007199254740992", json!(9_007_199_254_740_992.0), true),
            ("9223372036854775808", json!(i64::MAX), false),
            ("9223372036854775807.0", json!(i64::MAX), true),
            ("18446744073709551615", json!(u64::MAX), true),
            ("18446744073709551616", json!(u64::MAX), false),
            ("18446744073709551616", json!(18_446_744_073_709_551_616.0), true),
            ("-9223372036854775808", json!(i64::MIN), true),
            ("3", json!(3), true),
            ("3.0", json!(3), true),
            ("30e-1", json!(3), true),
            ("0.0003e4", json!(3), true),
            ("0.3E+1", json!(3), true),
            ("300e-2", json!(3.0), true),
            ("3.0000000000000000000001", json!(3), false),
            ("3.1", json!(3), false),
            ("-3", json!(3), false),
            ("-3.0", json!(-3), true),
            ("0", json!(0), true),
            ("-0", json!(0), true),
            ("-0.0", json!(0), true),
            ("0e99999999999999999999", json!(0), true),
            ("1e99999999999999999999", json!(1), false),
            ("1e-99999999999999999999", json!(0), false),
            ("1e9223372036854775807", json!(1), false),
            ("1e39", json!(1), false),
            ("1e18", json!(1_000_000_000_000_000_000_i64), true),
            ("1.5", json!(1.5), true),
            ("15e-1", json!(1.5), true),
            ("1.5", json!(1), false),
            ("1", json!(1.5), false),
            ("1e300", json!(1e300), true),
        ] {
            assert_eq!(is_same(written, &number(&value)), expected, "{written} {value}");
        }
    }

    #[test]
    fn a_number_has_one_spelling_in_a_path() {
        for (written, segment, expected) in [
            ("7", "7", true),
            ("-7", "-7", true),
            ("18446744073709551615", "18446744073709551615", true),
            ("7", "07", false),
            ("7.0", "7.0", false),
            ("7e0", "7e0", false),
            ("-0", "-0", false),
            ("18446744073709551616", "18446744073709551616", false),
        ] {
            assert_eq!(is_spelled(written, segment), expected, "{written} {segment}");
        }
    }
}
