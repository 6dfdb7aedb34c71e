//! The way in which a history comes to be written in another form.

use checker::history::Event;

/// A form that is written while the events come, in their order.
pub trait Form {
    /// The text before all events.
    fn begin(&mut self) -> String {
        String::new()
    }

    /// The text that is known once this event has come; empty if there is none.
    fn event(&mut self, event: &Event) -> String;

    /// The text behind all events.
    fn end(&mut self) -> String {
        String::new()
    }
}
