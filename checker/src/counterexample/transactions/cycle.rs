//! Cycles of transactions, edge by edge.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::counterexample::case::{Case, Complaint};
use crate::counterexample::transactions::parsed::{Content, Kind, Parsed};
use crate::counterexample::words::value;
use crate::history::{Datum, EventType};

/// If it is not known who wrote what was read, so many possibilities are gone through.
const MOST_CHOICES: usize = 256;

/// Possibilities that are told.
const SHOWN_CHOICES: usize = 3;

/// More transactions than these are not explained edge by edge.
const MOST_NODES: usize = 64;

/// A reason for one transaction to come before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dependency {
    /// It had returned when the other began.
    RealTime,
    /// The other read what it wrote: wr.
    Read,
    /// The other overwrote what it wrote, or appended after it: ww.
    Write,
    /// The other overwrote what it read: rw.
    Overwrite,
}

#[derive(Debug, Clone)]
struct Edge {
    from: usize,
    to: usize,
    why: Dependency,
    /// The edge as the rest of a sentence, about names of transactions.
    object: String,
    /// The value that was read, or written first.
    value: String,
    /// The edges from which it follows.
    rests_on: Vec<usize>,
    /// The reader from whom it is known, if that is neither end.
    reader: Option<usize>,
}

/// A read of a node with those who can have written what it read; none stands for what was there
/// at first.
struct Read<'a> {
    reader: usize,
    object: String,
    content: Content<'a>,
    writers: Vec<Option<usize>>,
}

struct Graph<'a> {
    case: &'a Case<'a>,
    all: &'a [Parsed<'a>],
    /// The places of the nodes.
    nodes: Vec<usize>,
    edges: Vec<Edge>,
}

/// Complains that transactions have to come before each other.
pub(super) fn complain(case: &Case<'_>, all: &[Parsed<'_>]) -> Option<Complaint> {
    let known = |place: &usize| case.operations[*place].outcome() == EventType::Ok;
    let readers: Vec<usize> = case.shown.iter().copied().filter(known).collect();
    let mut nodes: BTreeSet<usize> = case.shown.iter().copied().collect();
    let mut reads = Vec::new();
    for reader in readers {
        for (object, content) in all[reader].external_reads() {
            let writers = writers(case, all, reader, object, &content);
            nodes.extend(writers.iter().flatten());
            let object = object.to_string();
            reads.push(Read { reader, object, content, writers });
        }
    }
    if nodes.len() > MOST_NODES {
        return None;
    }
    let nodes: Vec<usize> = nodes.into_iter().collect();
    let choices: usize =
        reads.iter().try_fold(1_usize, |all, read| all.checked_mul(read.writers.len()))?;
    if choices == 0 || choices > MOST_CHOICES {
        return None;
    }
    // By the text of each cycle: its nodes, and how many writers were chosen for it.
    let mut told: BTreeMap<String, (usize, Vec<usize>)> = BTreeMap::new();
    let mut shown: Option<Vec<usize>> = None;
    let mut order = Vec::new();
    for choice in 0..choices {
        let mut rest = choice;
        let chosen: Vec<Option<usize>> = reads
            .iter()
            .map(|read| {
                let writer = read.writers[rest % read.writers.len()];
                rest /= read.writers.len();
                writer
            })
            .collect();
        let mut graph = Graph { case, all, nodes: nodes.clone(), edges: Vec::new() };
        graph.add_all(&reads, &chosen);
        graph.saturate(&reads, &chosen);
        let cycle = graph.shortest_cycle()?;
        let (text, places) = graph.words(&cycle);
        if !told.contains_key(&text) {
            order.push(text.clone());
        }
        let entry = told.entry(text).or_insert((0, places.clone()));
        entry.0 += 1;
        shown.get_or_insert(places);
    }
    let mut places: Vec<usize> = Vec::new();
    for text in &order {
        places.extend(&told[text].1);
    }
    let subject = *shown?.first()?;
    let clause = match &order[..] {
        [only] => only.clone(),
        several => {
            let (first, others) = (several.len().min(SHOWN_CHOICES), several.len());
            let mut text = several[..first].join("; or else ");
            if others > first {
                text.push_str(&format!(
                    "; and so on for {} other writers of what was read",
                    others - first
                ));
            }
            text
        }
    };
    places.sort_unstable();
    places.dedup();
    places.retain(|place| *place != subject);
    Some(Complaint::new(subject, clause).shown_by_all(places))
}

