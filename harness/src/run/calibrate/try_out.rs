//! A target tried out before anything is tested on it: whether what is sent and read means what it
//! is taken to mean.
//!
//! Nothing goes wrong meanwhile and one operation follows another, so it is known what each has to
//! answer. Another answer is a mistake in the description of the service, or a service
//! that is not what it is taken for; either way an error, and no verdict.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use checker::history::{Event, EventType};
use checker::oracle::divergence::Contents;
use checker::oracle::version::{self, Answered, Effect, VersionSemantics};
use faults::host::Host;
use serde_json::Value;
use workloads::retry::{Backoff, RetryPolicy};
use workloads::route::Route;
use workloads::{Invocation, Object, PRECONDITION_FAILED, Workload, stream};

use super::script::{self, Step};
use crate::lab::LabInUse;
use crate::plan::Plan;
use crate::run::cluster::Cluster;
use crate::run::execute::token_prefix;
use crate::run::load::Clients;
use crate::run::operation::Actor;
use crate::run::recorder::Recorder;
use crate::run::{contents, converge};
use crate::targets::http::TRANSPORT_ERRORS;
use crate::targets::{Client, ErrorRow, NONSENSE, NodeStatus, Target};
use results::words::counted;

/// Nothing goes wrong, so there is time for every answer, also on a machine that is busy.
const POLICY: RetryPolicy = RetryPolicy {
    deadline: Duration::from_secs(10),
    attempt_timeout: Duration::from_secs(3),
    first_backoff: Duration::from_millis(10),
    longest_backoff: Duration::from_millis(300),
    backoff: Backoff::Random,
};

/// The same for an operation that is to fail: a service that can only refuse it refuses it again
/// each time.
const POLICY_TO_FAIL: RetryPolicy = RetryPolicy { deadline: Duration::from_secs(3), ..POLICY };

/// The time after which a read that was wrong is asked again: by then replicas have caught up.
const CAUGHT_UP: Duration = Duration::from_secs(1);

/// Begins the name of every object that is tried.
const OBJECTS: &str = "check";

/// Starts the nodes of a plan, unless they run already, and tries each operation of each workload
/// that the target has through every node; then what the oracles rest on: tokens, versions, and
/// what members tell of what they hold. Tells line by line what works.
///
/// # Errors
/// Something that does not work, with the request and the answer that show it.
pub async fn calibrate(
    plan: &Plan,
    target: Arc<dyn Target>,
    lab: &LabInUse,
    recorder: Arc<Recorder>,
    say: &(dyn Fn(&str, String) + Sync),
) -> Result<()> {
    let (cluster, mut host) = Cluster::build(plan, target.clone(), lab, &recorder)?;
    let run = token_prefix();
    let mut offered = Vec::new();
    let mut lacking = Vec::new();
    for workload in workloads::ALL {
        let client = target.client(&cluster.members, &run, workload.model);
        match (workloads::offered(workload, |f| target.offers(workload.model, f)), client) {
            (Some(workload), Ok(client)) => offered.push((workload, client)),
            _ => lacking.push(workload.name),
        }
    }
    let nodes = plan.node_names();
    let clients = |client: Arc<dyn Client>| {
        let (recorder, seed) = (recorder.clone(), plan.seed);
        let (run, plan) = (run.clone(), plan.client_plan());
        let mut clients = Clients::new(recorder, client, nodes.clone(), seed, run, plan);
        clients.knows_leader = target.knows_leader();
        clients.terms_may_differ = target.terms_may_differ();
        clients
    };
    let (_, any) = offered.first().context("it has none of the workloads")?;
    let first = Arc::new(clients(any.clone()));

    let ours = if lab.elsewhere { &[] } else { &nodes[..] };
    for (node, started) in host.start(&ours.iter().cloned().collect()) {
        started.map_err(|error| anyhow!("cannot start {node}: {error}"))?;
    }
    let tried = async {
        cluster.ensure_reachable().await?;
        wait_until_ready(&first, &cluster, plan.ready_limit(&*target), say).await?;
        let mut trial = Trial {
            recorder: &recorder,
            nodes: &nodes,
            run: &run,
            answers: Vec::new(),
            processes: 0,
        };
        for (workload, client) in &offered {
            say(workload.name, trial.try_out(workload, &**client).await?);
        }
        if !lacking.is_empty() {
            say("not there", lacking.join(", "));
        }
        let versions = trial.judge_versions(cluster.versions, &**any);
        say("versions", versions.context("versions")?);
        say("dump", look_into_members(&cluster).await.context("dump")?);
        Ok(())
    };
    tokio::select! {
        tried = tried => tried,
        exit = cluster.unexpected_exit() => bail!(exit.describe()),
    }
}

