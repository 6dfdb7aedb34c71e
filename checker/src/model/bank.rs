//! Accounts of a bank, to transfer between and to read all at once.
//!
//! The test is Jepsen's: every transfer moves an amount from one account to another, so the sum of
//! all balances never changes, and no balance is ever negative. Here a bank is one object: a read
//! sees the transfers that took effect before it, wholly, and no others.
//!
//! A history does not say what the accounts held at first. The first read of an order says it: what
//! it saw, without the transfers before it. If there are none to be taken away, nothing is assumed.

use std::sync::Arc;

use crate::history::{Datum, OperationRef, Operations};
use crate::model::{Description, Hints, Misfit, Model, Recorded, ValueId, Values, recorded};

/// A group of accounts for each key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bank {
    /// True if balances may be negative.
    pub overdrafts: bool,
}

/// The model that comes with the checker, for banks that allow no overdraft.
pub(super) const BANK: Bank = Bank { overdrafts: false };

/// The same for banks that do.
pub(super) const OVERDRAFT_BANK: Bank = Bank { overdrafts: true };

/// The accounts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    /// In the order of their numbers.
    accounts: Vec<(ValueId, Account)>,
    known: Known,
}

/// An account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
struct Account {
    /// Its balance; as long as balances are not known, what was moved into it so far.
    balance: i128,
    /// The least that this has been, as long as balances are not known, else 0.
    lowest: i128,
}

/// The knowledge of the balances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Known {
    All,
    Sum(i128),
    Nothing,
}

/// A request to a bank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Input {
    /// Answer all balances.
    Read,
    /// Move an amount.
    Transfer {
        /// The account that it is taken from.
        from: ValueId,
        /// The account that it is put into.
        to: ValueId,
        /// The amount.
        amount: i64,
    },
}

/// An answer of a bank.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Output {
    /// The balances, in the order of the accounts' numbers.
    Balances(Arc<[(ValueId, i128)]>),
    /// An answer that no bank gives: an account has no balance, or two.
    Nonsense,
    /// The transfer was done.
    Done,
    /// There was not enough to transfer.
    Refused,
}

static DESCRIPTION: Description = Description {
    name: "bank",
    aliases: &[],
    summary: "accounts a key, whose sum stays and none of which is negative: transfer, read",
    functions: &["read", "transfer"],
    read: Some("read"),
    collection: None,
};

static OVERDRAFT_DESCRIPTION: Description = Description {
    name: "overdraft-bank",
    aliases: &[],
    summary: "as bank, and balances may be negative",
    ..DESCRIPTION
};

impl Model for Bank {
    type State = State;
    type Input = Input;
    type Output = Output;

    fn initial(&self) -> State {
        State { accounts: Vec::new(), known: Known::Nothing }
    }

    /// As long as nothing is known, all accounts are taken to have held nothing.
    fn apply(&self, state: &State, input: &Input) -> (State, Output) {
        match *input {
            Input::Read => {
                let balances = state.accounts.iter().map(|(name, it)| (*name, it.balance));
                (state.clone(), Output::Balances(balances.collect()))
            }
            Input::Transfer { from, to, amount } => match self.moved(state, from, to, amount) {
                Some(after) => (after, Output::Done),
                None => (state.clone(), Output::Refused),
            },
        }
    }

    fn step(&self, state: &State, input: &Input, output: Option<&Output>) -> Option<State> {
        match (input, output) {
            (Input::Read, Some(Output::Balances(balances))) => self.seen(state, balances),
            (Input::Read, Some(_)) => None,
            (Input::Transfer { .. }, Some(Output::Refused)) if state.known != Known::All => {
                Some(state.clone())
            }
            _ => {
                let (after, answered) = self.apply(state, input);
                output.is_none_or(|output| *output == answered).then_some(after)
            }
        }
    }

    fn hints(&self) -> &dyn Hints<Bank> {
        self
    }
}

impl Bank {
    /// The accounts after a transfer; none if there was not enough.
    fn moved(&self, state: &State, from: ValueId, to: ValueId, amount: i64) -> Option<State> {
        let amount = i128::from(amount);
        let mut after = state.clone();
        for (name, change) in [(from, -amount), (to, amount)] {
            let account = after.account(name);
            account.balance += change;
            match state.known {
                Known::All if account.balance < 0 && !self.overdrafts => return None,
                Known::All => {}
                Known::Sum(_) | Known::Nothing => {
                    account.lowest = account.lowest.min(account.balance);
                }
            }
        }
        Some(after)
    }

