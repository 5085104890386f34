//! Parses numbers in the syntax of JSON.

struct Decimal<'a> {
    negative: bool,
    whole: &'a [u8],
    fraction: &'a [u8],
    exponent: i64,
}

fn digits<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let n = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, after) = rest.split_at(n);
    *rest = after;
    (n > 0).then_some(digits)
}

fn skip(rest: &mut &[u8], byte: u8) -> bool {
    match rest.split_first() {
        Some((first, after)) if *first == byte => {
            *rest = after;
            true
        }
        _ => false,
    }
}

fn decimal(text: &[u8]) -> Option<Decimal<'_>> {
    let mut rest = text;
    let negative = skip(&mut rest, b'-');
    let whole = digits(&mut rest)?;
    if whole.len() > 1 && whole[0] == b'0' {
        return None;
    }
    let fraction = match skip(&mut rest, b'.') {
        true => digits(&mut rest)?,
        false => &[],
    };
    let mut exponent = 0i64;
    if skip(&mut rest, b'e') || skip(&mut rest, b'E') {
        let below = skip(&mut rest, b'-');
        if !below {
            skip(&mut rest, b'+');
        }
        for digit in digits(&mut rest)? {
            exponent = exponent
                .saturating_mul(10)
                .saturating_add((digit - b'0').into());
        }
        if below {
            exponent = -exponent;
        }
    }
    rest.is_empty().then_some(Decimal {
        negative,
        whole,
        fraction,
        exponent,
    })
}

/// A whole number of at most 20 digits, enough for 64 bits; also `1e3` and `1.0`.
pub fn integer(text: &[u8]) -> Option<i128> {
    let Decimal {
        negative,
        whole,
        fraction,
        exponent,
    } = decimal(text)?;
    let count = whole.len() + fraction.len();
    let digit = |at: usize| *whole.get(at).unwrap_or_else(|| &fraction[at - whole.len()]) - b'0';
    let Some(first) = (0..count).find(|at| digit(*at) != 0) else {
        return Some(0);
    };
    let last = (first..count).rfind(|at| digit(*at) != 0)?;
    // The place of the last digit other than 0: 0 for ones, 1 for tens.
    let place = exponent.saturating_add(whole.len() as i64 - 1 - last as i64);
    let size = place.saturating_add((last - first) as i64);
    if place < 0 || size >= 20 {
        return None;
    }
    let value = (first..=last).fold(0, |value, at| value * 10 + i128::from(digit(at)));
    let value = value * 10i128.pow(place as u32);
    Some(if negative { -value } else { value })
}

/// A number, or one of the three values that JSON has no number for.
pub fn float(text: &[u8]) -> Option<f64> {
    match text {
        b"NaN" => Some(f64::NAN),
        b"Infinity" => Some(f64::INFINITY),
        b"-Infinity" => Some(f64::NEG_INFINITY),
        _ => {
            decimal(text)?;
            let number: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
            number.is_finite().then_some(number)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers() {
        for (text, number) in [
            ("0", 0),
            ("-0", 0),
            ("0.000", 0),
            ("0e99999999999999999999", 0),
            ("7", 7),
            ("-12", -12),
            ("100", 100),
            ("1.0", 1),
            ("1.50e1", 15),
            ("1e5", 100_000),
            ("1E+5", 100_000),
            ("100e-2", 1),
            ("2.147483647e9", 2_147_483_647),
            ("18446744073709551615", u64::MAX.into()),
            ("-9223372036854775808", i64::MIN.into()),
        ] {
            assert_eq!(integer(text.as_bytes()), Some(number), "{text}");
        }
    }

    #[test]
    fn other_texts_are_none() {
        for text in [
            "",
            "-",
            "+1",
            "01",
            "-01",
            " 1",
            "1 ",
            "1.",
            ".5",
            "0.5",
            "1e",
            "1e-1",
            "1.5",
            "0x10",
            "12abc",
            "12 34",
            "12,34",
            "1_000",
            "NaN",
            "Infinity",
            "１２",
            "1e20",
            "1e536870000",
            "1e-536870000",
            "1e99999999999999999999",
            "100000000000000000000",
        ] {
            assert_eq!(integer(text.as_bytes()), None, "{text}");
        }
        assert_eq!(integer(b"1\xff"), None);
        assert_eq!(integer("9".repeat(1_000_000).as_bytes()), None);
    }

    #[test]
    fn floats() {
        for (text, number) in [
            ("1", 1.0),
            ("-0", -0.0),
            ("1.175494e-38", 1.175494e-38),
            ("1e-400", 0.0),
        ] {
            let found: f64 = float(text.as_bytes()).unwrap();
            let number: f64 = number;
            assert_eq!(found.to_bits(), number.to_bits(), "{text}");
        }
        assert!(float(b"NaN").unwrap().is_nan());
        for text in [
            "",
            "nan",
            "inf",
            "+1",
            ".5",
            "5.",
            "1e400",
            "-1e400",
            "0x1p3",
            "12abc",
            "+Infinity",
        ] {
            assert_eq!(float(text.as_bytes()), None, "{text}");
        }
    }
}