async fn wait_until_ready(
    clients: &Arc<Clients>,
    cluster: &Cluster,
    limit: Duration,
    say: &(dyn Fn(&str, String) + Sync),
) -> Result<()> {
    let begin = Instant::now();
    let everybody: Vec<usize> = (0..clients.nodes.len()).collect();
    let NodeStatus { leader, .. } =
        match converge::agree_on_leader(clients, &everybody, limit).await {
            Ok(status) => status,
            Err(answers) => {
                let answers = answers.nodes(clients.knows_leader);
                bail!(cluster.never_healthy(limit, &answers, &*clients.client))
            }
        };
    let who = leader.map_or("nobody can know who leads".into(), |it| format!("{it} leads"));
    say("ready", format!("within {:.1} s; {who}", begin.elapsed().as_secs_f64()));
    Ok(())
}

/// One operation after the other.
struct Trial<'a> {
    recorder: &'a Recorder,
    nodes: &'a [String],
    run: &'a str,
    /// Of operations that were sent once: the invocation, and how it ended.
    answers: Vec<(Invocation, Event)>,
    processes: u64,
}

/// An operation that was carried out.
struct Done {
    invocation: Invocation,
    token: String,
    answer: Option<Value>,
}

impl Trial<'_> {
    /// Carries out the workload's script, beginning at each node in turn; tells in a few words what
    /// was found.
    async fn try_out(&mut self, workload: &Workload, client: &dyn Client) -> Result<String> {
        // First refusals, each with how often it came.
        let mut refusals: BTreeMap<String, u64> = BTreeMap::new();
        let mut honoured: BTreeMap<&str, bool> = BTreeMap::new();
        // Operations that are refused where they should fail, with the error that they come to.
        let mut only_refused: BTreeMap<&str, String> = BTreeMap::new();
        for begin in 0..self.nodes.len() {
            let object = format!("{OBJECTS}-{}-{}", workload.name, self.nodes[begin]);
            let mut model = Object::of(workload.model).context("there is no such object")?;
            let mut done: Vec<Option<Done>> = Vec::new();
            let mut repeated = None;
            for (step, offset) in script::of(workload, &object).into_iter().zip(0..) {
                let node = (begin + offset) % self.nodes.len();
                let (invocation, again) = match step {
                    Step::Do(invocation) => (invocation, None),
                    Step::Again(earlier) => {
                        let earlier = done[earlier].as_ref().context("it is repeated once")?;
                        (earlier.invocation.clone(), Some(earlier))
                    }
                };
                let f = invocation.f;
                if invocation.mutates {
                    honoured.insert(f, client.honours_token(f));
                }
                if again.is_some() && !client.honours_token(f) {
                    done.push(None);
                    continue;
                }
                let expected = match again {
                    Some(earlier) => earlier.answer.clone(),
                    None => model.serve(f, &invocation.value),
                };
                let token = again.map(|earlier| earlier.token.clone());
                let policy = if expected.is_none() { POLICY_TO_FAIL } else { POLICY };
                let acting = self.act(client, node, token, invocation.clone(), policy);
                let (token, event) = acting.await?;
                let answer = settled(&event);
                if let (None, Err(error)) = (&expected, &answer)
                    && is_refused_by_service(client, error)
                {
                    // Whether it had an effect all the same, what follows will show.
                    only_refused.insert(f, error.clone());
                    done.push(Some(Done { invocation, token, answer: None }));
                    continue;
                }
                if let Some(error) = event.attempts.first().and_then(|it| it.error.clone()) {
                    *refusals.entry(error).or_default() += 1;
                }
                let alike = answer
                    .as_ref()
                    .is_ok_and(|answer| script::alike(workload.model, &expected, answer));
                if !alike {
                    let hint = match (again.is_some(), repeated) {
                        (true, _) => format!(
                            "\n  note      it was sent a second time with the same \
                            token: are tokens of a {f} honoured?"
                        ),
                        (false, Some(f)) => format!(
                            "\n  note      before, a {f} was sent a second \
                            time with the same token: are tokens of a {f} honoured?"
                        ),
                        (false, None) => String::new(),
                    };
                    // What came to nothing was tried again, and met other errors in the end.
                    let misread = answer.is_err().then(|| client.first_misread()).flatten();
                    let exchange = misread.map_or_else(|| shown(client), |it| format!("\n{it}"));
                    let stale = match invocation.mutates {
                        true => String::new(),
                        false => {
                            let late = self.ask_late(client, node, &invocation).await?;
                            stale(workload.model, &expected, &late)
                        }
                    };
                    bail!(
                        "{}: {f} {} of {object} through {} {}, but it should {}{exchange}{hint}{stale}",
                        workload.name,
                        invocation.value,
                        self.nodes[node],
                        said(&answer),
                        due(&expected),
                    );
                }
                if again.is_some() {
                    repeated = Some(f);
                } else {
                    self.answers.push((invocation.clone(), event));
                }
                done.push(Some(Done { invocation, token, answer: answer.unwrap_or_default() }));
            }
        }
        let mut found = format!("{} work through every node", workload.kinds.join(", "));
        let names = |wanted: bool| {
            let of = honoured.iter().filter(|(_, honoured)| **honoured == wanted);
            of.map(|(f, _)| *f).collect::<Vec<_>>().join(", ")
        };
        for (names, what) in
            [(names(true), "once for each token"), (names(false), "without tokens")]
        {
            if !names.is_empty() {
                found.push_str(&format!("; {names} {what}"));
            }
        }
        for (f, error) in only_refused {
            let unknown = match client.is_definite(&error) {
                true => "",
                false => ", which leaves open what became of it",
            };
            found.push_str(&format!("; a {f} that is to fail is refused as {error}{unknown}"));
        }
        for (error, count) in refusals {
            let definite = if client.is_definite(&error) { "definite" } else { "not definite" };
            found.push_str(&format!("; {error} ({definite}) came first {count} times"));
        }
        Ok(found)
    }

    /// One operation, with a token of its own or one that was sent before.
    async fn act(
        &mut self,
        client: &dyn Client,
        node: usize,
        token: Option<String>,
        invocation: Invocation,
        policy: RetryPolicy,
    ) -> Result<(String, Event)> {
        let process = self.processes;
        self.processes += 1;
        let token = token.unwrap_or_else(|| format!("{}:{process}:0", self.run));
        let mut route = Route::pinned(node, self.nodes.len());
        let mut rng = stream(process, "calibration");
        let (recorder, nodes) = (self.recorder, self.nodes);
        let route = &mut route;
        let mut actor =
            Actor { recorder, client, nodes, policy, route, rng: &mut rng, order: None };
        let event = actor.act(process, token.clone(), invocation).await?;
        Ok((token, event))
    }

    /// The answer to the same read a while later.
    async fn ask_late(
        &mut self,
        client: &dyn Client,
        node: usize,
        read: &Invocation,
    ) -> Result<Result<Option<Value>, String>> {
        tokio::time::sleep(CAUGHT_UP).await;
        let (_, event) = self.act(client, node, None, read.clone(), POLICY).await?;
        Ok(settled(&event))
    }

    /// Checks that the versions grow as it is claimed.
    fn judge_versions(
        &self,
        claims: Option<VersionSemantics>,
        client: &dyn Client,
    ) -> Result<String> {
        let Some(claims) = claims else { return Ok("none are claimed".into()) };
        let with_version = self.answers.iter().filter_map(|(invocation, event)| {
            let effect = match event.kind {
                EventType::Fail => Effect::FailedPrecondition,
                _ if invocation.mutates => Effect::Mutation,
                _ => Effect::Read,
            };
            Some(Answered {
                process: event.process,
                f: invocation.f,
                stream: "",
                key: Some(&invocation.key),
                effect,
                version: event.version?,
                value: None,
                node: event.node.as_deref(),
                // One follows the other: the invocation is the event before.
                invoked: event.index - 1,
                completed: event.index,
                start: event.time,
                end: event.time,
            })
        });
        let answers: Vec<Answered<'_>> = with_version.collect();
        let all = counted(self.answers.len() as u64, "answer");
        if answers.is_empty() {
            bail!("they are claimed, but none of {all} has one{}", shown(client));
        }
        let report = version::judge(&answers, &claims, &[]);
        match report.violations.first() {
            Some(violation) => bail!(
                "they are not what they are claimed to be, although one operation followed the \
                 other: {}",
                violation.sentence
            ),
            None => {
                Ok(format!("{} of {all} have one, and they grow as it is claimed", answers.len()))
            }
        }
    }
}

