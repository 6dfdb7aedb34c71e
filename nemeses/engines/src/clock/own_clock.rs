//! The clocks of its own that a node may have.

/// The clocks that a node gets when it is started. Without its own, clock faults cannot be done
/// to it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OwnClock {
    /// It has the machine's clocks, and is started as any program is.
    #[default]
    No,
    /// Its clocks are its own. For runtimes that hand the kernel only relative time-outs, such as
    /// those of Go and Erlang: a wait until an absolute time would end too early or too late by
    /// as much as the clock is off.
    Plain,
    /// Its clocks are its own, and a thread of the controller corrects each wait until an absolute
    /// time. Right for every runtime; Rust, C, C++, Java and Python wait like that.
    ///
    /// Each such wait begins up to 10 µs later, and every system call takes some 30 ns more, as
    /// `clock_figures` measures. Such waits fail once the controller is gone, which takes its nodes
    /// along. Where the controller has no privileges, programs with the set-user-id bit that the
    /// node starts do not get theirs.
    WithDeadlines,
}
