//! A cluster that somebody else runs, to which commands of its user do faults: `--by kill='docker
//! kill {name}'`. Their effect is looked for from outside.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use engines::Elsewhere;
use faults::fault::Family;
use faults::grudge::{CLIENTS, Grudge, Link};
use faults::host::{HostError, NodeState, PartitionSeen, PerNode};
use tokio::runtime::Handle;

use crate::exit::usage;
use crate::targets::{Client, Member, command};

/// The time that a command may take.
const COMMAND_LIMIT: Duration = Duration::from_secs(10);

/// The time after a command within which its effect must show.
const EFFECT_LIMIT: Duration = Duration::from_secs(10);

/// The time that a connection may take to open: longer than to any node that is up.
const CONNECT_LIMIT: Duration = Duration::from_millis(300);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// The uses of commands, each with true if it is about a link.
const ACTS: [(&str, bool); 7] = [
    ("kill", false),
    ("start", false),
    ("pause", false),
    ("resume", false),
    ("cut", true),
    ("heal", true),
    ("reaches", true),
];

/// The placeholders of a node, and of a link those of both of its ends.
const NODE: [&str; 5] = ["name", "number", "address", "host", "port"];

/// The commands of a user, by what they do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Commands(BTreeMap<String, String>);

impl Commands {
    /// Those that a plan names.
    ///
    /// # Errors
    /// When one does nothing that is known, or says nothing of the node that it is about.
    pub fn of(written: &[(String, String)]) -> Result<Commands> {
        for (act, command) in written {
            let Some((_, of_link)) = ACTS.iter().find(|(known, _)| known == act) else {
                let known = ACTS.map(|(act, _)| act).join(", ");
                return Err(usage(format!("--by {act}: there are {known}")));
            };
            let ends: &[&str] = if *of_link { &["from_", "to_"] } else { &[""] };
            let names = |end: &&str| NODE.map(|name| format!("{{{end}{name}}}"));
            let lacking = ends.iter().find(|end| !names(end).iter().any(|it| command.contains(it)));
            if let Some(end) = lacking {
                let names = names(end).join(", ");
                return Err(usage(format!("--by {act}: it is about a node: say one of {names}")));
            }
        }
        Ok(Commands(written.iter().cloned().collect()))
    }

    /// The engine of that family.
    ///
    /// # Errors
    /// With the reason why there is none.
    pub fn engine_for(&self, family: Family) -> Result<String, String> {
        let needed: &[&str] = match family {
            Family::Kill => &["kill", "start"],
            Family::Pause => &["pause", "resume"],
            Family::Partition => &["cut", "heal"],
            _ => return Err("the nodes of --addresses are not ours".to_owned()),
        };
        let has = |act: &&str| self.0.contains_key(*act);
        match needed.iter().find(|act| !has(act)) {
            None => Ok(format!("`{}`", self.0[needed[0]])),
            Some(_) => Err(format!(
                "the nodes of --addresses are not ours; --by {}=COMMAND and --by {}=COMMAND would \
                 do it",
                needed[0], needed[1]
            )),
        }
    }

    fn is_none(&self) -> bool {
        self.0.is_empty()
    }
}

/// The nodes of a cluster that somebody else runs.
pub struct ForeignNodes {
    commands: Commands,
    members: Vec<Member>,
    client: Arc<dyn Client>,
    runtime: Handle,
    states: BTreeMap<String, NodeState>,
    cut: Grudge,
}

impl ForeignNodes {
    /// Those members, which all run; none where there is no command for them. Called within a
    /// runtime.
    pub fn new(
        commands: Commands,
        members: &[Member],
        client: Arc<dyn Client>,
    ) -> Option<ForeignNodes> {
        let running = |member: &Member| (member.name.clone(), NodeState::Running);
        (!commands.is_none()).then(|| ForeignNodes {
            commands,
            members: members.to_vec(),
            client,
            runtime: Handle::current(),
            states: members.iter().map(running).collect(),
            cut: Grudge::none(),
        })
    }

    fn position(&self, node: &str) -> Result<usize, HostError> {
        let position = self.members.iter().position(|member| member.name == node);
        position.ok_or_else(|| HostError::Failed("no such node".to_owned()))
    }

    fn listens(&self, node: usize) -> bool {
        TcpStream::connect_timeout(&self.members[node].for_clients, CONNECT_LIMIT).is_ok()
    }

    fn answers(&self, node: usize) -> bool {
        self.runtime.block_on(self.client.status(node)).is_some()
    }

