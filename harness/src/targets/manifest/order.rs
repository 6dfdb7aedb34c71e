//! Orders: what a cluster is had to do, by a request or by the service's own admin program.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;

use anyhow::Result;
use serde_json::Value;
use toml::Spanned;

use super::answer::Test;
use super::node::{DOORS, NODE, doors};
use super::request::{Exchange, HttpResponse, Lost, Parts, Question};
use super::schema::{self, Schema, Text};
use super::source::Source;
use super::step::{Known, SetUp, Step};
use super::template::{Form, Names, Scope, Template, scalars};
use crate::targets::command;

/// The name that others give the node that an order is about.
const ID: &str = "id";

/// The further placeholders of commands: where the node is that is asked, and where all are.
const ENDPOINTS: [&str; 2] = ["endpoint", "endpoints"];

/// The status of a command that succeeded, and of one that failed, as if it had been a request.
const SUCCEEDED: u16 = 200;
const FAILED: u16 = 500;

/// The time that a command may take, however long its answer is waited for.
const COMMAND_LIMIT: Duration = Duration::from_secs(10);

/// A question by a request or by a command.
#[derive(Debug)]
pub enum Inquiry {
    /// By a request.
    Request(Question),
    /// By a program whose standard output is the answer.
    Command {
        /// The place in the manifest that asks it.
        place: String,
        /// The program and its arguments.
        argv: Vec<Template>,
    },
}

/// The parts of an inquiry, as the manifest has them; `at` is its place.
pub struct Written<'a> {
    /// The requests before it.
    pub first: &'a [schema::Step],
    /// The request.
    pub request: &'a Option<Text>,
    /// The command.
    pub command: &'a Option<Spanned<Vec<Text>>>,
    /// The other parts of the request.
    pub headers: &'a BTreeMap<String, Text>,
    /// The body as JSON.
    pub json: &'a Option<Spanned<toml::Value>>,
    /// The body as text.
    pub body: &'a Option<Text>,
}

impl Inquiry {
    /// Understands a request or a command in which the placeholders `names` may stand.
    ///
    /// # Errors
    /// On the first thing that is wrong.
    pub fn compile(
        source: &Source<'_>,
        written: &Written<'_>,
        at: Range<usize>,
        names: &Names<'_>,
    ) -> Result<Inquiry> {
        let Written { request, command, headers, json, body, .. } = *written;
        match (request, command) {
            (Some(request), None) => {
                let parts = Parts { request, headers, json, body };
                Ok(Inquiry::Request(Question::compile(source, &parts, names)?))
            }
            (None, Some(command)) if !command.get_ref().is_empty() => {
                let argv = command.get_ref().iter().map(|text| source.template(text, names));
                let argv = argv.collect::<Result<_>>()?;
                Ok(Inquiry::Command { place: source.place(&command.span()), argv })
            }
            (None, Some(command)) => {
                Err(source.error(command.span(), "a command begins with its program"))
            }
            (Some(_), Some(command)) => {
                Err(source.error(command.span(), "by a request or by a command: one of them"))
            }
            (None, None) => Err(source.error(at, "say by request or by command how it is asked")),
        }
    }

    /// The place in the manifest that asks it.
    pub fn place(&self) -> &str {
        match self {
            Inquiry::Request(question) => &question.place,
            Inquiry::Command { place, .. } => place,
        }
    }

    /// Returns true if that placeholder stands anywhere in it.
    fn mentions(&self, name: &str) -> bool {
        match self {
            Inquiry::Request(question) => question.mentions(name),
            Inquiry::Command { argv, .. } => argv.iter().any(|argument| argument.mentions(name)),
        }
    }

    /// Asks the node at `url`. A command goes on for a while if its answer is not waited for.
    pub async fn ask(&self, http: &reqwest::Client, url: &str, scope: &Scope<'_>) -> Exchange {
        let (place, argv) = match self {
            Inquiry::Request(question) => return question.ask(http, url, scope).await,
            Inquiry::Command { place, argv } => (place, argv),
        };
        let argv: Vec<String> = argv.iter().map(|argument| argument.fill(scope)).collect();
        let run = argv.iter().filter(|argument| !argument.is_empty()).cloned().collect::<Vec<_>>();
        let ended = tokio::task::spawn_blocking(move || command::run(&run, COMMAND_LIMIT)).await;
        let ended = ended.unwrap_or_else(|panicked| Err(std::io::Error::other(panicked)));
        let heard = match ended {
            Ok(ended) if ended.status.success() => Ok(HttpResponse::of(SUCCEEDED, &ended.out)),
            Ok(ended) => {
                let text = format!("{}: {}{}", ended.status, ended.out, ended.err);
                Ok(HttpResponse::of(FAILED, &text))
            }
            Err(error) => {
                let text = format!("{}: {error}", argv[0]);
                Err(Lost { error: "connection_lost", text })
            }
        };
        let (place, sent) = (place.clone(), argv.join(" "));
        Exchange { place, sent, body: None, heard, complaint: None }
    }
}

