//! The start of a node, as its manifest has it.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use engines::node_process::OwnClock;
use serde_json::{Value, json};
use toml::Spanned;

use super::operation::OPERATION;
use super::schema::{self, Clocks, Text, VersionCommand};
use super::source::Source;
use super::template::{Form, Template, scalars};
use crate::targets::{Launch, Member};

/// The running binary itself, also when its file was replaced meanwhile.
const THIS_PROGRAM: &str = "/proc/self/exe";

/// The placeholders of a node wherever it is mentioned.
pub const NODE: [&str; 7] =
    ["name", "number", "nodes", "address", "host", "port", "client_address"];

/// Those of its doors for peers: lists where there are several.
pub const DOORS: [&str; 4] = ["peer_listen", "peer_host", "peer_port", "peer_address"];

/// The further placeholders where it is started.
const START: [&str; 3] = ["data", "folder", "stormproof"];

/// Those of a cluster whose manifest says what its peers are called.
const PEERS: [&str; 2] = ["peers", "others"];

/// Returns true if a placeholder of that name has a meaning of its own somewhere.
pub fn is_taken(name: &str) -> bool {
    let more = ["open", "id", "endpoint", "endpoints"];
    let taken: [&[&str]; 6] = [&NODE, &DOORS, &START, &PEERS, &OPERATION, &more];
    taken.concat().contains(&name)
}

/// The form of the placeholders of so many doors.
pub fn doors(peer_ports: usize) -> Form {
    match peer_ports {
        0 | 1 => Form::Only,
        several => Form::List(several),
    }
}

/// The start of a node.
#[derive(Debug)]
pub struct Node {
    /// The place of the command in the manifest.
    place: String,
    command: Vec<Template>,
    restart: Option<Vec<Template>>,
    environment: Vec<(String, Template)>,
    files: Vec<(Template, Template)>,
    peers: Option<(Template, Option<String>)>,
    /// Ports for peers, besides the one for clients.
    pub peer_ports: usize,
    /// The way in which its clocks can be its own.
    pub own_clock: OwnClock,
}

impl Node {
    /// Understands `[node]`.
    ///
    /// # Errors
    /// On the first thing that is wrong.
    pub fn compile(source: &Source<'_>, node: &schema::Node) -> Result<Node> {
        let doors = doors(node.peer_ports);
        let of_node = [&scalars(NODE)[..], &DOORS.map(|name| (name, doors))].concat();
        let mut names = [&of_node[..], &scalars(START)].concat();
        if node.peers.is_some() {
            names.extend(scalars(PEERS));
        }
        let template = |text: &Text| source.template(text, &names);
        let command = |texts: &Spanned<Vec<Text>>| {
            if texts.get_ref().is_empty() {
                return Err(source.error(texts.span(), "a command begins with its program"));
            }
            texts.get_ref().iter().map(template).collect::<Result<Vec<_>>>()
        };
        let variable = |(name, text): (&String, &Text)| Ok((name.clone(), template(text)?));
        let peers = node.peers.as_ref().map(|peers| {
            Ok::<_, anyhow::Error>((source.template(&peers.each, &of_node)?, peers.join.clone()))
        });
        let file = |file: &schema::File| Ok((template(&file.path)?, template(&file.text)?));
        Ok(Node {
            place: source.place(&node.command.span()),
            command: command(&node.command)?,
            restart: node.restart.as_ref().map(command).transpose()?,
            environment: node.environment.iter().map(variable).collect::<Result<_>>()?,
            files: node.files.iter().map(file).collect::<Result<_>>()?,
            peers: peers.transpose()?,
            peer_ports: node.peer_ports,
            own_clock: match node.clocks {
                Clocks::Shared => OwnClock::No,
                Clocks::Plain => OwnClock::Plain,
                Clocks::WithDeadlines => OwnClock::WithDeadlines,
            },
        })
    }

    /// Looks for the program, unless only a node's own start tells which it is.
    ///
    /// # Errors
    /// When it is not there.
    pub fn find_program(&self) -> Result<()> {
        let program = self.command.first().and_then(Template::constant);
        match program.filter(|program| !exists(program)) {
            Some(program) => bail!(
                "there is no program {program}, which {} starts as a node: install it, or name \
                 another",
                self.place
            ),
            None => Ok(()),
        }
    }

    /// The command that starts one node of a cluster.
    pub fn launch(&self, cluster: &[Member], node: usize) -> Launch {
        let scope = |name: &str| self.look_up(cluster, node, name);
        let argv = |command: &Vec<Template>| {
            let arguments = command.iter().flat_map(|argument| {
                let list = match self.peers {
                    Some((_, None)) if argument.is_just("peers") => Some("peers"),
                    Some((_, None)) if argument.is_just("others") => Some("others"),
                    _ => None,
                };
                match list {
                    Some(list) => self.list(cluster, node, list),
                    None => vec![argument.fill(&scope)],
                }
            });
            arguments.filter(|argument| !argument.is_empty()).collect::<Vec<_>>()
        };
        let variable = |(name, text): &(String, Template)| (name.clone(), text.fill(&scope));
        Launch {
            argv: argv(&self.command),
            again: self.restart.as_ref().map(argv),
            anew: None,
            env: self.environment.iter().map(variable).collect(),
        }
    }

