//! The choice of a model by the operations of a history.

use std::collections::BTreeSet;

use crate::history::{HistoryError, Operations};
use crate::model::{ALL, AnyModel, find};

/// A model that was chosen for a history, and why.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Choice {
    /// The model.
    pub model: AnyModel<'static>,
    /// The reason, as a sentence to show.
    pub reason: String,
}

/// Chooses the model whose operations are those of the history; of several, the one that gives such
/// answers.
///
/// # Errors
/// [`HistoryError::NoModelFits`] when no model has all of them, or several have and the answers do
/// not tell which: a model that cannot be told is asked for, not guessed.
pub fn choose(operations: &Operations) -> Result<Choice, HistoryError> {
    let functions: BTreeSet<&str> = operations.functions().collect();
    if functions.is_empty() {
        let reason = "no client did anything".to_string();
        let model = find("register").expect("it comes with the checker");
        return Ok(Choice { model, reason });
    }
    let listed = functions.iter().copied().collect::<Vec<_>>().join(", ");
    if functions.len() == 1 && functions.contains("read") {
        let bank = find("bank").expect("it comes with the checker");
        if bank.0.fits_answers(operations) {
            let reason = "the answers are balances".to_string();
            return Ok(Choice { model: bank, reason });
        }
        // A register and a counter both read; what they start with differs.
        return Err(HistoryError::NoModelFits("the operations are only reads".to_string()));
    }
    let fits = |model: &&AnyModel<'_>| {
        functions.iter().all(|function| model.description().functions.contains(function))
    };
    let candidates: Vec<AnyModel<'_>> = ALL.iter().filter(fits).copied().collect();
    let chosen = |model, reason| Ok(Choice { model, reason });
    match candidates.as_slice() {
        [model] => chosen(*model, format!("the operations are {listed}")),
        [] => Err(HistoryError::NoModelFits(format!(
            "no single model has exactly the operations {listed}"
        ))),
        several => {
            let told: Vec<AnyModel<'_>> =
                several.iter().copied().filter(|model| model.0.fits_answers(operations)).collect();
            match told.as_slice() {
                [model] => {
                    chosen(*model, format!("the operations and answers are those of {listed}"))
                }
                _ => {
                    let names: Vec<_> =
                        several.iter().map(|model| model.description().name).collect();
                    Err(HistoryError::NoModelFits(format!(
                        "several models have the operations {listed}, and the answers do not tell \
                         which: {}",
                        names.join(", ")
                    )))
                }
            }
        }
    }
}