/// Those who can have written what a transaction read.
fn writers(
    case: &Case<'_>,
    all: &[Parsed<'_>],
    reader: usize,
    object: &str,
    content: &Content<'_>,
) -> Vec<Option<usize>> {
    let seen = case.ended(reader);
    let changes = |place: &usize| *place != reader && case.operations[*place].invoked() < seen;
    let Some(last) = content.last() else {
        let deletes = |it: &Parsed<'_>| {
            it.changes(object).last().is_some_and(|it| {
                it.kind == Kind::Write && Content::of(it.value) == Content::Nothing
            })
        };
        let deleters = (0..all.len()).filter(changes).filter(|place| deletes(&all[*place]));
        return std::iter::once(None).chain(deleters.map(Some)).collect();
    };
    let wrote = |it: &Parsed<'_>| match it.changes(object).last() {
        Some(change) if change.kind == Kind::Write => Content::of(change.value) == *content,
        Some(change) => change.value == last,
        None => false,
    };
    (0..all.len()).filter(changes).filter(|place| wrote(&all[*place])).map(Some).collect()
}

impl Graph<'_> {
    fn add(&mut self, from: usize, to: usize, why: Dependency, object: &str, value: String) {
        if from != to {
            let (rests_on, object) = (Vec::new(), object.to_string());
            self.edges.push(Edge { from, to, why, object, value, rests_on, reader: None });
        }
    }

    fn changes(&self, place: usize, object: &str) -> bool {
        self.all[place].changes(object).next().is_some()
    }

    fn add_all(&mut self, reads: &[Read<'_>], chosen: &[Option<usize>]) {
        for &from in &self.nodes.clone() {
            for &to in &self.nodes.clone() {
                if self.case.precedes(from, to) {
                    self.add(from, to, Dependency::RealTime, "", String::new());
                }
            }
        }
        for (read, writer) in reads.iter().zip(chosen) {
            let Read { reader, object, content, .. } = read;
            if let Some(writer) = writer {
                let text = value(content.last().unwrap_or(Datum::Null));
                self.add(*writer, *reader, Dependency::Read, object, text);
            }
            let only_appended =
                !self.all.iter().any(|it| it.changes(object).any(|it| it.kind == Kind::Write));
            for &other in &self.nodes.clone() {
                if Some(other) == *writer || other == *reader || !self.changes(other, object) {
                    continue;
                }
                let lacks = |kind| {
                    self.all[other]
                        .changes(object)
                        .all(|it| it.kind == kind && !content.elements().contains(&it.value))
                };
                let deleted = self.all[other]
                    .changes(object)
                    .any(|it| Content::of(it.value) == Content::Nothing);
                let surely_later = match content {
                    Content::Nothing => writer.is_none() && read.writers.len() == 1 && !deleted,
                    Content::List(_) => only_appended && lacks(Kind::Append),
                    Content::Value(_) => false,
                };
                if surely_later {
                    let text = match content {
                        Content::Nothing => "nothing".to_string(),
                        _ => format!("no {}", self.left(other, object)),
                    };
                    self.add(*reader, other, Dependency::Overwrite, object, text);
                }
            }
            if only_appended {
                self.add_list(read);
            }
        }
    }

    /// The value that a transaction leaves in an object.
    fn left(&self, place: usize, object: &str) -> String {
        let last = self.all[place].changes(object).last();
        value(last.map_or(Datum::Null, |it| it.value))
    }

    /// The order of appends that a list shows.
    fn add_list(&mut self, read: &Read<'_>) {
        let mut before: Option<(usize, String)> = None;
        for element in read.content.elements() {
            let of = |place: &&usize| self.all[**place].leaves(&read.object, *element);
            let mut appenders = self.nodes.iter().filter(of);
            let (Some(&appender), None) = (appenders.next(), appenders.next()) else { continue };
            if let Some((earlier, text)) = before.take().filter(|(place, _)| *place != appender) {
                let (why, object) = (Dependency::Write, read.object.clone());
                let reader = Some(read.reader);
                let rests_on = Vec::new();
                let edge = Edge {
                    from: earlier,
                    to: appender,
                    why,
                    object,
                    value: text,
                    rests_on,
                    reader,
                };
                self.edges.push(edge);
            }
            before = Some((appender, value(*element)));
        }
    }

    /// Adds what follows for registers: another writer comes before the one that was read, or after
    /// the reader.
    fn saturate(&mut self, reads: &[Read<'_>], chosen: &[Option<usize>]) {
        loop {
            let mut found = Vec::new();
            for (read, writer) in reads.iter().zip(chosen) {
                let Some(writer) = *writer else { continue };
                let text = value(read.content.last().unwrap_or(Datum::Null));
                for &other in &self.nodes {
                    if other == writer || other == read.reader || !self.changes(other, &read.object)
                    {
                        continue;
                    }
                    let edge = |from, to, why, rests_on, reader| Edge {
                        from,
                        to,
                        why,
                        object: read.object.clone(),
                        value: text.clone(),
                        rests_on,
                        reader,
                    };
                    if self.way(read.reader, other).is_none()
                        && let Some(way) = self.way(writer, other)
                    {
                        found.push(edge(read.reader, other, Dependency::Overwrite, way, None));
                    }
                    if self.way(other, writer).is_none()
                        && let Some(way) = self.way(other, read.reader)
                    {
                        let text = self.left(other, &read.object);
                        let edge = edge(other, writer, Dependency::Write, way, Some(read.reader));
                        found.push(Edge { value: text, ..edge });
                    }
                }
            }
            if found.is_empty() || self.shortest_cycle().is_some() {
                return;
            }
            self.edges.extend(found);
        }
    }

    /// The numbers of the fewest edges from one node to another.
    fn way(&self, from: usize, to: usize) -> Option<Vec<usize>> {
        let mut entered_by: BTreeMap<usize, usize> = BTreeMap::new();
        let mut queue = VecDeque::from([from]);
        while let Some(node) = queue.pop_front() {
            for (number, edge) in self.edges.iter().enumerate() {
                if edge.from != node || entered_by.contains_key(&edge.to) {
                    continue;
                }
                entered_by.insert(edge.to, number);
                if edge.to == to {
                    let mut way = vec![number];
                    while self.edges[way[0]].from != from {
                        way.insert(0, entered_by[&self.edges[way[0]].from]);
                    }
                    return Some(way);
                }
                queue.push_back(edge.to);
            }
        }
        None
    }

    /// The shortest cycle, beginning with a transaction that read something old, if there is one.
    fn shortest_cycle(&self) -> Option<Vec<usize>> {
        let cycles = self.nodes.iter().filter_map(|node| self.way(*node, *node));
        // What was read says more than what follows about writes.
        let inferred = |edge: &&usize| self.edges[**edge].why == Dependency::Write;
        let mut cycle =
            cycles.min_by_key(|cycle| (cycle.len(), cycle.iter().filter(inferred).count()))?;
        let rank = |edge: &usize| match self.edges[*edge].why {
            Dependency::Overwrite => 0,
            Dependency::Read => 1,
            Dependency::Write => 2,
            Dependency::RealTime => 3,
        };
        let start = (0..cycle.len()).min_by_key(|at| rank(&cycle[*at])).unwrap_or(0);
        cycle.rotate_left(start);
        Some(cycle)
    }

    /// The cycle in words, and the places of its nodes, the first one first.
    fn words(&self, cycle: &[usize]) -> (String, Vec<usize>) {
        let mut names = Names { graph: self, places: vec![self.edges[cycle[0]].from] };
        let mut parts = Vec::new();
        for (number, edge) in cycle.iter().enumerate() {
            let words = names.edge(&self.edges[*edge], number == 0);
            let mut support = Vec::new();
            self.support(*edge, &mut support);
            let support: Vec<String> =
                support.iter().map(|it| names.edge(&self.edges[*it], false)).collect();
            parts.push(match support.is_empty() {
                true => words,
                false => format!("{words} ({})", support.join(", ")),
            });
        }
        let mut first = parts.remove(0);
        // "although" joins the first edge to the transaction that the sentence begins with.
        if parts.is_empty() {
            parts.push(String::new());
        }
        first.push_str(&format!(", although {}", parts.join(" and ")));
        (format!("{first} ({})", self.anomaly(cycle)), names.places)
    }

    /// The edges that an edge follows from and that are not plain.
    fn support(&self, edge: usize, all: &mut Vec<usize>) {
        for &number in &self.edges[edge].rests_on {
            if !all.contains(&number) {
                all.push(number);
                self.support(number, all);
            }
        }
    }

    /// Elle's name of a cycle.
    fn anomaly(&self, cycle: &[usize]) -> String {
        let mut rests_on = cycle.to_vec();
        for edge in cycle {
            self.support(*edge, &mut rests_on);
        }
        let has = |among: &[usize], why| among.iter().any(|it| self.edges[*it].why == why);
        let anti = cycle.iter().filter(|it| self.edges[**it].why == Dependency::Overwrite);
        let anti: Vec<&Edge> = anti.map(|it| &self.edges[*it]).collect();
        let lost_update = |edge: &&Edge| {
            self.changes(edge.from, &edge.object)
                && self.all[edge.to].external_reads().iter().any(|(object, theirs)| {
                    *object == edge.object
                        && self.all[edge.from]
                            .external_reads()
                            .iter()
                            .any(|(own, content)| own == object && content == theirs)
                })
        };
        let name = match anti.len() {
            0 if has(cycle, Dependency::Read) => "G1c",
            0 => "G0",
            1 => "G-single",
            _ => "G2",
        };
        let real_time = if has(&rests_on, Dependency::RealTime) { "-realtime" } else { "" };
        let update = if anti.iter().any(lost_update) { "a lost update, " } else { "" };
        format!("{update}{name}{real_time}")
    }
}

/// The names of transactions in a sentence: whole at the first mention.
struct Names<'a> {
    graph: &'a Graph<'a>,
    places: Vec<usize>,
}

