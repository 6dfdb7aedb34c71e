//! The classification of operations, with clients that answer by script.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use checker::history::{Event, EventType};
use results::run_directory::RunDirectory;
use serde_json::{Value, json};
use workloads::retry::RetryPolicy;
use workloads::route::Route;
use workloads::{Invocation, stream};

use super::operation::Actor;
use super::recorder::Recorder;
use crate::targets::{
    Answer, BoxFuture, Client, ErrorRow, NodeStatus, Refusal, Reply, Request, row,
};

/// Answers each attempt with the next reply; none stands for silence.
struct Scripted {
    replies: Mutex<Vec<Option<Reply>>>,
    asked: Mutex<Vec<usize>>,
    honours_tokens: bool,
}

impl Client for Scripted {
    fn attempt<'a>(&'a self, node: usize, _: &'a Request) -> BoxFuture<'a, Reply> {
        Box::pin(async move {
            self.asked.lock().unwrap().push(node);
            let reply = {
                let mut replies = self.replies.lock().unwrap();
                if replies.is_empty() { None } else { replies.remove(0) }
            };
            match reply {
                Some(reply) => reply,
                None => std::future::pending().await,
            }
        })
    }

    fn status(&self, _: usize) -> BoxFuture<'_, Option<NodeStatus>> {
        Box::pin(async { None })
    }

    fn errors(&self) -> &[ErrorRow] {
        const ERRORS: &[ErrorRow] = &[
            row("not_leader", true, ""),
            row("connection_lost", false, ""),
            row("timeout", false, ""),
        ];
        ERRORS
    }

    fn honours_token(&self, _f: &str) -> bool {
        self.honours_tokens
    }
}

fn answer(value: Value) -> Option<Reply> {
    Some(Reply::Answer(Answer { value: Some(value), version: Some(9) }))
}

fn precondition_failed() -> Option<Reply> {
    Some(Reply::Answer(Answer { value: None, version: Some(9) }))
}

fn refused(error: &'static str, leader: Option<usize>) -> Option<Reply> {
    Some(Reply::Refusal(Refusal { error: error.into(), leader }))
}

const SILENCE: Option<Reply> = None;

struct Outcome {
    completion: Event,
    asked: Vec<usize>,
    history: String,
}

/// Carries out one operation of kind `f` against `replies`, in virtual time.
async fn act(f: &'static str, honours_tokens: bool, replies: Vec<Option<Reply>>) -> Outcome {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let unique = format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let place: PathBuf = std::env::temp_dir().join(format!("stormproof-operation-{unique}"));
    let directory = RunDirectory::create(&place, "run").unwrap();
    let history = directory.path().join("history.jsonl");
    let recorder = Recorder::new(directory, Vec::new());
    let client = Scripted { replies: Mutex::new(replies), asked: Mutex::default(), honours_tokens };
    let nodes = ["n1", "n2", "n3"].map(String::from);
    let mut actor = Actor {
        recorder: &recorder,
        client: &client,
        nodes: &nodes,
        policy: RetryPolicy::default(),
        route: &mut Route::roaming(0, 3),
        rng: &mut stream(1, "test"),
        order: None,
    };
    let invocation = Invocation { f, key: "k0".into(), value: json!(5), mutates: f != "read" };
    let completion = actor.act(4, "r1:4:0".into(), invocation).await.unwrap();
    let history = std::fs::read_to_string(history).unwrap();
    std::fs::remove_dir_all(&place).unwrap();
    Outcome { completion, asked: client.asked.into_inner().unwrap(), history }
}

#[tokio::test(start_paused = true)]
async fn an_answer_settles_the_operation_whatever_earlier_attempts_met() {
    let replies = vec![SILENCE, refused("connection_lost", None), answer(json!(5))];
    let Outcome { completion, asked, history } = act("write", true, replies).await;
    assert_eq!(completion.kind, EventType::Ok);
    assert_eq!(completion.version, Some(9));
    let errors: Vec<_> =
        completion.attempts.iter().map(|attempt| attempt.error.as_deref()).collect();
    assert_eq!(errors, [Some("timeout"), Some("connection_lost"), None]);
    assert_eq!(asked.len(), 3);
    assert_eq!(history.lines().count(), 2);
    assert!(history.lines().next().unwrap().contains(r#""type":"invoke""#));
}

#[tokio::test(start_paused = true)]
async fn a_failed_precondition_is_an_answer_and_surely_no_effect() {
    let replies = vec![SILENCE, precondition_failed()];
    let completion = act("cas", true, replies).await.completion;
    assert_eq!(completion.kind, EventType::Fail);
    assert_eq!(completion.error.as_deref(), Some("precondition_failed"));
}

#[tokio::test(start_paused = true)]
async fn only_definite_refusals_make_a_failure_and_any_doubt_is_unknown() {
    let refusals = || (0..1000).map(|_| refused("not_leader", None)).collect::<Vec<_>>();
    assert_eq!(act("write", true, refusals()).await.completion.kind, EventType::Fail);
    let mut doubtful = refusals();
    doubtful[0] = refused("connection_lost", None);
    assert_eq!(act("write", true, doubtful).await.completion.kind, EventType::Info);
    assert_eq!(act("write", true, vec![SILENCE; 9]).await.completion.kind, EventType::Info);
}

#[tokio::test(start_paused = true)]
async fn an_error_that_the_table_does_not_know_proves_nothing() {
    let replies = (0..1000).map(|_| refused("surprise", None)).collect();
    assert_eq!(act("write", true, replies).await.completion.kind, EventType::Info);
}

#[tokio::test(start_paused = true)]
async fn without_tokens_a_mutation_is_repeated_only_after_a_definite_refusal() {
    let replies = vec![refused("not_leader", Some(1)), answer(json!(5))];
    let outcome = act("write", false, replies).await;
    assert_eq!((outcome.completion.kind, outcome.asked), (EventType::Ok, vec![0, 1]));
    let replies = vec![refused("connection_lost", None), answer(json!(5))];
    let outcome = act("write", false, replies).await;
    assert_eq!((outcome.completion.kind, outcome.asked.len()), (EventType::Info, 1));
    let replies = vec![refused("connection_lost", None), answer(json!(5))];
    let outcome = act("read", false, replies).await;
    assert_eq!((outcome.completion.kind, outcome.asked.len()), (EventType::Ok, 2));
}

#[tokio::test(start_paused = true)]
async fn a_hint_is_followed_to_the_node_it_names() {
    let replies = vec![refused("not_leader", Some(2)), answer(json!(5))];
    let outcome = act("write", true, replies).await;
    assert_eq!(outcome.asked, [0, 2]);
    assert_eq!(outcome.completion.node.as_deref(), Some("n3"));
}
