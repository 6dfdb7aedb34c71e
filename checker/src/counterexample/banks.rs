//! Complaints about balances that were read, and transfers of what was not there.

use std::collections::{BTreeMap, BTreeSet};

use crate::counterexample::case::{Case, Complaint, name};
use crate::counterexample::words::{value, when};
use crate::history::{Datum, EventType, OperationRef};

/// Of more different balances than this nothing is said.
const MOST_SUMS: usize = 20_000;

/// So many of the latest reads before are looked at besides those shown.
const MOST_BEFORE: usize = 16;

/// Transfers that are said one by one.
const SHOWN: usize = 5;

type Balances = BTreeMap<String, i128>;

/// The balances that were known: those at first, or by a read.
#[derive(Clone)]
struct Known {
    /// The read; none for what was there at first.
    read: Option<usize>,
    balances: Balances,
}

/// A transfer.
#[derive(Clone)]
struct Transfer<'a> {
    place: usize,
    operation: OperationRef<'a>,
    from: String,
    to: String,
    amount: i128,
}

struct Bank<'a> {
    case: &'a Case<'a>,
    transfers: Vec<Transfer<'a>>,
    overdrafts: bool,
}

/// Complains about a read or a transfer. Balances may be negative if `overdrafts` are allowed.
pub(super) fn complain(case: &Case<'_>, overdrafts: bool) -> Option<Complaint> {
    let transfers = case.called("transfer").filter_map(|(place, it)| transfer(place, it)).collect();
    let bank = Bank { case, transfers, overdrafts };
    let is_read = |place: &usize| {
        let operation = case.operations[*place];
        operation.f() == "read" && operation.outcome() == EventType::Ok
    };
    let places: Vec<usize> = case.latest_first();
    let reads: Vec<usize> = places.iter().copied().filter(is_read).collect();
    if let Some(complaint) = reads.iter().find_map(|read| bank.impossible(*read)) {
        return Some(complaint);
    }
    let of_read = |read: &usize| {
        let balances = balances(case.operations[*read].output())?;
        Some(Known { read: Some(*read), balances })
    };
    let mut known: Vec<Known> = reads.iter().filter_map(of_read).collect();
    // Others say more than that an account must have held less than nothing.
    let others = (0..case.operations.len()).rev().filter(|it| is_read(it) && !reads.contains(it));
    known.extend(
        others
            .filter(|it| case.precedes(*it, case.last))
            .take(MOST_BEFORE)
            .filter_map(|it| of_read(&it)),
    );
    known.extend(balances(case.initial).map(|balances| Known { read: None, balances }));
    reads
        .iter()
        .find_map(|read| bank.wrong_sum(*read, &known))
        .or_else(|| reads.iter().find_map(|read| bank.unexplained(*read, &known)))
        .or_else(|| places.iter().find_map(|place| bank.overdrawn(*place, &known)))
}

fn transfer(place: usize, operation: OperationRef<'_>) -> Option<Transfer<'_>> {
    let input = operation.input();
    let account = |name| Some(input.member(name)?.as_name()?.into_owned());
    let amount = input.member("amount")?.as_integer()?.into();
    Some(Transfer { place, operation, from: account("from")?, to: account("to")?, amount })
}

/// The balances by account, or in the order of accounts that are numbered from 0. None if an account
/// has none.
fn balances(content: Datum<'_>) -> Option<Balances> {
    if let Some(members) = content.as_members() {
        return members
            .map(|(name, it)| Some((name.into_owned(), it.as_integer()?.into())))
            .collect();
    }
    let list = (0..).zip(content.as_list()?);
    list.map(|(number, it): (u64, _)| Some((number.to_string(), it.as_integer()?.into()))).collect()
}

/// `3 from ann to bob (process 1 at 0.040 s)`
fn listed<'a>(transfers: impl Iterator<Item = &'a Transfer<'a>>) -> String {
    let texts: Vec<String> = transfers
        .map(|it| format!("{} from {} to {} ({})", it.amount, it.from, it.to, name(it.operation)))
        .collect();
    match &texts[..] {
        [] => "nothing".to_string(),
        [only] => only.clone(),
        all if all.len() > SHOWN => {
            format!("{} and {} others", all[..SHOWN].join(", "), all.len() - SHOWN)
        }
        [but @ .., last] => format!("{} and {last}", but.join(", ")),
    }
}

