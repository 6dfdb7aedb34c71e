//! Numbers in the one form that equal numbers have.

use std::fmt::Write;

/// The most digits of a number that is written without an exponent.
const LONGEST_PLAIN: i64 = 40;

/// A number beyond this power of ten is beyond the greatest that JSON's readers hold.
const GREATEST_POWER: i64 = 309;

/// Writes a number, given as JSON or Clojure writes it, so that all spellings of one number become
/// one text: `1.0` becomes `1`, `1e2` becomes `100`, `-0` becomes `0`. It is decided digit by digit,
/// nothing is rounded.
///
/// # Errors
/// When it is greater than any that JSON's readers hold.
pub(super) fn write_canonical(number: &str, text: &mut String) -> Result<(), &'static str> {
    let (is_negative, magnitude) = match number.strip_prefix('-') {
        Some(magnitude) => (true, magnitude),
        None => (false, number),
    };
    let (decimals, exponent) = match magnitude.split_once(['e', 'E']) {
        Some((decimals, exponent)) => (decimals, power(exponent)),
        None => (magnitude, 0),
    };
    let (whole, fraction) = decimals.split_once('.').unwrap_or((decimals, ""));
    let digits = [whole, fraction].concat();
    let significant = digits.trim_start_matches('0').trim_end_matches('0');
    if significant.is_empty() {
        text.push('0');
        return Ok(());
    }
    // The number is 0.SIGNIFICANT times ten to this power.
    let leading_zeros = digits.len() - digits.trim_start_matches('0').len();
    let power = (whole.len() as i64 - leading_zeros as i64).saturating_add(exponent);
    let is_great = power > GREATEST_POWER
        || power == GREATEST_POWER && number.parse::<f64>().is_ok_and(f64::is_infinite);
    if is_great {
        return Err("the number is too great");
    }
    if is_negative {
        text.push('-');
    }
    let length = significant.len() as i64;
    let zeros = |count: i64| "0".repeat(usize::try_from(count).unwrap_or_default());
    if power >= length && power <= LONGEST_PLAIN {
        text.push_str(significant);
        text.push_str(&zeros(power - length));
    } else if 0 < power && power < length {
        let (whole, fraction) = significant.split_at(power as usize);
        text.extend([whole, ".", fraction]);
    } else if power <= 0 && length.saturating_sub(power) <= LONGEST_PLAIN {
        text.extend(["0.", &zeros(-power), significant]);
    } else {
        let (first, rest) = significant.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        write!(text, "{first}{point}{rest}e{}", power - 1).expect("a string takes what is written");
    }
    Ok(())
}

/// The power of ten that an exponent says. One of too many digits is as great as they come.
fn power(exponent: &str) -> i64 {
    const MOST: i64 = i64::MAX / 4;
    let (is_negative, digits) = match exponent.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, exponent.strip_prefix('+').unwrap_or(exponent)),
    };
    let power = digits.parse::<i64>().unwrap_or(MOST).min(MOST);
    if is_negative { -power } else { power }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(number: &str) -> Result<String, &'static str> {
        let mut text = String::new();
        write_canonical(number, &mut text).map(|()| text)
    }

    #[test]
    fn spellings_of_one_number_become_one_text() {
        for (one, spellings) in [
            ("1", &["1", "1.0", "1.000", "10e-1", "0.1e1", "1e0", "1E+0", "100e-2"][..]),
            ("100", &["100", "1e2", "1E2", "1.0e2", "100.0", "0.001e5"]),
            ("0", &["0", "-0", "0.0", "-0.0", "0e5", "-0e-400", "0e99999999999999999999"]),
            ("-1.5", &["-1.5", "-1.50", "-15e-1", "-0.15e+1"]),
            ("0.001", &["0.001", "1e-3", "0.1e-2", "10E-4"]),
            ("12.34", &["12.34", "1234e-2", "0.1234e2"]),
            (
                "9007199254740993",
                &["9007199254740993", "9007199254740993.0", "9.007199254740993e15"],
            ),
            ("18446744073709551615", &["18446744073709551615", "18446744073709551615.00"]),
            ("1e300", &["1e300", "1E+300", "10e299", "0.1e301"]),
            ("1.5e-60", &["1.5e-60", "15e-61", "0.15e-59"]),
        ] {
            for spelling in spellings {
                assert_eq!(canonical(spelling).as_deref(), Ok(one), "{spelling}");
            }
            assert_eq!(canonical(one).as_deref(), Ok(one), "it is its own form");
        }
    }

    #[test]
    fn numbers_that_differ_in_the_last_digit_stay_different() {
        let different = [
            "9007199254740993",
            "9007199254740992.0",
            "9007199254740993.5",
            "0.1",
            "0.1000000000000000055511151231257827",
            "1e-400",
            "1e-401",
            "123456789012345678901234567890",
            "123456789012345678901234567891",
        ];
        let texts: std::collections::BTreeSet<_> =
            different.map(|it| canonical(it).unwrap()).into();
        assert_eq!(texts.len(), different.len(), "{texts:?}");
    }

    #[test]
    fn a_number_that_no_reader_holds_is_an_error() {
        for number in ["1e400", "-1e400", "1e309", "1.8e308", "1e99999999999999999999"] {
            assert!(canonical(number).is_err(), "{number}");
        }
        assert_eq!(canonical("1.7e308").as_deref(), Ok("1.7e308"));
        assert!(canonical("1e-99999999999999999999").is_ok(), "it is tiny, and not 0");
    }
}
