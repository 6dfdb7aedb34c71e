//! Names that occur often, kept once.

use std::collections::HashMap;

/// Names, numbered in the order in which they first occur.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    numbers: HashMap<String, u32>,
    names: Vec<String>,
}

impl Names {
    /// Stands for no name.
    pub(crate) const NONE: u32 = u32::MAX;

    /// The number of a name, which is a new one if it did not occur yet.
    pub(crate) fn number(&mut self, name: &str) -> u32 {
        if let Some(&number) = self.numbers.get(name) {
            return number;
        }
        let number = u32::try_from(self.names.len()).expect("there are fewer than 2^32 names");
        self.names.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        number
    }

    /// The number of a name, or [`Names::NONE`].
    pub(crate) fn number_or_none(&mut self, name: Option<&str>) -> u32 {
        name.map_or(Self::NONE, |name| self.number(name))
    }

    /// The name with a number; none for [`Names::NONE`].
    pub(crate) fn name(&self, number: u32) -> Option<&str> {
        self.names.get(number as usize).map(String::as_str)
    }

    /// All of them, by number.
    pub(crate) fn all(&self) -> &[String] {
        &self.names
    }
}
