//! Decides objects that grow by pieces which are all different, without a search.
//!
//! A list that is appended to, or a string that is also put anew. When no two mutations bring the
//! same piece, a read tells which of them it saw, and in which order; the longest read tells the
//! order for all others (Kingsbury & Alvaro, "Elle: inferring isolation anomalies from experimental
//! observations", PVLDB 14(3), 2020, section 4.2.3).
//!
//! The texts that were seen fall into *blocks*: a put, or the beginning, with the appends that were
//! seen after it and the reads that saw them. No other put can stand inside of a block, and no
//! append that the longest read of the block did not see. A put or append that no operation saw is
//! a block of its own, since it can stand before or after any other. If its outcome is unknown, it
//! is taken never to have happened: where it stands in a legal order, no operation reads before the
//! next put, so the order without it is legal too.
//!
//! The order inside of a block is fixed, except for reads that saw the same. Between blocks it is
//! that of Gibbons & Korach ("Testing shared memories", SIAM J. Comput. 26(4), 1997): block `a` has
//! to come before block `b` when an operation of `a` returned before one of `b` was invoked, thus
//! when the first return of `a` is less than the last invocation of `b`. Sorted by the lesser of
//! the two, blocks are in such an order unless two of them have to come before each other: suppose
//! that `a` has to come before `b` and not `b` before `a`. If both return before their last
//! invocation, their spans between the two do not overlap, and that of `a` comes first. In the
//! other cases too, the lesser number of `a` is not greater than that of `b`.
//!
//! Reads of one block are compared with its longest by their bytes, and only that one is taken
//! apart. So the whole takes O(m + n log n), with n operations whose texts have m bytes together:
//! reads of long lists have quadratically many, which only a `memcmp` ever looks at.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use crate::model::Direct;

/// The algorithm's name in verdicts.
const NAME: &str = "longest-read";