/// Returns true if an operation that is not answered was refused by the service, in words that
/// its client knows.
fn is_refused_by_service(client: &dyn Client, error: &str) -> bool {
    let ours = |row: &ErrorRow| row.name == error;
    let known = client.errors().iter().any(ours);
    known && error != NONSENSE && !TRANSPORT_ERRORS.iter().any(ours)
}

/// The note about a read that was wrong and was asked again later, through the same node.
fn stale(model: &str, expected: &Option<Value>, late: &Result<Option<Value>, String>) -> String {
    let right = late.as_ref().is_ok_and(|late| script::alike(model, expected, late));
    match right {
        true => format!(
            "\n  note      asked again {} s later it answered as it should: it is understood, and \
             its reads are stale although nothing goes wrong",
            CAUGHT_UP.as_secs()
        ),
        false => format!(
            "\n  note      asked again {} s later it still {}: it does not merely lag",
            CAUGHT_UP.as_secs(),
            said(late)
        ),
    }
}

/// The answer of the service to an operation: the value, or none if a precondition failed.
fn settled(event: &Event) -> Result<Option<Value>, String> {
    match (event.kind, event.error.as_deref()) {
        (EventType::Ok, _) => Ok(Some(event.value.clone())),
        (EventType::Fail, Some(PRECONDITION_FAILED)) => Ok(None),
        (_, error) => Err(error.unwrap_or("nothing").to_owned()),
    }
}

