//! Assertions of the core that fail are findings of a simulation, not failures of the harness.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, catch_unwind};

use cluster::world::Violation;

thread_local! {
    /// True while a simulation runs on this thread.
    static SIMULATES: Cell<bool> = const { Cell::new(false) };
    /// The place of its last panic.
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Keeps panics of simulations from being reported as those of the harness. Called once.
pub fn expect_assertions() {
    let report = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        if SIMULATES.get() {
            let place = panic.location().map(ToString::to_string).unwrap_or_default();
            PLACE.replace(place);
        } else {
            report(panic);
        }
    }));
}

/// Does something in which an assertion of the core may fail.
pub(super) fn within<T>(simulate: impl FnOnce() -> T) -> Result<T, Violation> {
    SIMULATES.set(true);
    let ended = catch_unwind(AssertUnwindSafe(simulate));
    SIMULATES.set(false);
    ended.map_err(|panic| {
        let detail = format!("{} ({})", text(&*panic), PLACE.take());
        Violation::new("assertion", "of the core", detail)
    })
}

fn text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or_default()
}