    /// Writes the files that a node finds before its first start.
    ///
    /// # Errors
    /// When one cannot be written.
    pub fn prepare(&self, cluster: &[Member], node: usize) -> Result<()> {
        let scope = |name: &str| self.look_up(cluster, node, name);
        for (path, text) in &self.files {
            // What does not say where it is belongs to the node.
            let path = cluster[node].folder.join(path.fill(&scope));
            let written = path
                .parent()
                .map_or(Ok(()), std::fs::create_dir_all)
                .and_then(|()| std::fs::write(&path, text.fill(&scope)));
            written.with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }

    fn look_up(&self, cluster: &[Member], node: usize, name: &str) -> Value {
        let join = self.peers.as_ref().and_then(|(_, join)| join.as_deref()).unwrap_or(" ");
        match name {
            "data" => json!(cluster[node].data),
            "folder" => json!(cluster[node].folder),
            "stormproof" => json!(THIS_PROGRAM),
            "peers" | "others" => json!(self.list(cluster, node, name).join(join)),
            name => of_member(cluster, node, name),
        }
    }

    /// The peers of a node, itself among them unless `others` are asked for.
    fn list(&self, cluster: &[Member], node: usize, which: &str) -> Vec<String> {
        let Some((each, _)) = &self.peers else { return Vec::new() };
        (0..cluster.len())
            .filter(|peer| which == "peers" || *peer != node)
            .map(|peer| each.fill(&|name: &str| of_member(cluster, peer, name)))
            .collect()
    }
}

/// The placeholders of a member wherever it is mentioned. Of several doors for peers the first is
/// meant, unless an index says which.
pub fn of_member(cluster: &[Member], node: usize, name: &str) -> Value {
    let member = &cluster[node];
    let doors = |of: fn(&crate::targets::PeerDoor) -> Value| match &member.peers[..] {
        [only] => of(only),
        several => several.iter().map(of).collect(),
    };
    match name {
        "name" => json!(member.name),
        "number" => json!(node + 1),
        "nodes" => json!(cluster.len()),
        "address" => json!(member.listens),
        "host" => json!(member.listens.ip()),
        "port" => json!(member.listens.port()),
        "client_address" => json!(member.for_clients),
        "peer_listen" => doors(|door| json!(door.listen)),
        "peer_host" => doors(|door| json!(door.listen.ip())),
        "peer_port" => doors(|door| json!(door.listen.port())),
        "peer_address" => doors(|door| json!(door.advertised)),
        other => unreachable!("{other} was refused when the manifest was read"),
    }
}

/// The source of the version.
#[derive(Debug)]
pub enum Version {
    /// It is said.
    Text(String),
    /// A command prints it.
    Command {
        /// The place in the manifest that says so.
        place: String,
        /// The program and its arguments.
        argv: Vec<String>,
        /// The text before it.
        after: String,
    },
}

impl Version {
    /// Understands `version`.
    ///
    /// # Errors
    /// On the first thing that is wrong.
    pub fn compile(source: &Source<'_>, version: &Spanned<toml::Value>) -> Result<Version> {
        let wrong = |what: String| source.error(version.span(), what);
        let command = match version.get_ref() {
            toml::Value::String(text) => return Ok(Version::Text(text.clone())),
            table => table.clone().try_into::<VersionCommand>(),
        };
        let command = command.map_err(|error| wrong(error.message().to_owned()))?;
        let fill = |text: &String| {
            let template = Template::parse(text, &scalars(["stormproof"]), &source.variables);
            Ok(template.map_err(wrong)?.fill(&|_: &str| json!(THIS_PROGRAM)))
        };
        let argv = command.command.iter().map(fill).collect::<Result<Vec<_>>>()?;
        if argv.is_empty() {
            return Err(wrong("a command begins with its program".into()));
        }
        Ok(Version::Command { place: source.place(&version.span()), argv, after: command.after })
    }

    /// The version.
    ///
    /// # Errors
    /// When the command is missing or prints something else.
    pub fn find(&self) -> Result<String> {
        let (place, argv, after) = match self {
            Version::Text(text) => return Ok(text.clone()),
            Version::Command { place, argv, after } => (place, argv, after),
        };
        let command = argv.join(" ");
        let output = Command::new(&argv[0]).args(&argv[1..]).output().with_context(|| {
            format!("cannot start {}, which {place} asks for the version", argv[0])
        })?;
        let printed = [output.stdout, output.stderr].concat();
        let printed = String::from_utf8_lossy(&printed);
        let version = printed.lines().find_map(|line| line.trim().strip_prefix(after.as_str()));
        match version.map(str::trim).filter(|version| !version.is_empty()) {
            Some(version) if output.status.success() => Ok(version.to_owned()),
            Some(_) => bail!("{command} ({place}) failed: {}: {printed}", output.status),
            None => bail!(
                "{command} ({place}) does not tell the version: no line begins with {after:?} in \
                 what it printed:\n{printed}"
            ),
        }
    }
}

/// Returns true if a program is there, by its path or on the `PATH`.
fn exists(program: &str) -> bool {
    if program.contains('/') {
        return Path::new(program).exists();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}
