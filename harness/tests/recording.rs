//! Recording, when many record at once.

use std::fs;
use std::future::pending;
use std::path::PathBuf;
use std::sync::{Arc, Barrier, Mutex};
use std::thread;

use checker::history::{Event, EventType, Process};
use results::event::RunEvent;
use results::run_directory::{HISTORY, RunDirectory};
use stormproof::internal::{Clients, Recorder, load};
use stormproof::targets::{
    Answer, BoxFuture, Client, ErrorRow, NodeStatus, Reply, Request, refusal, row,
};
use workloads::clients::ClientPlan;
use workloads::generator::{Generator, Invocation, repeat};

/// A folder that is removed again.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let unique = format!("stormproof-recording-{name}-{}", std::process::id());
        Scratch(std::env::temp_dir().join(unique))
    }

    fn run_directory(&self) -> RunDirectory {
        RunDirectory::create(&self.0, "run").expect("a run directory")
    }

    /// Every event on file; panics over a line that is not whole.
    fn events(&self) -> Vec<Event> {
        let text = fs::read_to_string(self.0.join("run/history.jsonl")).expect("readable");
        assert!(text.is_empty() || text.ends_with('\n'), "the last line is whole");
        text.lines().map(|line| serde_json::from_str(line).expect("an event")).collect()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_order_on_file_is_that_of_indices_and_times_and_what_listeners_see() {
    const THREADS: u64 = 8;
    const EVENTS: u64 = 500;
    let scratch = Scratch::new("order");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let listener = {
        let seen = seen.clone();
        Box::new(move |event: &RunEvent| {
            let RunEvent::Operation(event) = event else { panic!("{event:?}") };
            seen.lock().expect("no panic").push(event.clone());
            // Lets others come and wait their turn.
            thread::yield_now();
        })
    };
    let recorder = Recorder::new(scratch.run_directory(), vec![listener]);
    let all_there = Barrier::new(THREADS as usize);
    thread::scope(|scope| {
        for process in 0..THREADS {
            let (recorder, all_there) = (&recorder, &all_there);
            scope.spawn(move || {
                all_there.wait();
                let mut last = None;
                for number in 0..EVENTS {
                    let value = "ü\n".repeat(number as usize % 100).into();
                    let event =
                        Event::new(Process::Client(process), EventType::Invoke, "write", value);
                    let index = recorder.record(event).expect("recorded").index;
                    assert!(Some(index) > last, "{index} after {last:?}");
                    last = Some(index);
                }
            });
        }
    });
    let events = scratch.events();
    assert!(events.iter().map(|event| event.index).eq(0..THREADS * EVENTS));
    assert!(events.is_sorted_by_key(|event| event.time), "time went back");
    assert!(*seen.lock().expect("no panic") == events, "a listener saw something else");
}

/// Looks up each request in the history before it answers it.
struct Suspicious {
    history: PathBuf,
}

impl Client for Suspicious {
    fn attempt<'a>(&'a self, _: usize, request: &'a Request) -> BoxFuture<'a, Reply> {
        Box::pin(async {
            let history = fs::read_to_string(&self.history).expect("a history");
            let token = format!(r#""token":"{}""#, request.token);
            let on_file = history.lines().any(|line| {
                line.contains(r#""type":"invoke""#) && line.contains(&token) && line.ends_with('}')
            });
            if on_file {
                let value = Some(request.value.clone());
                Reply::Answer(Answer { value, version: None })
            } else {
                refusal("not_on_file")
            }
        })
    }

    fn status(&self, _: usize) -> BoxFuture<'_, Option<NodeStatus>> {
        Box::pin(async { None })
    }

    fn errors(&self) -> &[ErrorRow] {
        const ERRORS: &[ErrorRow] = &[
            row("not_on_file", false, "no invocation"),
            row("timeout", false, "no answer in time"),
        ];
        ERRORS
    }

    /// A write that was not on file is not tried again.
    fn honours_token(&self, _f: &str) -> bool {
        false
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_invocation_is_on_file_before_it_is_sent() {
    const OPERATIONS: usize = 400;
    let scratch = Scratch::new("before");
    let directory = scratch.run_directory();
    let client = Arc::new(Suspicious { history: directory.path().join(HISTORY) });
    let recorder = Arc::new(Recorder::new(directory, Vec::new()));
    let plan = ClientPlan::usual(8);
    let clients = Clients::new(recorder, client, vec!["n1".into()], 1, "r1".into(), plan);
    let write = Invocation::mutation("write", "k0", 1.into());
    let mut writes = repeat(write).limit(OPERATIONS as u64);
    load::drive(Arc::new(clients), &mut writes, pending()).await.expect("recorded");

    let events = scratch.events();
    assert_eq!(events.len(), 2 * OPERATIONS);
    assert!(events.iter().map(|event| event.index).eq(0..events.len() as u64));
    for (position, completion) in events.iter().enumerate() {
        if completion.kind == EventType::Invoke {
            continue;
        }
        assert_eq!(completion.kind, EventType::Ok, "{completion:?}");
        assert_eq!(completion.attempts.len(), 1, "{completion:?}");
        let invocation = events[..position].iter().find(|event| event.token == completion.token);
        let invocation = invocation.expect("an invocation before its completion");
        let attempt = &completion.attempts[0];
        assert!(invocation.time <= attempt.start && attempt.end <= completion.time);
    }
}
