//! What clients were promised, on one counter that every add raises by one: a read sees every add
//! that was acknowledged before it began and none twice; no two adds are told the same result.

use std::collections::BTreeSet;

/// What was asked and acknowledged so far.
#[derive(Debug, Default)]
pub struct ClientPromises {
    started: u64,
    results: BTreeSet<u64>,
}

impl ClientPromises {
    /// How many adds were acknowledged: what an operation that begins now must see at least.
    pub fn acknowledged(&self) -> u64 {
        self.results.len() as u64
    }

    /// A client begins to add, and will retry with the same token until it is answered.
    pub fn add_begins(&mut self) {
        self.started += 1;
    }

    /// An add that began when `floor` adds were acknowledged was told the new value.
    pub fn add_answered(&mut self, floor: u64, value: u64) -> Result<(), String> {
        if value <= floor || value > self.started {
            return Err(format!(
                "an add was told {value}, though {floor} adds were acknowledged before it began \
                 and {} had begun",
                self.started
            ));
        }
        if !self.results.insert(value) {
            return Err(format!("two adds were told {value}"));
        }
        Ok(())
    }

    /// A read that began when `floor` adds were acknowledged was told the value.
    pub fn read_answered(&self, floor: u64, value: u64) -> Result<(), String> {
        if (floor..=self.started).contains(&value) {
            return Ok(());
        }
        Err(format!(
            "a read was told {value}, though {floor} adds were acknowledged before it began and {} \
             had begun",
            self.started
        ))
    }
}
