//! The calls and returns that are not linearized yet, in the order in which they happened: a
//! doubly linked list from which an operation is lifted in constant time and put back in the
//! reverse order (Wing & Gong 1993, Lowe 2016; the trick is Knuth's dancing links).

/// A place in the list: a call, a return or the list's head.
type Place = u32;

/// The calls and returns of `n` operations, numbered from 0.
#[derive(Debug)]
pub(super) struct CallList {
    operations: u32,
    next: Vec<Place>,
    previous: Vec<Place>,
}

/// The entry at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    /// This operation was called here.
    Call(usize),
    /// This operation returned here.
    Return(usize),
    /// Nothing follows.
    End,
}

impl CallList {
    /// Makes the list of the operations with these positions of call and return. At one position,
    /// calls come before returns: intervals are closed.
    pub(super) fn new(intervals: &[(u64, u64)]) -> CallList {
        let count = u32::try_from(intervals.len()).expect("fewer than 2^31 operations");
        let mut places: Vec<(u64, Place)> = Vec::with_capacity(2 * intervals.len());
        for (operation, (call, end)) in (0..).zip(intervals) {
            places.push((*call, operation));
            places.push((*end, count + operation));
        }
        // Calls have the smaller places, so they come first at equal positions.
        places.sort_unstable();

        let head = 2 * count;
        let mut list = CallList {
            operations: count,
            next: vec![head; 2 * intervals.len() + 1],
            previous: vec![head; 2 * intervals.len() + 1],
        };
        let mut last = head;
        for (_, place) in places {
            list.next[last as usize] = place;
            list.previous[place as usize] = last;
            last = place;
        }
        list.previous[head as usize] = last;
        list
    }

    fn head(&self) -> Place {
        2 * self.operations
    }

    fn entry(&self, place: Place) -> Entry {
        if place < self.operations {
            Entry::Call(place as usize)
        } else if place < self.head() {
            Entry::Return((place - self.operations) as usize)
        } else {
            Entry::End
        }
    }

    /// The first entry.
    pub(super) fn first(&self) -> Entry {
        self.entry(self.next[self.head() as usize])
    }

    /// The entry after the call of `operation`, which may be the one that was lifted last.
    pub(super) fn after(&self, operation: usize) -> Entry {
        self.entry(self.next[operation])
    }

    /// The operations that were called before the first return, by call: those that may come
    /// first in an order of what is left.
    pub(super) fn enabled(&self) -> impl Iterator<Item = usize> + '_ {
        let mut entry = self.first();
        std::iter::from_fn(move || match entry {
            Entry::Call(operation) => {
                entry = self.after(operation);
                Some(operation)
            }
            Entry::Return(_) | Entry::End => None,
        })
    }

    /// All operations, by call.
    pub(super) fn calls(&self) -> impl Iterator<Item = usize> + '_ {
        let mut place = self.next[self.head() as usize];
        std::iter::from_fn(move || {
            loop {
                let entry = self.entry(place);
                place = *self.next.get(place as usize)?;
                match entry {
                    Entry::Call(operation) => return Some(operation),
                    Entry::Return(_) => {}
                    Entry::End => return None,
                }
            }
        })
    }

    /// The operation that returns first; none when all are lifted.
    pub(super) fn first_to_return(&self) -> Option<usize> {
        let mut place = self.next[self.head() as usize];
        loop {
            match self.entry(place) {
                Entry::Call(_) => place = self.next[place as usize],
                Entry::Return(operation) => return Some(operation),
                Entry::End => return None,
            }
        }
    }

    /// Takes an operation out.
    pub(super) fn lift(&mut self, operation: usize) {
        // The return first, so that `after` the call never tells the return of the same operation.
        self.unlink(operation + self.operations as usize);
        self.unlink(operation);
    }

    /// Puts back the operation that was lifted last.
    pub(super) fn unlift(&mut self, operation: usize) {
        self.relink(operation);
        self.relink(operation + self.operations as usize);
    }

    fn unlink(&mut self, place: usize) {
        let (previous, next) = (self.previous[place], self.next[place]);
        self.next[previous as usize] = next;
        self.previous[next as usize] = previous;
    }

    fn relink(&mut self, place: usize) {
        let (previous, next) = (self.previous[place], self.next[place]);
        self.next[previous as usize] = place as Place;
        self.previous[next as usize] = place as Place;
    }
}