    /// Has a command do something to nodes, all at once, and looks for its effect at each.
    fn each(
        &self,
        act: &str,
        nodes: &BTreeSet<String>,
        effect: impl Fn(usize) -> bool + Sync,
        lacks: &str,
    ) -> PerNode<Duration> {
        let one = |node: &String| {
            let position = self.position(node)?;
            let begin = Instant::now();
            self.run(act, &of_node(&self.members[position], position, ""))?;
            let deadline = Instant::now() + EFFECT_LIMIT;
            while !effect(position) {
                if Instant::now() > deadline {
                    let what = format!("after the command to {act} {node}, {lacks}");
                    return Err(HostError::Failed(what));
                }
                thread::sleep(PAUSE);
            }
            Ok(begin.elapsed())
        };
        thread::scope(|scope| {
            let one = &one;
            let running: Vec<_> =
                nodes.iter().map(|node| (node.clone(), scope.spawn(move || one(node)))).collect();
            let done = running.into_iter().map(|(node, running)| {
                let panicked = |_| Err(HostError::Failed("a command's thread panicked".to_owned()));
                (node, running.join().unwrap_or_else(panicked))
            });
            done.collect()
        })
    }

    /// Notes the state in which an action was to bring nodes. One whose command failed is looked
    /// at: it may have done its work all the same.
    fn note(&mut self, seen: &PerNode<Duration>, state: NodeState) {
        for (node, result) in seen {
            let now = match (result, self.position(node)) {
                (Err(_), Ok(position)) if self.answers(position) => NodeState::Running,
                _ => state,
            };
            self.states.insert(node.clone(), now);
        }
    }

    fn run(&self, act: &str, names: &[(String, String)]) -> Result<(), HostError> {
        let missing =
            || HostError::Unavailable(format!("there is no command to {act}: --by {act}="));
        let text = self.commands.0.get(act).ok_or_else(missing)?;
        let filled = names
            .iter()
            .fold(text.clone(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value));
        let failed = |why: String| Err(HostError::Failed(format!("`{filled}`: {why}")));
        let argv = ["sh".to_owned(), "-c".to_owned(), filled.clone()];
        match command::run(&argv, COMMAND_LIMIT) {
            Ok(ended) if ended.status.success() => Ok(()),
            Ok(ended) => {
                let said = format!("{} {}", ended.out.trim(), ended.err.trim());
                failed(format!("{} {}", ended.status, said.trim()))
            }
            Err(error) => failed(error.to_string()),
        }
    }

    /// Has a command do something to links, all at once.
    fn each_link(&self, act: &str, links: &[Link]) -> Vec<Result<(), HostError>> {
        let one = |link: &Link| {
            let (from, to) = (self.position(&link.from)?, self.position(&link.to)?);
            let names = [
                of_node(&self.members[from], from, "from_"),
                of_node(&self.members[to], to, "to_"),
            ];
            self.run(act, &names.concat())
        };
        thread::scope(|scope| {
            let one = &one;
            let running: Vec<_> = links.iter().map(|link| scope.spawn(move || one(link))).collect();
            let panicked = |_| Err(HostError::Failed("a command's thread panicked".to_owned()));
            running.into_iter().map(|it| it.join().unwrap_or_else(panicked)).collect()
        })
    }
}

/// The placeholders of a node, with their values.
fn of_node(member: &Member, position: usize, end: &str) -> Vec<(String, String)> {
    let address = member.for_clients;
    let values = [
        member.name.clone(),
        (position + 1).to_string(),
        address.to_string(),
        address.ip().to_string(),
        address.port().to_string(),
    ];
    NODE.map(|name| format!("{end}{name}")).into_iter().zip(values).collect()
}

impl Elsewhere for ForeignNodes {
    fn state(&self, node: &str) -> NodeState {
        self.states.get(node).copied().unwrap_or(NodeState::Stopped)
    }

    fn kill(&mut self, nodes: &BTreeSet<String>) -> PerNode<Duration> {
        let lacks = "something still listens at its address";
        let seen = self.each("kill", nodes, |node| !self.listens(node), lacks);
        self.note(&seen, NodeState::Stopped);
        seen
    }

    fn start(&mut self, nodes: &BTreeSet<String>) -> PerNode<u32> {
        let down = |node: &&String| self.state(node) == NodeState::Stopped;
        let down: BTreeSet<String> = nodes.iter().filter(down).cloned().collect();
        let seen = self.each("start", &down, |node| self.listens(node), "nothing listens");
        for (node, result) in &seen {
            let state = if result.is_ok() { NodeState::Running } else { NodeState::Stopped };
            self.states.insert(node.clone(), state);
        }
        let id = |node: &String| {
            let result = seen.get(node).cloned();
            // Its process is on another machine, and so is the id of that.
            (node.clone(), result.map_or(Ok(0), |result| result.map(|_| 0)))
        };
        nodes.iter().map(id).collect()
    }