/// The last request with its answer, on lines of their own, where the client keeps it.
fn shown(client: &dyn Client) -> String {
    client.last_exchange().map_or_else(String::new, |it| format!("\n{it}"))
}

fn said(answer: &Result<Option<Value>, String>) -> String {
    match answer {
        Ok(Some(value)) => format!("answered {value}"),
        Ok(None) => "failed, as if its precondition did not hold".into(),
        Err(error) => format!("came to {error}"),
    }
}

fn due(expected: &Option<Value>) -> String {
    match expected {
        Some(value) => format!("answer {value}"),
        None => "fail, since its precondition does not hold".into(),
    }
}

/// Checks that all members tell the same of what they hold, and that what was written is in it.
async fn look_into_members(cluster: &Cluster) -> Result<String> {
    let Some(told) = contents::settled(cluster, &Default::default()).await else {
        return Ok("nobody asks members what they hold".into());
    };
    let mut members: Vec<Contents> = Vec::new();
    for (name, answer) in told {
        members.push(answer.with_context(|| format!("{name} does not tell what it holds"))?);
    }
    let first = members.first().context("there are no members")?;
    for other in &members {
        if other.position != first.position {
            bail!("{} and {} do not come equally far", first.node, other.node);
        }
        if !other.held.keys().any(|name| name.starts_with(OBJECTS)) {
            let names: Vec<&str> = other.held.keys().take(5).map(String::as_str).collect();
            bail!(
                "{} does not tell of any {OBJECTS}-…, which was written; it holds {} keys: {}…",
                other.node,
                other.held.len(),
                names.join(", ")
            );
        }
        let differs = other.held.iter().find(|(name, held)| first.held.get(*name) != Some(held));
        if let Some((name, held)) = differs {
            let of_first = first.held.get(name);
            bail!(
                "{} and {} are equally far, but differ in {name}: {of_first:?} and {held:?}",
                first.node,
                other.node
            );
        }
    }
    let keys = counted(first.held.len() as u64, "key");
    Ok(format!("{} hold the same {keys}", counted(members.len() as u64, "member")))
}