/// The effect of an operation on the text of the object.
#[derive(Debug, Clone, Copy)]
pub(super) enum Op<'a> {
    /// Put a piece at its end.
    Append(&'a str),
    /// Made it consist of this piece.
    Anew(&'a str),
    /// Saw it.
    Read(&'a str),
}

/// An operation with its interval.
#[derive(Debug, Clone, Copy)]
pub(super) struct TimedOp<'a> {
    /// Its place in the partition.
    pub(super) place: usize,
    pub(super) invoked: u64,
    /// None for an unknown outcome.
    pub(super) returned: Option<u64>,
    pub(super) op: Op<'a>,
}

/// Decides the operations on an object that was empty at first. None if two pieces are equal, one
/// is the beginning of another or one is empty: then a read may be explained in several ways.
pub(super) fn decide(ops: &[TimedOp<'_>]) -> Option<Direct> {
    let pieces = Pieces::of(ops)?;
    let contradiction = match blocks(ops, &pieces) {
        Ok(blocks) => against_real_time(ops, blocks),
        Err(contradiction) => Some(contradiction),
    };
    let contradiction = contradiction.map(|acts_of_it| {
        let places: BTreeSet<usize> =
            acts_of_it.into_iter().map(|op_at| ops[op_at].place).collect();
        places.into_iter().collect()
    });
    Some(Direct { algorithm: NAME, steps: ops.len() as u64, contradiction, since: None })
}

/// The operations that brought each piece.
struct Pieces<'a>(BTreeMap<&'a str, usize>);

impl<'a> Pieces<'a> {
    fn of(ops: &[TimedOp<'a>]) -> Option<Pieces<'a>> {
        let mut pieces = BTreeMap::new();
        for (op_at, TimedOp { op, .. }) in ops.iter().enumerate() {
            if let Op::Append(piece) | Op::Anew(piece) = *op
                && (piece.is_empty() || pieces.insert(piece, op_at).is_some())
            {
                return None;
            }
        }
        // In the order of texts, what begins with a piece comes right behind it.
        let mut neighbours = pieces.keys().zip(pieces.keys().skip(1));
        neighbours.all(|(piece, next)| !next.starts_with(piece)).then_some(Pieces(pieces))
    }

    /// The operation that brought the piece that a text begins with, and the rest of the text.
    /// There is at most one such piece, and no other piece stands between it and the text in the
    /// order of texts.
    fn first_of<'b>(&self, text: &'b str) -> Option<(usize, &'b str)> {
        let below: (Bound<&str>, Bound<&str>) = (Bound::Unbounded, Bound::Included(text));
        let (piece, op_at) = self.0.range::<str, _>(below).next_back()?;
        Some((*op_at, text.strip_prefix(piece)?))
    }
}

/// Acts that follow each other.
#[derive(Debug, Default)]
struct Block {
    /// True if it comes before all others: what was seen before any put.
    initial: bool,
    /// In their order.
    ops: Vec<usize>,
    /// The read that shows what belongs to the block; none for a mutation that no operation saw.
    longest: Option<usize>,
}

/// Acts that contradict each other, no matter what became of all others.
type Contradiction = Vec<usize>;

fn blocks(ops: &[TimedOp<'_>], pieces: &Pieces<'_>) -> Result<Vec<Block>, Contradiction> {
    // By the put that they saw; none for those that saw what was there before any.
    let mut reads: BTreeMap<Option<usize>, Vec<(usize, &str)>> = BTreeMap::new();
    for (op_at, TimedOp { op, .. }) in ops.iter().enumerate() {
        let Op::Read(text) = *op else { continue };
        let start = match pieces.first_of(text) {
            Some((first, _)) => matches!(ops[first].op, Op::Anew(_)).then_some(first),
            None if text.is_empty() => None,
            None => return Err(vec![op_at]),
        };
        reads.entry(start).or_default().push((op_at, text));
    }
    // By mutation: the longest read of the block in which it was seen.
    let mut seen_by: Vec<Option<usize>> = vec![None; ops.len()];
    let mut blocks = Vec::new();
    for (start, reads) in reads {
        blocks
            .push(Block { initial: start.is_none(), ..block(ops, pieces, &reads, &mut seen_by)? });
    }
    let unseen = (0..ops.len()).filter(|op_at| {
        !matches!(ops[*op_at].op, Op::Read(_))
            && seen_by[*op_at].is_none()
            && ops[*op_at].returned.is_some()
    });
    blocks.extend(unseen.map(|op_at| Block { ops: vec![op_at], ..Block::default() }));
    Ok(blocks)
}

/// The block of these reads, which begin with the same put or all with none.
fn block(
    ops: &[TimedOp<'_>],
    pieces: &Pieces<'_>,
    reads: &[(usize, &str)],
    seen_by: &mut [Option<usize>],
) -> Result<Block, Contradiction> {
    let (longest, all) =
        *reads.iter().max_by_key(|(_, text)| text.len()).expect("a block with reads");
    // The mutations that were seen, and the length of the text after each.
    let mut mutations = Vec::new();
    let mut lengths = vec![0];
    let mut rest = all;
    while !rest.is_empty() {
        let Some((op_at, behind)) = pieces.first_of(rest) else { return Err(vec![longest]) };
        if let Some(other) = seen_by[op_at].replace(longest) {
            return Err(vec![other, longest]);
        }
        if matches!(ops[op_at].op, Op::Anew(_)) && !mutations.is_empty() {
            return Err(vec![longest]);
        }
        mutations.push(op_at);
        rest = behind;
        lengths.push(all.len() - rest.len());
    }
    let mut order = Vec::with_capacity(mutations.len() + reads.len());
    for (read, text) in reads {
        if !all.starts_with(text) {
            return Err(vec![*read, longest]);
        }
        let Ok(seen) = lengths.binary_search(&text.len()) else { return Err(vec![*read]) };
        order.push((seen, Some(ops[*read].invoked), *read));
    }
    order.extend(mutations.into_iter().zip(1..).map(|(op_at, number)| (number, None, op_at)));
    order.sort_unstable();
    let ops = order.into_iter().map(|(_, _, op_at)| op_at).collect();
    Ok(Block { initial: false, ops, longest: Some(longest) })
}

/// Puts the blocks in their order, and looks whether it agrees with real time.
fn against_real_time(ops: &[TimedOp<'_>], mut blocks: Vec<Block>) -> Option<Contradiction> {
    let returned = |op_at: usize| ops[op_at].returned.unwrap_or(u64::MAX);
    let first_to_return = |block: &Block| {
        block.ops.iter().copied().min_by_key(|op_at| returned(*op_at)).expect("a block has ops")
    };
    let last_invoked = |block: &Block| {
        block.ops.iter().copied().max_by_key(|op_at| ops[*op_at].invoked).expect("a block has ops")
    };
    blocks.sort_by_cached_key(|block| match block.initial {
        true => None,
        false => Some(returned(first_to_return(block)).min(ops[last_invoked(block)].invoked)),
    });
    // Of what comes later in the order, the first to return, and its block.
    let mut first_return: Option<(u64, usize, usize)> = None;
    for (number, block) in blocks.iter().enumerate().rev() {
        for &op_at in block.ops.iter().rev() {
            if let Some((at, later, later_number)) = first_return
                && at < ops[op_at].invoked
            {
                let mut contradiction = vec![later, op_at];
                let later_block = &blocks[later_number];
                let is_read = |op_at: usize| matches!(ops[op_at].op, Op::Read(_));
                if later_number != number {
                    // The other way round they do not fit either.
                    if !block.initial {
                        contradiction.push(first_to_return(block));
                    }
                    contradiction.push(last_invoked(later_block));
                    contradiction.extend(later_block.longest);
                    contradiction.extend(block.longest);
                } else if !is_read(later) || !is_read(op_at) {
                    contradiction.extend(block.longest);
                }
                return Some(contradiction);
            }
            if first_return.is_none_or(|(at, _, _)| returned(op_at) < at) {
                first_return = Some((returned(op_at), op_at, number));
            }
        }
    }
    None
}