    fn pause(&mut self, nodes: &BTreeSet<String>) -> PerNode<Duration> {
        // One that is busy misses one look; two in a row it misses when it stands still.
        let seen = self.each(
            "pause",
            nodes,
            |node| !self.answers(node) && !self.answers(node),
            "it still answers",
        );
        self.note(&seen, NodeState::Paused);
        seen
    }

    fn resume(&mut self, nodes: &BTreeSet<String>) -> PerNode<Duration> {
        let paused = |node: &&String| self.state(node) == NodeState::Paused;
        let paused: BTreeSet<String> = nodes.iter().filter(paused).cloned().collect();
        let seen = self.each("resume", &paused, |node| self.listens(node), "nothing listens");
        for (node, result) in &seen {
            if result.is_ok() {
                self.states.insert(node.clone(), NodeState::Running);
            }
        }
        let untouched = nodes.difference(&paused).map(|node| (node.clone(), Ok(Duration::ZERO)));
        untouched.collect::<PerNode<Duration>>().into_iter().chain(seen).collect()
    }

    fn partition(&mut self, grudge: &Grudge, look: bool) -> Result<PartitionSeen, HostError> {
        let begin = Instant::now();
        let is_ours = |link: &Link| link.from != CLIENTS && link.to != CLIENTS;
        if !grudge.links().all(|link| is_ours(&link)) {
            let why = "commands cut links between nodes, not those of clients";
            return Err(HostError::Unavailable(why.to_owned()));
        }
        let new = |link: &Link| !self.cut.drops(&link.from, &link.to);
        let old = |link: &Link| !grudge.drops(&link.from, &link.to);
        let to_cut: Vec<Link> = grudge.links().filter(new).collect();
        let to_heal: Vec<Link> = self.cut.links().filter(old).collect();
        let healed = self.each_link("heal", &to_heal);
        let cut = self.each_link("cut", &to_cut);
        // What failed may be cut or not: it is healed again in any case.
        let mut now = grudge.clone();
        for (link, result) in to_heal.iter().zip(&healed) {
            if result.is_err() {
                now.drop_link(&link.from, &link.to);
            }
        }
        self.cut = now;
        healed.into_iter().chain(cut).collect::<Result<Vec<()>, _>>()?;
        let mut seen = PartitionSeen { took: begin.elapsed(), ..PartitionSeen::default() };
        if !look {
            return Ok(seen);
        }
        let links: Vec<Link> = grudge.links().collect();
        if !self.commands.0.contains_key("reaches") {
            seen.unproven = links.into_iter().collect();
            return Ok(seen);
        }
        for (link, reaches) in links.iter().zip(self.each_link("reaches", &links)) {
            match reaches {
                Err(HostError::Failed(_)) => drop(seen.dropped.insert(link.clone(), 1)),
                _ => drop(seen.unproven.insert(link.clone())),
            }
        }
        Ok(seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(written: &[(&str, &str)]) -> Result<Commands> {
        let written: Vec<(String, String)> =
            written.iter().map(|(act, it)| ((*act).into(), (*it).into())).collect();
        Commands::of(&written)
    }

    #[test]
    fn a_family_needs_the_command_and_the_one_that_undoes_it() {
        let by = [("kill", "docker kill {name}"), ("start", "docker start {name}")];
        let both = commands(&by).expect("they make sense");
        assert_eq!(both.engine_for(Family::Kill), Ok("`docker kill {name}`".to_owned()));
        let lone = commands(&by[..1]).expect("it makes sense");
        let why = lone.engine_for(Family::Kill).expect_err("it is never undone");
        assert!(why.contains("--by start=COMMAND"), "{why}");
        assert!(both.engine_for(Family::Pause).is_err());
        assert!(both.engine_for(Family::Clock).is_err());
    }

    #[test]
    fn a_command_that_names_no_node_is_refused() {
        let refused = |written| commands(written).expect_err("it makes no sense").to_string();
        assert!(refused(&[("kill", "killall svc")]).contains("say one of {name}, {number}"));
        assert!(refused(&[("cut", "cut {from_name}")]).contains("say one of {to_name}"));
        assert!(refused(&[("burn", "burn {name}")]).contains("there are kill, start, pause"));
    }
}