/// An inquiry with what goes before it.
#[derive(Debug)]
pub struct Prepared {
    /// The inquiry.
    pub inquiry: Inquiry,
    /// The requests before it, each time.
    pub first: Vec<Step>,
    /// The positions of the set-ups that are made before, since it sends what they keep.
    pub set_ups: BTreeSet<usize>,
}

impl Prepared {
    /// An inquiry after these requests, both of which may send what set-ups keep.
    pub fn of(inquiry: Inquiry, first: Vec<Step>, set_ups: &[SetUp]) -> Prepared {
        let mentions = |name: &str| {
            inquiry.mentions(name) || first.iter().any(|step| step.question.mentions(name))
        };
        let set_ups = SetUp::needed_by(set_ups, mentions);
        Prepared { inquiry, first, set_ups }
    }

    /// Understands an inquiry and the requests before it, in which the placeholders `names` may
    /// stand, and what set-ups keep that are about no key.
    ///
    /// # Errors
    /// On the first thing that is wrong.
    pub fn compile(
        source: &Source<'_>,
        written: &Written<'_>,
        at: Range<usize>,
        names: &Names<'_>,
        set_ups: &[SetUp],
    ) -> Result<Prepared> {
        let kept = SetUp::kept_without_key(set_ups);
        let known = names.iter().chain(&kept);
        let mut known: Known = known.map(|(name, form)| ((*name).to_owned(), *form)).collect();
        let first = Step::compile_first(source, written.first, &mut known)?;
        let names: Vec<(&str, Form)> =
            known.iter().map(|(name, form)| (name.as_str(), *form)).collect();
        let inquiry = Inquiry::compile(source, written, at, &names)?;
        Ok(Prepared::of(inquiry, first, set_ups))
    }

    /// Returns true if it says what others call the node.
    pub fn needs_id(&self) -> bool {
        self.inquiry.mentions(ID) || self.first.iter().any(|step| step.question.mentions(ID))
    }
}

/// Something that a cluster can be had to do.
#[derive(Debug)]
pub struct Order {
    /// The way to have it done.
    pub asked: Prepared,
    /// That it was done.
    pub ok: Test,
}

/// All that a cluster can be had to do.
#[derive(Debug)]
pub struct Orders {
    /// The leader hands over.
    pub transfer: Option<Order>,
    /// A node forgets old versions.
    pub compact: Option<Order>,
    /// A node gives back room.
    pub defragment: Option<Order>,
    /// Members leave and join.
    pub membership: Option<MembershipOrders>,
}

/// The ways to change the members.
#[derive(Debug)]
pub struct MembershipOrders {
    /// Takes one out.
    pub remove: Order,
    /// Takes it in again.
    pub add: Order,
    /// The data of its life before.
    pub forget: Template,
}

impl Orders {
    /// Understands `[leadership]`, `[membership]` and `[maintenance]`.
    ///
    /// # Errors
    /// On the first thing that is wrong.
    pub fn compile(source: &Source<'_>, schema: &Schema, set_ups: &[SetUp]) -> Result<Orders> {
        let mut names = names(schema.peer_ports());
        if schema.status.id.is_some() {
            names.extend(scalars([ID]));
        }
        let order = |order: &schema::Order| {
            let schema::Order { first, request, command, headers, json, body, ok } = order;
            let written = Written { first, request, command, headers, json, body };
            let ok = ok.as_ref().map(|test| Test::compile(source, test)).transpose()?;
            let asked = Prepared::compile(source, &written, schema.name.span(), &names, set_ups)?;
            Ok::<_, anyhow::Error>(Order { asked, ok: ok.unwrap_or_else(Test::success) })
        };
        let of = |it: &Option<schema::Order>| it.as_ref().map(order).transpose();
        let membership = schema.membership.as_ref().map(|it| {
            let forget = source.template(&it.forget, &scalars(["data", "name"]))?;
            Ok::<_, anyhow::Error>(MembershipOrders {
                remove: order(&it.remove)?,
                add: order(&it.add)?,
                forget,
            })
        });
        Ok(Orders {
            transfer: of(&schema.leadership)?,
            compact: of(&schema.maintenance.compact)?,
            defragment: of(&schema.maintenance.defragment)?,
            membership: membership.transpose()?,
        })
    }

    /// Returns true if there is none.
    pub fn are_none(&self) -> bool {
        let Orders { transfer, compact, defragment, membership } = self;
        [transfer, compact, defragment].iter().all(|order| order.is_none()) && membership.is_none()
    }
}

/// The placeholders that may stand in commands, and in requests instead of them.
pub fn names(peer_ports: usize) -> Vec<(&'static str, Form)> {
    let doors = DOORS.map(|name| (name, doors(peer_ports)));
    [&scalars(NODE)[..], &doors, &scalars(ENDPOINTS)].concat()
}

/// The value of one of the further placeholders.
pub fn of_order(name: &str, id: Option<&str>, endpoint: &str, all: &[String]) -> Option<Value> {
    match name {
        ID => Some(id.into()),
        "endpoint" => Some(endpoint.into()),
        "endpoints" => Some(all.join(",").into()),
        _ => None,
    }
}
