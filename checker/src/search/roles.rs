//! The roles that values play, and which mutations of unknown outcome can have been seen.

use crate::search::by_value::{ByValue, Op};

/// The roles of the values of a partition.
pub(crate) struct Roles {
    /// For each value, whether anything distinguishes it from others.
    told_apart: Vec<bool>,
    /// For each value, whether something that took effect may have seen what left it.
    sought: Vec<bool>,
    /// For each value, whether anything leaves it.
    left: Vec<bool>,
    /// The first value that nothing tells apart.
    nobodys: u32,
}

impl Roles {
    pub(crate) fn new(problem: &ByValue) -> Roles {
        let none = vec![false; problem.values as usize];
        let mut roles =
            Roles { told_apart: none.clone(), sought: none.clone(), left: none, nobodys: 0 };
        roles.left[problem.initial as usize] = true;
        let mut saw_another = false;
        for step in &problem.steps {
            match step.op {
                Op::Read(value) => {
                    roles.told_apart[value as usize] = true;
                    roles.sought[value as usize] = true;
                }
                Op::Write(value) => roles.left[value as usize] = true,
                Op::CompareAndSet { from, to } => {
                    roles.told_apart[from as usize] = true;
                    roles.sought[from as usize] |= step.returned().is_some();
                    roles.left[to as usize] = true;
                }
                Op::SawAnother(value) => {
                    roles.told_apart[value as usize] = true;
                    saw_another = true;
                }
            }
        }
        if saw_another {
            // Any value can be the other one.
            roles.sought.fill(true);
        }
        roles.nobodys = roles.told_apart.iter().position(|told| !told).unwrap_or(0) as u32;
        // What leads to a sought value is sought.
        let mut sources: Vec<Vec<u32>> = vec![Vec::new(); problem.values as usize];
        for step in problem.steps.iter().filter(|step| step.returned().is_none()) {
            if let Op::CompareAndSet { from, to } = step.op {
                sources[to as usize].push(from);
            }
        }
        let mut reached: Vec<u32> =
            (0..problem.values).filter(|value| roles.sought[*value as usize]).collect();
        while let Some(value) = reached.pop() {
            for source in std::mem::take(&mut sources[value as usize]) {
                if !std::mem::replace(&mut roles.sought[source as usize], true) {
                    reached.push(source);
                }
            }
        }
        roles
    }

    /// Returns whether a mutation of unknown outcome can have been seen, if only through others. If
    /// not, an order that uses it can do without it and without the others of unknown outcome that
    /// rest on it: what comes next is no observer of theirs.
    pub(crate) fn may_be_seen(&self, op: Op) -> bool {
        match op {
            Op::Read(_) | Op::SawAnother(_) => false,
            Op::Write(value) => self.sought[value as usize],
            Op::CompareAndSet { from, to } => from != to && self.sought[to as usize],
        }
    }

    /// Values that no operation asks for are all the same: one stands for all of them.
    pub(crate) fn simplify_value(&self, value: u32) -> u32 {
        if self.told_apart[value as usize] { value } else { self.nobodys }
    }

    pub(crate) fn simplify(&self, op: Op) -> Op {
        match op {
            Op::Write(value) => Op::Write(self.simplify_value(value)),
            Op::CompareAndSet { from, to } if from == to => Op::Read(from),
            Op::CompareAndSet { from, to } => {
                Op::CompareAndSet { from, to: self.simplify_value(to) }
            }
            observer @ (Op::Read(_) | Op::SawAnother(_)) => observer,
        }
    }

    /// The first completion that saw what nothing leaves.
    pub(crate) fn unwritten_read(&self, problem: &ByValue) -> Option<usize> {
        let steps = problem.steps.iter().enumerate();
        let seen = steps.filter_map(|(place, step)| match step.op {
            Op::Read(value) | Op::CompareAndSet { from: value, .. } => {
                let returned = step.returned()?;
                (!self.left[value as usize]).then_some((returned, place))
            }
            Op::Write(_) | Op::SawAnother(_) => None,
        });
        seen.min().map(|(_, place)| place)
    }
}