impl Names<'_> {
    fn of(&mut self, place: usize) -> String {
        let number = self.places.iter().position(|it| *it == place);
        match number {
            Some(number) => format!("T{}", number + 1),
            None => {
                self.places.push(place);
                format!("T{} ({})", self.places.len(), self.graph.case.name(place))
            }
        }
    }

    /// An edge as a clause; `first` is the one whose origin the sentence begins with.
    fn edge(&mut self, edge: &Edge, first: bool) -> String {
        let Edge { from, to, why, object, value, reader, .. } = edge;
        let left = self.graph.left(*to, object);
        let own = self.graph.left(*from, object);
        let from = if first { "which (T1)".to_string() } else { self.of(*from) };
        let to = self.of(*to);
        let change = |what: &str| match self.graph.all[edge.to].changes(object).last() {
            Some(it) if it.kind == Kind::Append => format!("appended {what}"),
            _ => format!("overwrote with {what}"),
        };
        match why {
            Dependency::RealTime => format!("{from} had returned before {to} began"),
            Dependency::Read if first => {
                format!("{from} left {value} in {object}, which {to} read")
            }
            Dependency::Read => {
                format!("{to} read {value} from {object}, which {from} had left there")
            }
            Dependency::Overwrite => {
                format!("{from} read {value} from {object}, which {to} {}", change(&left))
            }
            Dependency::Write => {
                let known = reader.map(|reader| format!(", as {} shows", self.of(reader)));
                format!(
                    "{from} left {own} in {object} before {to} left {left}{}",
                    known.unwrap_or_default()
                )
            }
        }
    }
}
