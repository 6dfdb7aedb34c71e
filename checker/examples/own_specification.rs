//! A specification of one's own, and operations that never were in a file.
//!
//! `cargo run -p stormproof-checker --example own_specification`

use stormproof_checker::prelude::*;

/// A ticket machine: every ticket has the next number.
#[derive(Debug)]
struct TicketMachine;

impl Model for TicketMachine {
    /// The last ticket.
    type State = u32;
    type Input = ();
    type Output = u32;

    fn initial(&self) -> u32 {
        0
    }

    fn apply(&self, last: &u32, _draw: &()) -> (u32, u32) {
        (last + 1, last + 1)
    }
}

fn main() -> Result<(), OperationError> {
    // Ticket 2 was drawn before ticket 1 was asked for.
    let operations = [
        Operation::new(10, (), 20, 2),
        Operation::new(30, (), 40, 1),
        Operation::unknown(50, ()),
        Operation::new(60, (), 70, 4),
    ];
    let judgement = check_operations(&TicketMachine, &operations)?;
    println!("{:?}: {:?} contradict each other", judgement.verdict, judgement.contradiction);
    assert_eq!(judgement.verdict, Verdict::Invalid);

    // An answer of unknown outcome explains the ticket that nobody got.
    let judgement = check_operations(
        &TicketMachine,
        &[Operation::new(10, (), 40, 1), Operation::unknown(50, ()), Operation::new(60, (), 70, 3)],
    )?;
    assert_eq!(judgement.verdict, Verdict::Valid);
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_runs() {
        super::main().expect("the operations return after their calls");
    }
}
