//! Decides lists whose elements may repeat, without a search.
//!
//! Every read has to be the beginning of the longest one, which says what element stands at each
//! *position*. What is open is which of the appends of an element came to which of its positions.
//!
//! The positions are filled in their order, along the history and as late as can be: when a read
//! returns that saw them, or when an append returns that is not placed yet. The latter fills all up
//! to the next position of its element, since its place is there at the latest. To a position comes,
//! of the appends of its element that have begun, the one that returns first; those of unknown
//! outcome come last. There is no legal order if none has begun, or if a read begins that lacks
//! what is there already.
//!
//! **No order fills positions later.** Suppose that one did, and take the first append `a` at whose
//! return, at `d`, it has filled fewer of the positions of its element than are filled here. Go back
//! from there to the last position of the element to which an append came here that returns after
//! `d`, or is of unknown outcome. At that time, no append waited that returns by `d`: so `a` and
//! all that came to later positions began after it, and in no order can they stand at or before that
//! position, which it has not filled later. They are one more than the positions left to them. If
//! there is no such append, they are all that came to positions of the element, and `a`. This is
//! also the proof that is shown ([`Filling::reason`]).
//!
//! **And late is best.** All appends that have begun and are not placed can still be placed: those
//! known to have returned were placed. So there are as many for the next position as began by then,
//! less the positions of its element before it, and the later the more. A read finds what it saw if
//! no more was there when it began.
//!
//! After the last position of the longest read, appends have no order among them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::ops::Bound;

use crate::model::Direct;
use crate::model::growing::{Op, TimedOp};

/// The algorithm's name in verdicts.
const NAME: &str = "list-positions";

/// Stands for what never happened.
const NEVER: u64 = u64::MAX;

/// Operations that contradict each other, no matter what became of all others.
type Contradiction = BTreeSet<usize>;

