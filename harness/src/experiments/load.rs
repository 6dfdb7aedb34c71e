//! The load of a run as experiments measure it: latencies and requests.

use checker::history::EventType;

use super::observed::Observed;

impl Observed {
    /// The times that operations took which were begun between two times and succeeded, reads or the
    /// others, in milliseconds, by the time at which they began.
    pub fn latencies(&self, reads: bool, from: u64, to: u64) -> Vec<(u64, f64)> {
        let wanted = self.history.operations.iter().filter(|operation| {
            operation.f().starts_with("read") == reads
                && operation.outcome() == EventType::Ok
                && (from..to).contains(&operation.start())
        });
        wanted.filter_map(|it| Some((it.start(), it.latency()? as f64 / 1e6))).collect()
    }
}