impl<'a> Bank<'a> {
    fn told(&self, known: &Known) -> String {
        match known.read {
            None => format!("{} was there at first", value(self.case.initial)),
            Some(read) => {
                let operation = self.case.operations[read];
                let (process, at) = (operation.process(), when(operation));
                format!("process {process} read {} {at}", value(operation.output()))
            }
        }
    }

    /// An answer that no bank gives.
    fn impossible(&self, read: usize) -> Option<Complaint> {
        let output = self.case.operations[read].output();
        let Some(balances) = balances(output) else {
            let clause = "in which an account has no balance".to_string();
            return Some(Complaint::new(read, clause));
        };
        let negative = balances.iter().find(|(_, balance)| **balance < 0 && !self.overdrafts);
        let (account, balance) = negative?;
        let clause = format!("in which {account} has {balance}, and no balance may be negative");
        Some(Complaint::new(read, clause))
    }

    /// Balances that make another sum than others do.
    fn wrong_sum(&self, read: usize, known: &[Known]) -> Option<Complaint> {
        let own: i128 = balances(self.case.operations[read].output())?.values().sum();
        let complaint = |clause| Complaint::new(read, clause);
        if let Some(sum) = self.case.initial.as_integer().filter(|sum| i128::from(*sum) != own) {
            return Some(complaint(format!(
                "whose balances make {own}, although there was {sum} at first, which no transfer changes"
            )));
        }
        let other = known.iter().find(|it| it.balances.values().sum::<i128>() != own)?;
        let sum: i128 = other.balances.values().sum();
        let clause = format!(
            "whose balances make {own}, although {}, which makes {sum}, and no transfer changes the sum",
            self.told(other)
        );
        Some(other.read.into_iter().fold(complaint(clause), Complaint::shown_by))
    }

    /// The transfers between what was known and an operation: those that surely lie there, and those
    /// that may.
    fn between(&self, from: &Known, to: usize) -> [Vec<&Transfer<'a>>; 2] {
        let (mut surely, mut maybe) = (Vec::new(), Vec::new());
        for transfer in self.transfers.iter().filter(|it| it.place != to) {
            let place = transfer.place;
            let before = from.read.is_some_and(|read| self.case.precedes(place, read));
            if before || transfer.operation.invoked() > self.case.ended(to) {
                continue;
            }
            let after = from.read.is_none_or(|read| self.case.precedes(read, place));
            match after && self.case.precedes(place, to) {
                true => surely.push(transfer),
                false => maybe.push(transfer),
            }
        }
        [surely, maybe]
    }

