//! Paths as addresses of links.

/// A path as a relative address: what a browser would take for something else is escaped.
pub fn address(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    // A first part with a colon would be a scheme.
    if path.split('/').next().is_some_and(|first| first.contains(':')) {
        out.push_str("./");
    }
    for byte in path.bytes() {
        match byte {
            b'/' | b'-' | b'_' | b'.' | b'~' | b':' | b'+' | b',' => out.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => out.push(char::from(byte)),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// A time in UTC, RFC 3339, as people read it: `2026-11-30 00:36`.
pub(super) fn clock(time: &str) -> String {
    match (time.get(..10), time.get(11..16)) {
        (Some(day), Some(minute)) => format!("{day} {minute}"),
        _ => time.to_owned(),
    }
}

/// A time in UTC, RFC 3339, in seconds since 1970; none of another text.
pub(super) fn epoch(time: &str) -> Option<u64> {
    let number = |from: usize, to: usize| time.get(from..to)?.parse::<u64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if !(1970..10_000).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Years that begin in March end with the day that leap years add.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year / 4 - year / 100 + year / 400;
    // 1970 began 719,468 days after the first of March of the year 0.
    let days = (year * 365 + leap_days + (153 * month + 2) / 5 + day - 1).checked_sub(719_468)?;
    Some(days * 86_400 + hour * 3600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_a_path() {
        assert_eq!(address("20261130T003607Z-small/runs/7"), "20261130T003607Z-small/runs/7");
        assert_eq!(address("a b/#1?x=100%\"<"), "a%20b/%231%3Fx%3D100%25%22%3C");
        assert_eq!(address("javascript:alert"), "./javascript:alert");
    }

    #[test]
    fn times_are_read_as_they_are_written() {
        assert_eq!(epoch("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(epoch("2026-11-30T00:36:07Z"), Some(1_795_998_967));
        assert_eq!(epoch("2024-02-29T12:00:00Z"), Some(1_709_208_000));
        assert_eq!((epoch("yesterday"), epoch("0000-13-01T00:00:00Z")), (None, None));
        assert_eq!(clock("2026-11-30T00:36:07Z"), "2026-11-30 00:36");
    }
}
