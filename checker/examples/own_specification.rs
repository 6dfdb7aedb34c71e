//! A specification of one's own, and operations that never were in a file.
//!
//! `cargo run -p stormproof-checker --example own_specification`

use stormproof_checker::prelude::*;

/// Every ticket has the next number.
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

/// Judges tickets that were drawn.
pub fn main() -> Result<(), OperationError> {
    // One ticket was drawn, and its answer lost: that explains the gap.
    let mut operations = vec![
        Operation::new(10, (), 20, 1),
        Operation::unknown(30, ()),
        Operation::new(40, (), 50, 3),
    ];
    assert_eq!(check_operations(&TicketMachine, &operations)?.verdict, Verdict::Valid);

    // Nothing explains that a later ticket has a smaller number.
    operations.push(Operation::new(60, (), 70, 2));
    let judgement = check_operations(&TicketMachine, &operations)?;
    println!("{:?}: {:?} contradict each other", judgement.verdict, judgement.contradiction);
    assert_eq!(judgement.verdict, Verdict::Invalid);
    assert!(judgement.contradiction.contains(&3));
    Ok(())
}
