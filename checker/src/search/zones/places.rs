//! Places in a list of operations, in few bytes.

/// A place in a list, or none. There is one for every value and every operation of a history, of
/// which there may be millions.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct MaybePlace(u32);

impl MaybePlace {
    /// No place.
    pub(super) const NONE: MaybePlace = MaybePlace(u32::MAX);

    /// This place.
    ///
    /// # Panics
    /// If it does not fit; a list of four thousand million operations does not fit memory before.
    pub(super) fn at(place: usize) -> MaybePlace {
        let place = u32::try_from(place).ok().filter(|place| *place != u32::MAX);
        MaybePlace(place.expect("a list is shorter than 2^32 - 1"))
    }

    /// The place, if there is one.
    pub(super) fn get(self) -> Option<usize> {
        (self != MaybePlace::NONE).then_some(self.0 as usize)
    }

    /// Returns whether there is none.
    pub(super) fn is_none(self) -> bool {
        self == MaybePlace::NONE
    }
}
