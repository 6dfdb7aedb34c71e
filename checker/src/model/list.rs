//! The models that come with the checker.

use crate::model::{
    AppendList, Counter, Description, FencedLock, KvAppend, Mutex, Queue, Recorded, Register, Set,
    Transactions, bank,
};
use crate::object::Erased;

/// A recorded model of any type.
#[derive(Debug, Clone, Copy)]
pub struct AnyModel<'m>(pub(crate) &'m dyn Erased);

/// Every model that comes with the checker.
pub const ALL: &[AnyModel<'static>] = &[
    AnyModel(&Register),
    AnyModel(&KvAppend),
    AnyModel(&Counter),
    AnyModel(&Set),
    AnyModel(&Queue),
    AnyModel(&Mutex),
    AnyModel(&FencedLock),
    AnyModel(&AppendList),
    AnyModel(&Transactions),
    AnyModel(&bank::BANK),
    AnyModel(&bank::OVERDRAFT_BANK),
];

impl<'m> AnyModel<'m> {
    /// The same model without its type.
    pub fn of<M: Recorded>(model: &'m M) -> AnyModel<'m> {
        AnyModel(model)
    }

    /// The model in words.
    pub fn description(self) -> &'static Description {
        self.0.description()
    }
}

/// The model with this name or alias.
pub fn find(name: &str) -> Option<AnyModel<'static>> {
    ALL.iter().copied().find(|model| {
        let description = model.description();
        description.name == name || description.aliases.contains(&name)
    })
}