    /// The accounts after a read that saw these balances; none if it cannot have.
    fn seen(&self, state: &State, balances: &[(ValueId, i128)]) -> Option<State> {
        if state.known == Known::All {
            let are_they = state.accounts.len() == balances.len()
                && state.accounts.iter().zip(balances).all(|((name, account), (seen, balance))| {
                    name == seen && account.balance == *balance
                });
            return are_they.then(|| state.clone());
        }
        let sum: i128 = balances.iter().map(|(_, balance)| balance).sum();
        if matches!(state.known, Known::Sum(known) if known != sum) {
            return None;
        }
        let balance_of = |name: ValueId| {
            let at = balances.binary_search_by_key(&name, |(name, _)| *name).ok()?;
            Some(balances[at].1)
        };
        // What was there at first, and what was there when the least was, must have been possible.
        let was_possible = |(name, account): &(ValueId, Account)| {
            balance_of(*name).is_some_and(|balance| {
                self.overdrafts || balance - account.balance + account.lowest >= 0
            })
        };
        let is_possible = |(_, balance): &(ValueId, i128)| self.overdrafts || *balance >= 0;
        (state.accounts.iter().all(was_possible) && balances.iter().all(is_possible))
            .then(|| State::holding(balances.iter().copied()))
    }
}

impl State {
    fn holding(balances: impl Iterator<Item = (ValueId, i128)>) -> State {
        let account = |balance| Account { balance, lowest: 0 };
        let mut accounts: Vec<_> = balances.map(|(name, it)| (name, account(it))).collect();
        accounts.sort_unstable_by_key(|(name, _)| *name);
        State { accounts, known: Known::All }
    }

    fn account(&mut self, name: ValueId) -> &mut Account {
        let at = match self.accounts.binary_search_by_key(&name, |(name, _)| *name) {
            Ok(at) => at,
            Err(at) => {
                self.accounts.insert(at, (name, Account::default()));
                at
            }
        };
        &mut self.accounts[at].1
    }
}

impl Recorded for Bank {
    fn description(&self) -> &'static Description {
        match self.overdrafts {
            true => &OVERDRAFT_DESCRIPTION,
            false => &DESCRIPTION,
        }
    }

    /// The balances of all accounts, or their sum.
    fn decode_initial(&self, initial: Datum<'_>, values: &mut Values) -> Result<State, Misfit> {
        if let Some(sum) = initial.as_integer() {
            return Ok(State { accounts: Vec::new(), known: Known::Sum(sum.into()) });
        }
        if initial.is_null() {
            return Ok(self.initial());
        }
        match balances(initial, values) {
            Some(Output::Balances(balances)) => Ok(State::holding(balances.iter().copied())),
            _ => Err(Misfit::new(format!(
                "a bank holds {{\"ACCOUNT\":BALANCE,…}} or a sum, not {initial}"
            ))),
        }
    }

    fn decode_input(
        &self,
        operation: OperationRef<'_>,
        values: &mut Values,
    ) -> Result<Input, Misfit> {
        let input = operation.input();
        match operation.f() {
            "read" => Ok(Input::Read),
            "transfer" => transfer(input, values).ok_or_else(|| {
                let like = r#"{"from":0,"to":1,"amount":5}"#;
                Misfit::new(format!("transfer takes {like}, not {input}"))
            }),
            other => Err(self.description().lacks(other)),
        }
    }

    fn decode_output(
        &self,
        operation: OperationRef<'_>,
        input: &Input,
        values: &mut Values,
    ) -> Result<Output, Misfit> {
        match input {
            Input::Read => balances(operation.output(), values).ok_or_else(|| {
                let answer = operation.output();
                Misfit::new(format!("read answers {{\"ACCOUNT\":BALANCE,…}}, not {answer}"))
            }),
            Input::Transfer { .. } => Ok(Output::Done),
        }
    }

    fn refusal(&self, input: &Input) -> Option<Output> {
        matches!(input, Input::Transfer { .. }).then_some(Output::Refused)
    }

    /// Both banks have the same answers: the stricter one is chosen. No other model transfers, nor
    /// answers nothing but objects of numbers.
    fn fits_answers(&self, operations: &Operations) -> bool {
        let are_balances = |answer: Datum<'_>| {
            let members = answer.as_members();
            members.is_some_and(|mut it| it.all(|(_, balance)| balance.as_integer().is_some()))
        };
        let transfers = operations.functions().any(|function| function == "transfer");
        !self.overdrafts && (transfers || recorded::all_reads(operations, are_balances))
    }
}

impl Hints<Bank> for Bank {
    fn is_observer(&self, input: &Input, output: Option<&Output>) -> bool {
        // A read that is the first to say what is there changes what is known.
        matches!(input, Input::Read) && output.is_none() || output == Some(&Output::Refused)
    }
}

/// The number of an account. Histories name them by numbers and, where JSON must, by texts.
fn account(name: Datum<'_>, values: &mut Values) -> Option<ValueId> {
    let name = name.as_name()?;
    Some(values.id(Datum::text(&name, &mut String::new())))
}

