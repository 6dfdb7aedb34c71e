//! Panics of the core, which are findings, apart from those of the harness, which are not.

use std::any::Any;
use std::cell::Cell;
use std::sync::Once;

thread_local! {
    static IS_EXPECTED: Cell<bool> = const { Cell::new(false) };
}

/// Keeps panics within [`expected`] from being reported as a bug of the harness.
pub(crate) fn keep_quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !IS_EXPECTED.get() {
                report(panic);
            }
        }));
    });
}

/// Runs what may panic, and catches that.
pub(crate) fn expected<T>(run: impl FnOnce() -> T) -> T {
    IS_EXPECTED.set(true);
    let result = run();
    IS_EXPECTED.set(false);
    result
}

/// The text of a panic.
pub(crate) fn text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without text".to_owned())
}
