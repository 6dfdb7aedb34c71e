//! The values that are written: small numbers, or strings of all sizes or of one.

use std::fmt;
use std::str::FromStr;

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// One in so many values is large. Hundreds of kilobytes in each operation would be a test of
/// the network and of the report, and of nothing else.
const ONE_LARGE_IN: u32 = 100;

/// One in so many values is of middle size.
const ONE_MEDIUM_IN: u32 = 10;

/// The longest of small values and of those of middle size, in bytes.
const SMALL: usize = 32;
const MEDIUM: usize = 1 << 10;

/// The longest that values can be, in bytes: services commonly refuse bodies of a megabyte.
const LONGEST: usize = 512 << 10;

/// The name of the sizes of numbers.
const NUMBERS: &str = "numbers";

/// Begins the text of sizes of which there is one.
const ALL: &str = "all:";

/// The sizes of written values. As text: `numbers`, the bytes of the longest string, or `all:` and
/// the bytes of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum ValueSizes {
    /// Plain numbers.
    #[default]
    Numbers,
    /// Strings that begin with the number, most of them short, few as long as this, in bytes.
    UpTo(usize),
    /// Strings that begin with the number, all of them of so many bytes.
    All(usize),
}

impl ValueSizes {
    /// The same, but none longer than that.
    pub fn at_most(self, bytes: usize) -> Self {
        match self {
            ValueSizes::Numbers => ValueSizes::Numbers,
            ValueSizes::UpTo(longest) => ValueSizes::UpTo(longest.min(bytes)),
            ValueSizes::All(length) => ValueSizes::All(length.min(bytes)),
        }
    }

    /// The value that stands for a number: no other number gives it.
    pub fn value(self, number: u64, rng: &mut ChaCha8Rng) -> Value {
        let length = match self {
            ValueSizes::Numbers => return json!(number),
            ValueSizes::UpTo(longest) => length(longest, rng),
            ValueSizes::All(length) => length,
        };
        // Values differ in what is read first.
        let mut text = format!("{number}-");
        text.push_str(&"x".repeat(length.saturating_sub(text.len())));
        json!(text)
    }
}

/// The length of a string of all sizes.
fn length(longest: usize, rng: &mut ChaCha8Rng) -> usize {
    let longest_of_its_kind = if rng.random_ratio(1, ONE_LARGE_IN) {
        longest
    } else if rng.random_ratio(1, ONE_MEDIUM_IN) {
        longest.min(MEDIUM)
    } else {
        longest.min(SMALL)
    };
    rng.random_range(0..=longest_of_its_kind)
}

impl fmt::Display for ValueSizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ValueSizes::Numbers => f.write_str(NUMBERS),
            ValueSizes::UpTo(longest) => write!(f, "{longest}"),
            ValueSizes::All(length) => write!(f, "{ALL}{length}"),
        }
    }
}

/// A text that no value sizes have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseValueSizesError {
    /// A string of no bytes, or of too many.
    #[error("values are 1 to {LONGEST} bytes long")]
    Length,
    /// Neither `numbers` nor a number of bytes.
    #[error("values are {NUMBERS}, strings of up to so many bytes or {ALL}BYTES: {0}?")]
    Unreadable(String),
}

impl FromStr for ValueSizes {
    type Err = ParseValueSizesError;

    fn from_str(text: &str) -> Result<Self, ParseValueSizesError> {
        let (sizes, bytes): (fn(usize) -> ValueSizes, &str) = match text.strip_prefix(ALL) {
            Some(bytes) => (ValueSizes::All, bytes),
            None => (ValueSizes::UpTo, text),
        };
        match bytes.parse() {
            _ if text == NUMBERS => Ok(ValueSizes::Numbers),
            Ok(bytes @ 1..=LONGEST) => Ok(sizes(bytes)),
            Ok(_) => Err(ParseValueSizesError::Length),
            Err(_) => Err(ParseValueSizesError::Unreadable(text.into())),
        }
    }
}

impl From<ValueSizes> for String {
    fn from(sizes: ValueSizes) -> String {
        sizes.to_string()
    }
}

impl TryFrom<String> for ValueSizes {
    type Error = ParseValueSizesError;

    fn try_from(text: String) -> Result<Self, ParseValueSizesError> {
        text.parse()
    }
}

/// About how many bytes a value takes.
pub(crate) fn size(value: &Value) -> usize {
    value.as_str().map_or(8, str::len)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::stream;

    #[test]
    fn numbers_stand_for_themselves() {
        assert_eq!(ValueSizes::default().value(7, &mut stream(1, "test")), json!(7));
    }

    #[test]
    fn sizes_are_read_back_from_their_text() {
        let sizes = [ValueSizes::UpTo(1), ValueSizes::UpTo(300_000), ValueSizes::All(300_000)];
        for sizes in sizes.into_iter().chain([ValueSizes::Numbers]) {
            assert_eq!(sizes.to_string().parse(), Ok(sizes));
        }
        for unparseable in ["0", "-1", "many", "10000000", "all:0", "all:numbers", "all:"] {
            assert!(unparseable.parse::<ValueSizes>().is_err(), "{unparseable}");
        }
    }

    #[test]
    fn all_strings_are_as_long_as_it_is_said() {
        let mut rng = stream(1, "test");
        for number in 0..50 {
            let value = ValueSizes::All(4_096).value(number, &mut rng);
            assert_eq!(size(&value), 4_096);
            assert!(value.as_str().is_some_and(|it| it.starts_with(&format!("{number}-"))));
        }
        assert_eq!(ValueSizes::All(4_096).at_most(1_000), ValueSizes::All(1_000));
    }

    #[test]
    fn most_strings_are_short_a_few_are_long_and_no_two_are_equal() {
        let mut rng = stream(1, "test");
        let sizes = ValueSizes::UpTo(300_000);
        let values: Vec<Value> = (0..2_000).map(|number| sizes.value(number, &mut rng)).collect();
        let longer = |bytes: usize| values.iter().filter(|value| size(value) > bytes).count();
        assert!((100..400).contains(&longer(SMALL)), "{} beyond small", longer(SMALL));
        assert!((5..50).contains(&longer(100_000)), "{} beyond 100 kB", longer(100_000));
        assert_eq!(longer(300_000), 0);
        assert_eq!(sizes.at_most(1_000), ValueSizes::UpTo(1_000));
        assert_eq!(ValueSizes::UpTo(10).at_most(1_000), ValueSizes::UpTo(10));
        let different: BTreeSet<&str> = values.iter().filter_map(Value::as_str).collect();
        assert_eq!(different.len(), values.len());
        assert!(values[12].as_str().is_some_and(|value| value.starts_with("12-")));
    }
}
