//! Timestamps and durations: parses the text of JSON into seconds and nanoseconds.

use std::ops::RangeInclusive;

/// From the year 1 to the end of the year 9999.
const TIMES: RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;
/// About 10,000 years.
const MAX_DURATION: i64 = 315_576_000_000;
const NANOS: i32 = 1_000_000_000;

pub fn is_timestamp(seconds: i64, nanos: i32) -> bool {
    TIMES.contains(&seconds) && (0..NANOS).contains(&nanos)
}

pub fn is_duration(seconds: i64, nanos: i32) -> bool {
    let one_sign = seconds == 0 || nanos == 0 || (seconds < 0) == (nanos < 0);
    one_sign
        && (-MAX_DURATION..=MAX_DURATION).contains(&seconds)
        && nanos.abs_diff(0) < 1_000_000_000
}

/// `2026-01-31T12:00:00.5Z`, or with `+01:00` at the end.
pub fn timestamp(text: &[u8]) -> Option<(i64, i32)> {
    let mut rest = text;
    let year = number(&mut rest, 4)?;
    let month = after(&mut rest, b'-')?;
    let day = after(&mut rest, b'-')?;
    skip(&mut rest, b'T')?;
    let hour = number(&mut rest, 2)?;
    let minute = after(&mut rest, b':')?;
    let second = after(&mut rest, b':')?;
    let nanos = fraction(&mut rest)?;
    let (&zone, after_zone) = rest.split_first()?;
    rest = after_zone;
    let offset = match zone {
        b'Z' => 0,
        b'+' | b'-' => {
            let hours = number(&mut rest, 2)?;
            let minutes = after(&mut rest, b':')?;
            if hours > 23 || minutes > 59 {
                return None;
            }
            let offset = hours * 3600 + minutes * 60;
            if zone == b'+' { offset } else { -offset }
        }
        _ => return None,
    };
    let right = rest.is_empty()
        && (1..=12).contains(&month)
        && (1..=days_of(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset;
    (right && is_timestamp(seconds, nanos)).then_some((seconds, nanos))
}

/// `-1.5s`
pub fn duration(text: &[u8]) -> Option<(i64, i32)> {
    let mut rest = text;
    let sign = if skip(&mut rest, b'-').is_some() {
        -1
    } else {
        1
    };
    let n = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !(1..=12).contains(&n) {
        return None;
    }
    let seconds = number(&mut rest, n)? * sign;
    let nanos = fraction(&mut rest)? * sign as i32;
    (rest == b"s" && is_duration(seconds, nanos)).then_some((seconds, nanos))
}

fn skip(rest: &mut &[u8], byte: u8) -> Option<()> {
    let (first, after) = rest.split_first()?;
    (*first == byte).then(|| *rest = after)
}

/// A number of `n` digits.
fn number(rest: &mut &[u8], n: usize) -> Option<i64> {
    let (digits, after) = rest.split_at_checked(n)?;
    *rest = after;
    digits.iter().try_fold(0, |value, byte| {
        let digit = byte.is_ascii_digit().then(|| byte - b'0')?;
        Some(value * 10 + i64::from(digit))
    })
}

/// A number of two digits after `byte`.
fn after(rest: &mut &[u8], byte: u8) -> Option<i64> {
    skip(rest, byte)?;
    number(rest, 2)
}

/// Nanoseconds; 0 without a decimal point.
fn fraction(rest: &mut &[u8]) -> Option<i32> {
    if skip(rest, b'.').is_none() {
        return Some(0);
    }
    let n = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !(1..=9).contains(&n) {
        return None;
    }
    Some(number(rest, n)? as i32 * 10i32.pow(9 - n as u32))
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970. The year begins in March here, so that a leap day is its last day.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = match month {
        3.. => (year, month - 3),
        _ => (year - 1, month + 9),
    };
    year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 719_469
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for (text, time) in [
            ("1970-01-01T00:00:00Z", (0, 0)),
            ("1970-01-01T00:00:00.000000001Z", (0, 1)),
            ("1969-12-31T23:59:59.5Z", (-1, 500_000_000)),
            ("0001-01-01T00:00:00Z", (-62_135_596_800, 0)),
            ("0001-01-01T00:00:00-00:01", (-62_135_596_740, 0)),
            (
                "9999-12-31T23:59:59.999999999Z",
                (253_402_300_799, 999_999_999),
            ),
            ("2000-02-29T00:00:00Z", (951_782_400, 0)),
            ("1970-01-02T01:00:00+02:00", (82_800, 0)),
            ("1970-01-01T00:00:00-11:30", (41_400, 0)),
        ] {
            assert_eq!(timestamp(text.as_bytes()), Some(time), "{text}");
        }
    }

    #[test]
    fn every_day_is_one_after_the_day_before() {
        let mut expected = -719_162;
        for year in 1..=2400 {
            for month in 1..=12 {
                for day in 1..=days_of(year, month) {
                    assert_eq!(days(year, month, day), expected);
                    expected += 1;
                }
            }
        }
    }

    #[test]
    fn what_is_no_time() {
        for text in [
            "",
            "noon",
            "2026-01-31",
            "2026-01-31T12:00:00",
            "2026-01-31 12:00:00Z",
            "2026-01-31t12:00:00Z",
            "2026-01-31T12:00:00z",
            "2026-01-31T12:00Z",
            "2026-01-31T12:00:00.Z",
            "2026-01-31T12:00:00,5Z",
            "2026-01-31T12:00:00.1234567890Z",
            "2026-01-31T12:00:00Z ",
            "2026-01-31T12:00:60Z",
            "2026-01-31T12:60:00Z",
            "2026-01-31T24:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-01-32T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2026-1-31T00:00:00Z",
            "999-01-01T00:00:00Z",
            "10000-01-01T00:00:00Z",
            "0000-12-31T23:59:59Z",
            "0001-01-01T00:00:00+00:01",
            "9999-12-31T23:59:59-00:01",
            "2026-01-31T12:00:00+0100",
            "2026-01-31T12:00:00+24:00",
            "2026-01-31T12:00:00+00:60",
            "2026-01-31T12:00:00+1:00",
            "-026-01-31T12:00:00Z",
            "２026-01-31T12:00:00Z",
        ] {
            assert_eq!(timestamp(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn durations() {
        for (text, duration_of) in [
            ("0s", (0, 0)),
            ("-0s", (0, 0)),
            ("1.5s", (1, 500_000_000)),
            ("-0.5s", (0, -500_000_000)),
            ("0.000000001s", (0, 1)),
            ("315576000000.999999999s", (MAX_DURATION, 999_999_999)),
            ("-315576000000.999999999s", (-MAX_DURATION, -999_999_999)),
        ] {
            assert_eq!(duration(text.as_bytes()), Some(duration_of), "{text}");
        }
        for text in [
            "",
            "s",
            "1",
            "1 s",
            "1m",
            ".5s",
            "1.s",
            "+1s",
            "--1s",
            "1.5.5s",
            "1e3s",
            "1.0000000000s",
            "315576000001s",
            "-315576000001s",
            "9999999999999s",
            "99999999999999999999s",
        ] {
            assert_eq!(duration(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn what_a_message_may_hold() {
        assert!(is_timestamp(0, 999_999_999) && !is_timestamp(0, -1) && !is_timestamp(0, NANOS));
        assert!(!is_timestamp(253_402_300_800, 0) && !is_timestamp(i64::MIN, 0));
        assert!(is_duration(0, -1) && is_duration(1, 1) && is_duration(-1, -1));
        assert!(!is_duration(1, -1) && !is_duration(-1, 1));
        assert!(!is_duration(MAX_DURATION + 1, 0) && !is_duration(i64::MIN, 0));
        assert!(!is_duration(0, NANOS) && !is_duration(0, i32::MIN));
    }
}