/// Decides the operations on a list of this text at first.
pub(super) fn decide(initial: &str, ops: &[TimedOp<'_>]) -> Direct {
    let contradiction = match List::of(initial, ops) {
        Ok(None) => None,
        Ok(Some(list)) => Filling::new(&list).run().err(),
        Err(contradiction) => Some(contradiction),
    };
    let places = |ops_of_it: Contradiction| ops_of_it.into_iter().map(|at| ops[at].place).collect();
    let contradiction = contradiction.map(places);
    Direct { algorithm: NAME, steps: ops.len() as u64, contradiction, since: None }
}

/// An append, by invocation.
struct Append {
    op_at: usize,
    invoked: u64,
    /// [`NEVER`] for an unknown outcome.
    returned: u64,
    element: usize,
}

struct Read {
    op_at: usize,
    invoked: u64,
    returned: u64,
    /// The number of elements that it saw, without those that were there at first.
    length: usize,
}

/// The operations, with texts as numbers.
struct List {
    appends: Vec<Append>,
    reads: Vec<Read>,
    longest: usize,
    /// The element at each position.
    elements: Vec<usize>,
    /// For each element, its positions.
    positions: Vec<Vec<usize>>,
}

impl List {
    /// None if nothing was read.
    fn of(initial: &str, ops: &[TimedOp<'_>]) -> Result<Option<List>, Contradiction> {
        let (mut appends, mut reads) = (Vec::new(), Vec::new());
        let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
        for (op_at, &TimedOp { invoked, returned, op, .. }) in ops.iter().enumerate() {
            let returned = returned.unwrap_or(NEVER);
            match op {
                Op::Append(piece) | Op::Anew(piece) => {
                    let next = numbers.len();
                    let element = *numbers.entry(piece).or_insert(next);
                    appends.push(Append { op_at, invoked, returned, element });
                }
                Op::Read(text) => reads.push((op_at, text)),
            }
        }
        let Some(&(longest, all)) = reads.iter().max_by_key(|(_, text)| text.len()) else {
            return Ok(None);
        };
        if !all.starts_with(initial) {
            return Err([longest].into());
        }
        let (mut elements, mut ends) = (Vec::new(), vec![initial.len()]);
        let mut positions = vec![Vec::new(); numbers.len()];
        let mut rest = &all[initial.len()..];
        while !rest.is_empty() {
            let below: (Bound<&str>, Bound<&str>) = (Bound::Unbounded, Bound::Included(rest));
            let appended = numbers.range::<str, _>(below).next_back();
            let behind = appended.and_then(|(piece, element)| {
                Some((*element, rest.strip_prefix(piece).filter(|_| !piece.is_empty())?))
            });
            // Nothing ever appended it.
            let Some((element, behind)) = behind else { return Err([longest].into()) };
            positions[element].push(elements.len());
            elements.push(element);
            ends.push(all.len() - behind.len());
            rest = behind;
        }
        let reads = reads.into_iter().map(|(op_at, text)| {
            let length = ends.binary_search(&text.len()).ok().filter(|_| all.starts_with(text));
            let length = length.ok_or_else(|| Contradiction::from([op_at, longest]))?;
            let TimedOp { invoked, returned, .. } = ops[op_at];
            Ok(Read { op_at, invoked, returned: returned.unwrap_or(NEVER), length })
        });
        let reads = reads.collect::<Result<Vec<Read>, Contradiction>>()?;
        Ok(Some(List { appends, reads, longest, elements, positions }))
    }
}

/// The operation whose return demands that positions are filled.
#[derive(Debug, Clone, Copy)]
enum Demand {
    /// The read with this number.
    Read(usize),
    /// The append with this number, when so many positions of its element were filled.
    Append(usize, usize),
}

/// One end of an operation.
#[derive(Debug, Clone, Copy)]
enum End {
    Begun(usize),
    Done(usize),
    ReadBegun(usize),
    ReadDone(usize),
}

/// The positions that are filled, and how.
struct Filling<'a> {
    list: &'a List,
    /// For each element, the appends that have begun and are not placed, by return.
    waiting: Vec<BinaryHeap<Reverse<(u64, usize)>>>,
    is_placed: Vec<bool>,
    /// For each element, the number of its positions that are filled.
    filled: Vec<usize>,
    /// For each position that is filled: the append that came there, and what demanded it.
    placed: Vec<(usize, Demand)>,
    /// The first append that comes after the longest read.
    beyond: Option<Demand>,
}

impl<'a> Filling<'a> {
    fn new(list: &'a List) -> Filling<'a> {
        Filling {
            list,
            waiting: vec![BinaryHeap::new(); list.positions.len()],
            is_placed: vec![false; list.appends.len()],
            filled: vec![0; list.positions.len()],
            placed: Vec::with_capacity(list.elements.len()),
            beyond: None,
        }
    }

    fn run(mut self) -> Result<(), Contradiction> {
        let List { appends, reads, .. } = self.list;
        let begun = appends.iter().zip(0..).map(|(it, number)| (it.invoked, End::Begun(number)));
        let done = appends.iter().zip(0..).map(|(it, number)| (it.returned, End::Done(number)));
        let read = reads.iter().zip(0..).flat_map(|(it, number)| {
            [(it.invoked, End::ReadBegun(number)), (it.returned, End::ReadDone(number))]
        });
        let mut ends: Vec<(u64, End)> = begun.chain(done).chain(read).collect();
        ends.retain(|(index, _)| *index != NEVER);
        ends.sort_unstable_by_key(|(index, _)| *index);
        for (_, end) in ends {
            match end {
                End::Begun(number) => {
                    let Append { returned, element, .. } = appends[number];
                    self.waiting[element].push(Reverse((returned, number)));
                }
                End::Done(number) => self.append_is_done(number)?,
                End::ReadBegun(number) => self.read_begins(number)?,
                End::ReadDone(number) => self.fill(reads[number].length, Demand::Read(number))?,
            }
        }
        Ok(())
    }

    fn append_is_done(&mut self, number: usize) -> Result<(), Contradiction> {
        if self.is_placed[number] {
            return Ok(());
        }
        let element = self.list.appends[number].element;
        let demand = Demand::Append(number, self.filled[element]);
        match self.list.positions[element].get(self.filled[element]) {
            Some(position) => self.fill(position + 1, demand),
            None => {
                self.fill(self.list.elements.len(), demand)?;
                self.beyond.get_or_insert(demand);
                Ok(())
            }
        }
    }

    fn read_begins(&self, number: usize) -> Result<(), Contradiction> {
        let Read { op_at, length, .. } = self.list.reads[number];
        let too_late = self.placed.get(length).map(|(_, demand)| *demand).or(self.beyond);
        let Some(demand) = too_late else { return Ok(()) };
        let mut contradiction = self.reason(demand);
        contradiction.insert(op_at);
        Err(contradiction)
    }

    /// Fills so many positions.
    fn fill(&mut self, count: usize, demand: Demand) -> Result<(), Contradiction> {
        while self.placed.len() < count {
            let element = self.list.elements[self.placed.len()];
            let Some(Reverse((_, append))) = self.waiting[element].pop() else {
                return Err(self.reason(demand));
            };
            self.is_placed[append] = true;
            self.filled[element] += 1;
            self.placed.push((append, demand));
        }
        Ok(())
    }

    /// The operations that show that what was filled on this demand is filled in every order by
    /// then.
    fn reason(&self, mut demand: Demand) -> Contradiction {
        let List { appends, reads, positions, longest, .. } = self.list;
        let mut shown_by = Contradiction::from([*longest]);
        while let Demand::Append(number, filled) = demand {
            let Append { op_at, returned, element, .. } = appends[number];
            shown_by.insert(op_at);
            let before = positions[element][..filled].iter().rev().map(|at| self.placed[*at]);
            let mut earlier = None;
            for (append, demand) in before {
                if appends[append].returned > returned {
                    earlier = Some(demand);
                    break;
                }
                shown_by.insert(appends[append].op_at);
            }
            match earlier {
                Some(earlier) => demand = earlier,
                None => return shown_by,
            }
        }
        if let Demand::Read(number) = demand {
            shown_by.insert(reads[number].op_at);
        }
        shown_by
    }
}
