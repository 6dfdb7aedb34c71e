//! The context in which a generator is asked.

use std::time::Duration;

use checker::history::Process;

/// The time, and the threads that could act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    time: Duration,
    /// Every thread with the process that acts on it, in order of threads.
    threads: Vec<(usize, u64)>,
    /// The threads that are free, longest idle first.
    free: Vec<usize>,
}

impl Context {
    /// A thread for each of these processes, numbered from 0; all are free, and no time has
    /// passed.
    pub fn new(processes: impl IntoIterator<Item = u64>) -> Self {
        let threads: Vec<(usize, u64)> = processes.into_iter().enumerate().collect();
        let free = threads.iter().map(|(thread, _)| *thread).collect();
        Context { time: Duration::ZERO, threads, free }
    }

    /// The time since the load began.
    pub fn time(&self) -> Duration {
        self.time
    }

    /// The threads there are, free or not, in order.
    pub fn threads(&self) -> impl ExactSizeIterator<Item = usize> {
        self.threads.iter().map(|(thread, _)| *thread)
    }

    /// The threads that can begin an operation, longest idle first. To take the first one keeps
    /// all of them equally busy.
    pub fn free(&self) -> &[usize] {
        &self.free
    }

    /// True if no operation is open.
    pub fn all_free(&self) -> bool {
        self.free.len() == self.threads.len()
    }

    /// The process that acts on a thread.
    ///
    /// # Panics
    /// When there is no such thread.
    pub fn process(&self, thread: usize) -> u64 {
        self.threads[self.position(thread)].1
    }

    /// The thread on which a process acts.
    pub fn thread_of(&self, process: Process) -> Option<usize> {
        let Process::Client(process) = process else { return None };
        self.threads.iter().find(|(_, acting)| *acting == process).map(|(thread, _)| *thread)
    }

    /// The same with only those threads.
    pub fn restricted(&self, chosen: impl Fn(usize) -> bool) -> Context {
        let threads = self.threads.iter().copied().filter(|(thread, _)| chosen(*thread)).collect();
        let free = self.free.iter().copied().filter(|thread| chosen(*thread)).collect();
        Context { time: self.time, threads, free }
    }

    /// For the runner of a generator: it is `time` now.
    pub fn advance(&mut self, time: Duration) {
        assert!(time >= self.time, "time went back from {:?} to {time:?}", self.time);
        self.time = time;
    }

    /// For the runner of a generator: the thread begins an operation.
    pub fn begin(&mut self, thread: usize) {
        let free = self.free.iter().position(|free| *free == thread);
        self.free.remove(free.expect("a thread that begins an operation was free"));
    }

    /// For the runner of a generator: the thread's operation has ended.
    pub fn finish(&mut self, thread: usize) {
        assert!(!self.free.contains(&thread), "thread {thread} had no open operation");
        self.free.push(thread);
    }

    /// For the runner of a generator: another process acts on the thread from now on.
    pub fn replace(&mut self, thread: usize, process: u64) {
        let position = self.position(thread);
        self.threads[position].1 = process;
    }

    fn position(&self, thread: usize) -> usize {
        let found = self.threads.binary_search_by_key(&thread, |(thread, _)| *thread);
        found.expect("the generator knows this thread")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thread_that_has_been_idle_longest_comes_first() {
        let mut context = Context::new([10, 11, 12]);
        context.begin(0);
        context.begin(2);
        assert_eq!(context.free(), [1]);
        context.finish(2);
        context.finish(0);
        assert_eq!(context.free(), [1, 2, 0]);
        assert!(context.all_free());
    }

    #[test]
    fn a_restricted_context_keeps_the_numbers_of_threads() {
        let mut context = Context::new([10, 11, 12, 13]);
        context.begin(1);
        context.replace(3, 40);
        let odd = context.restricted(|thread| thread % 2 == 1);
        assert_eq!(odd.threads().collect::<Vec<_>>(), [1, 3]);
        assert_eq!(odd.free(), [3]);
        assert!(!odd.all_free());
        assert_eq!(odd.process(3), 40);
        assert_eq!(odd.thread_of(Process::Client(11)), Some(1));
        assert_eq!(odd.thread_of(Process::Client(10)), None);
    }
}
