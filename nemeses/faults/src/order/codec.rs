//! The file of an order: each gate once, and for each time that something went through it two small
//! numbers, of seven bits a byte.

use std::collections::{BTreeMap, BTreeSet};

use super::crossing::{Crossing, End, FaultPoint, Word};
use super::order_log::{FaultOrder, OrderLog, Passed};

/// The first bytes, with the version of the format.
const MAGIC: &[u8] = b"stormproof order 1\n";

/// Bytes that are no order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is no order of a run, or of another version of stormproof")]
pub struct Unreadable;

impl OrderLog {
    /// The log as a file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer(MAGIC.to_vec());
        out.texts(&self.nodes);
        out.texts(&self.words.list);
        out.number(self.lost);
        out.number(self.faults.len() as u64);
        for (fault, FaultOrder { hit, ends_them, family }) in &self.faults {
            out.numbers([u64::from(*fault), u64::from(*ends_them), u64::from(*family)]);
            out.number(hit.len() as u64);
            out.numbers(hit.iter().map(|node| u64::from(*node)));
        }
        out.number(self.at_rest.len() as u64);
        out.numbers(self.at_rest.iter().map(|word| u64::from(*word)));
        let mut numbers: BTreeMap<Crossing, u64> = BTreeMap::new();
        let mut gates = Vec::new();
        for passed in &self.passed {
            numbers.entry(passed.gate).or_insert_with(|| {
                gates.push(passed.gate);
                gates.len() as u64 - 1
            });
        }
        out.number(gates.len() as u64);
        gates.into_iter().for_each(|gate| out.gate(gate));
        out.number(self.passed.len() as u64);
        let mut before = 0;
        for Passed { at, gate } in &self.passed {
            out.numbers([at.saturating_sub(before), numbers[gate]]);
            before = before.max(*at);
        }
        out.0
    }

    /// Reads a log.
    ///
    /// # Errors
    /// When the bytes are not a log.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Unreadable> {
        Self::read(bytes).ok_or(Unreadable)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let mut input = Reader(bytes.strip_prefix(MAGIC)?);
        let mut log = Self::new(input.texts()?);
        for word in input.texts()? {
            log.word(&word);
        }
        log.lost = input.number()?;
        for _ in 0..input.number()? {
            let (fault, ends_them) = (input.number()?.try_into().ok()?, input.number()? == 1);
            let family = input.word()?;
            let hit: Option<BTreeSet<End>> = (0..input.number()?).map(|_| input.end()).collect();
            log.note_fault(fault, FaultOrder { hit: hit?, ends_them, family });
        }
        for _ in 0..input.number()? {
            log.at_rest.insert(input.word()?);
        }
        let gates: Option<Vec<Crossing>> = (0..input.number()?).map(|_| input.gate()).collect();
        let gates = gates?;
        let mut at = 0u64;
        for _ in 0..input.number()? {
            at = at.checked_add(input.number()?)?;
            let gate = *gates.get(usize::try_from(input.number()?).ok()?)?;
            log.note(at, gate);
        }
        input.0.is_empty().then_some(log)
    }
}

struct Writer(Vec<u8>);

impl Writer {
    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    fn numbers(&mut self, numbers: impl IntoIterator<Item = u64>) {
        numbers.into_iter().for_each(|number| self.number(number));
    }

    fn texts(&mut self, texts: &[String]) {
        self.number(texts.len() as u64);
        for text in texts {
            self.number(text.len() as u64);
            self.0.extend(text.as_bytes());
        }
    }