    /// All balances that these transfers can make of others; none if there are too many.
    fn reachable(&self, from: &Known, to: usize) -> Option<BTreeSet<Balances>> {
        let [surely, maybe] = self.between(from, to);
        let apply = |balances: &Balances, it: &Transfer<'_>| {
            let mut balances = balances.clone();
            *balances.entry(it.from.clone()).or_default() -= it.amount;
            *balances.entry(it.to.clone()).or_default() += it.amount;
            balances
        };
        let first = surely.iter().fold(from.balances.clone(), |all, it| apply(&all, it));
        let mut all = BTreeSet::from([first]);
        for transfer in maybe {
            let more: Vec<Balances> = all.iter().map(|it| apply(it, transfer)).collect();
            all.extend(more);
            if all.len() > MOST_SUMS {
                return None;
            }
        }
        Some(all)
    }

    /// Balances that no choice of transfers explains after what was known.
    fn unexplained(&self, read: usize, known: &[Known]) -> Option<Complaint> {
        let seen = balances(self.case.operations[read].output())?;
        let explains = |from: &Known, to: usize, seen: &Balances| {
            Some(self.reachable(from, to)?.contains(seen))
        };
        let from = known.iter().filter(|it| it.read != Some(read)).find(|from| {
            let ordered = from.read.is_none_or(|other| self.case.precedes(other, read));
            let own = Known { read: Some(read), balances: seen.clone() };
            let reverse = || from.read.and_then(|other| explains(&own, other, &from.balances));
            // Of two that overlap, either may have been the first.
            explains(from, read, &seen) == Some(false)
                && (ordered || reverse() == Some(false))
                && from.read.is_none_or(|other| !self.case.precedes(read, other))
        })?;
        let [surely, maybe] = self.between(from, read);
        let reachable = self.reachable(from, read)?;
        let account = seen.iter().find(|(account, balance)| {
            reachable.iter().all(|it| it.get(*account) != Some(*balance))
        });
        let what = match account {
            Some((account, balance)) => format!("in which {account} has {balance}, "),
            None => String::new(),
        };
        let ordered = from.read.is_none_or(|other| self.case.precedes(other, read));
        let order = match ordered {
            true => "after that",
            false => "between the two, whichever came first,",
        };
        let concerns = |it: &&Transfer<'_>| {
            account.is_none_or(|(account, _)| it.from == *account || it.to == *account)
        };
        let [surely, maybe] = [surely, maybe].map(|all| -> Vec<Transfer<'a>> {
            all.into_iter().filter(concerns).cloned().collect()
        });
        let mut clause = format!("{what}although {} and {order} ", self.told(from));
        let there = if account.is_some() { " into it or out of it" } else { "" };
        match (&surely[..], &maybe[..]) {
            ([], []) => clause.push_str(&format!("nothing was moved{there}")),
            (surely, []) => clause.push_str(&format!(
                "{} had been moved and nothing else{there}",
                listed(surely.iter())
            )),
            ([], maybe) => {
                clause
                    .push_str(&format!("only {} may have been moved{there}", listed(maybe.iter())));
            }
            (surely, maybe) => clause.push_str(&format!(
                "{} had been moved, and besides only {} may have been{there}",
                listed(surely.iter()),
                listed(maybe.iter())
            )),
        }
        Some(from.read.into_iter().fold(Complaint::new(read, clause), Complaint::shown_by))
    }

    /// A transfer of more than can have been there.
    fn overdrawn(&self, place: usize, known: &[Known]) -> Option<Complaint> {
        let done = self.case.operations[place].outcome() == EventType::Ok;
        let own = self.transfers.iter().find(|it| it.place == place && done && !self.overdrafts)?;
        let precedes = |it: &&Known| it.read.is_none_or(|read| self.case.precedes(read, place));
        known.iter().filter(precedes).find_map(|from| {
            let [surely, maybe] = self.between(from, place);
            let had = *from.balances.get(&own.from)?;
            let all = || surely.iter().chain(&maybe);
            let gained: i128 = all().filter(|it| it.to == own.from).map(|it| it.amount.max(0)).sum();
            let spent: i128 =
                surely.iter().filter(|it| it.from == own.from).map(|it| it.amount.max(0)).sum();
            if had + gained - spent >= own.amount {
                return None;
            }
            let into = all().filter(|it| it.to == own.from).copied();
            let clause = format!(
                "although {}, and {} can have been moved into {} since, and {} had been moved out of it: \
                 it had no more than {}",
                self.told(from),
                listed(into),
                own.from,
                listed(surely.iter().filter(|it| it.from == own.from).copied()),
                had + gained - spent
            );
            Some(from.read.into_iter().fold(Complaint::new(place, clause), Complaint::shown_by))
        })
    }
}
