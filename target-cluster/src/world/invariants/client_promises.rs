//! The promises to clients.
//!
//! On one counter that every add raises by one: a read sees every add that was acknowledged before
//! it began and none twice; no two adds get the same result. On one list to which every transaction
//! appends an element of its own and then reads it: of any two lists answered, one is a prefix of
//! the other; each ends with the own element, has every element that was acknowledged before it
//! began, and none twice. On versions: what the crate's documentation says.

use std::collections::BTreeSet;

/// The operations asked for and acknowledged so far.
#[derive(Debug, Default)]
pub(crate) struct ClientPromises {
    adds_started: u64,
    sums: BTreeSet<u64>,
    appended: BTreeSet<u64>,
    /// The longest list answered.
    list: Vec<u64>,
    version: u64,
    /// The versions of all commands acknowledged.
    versions: BTreeSet<u64>,
}

/// The least that an operation must see: everything that was acknowledged when it began.
#[derive(Debug, Clone, Default)]
pub(crate) struct Floor {
    adds: u64,
    appended: BTreeSet<u64>,
    version: u64,
}

impl ClientPromises {
    /// The least that an operation that begins now must see.
    pub(crate) fn floor(&self) -> Floor {
        Floor {
            adds: self.sums.len() as u64,
            appended: self.appended.clone(),
            version: self.version,
        }
    }

    /// The number of commands that were acknowledged.
    pub(crate) fn acknowledged(&self) -> u64 {
        self.versions.len() as u64
    }

    /// A client begins to add, and will retry with the same token until it is answered.
    pub(crate) fn add_begins(&mut self) {
        self.adds_started += 1;
    }

    /// An add was answered with the new value.
    pub(crate) fn add_answered(&mut self, floor: &Floor, value: u64) -> Result<(), String> {
        if value <= floor.adds || value > self.adds_started {
            return Err(format!(
                "an add got {value}, though {} adds were acknowledged before it began and {} \
                 had begun",
                floor.adds, self.adds_started
            ));
        }
        if !self.sums.insert(value) {
            return Err(format!("two adds got {value}"));
        }
        Ok(())
    }

    /// A read was answered with the value of the counter.
    pub(crate) fn counter_answered(&self, floor: &Floor, value: u64) -> Result<(), String> {
        if (floor.adds..=self.adds_started).contains(&value) {
            return Ok(());
        }
        Err(format!(
            "a read got {value}, though {} adds were acknowledged before it began and {} had \
             begun",
            floor.adds, self.adds_started
        ))
    }

    /// A transaction that appended `element` was answered with the list.
    pub(crate) fn append_answered(
        &mut self,
        floor: &Floor,
        element: u64,
        list: Vec<u64>,
    ) -> Result<(), String> {
        if list.last() != Some(&element) {
            return Err(format!("the transaction that appended {element} got {list:?}"));
        }
        self.list_answered(floor, list)?;
        self.appended.insert(element);
        Ok(())
    }

    /// A transaction that only reads was answered with the list.
    pub(crate) fn list_answered(&mut self, floor: &Floor, list: Vec<u64>) -> Result<(), String> {
        let elements: BTreeSet<u64> = list.iter().copied().collect();
        if elements.len() < list.len() {
            return Err(format!("an element was appended twice to {list:?}"));
        }
        if let Some(missing) = floor.appended.difference(&elements).next() {
            return Err(format!("{missing} was appended before, and is not in {list:?}"));
        }
        let common = list.len().min(self.list.len());
        if list[..common] != self.list[..common] {
            return Err(format!("one got {:?}, another {list:?}", self.list));
        }
        if list.len() > self.list.len() {
            self.list = list;
        }
        Ok(())
    }

    /// A command or query was answered at that version.
    pub(crate) fn version_answered(
        &mut self,
        floor: &Floor,
        is_command: bool,
        version: u64,
    ) -> Result<(), String> {
        if version < floor.version + u64::from(is_command) {
            return Err(format!(
                "an answer has version {version}, though one of version {} came before it began",
                floor.version
            ));
        }
        if is_command && !self.versions.insert(version) {
            return Err(format!("two commands have version {version}"));
        }
        self.version = self.version.max(version);
        Ok(())
    }
}