    fn gate(&mut self, gate: Crossing) {
        match gate {
            Crossing::Message { from, to, what } => {
                self.numbers([0, from.into(), to.into(), what.into()]);
            }
            Crossing::Sync { node } => self.numbers([1, node.into()]),
            Crossing::Call { client, node, what } => {
                self.numbers([2, client.into(), node.into(), what.into()]);
            }
            Crossing::Fault { fault, moment } => self.numbers([3, fault.into(), moment as u64]),
            Crossing::Answered { client, node, what } => {
                self.numbers([4, client.into(), node.into(), what.into()]);
            }
            Crossing::Refused { client, node } => self.numbers([5, client.into(), node.into()]),
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn number(&mut self) -> Option<u64> {
        let (mut number, mut shift) = (0u64, 0);
        loop {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(number);
            }
            shift += 7;
        }
    }

    fn texts(&mut self) -> Option<Vec<String>> {
        let count = self.number()?;
        (0..count).map(|_| self.text()).collect()
    }

    fn text(&mut self) -> Option<String> {
        let length = usize::try_from(self.number()?).ok()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        String::from_utf8(text.to_vec()).ok()
    }

    fn end(&mut self) -> Option<End> {
        self.number()?.try_into().ok()
    }

    fn word(&mut self) -> Option<Word> {
        self.number()?.try_into().ok()
    }

    fn gate(&mut self) -> Option<Crossing> {
        Some(match self.number()? {
            0 => Crossing::Message { from: self.end()?, to: self.end()?, what: self.word()? },
            1 => Crossing::Sync { node: self.end()? },
            2 => Crossing::Call { client: self.word()?, node: self.end()?, what: self.word()? },
            3 => {
                let fault = self.number()?.try_into().ok()?;
                let moment = usize::try_from(self.number()?).ok()?;
                Crossing::Fault { fault, moment: *FaultPoint::ALL.get(moment)? }
            }
            4 => {
                let client = self.word()?;
                Crossing::Answered { client, node: self.end()?, what: self.word()? }
            }
            5 => Crossing::Refused { client: self.word()?, node: self.end()? },
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::ChaCha8Rng;
    use rand::{RngExt, SeedableRng};

    use super::*;

    fn log(passed: &[(u64, Crossing)]) -> OrderLog {
        let mut log = OrderLog::new(vec!["n1".to_owned(), "n2".to_owned()]);
        log.word("/raft/append-entries");
        log.word("re /raft/append-entries");
        log.at_rest.insert(1);
        log.note_fault(300, FaultOrder { hit: [1, 2].into(), ends_them: true, family: 1 });
        passed.iter().for_each(|(at, gate)| log.note(*at, *gate));
        log
    }

    fn gate(random: &mut ChaCha8Rng) -> Crossing {
        let (client, what) = (random.random_range(0..900), random.random_range(0..900));
        let (node, to) = (random.random_range(1..9), random.random_range(0..9));
        match random.random_range(0..6) {
            0 => Crossing::Message { from: node, to, what },
            1 => Crossing::Sync { node },
            2 => Crossing::Call { client, node, what },
            3 => Crossing::Answered { client, node, what },
            4 => Crossing::Refused { client, node },
            _ => {
                let moment = FaultPoint::ALL[random.random_range(0..FaultPoint::ALL.len())];
                Crossing::Fault { fault: what.into(), moment }
            }
        }
    }

    #[test]
    fn a_log_is_read_as_it_was_written_and_no_bytes_are_more_than_refused() {
        for seed in 0..200 {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            let mut at = 0;
            let passed: Vec<_> = (0..random.random_range(0..60))
                .map(|_| {
                    at += random.random_range(0..100_000);
                    (at, gate(&mut random))
                })
                .collect();
            let log = log(&passed);
            let mut bytes = log.to_bytes();
            assert_eq!(OrderLog::from_bytes(&bytes), Ok(log));
            let place = random.random_range(MAGIC.len()..bytes.len());
            bytes[place] = random.random();
            let _ = OrderLog::from_bytes(&bytes);
        }
    }

    #[test]
    fn a_gate_takes_three_bytes_or_so() {
        let passed: Vec<_> = (0..10_000)
            .map(|number| (number * 250, Crossing::Message { from: 1, to: 2, what: 0 }))
            .collect();
        let bytes = log(&passed).to_bytes().len();
        assert!(bytes < 3 * 10_000 + 200, "{bytes}");
        let cut = &log(&passed).to_bytes()[..bytes - 1];
        assert_eq!(OrderLog::from_bytes(cut), Err(Unreadable));
        assert_eq!(OrderLog::from_bytes(b"anything"), Err(Unreadable));
    }
}
