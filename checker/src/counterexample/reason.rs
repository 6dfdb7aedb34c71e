//! The reason why operations contradict each other, as the second half of a sentence.

use crate::counterexample::case::Complaint;
use crate::history::OperationRef;
use crate::partition::Partition;

/// The second half of the sentence, and the operations to blame. Places are those in the partition.
pub(super) struct Reason {
    /// The place of the operation that the sentence begins with.
    pub(super) subject: usize,
    pub(super) clause: String,
    /// The places of the operations that are wrong, or may be.
    pub(super) culprits: Vec<usize>,
    /// Remarks beside operations.
    pub(super) remarks: Vec<(usize, String)>,
    /// The places of operations that the clause relies on, shown or not.
    pub(super) named: Vec<usize>,
    /// True if it does not say what is wrong.
    pub(super) is_vague: bool,
}

impl Reason {
    /// The reason that a subject is wrong and says so in `clause`.
    pub(super) fn new(subject: usize, clause: String, remark: String) -> Reason {
        Reason {
            subject,
            clause,
            culprits: vec![subject],
            remarks: vec![(subject, remark)],
            named: Vec::new(),
            is_vague: false,
        }
    }

    /// Relies on an operation, with a remark beside it.
    pub(super) fn with(mut self, place: usize, remark: String) -> Reason {
        self.remarks.push((place, remark));
        self.named.push(place);
        self
    }

    /// Blames an operation too.
    pub(super) fn or_blame(mut self, place: usize) -> Reason {
        self.culprits.push(place);
        self
    }

    /// The reason that a model complains about in its own terms.
    pub(super) fn of(
        complaint: Complaint,
        partition: &Partition<'_>,
        operations: &[OperationRef<'_>],
    ) -> Reason {
        let Complaint { subject, clause, shown_by, named } = complaint;
        let remark = match (partition.model.0.description().name, operations[subject].f()) {
            ("mutex" | "fenced-lock", "acquire" | "release") => "its owner cannot have done this",
            ("counter", "read") => "no additions make this sum",
            _ => "with this, no order is left",
        };
        let mut reason = Reason::new(subject, clause, remark.to_string());
        for place in shown_by {
            let (remark, f) = (against(operations[place]), operations[place].f());
            // That an addition was acknowledged speaks against a read; it is not what is wrong.
            if !matches!(f, "append" | "put") {
                reason = reason.or_blame(place);
            }
            if place != subject {
                reason = reason.with(place, remark.to_string());
            }
        }
        reason.named.extend(named);
        reason
    }
}

fn against(operation: OperationRef<'_>) -> &'static str {
    match operation.f() {
        "acquire" => "held from here on",
        "release" => "free from here on",
        _ => "this speaks against it",
    }
}