fn transfer(argument: Datum<'_>, values: &mut Values) -> Option<Input> {
    let from = account(argument.member("from")?, values)?;
    let to = account(argument.member("to")?, values)?;
    Some(Input::Transfer { from, to, amount: argument.member("amount")?.as_integer()? })
}

/// The balances by account, or in the order of accounts that are numbered from 0.
fn balances(answer: Datum<'_>, values: &mut Values) -> Option<Output> {
    let mut found = Vec::new();
    if let Some(members) = answer.as_members() {
        for (name, balance) in members {
            let name = Datum::text(&name, &mut String::new()).to_owned();
            found.push((account(name.borrow(), values)?, balance));
        }
    } else {
        for (number, balance) in (0..).zip(answer.as_list()?) {
            found.push((account(Datum::Integer(number), values)?, balance));
        }
    }
    found.sort_unstable_by_key(|(name, _)| *name);
    let numbers = found.into_iter().map(|(name, it)| Some((name, i128::from(it.as_integer()?))));
    Some(numbers.collect::<Option<_>>().map_or(Output::Nonsense, Output::Balances))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: ValueId = ValueId(1);
    const BOB: ValueId = ValueId(2);

    fn transfer(from: ValueId, to: ValueId, amount: i64) -> Input {
        Input::Transfer { from, to, amount }
    }

    fn balances(ann: i128, bob: i128) -> Output {
        Output::Balances([(ANN, ann), (BOB, bob)].into())
    }

    /// Returns whether a bank can have done these, one after the other.
    fn can(bank: Bank, initial: State, done: &[(Input, Output)]) -> bool {
        let step = |state: State, (input, output): &(Input, Output)| {
            bank.step(&state, input, Some(output))
        };
        done.iter().try_fold(initial, step).is_some()
    }

    #[test]
    fn the_first_read_says_what_was_there() {
        let moved = (transfer(ANN, BOB, 30), Output::Done);
        let nothing_known = || BANK.initial();
        let can = |done: &[_]| can(BANK, nothing_known(), done);
        assert!(can(&[moved.clone(), (Input::Read, balances(70, 30))]));
        assert!(can(&[moved.clone(), (Input::Read, balances(0, 30))]));
        assert!(!can(&[moved.clone(), (Input::Read, balances(0, 29))]), "Bob had -1");
        assert!(!can(&[moved.clone(), (Input::Read, Output::Balances([(BOB, 30)].into()))]));
        let read = (Input::Read, balances(70, 30));
        assert!(can(&[read.clone(), moved.clone(), (Input::Read, balances(40, 60))]));
        assert!(!can(&[read.clone(), moved.clone(), (Input::Read, balances(40, 61))]));
        assert!(!can(&[read, (transfer(ANN, BOB, 71), Output::Done)]));
        // Ann lent money for a moment, which is as bad.
        let back = (transfer(BOB, ANN, 30), Output::Done);
        assert!(!can(&[moved, back, (Input::Read, balances(29, 71))]));
    }

    #[test]
    fn an_overdraft_bank_lets_balances_be_negative() {
        let done = [
            (Input::Read, balances(5, 0)),
            (transfer(ANN, BOB, 7), Output::Done),
            (Input::Read, balances(-2, 7)),
        ];
        assert!(!can(BANK, BANK.initial(), &done));
        assert!(can(OVERDRAFT_BANK, BANK.initial(), &done));
    }

    #[test]
    fn the_sum_or_all_balances_can_be_said() {
        let mut values = Values::new();
        let mut state = |json: &str| {
            let mut buffer = String::new();
            let initial = Datum::parse(json, &mut buffer).expect("it is JSON");
            BANK.decode_initial(initial, &mut values)
        };
        let read = |ann, bob| [(Input::Read, balances(ann, bob))];
        let hundred = state("100").expect("a sum");
        assert!(can(BANK, hundred.clone(), &read(70, 30)));
        assert!(!can(BANK, hundred, &read(70, 31)));
        let all = state(r#"{"ann":70,"bob":30}"#).expect("all balances");
        assert!(can(BANK, all.clone(), &read(70, 30)));
        assert!(!can(BANK, all, &read(30, 70)));
        assert!(state(r#"{"ann":null}"#).is_err());
        assert!(state("true").is_err());
    }

    #[test]
    fn who_has_not_enough_is_refused() {
        let state = State::holding([(ANN, 5), (BOB, 0)].into_iter());
        let refused = Some(&Output::Refused);
        assert_eq!(BANK.step(&state, &transfer(ANN, BOB, 6), refused), Some(state.clone()));
        assert_eq!(BANK.step(&state, &transfer(ANN, BOB, 5), refused), None);
        assert_eq!(BANK.step(&state, &transfer(ANN, BOB, 6), None), Some(state));
    }
}
