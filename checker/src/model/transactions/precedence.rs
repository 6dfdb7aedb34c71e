//! Which transaction has to come before which.

use std::collections::{BTreeSet, VecDeque};
use std::ops::Range;

use crate::model::transactions::doubts::{Doubts, Excluded, Exclusion, Sight};
use crate::model::transactions::reasons::Reasons;
use crate::model::transactions::versions::{Listed, Node, Versions};

/// Up to this many transactions, all that follows is derived: who reaches whom takes a quarter of a
/// bit for each two of them, 4 MiB here. Of more, what follows among those that were invoked one
/// after the other, in windows that overlap by half, and from real time alone: that is nearly always
/// enough.
pub(super) const FIRST_CLOSURE_LIMIT: usize = 4_096;

/// Up to this many, all is derived where that was not enough: 64 MiB.
pub(super) const CLOSURE_LIMIT: usize = 16_384;

/// The windows are smaller than the limit by so much, but not smaller than so.
const WINDOWS_IN_LIMIT: usize = 4;
const SMALLEST_WINDOW: usize = 8;

/// The reason for an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// The one had returned when the other was invoked.
    RealTime,
    /// The other read what the one left.
    Seen,
    /// The reader saw both appends in this order, or the one and not the other.
    Listed { reader: usize },
    /// The one read a version, and the other, which left another one, comes after the writer.
    Overwrites { writer: Option<usize> },
    /// The one left another version than the other, and comes before a reader of the other's.
    Precedes { reader: usize },
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Edge {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) why: Why,
    /// The doubt that was settled about what a reader saw, if the edge rests on one.
    pub(super) doubt: Option<usize>,
    /// It follows from edges of earlier rounds.
    pub(super) round: u32,
}

/// Transactions, and what has to come before what. Vertices are the nodes, then *moments*: a moment
/// comes after all that returned before it and before all that was invoked after it, so that real
/// time takes as many edges as there are operations.
#[derive(Debug)]
pub(super) struct Precedence<'a> {
    pub(super) known: &'a Versions,
    pub(super) doubts: Doubts<'a>,
    pub(super) edges: Vec<Edge>,
    /// For each vertex, the numbers of its edges.
    pub(super) outgoing: Vec<Vec<usize>>,
    /// For each object, the nodes that may change it.
    pub(super) writers: Vec<Vec<usize>>,
    pub(super) steps: u64,
}

/// The edges and exclusions that follow from those that are known.
#[derive(Debug, Default)]
struct Found {
    edges: Vec<Edge>,
    /// By the number of the doubt.
    exclusions: Vec<(usize, Exclusion)>,
}

/// Nodes that cannot be in any order.
#[derive(Debug)]
pub(super) struct Cycle {
    pub(super) nodes: BTreeSet<usize>,
    /// The doubts in which something was assumed that this rests on.
    pub(super) assumptions: BTreeSet<usize>,
}

impl<'a> Precedence<'a> {
    /// The order that follows from real time and from who saw what.
    pub(super) fn of(known: &'a Versions, doubts: Doubts<'a>) -> Precedence<'a> {
        let mut writers = vec![Vec::new(); known.objects];
        for version in &known.versions {
            writers[version.object].extend(version.writer);
        }
        let outgoing = vec![Vec::new(); known.nodes.len()];
        let steps = known.nodes.len() as u64;
        let mut result = Precedence { known, doubts, edges: Vec::new(), outgoing, writers, steps };
        result.add_real_time();
        for node in 0..known.nodes.len() {
            for sight in result.doubts.seen_by(node).to_vec() {
                let Some(writer) = known.versions[sight.version].writer else { continue };
                let Sight { doubt, .. } = sight;
                result.add(Edge { from: writer, to: node, why: Why::Seen, doubt, round: 0 });
            }
        }
        for &Listed { earlier, later, reader } in &known.listed {
            let why = Why::Listed { reader };
            result.add(Edge { from: earlier, to: later, why, doubt: None, round: 0 });
        }
        result
    }

    fn add(&mut self, edge: Edge) {
        self.outgoing[edge.from].push(self.edges.len());
        self.edges.push(edge);
    }

    fn add_real_time(&mut self) {
        let mut ends: Vec<(u64, bool, usize)> = Vec::new();
        for (node, Node { invoked, returned, .. }) in self.known.nodes.iter().enumerate() {
            ends.push((*invoked, false, node));
            if *returned != u64::MAX {
                ends.push((*returned, true, node));
            }
        }
        ends.sort_unstable();
        let edge = |from, to| Edge { from, to, why: Why::RealTime, doubt: None, round: 0 };
        let mut moment: Option<usize> = None;
        // Whether something was invoked after the moment.
        let mut passed = false;
        for (_, returned, node) in ends {
            if !returned {
                if let Some(moment) = moment {
                    self.add(edge(moment, node));
                    passed = true;
                }
                continue;
            }
            let at = match moment {
                Some(moment) if !passed => moment,
                previous => {
                    let next = self.outgoing.len();
                    self.outgoing.push(Vec::new());
                    if let Some(previous) = previous {
                        self.add(edge(previous, next));
                    }
                    passed = false;
                    next
                }
            };
            moment = Some(at);
            self.add(edge(node, at));
        }
    }

    /// Adds what follows from who comes before whom, until nothing new does: if a transaction read
    /// what `writer` left, then every other one that changed the object comes before `writer` or
    /// after the reader. These are the write-write and read-write dependencies of Adya ("Weak
    /// consistency", MIT 1999, section 3.1), as far as they are forced.
    ///
    /// # Errors
    /// When something has to come before itself.
    pub(super) fn saturate(&mut self, closure_limit: usize) -> Result<(), Cycle> {
        for round in 1.. {
            let order = self.topological_order()?;
            let mut found = Found::default();
            if self.known.nodes.len() <= closure_limit {
                self.consequences(&Part::whole(self, &order), round, &mut found);
            } else {
                if round == 1 {
                    found.edges = self.consequences_of_real_time();
                }
                let window = (closure_limit / WINDOWS_IN_LIMIT).max(SMALLEST_WINDOW);
                for part in Part::windows(self, &order, window) {
                    self.consequences(&part, round, &mut found);
                }
                let mut known = BTreeSet::new();
                found.edges.retain(|edge| known.insert((edge.from, edge.to)));
            }
            self.steps += self.known.nodes.len() as u64;
            for edge in &found.edges {
                self.add(*edge);
            }
            let settled = self.settle(&found.exclusions, round)?;
            if found.edges.is_empty() && !settled {
                break;
            }
        }
        Ok(())
    }

    /// Excludes versions from what readers may have seen; returns whether that changed anything.
    ///
    /// # Errors
    /// When nothing is left that a reader can have seen.
    fn settle(&mut self, exclusions: &[(usize, Exclusion)], round: u32) -> Result<bool, Cycle> {
        let mut changed = false;
        for &(doubt, exclusion) in exclusions {
            let reader = self.known.doubts[doubt].reader;
            match self.doubts.exclude(doubt, exclusion) {
                Excluded::Before => continue,
                Excluded::SeveralAreLeft | Excluded::OneIsLeft(None) => {}
                Excluded::OneIsLeft(Some(writer)) => {
                    let (why, doubt) = (Why::Seen, Some(doubt));
                    self.add(Edge { from: writer, to: reader, why, doubt, round });
                }
                Excluded::NothingIsLeft => return Err(Reasons::of_doubt(self, doubt)),
            }
            changed = true;
        }
        Ok(changed)
    }

    /// The order that follows at once from real time alone: the reader of a version comes before
    /// what changed the object after the writer had returned, thus before the first of these to
    /// return.
    fn consequences_of_real_time(&self) -> Vec<Edge> {
        // By object: its writers by invocation, each with the one of it and the later ones that
        // returned first.
        let first_returns = self.writers.iter().map(|writers| {
            let mut writers = writers.clone();
            writers.retain(|node| self.doubts.happened(*node));
            writers.sort_unstable_by_key(|node| self.known.nodes[*node].invoked);
            let mut first = None;
            let mut row: Vec<(u64, usize)> = Vec::with_capacity(writers.len());
            for node in writers.into_iter().rev() {
                let Node { invoked, returned, .. } = self.known.nodes[node];
                first = first.min(Some((returned, node))).or(Some((returned, node)));
                row.extend(first.map(|(_, node)| (invoked, node)));
            }
            row.reverse();
            row
        });
        let first_returns: Vec<Vec<(u64, usize)>> = first_returns.collect();
        let mut found = Vec::new();
        for reader in 0..self.known.nodes.len() {
            for &Sight { version, doubt } in self.doubts.seen_by(reader) {
                let version = self.known.versions[version];
                let writer = version.writer;
                let over = writer.map_or(0, |writer| self.known.nodes[writer].returned);
                let row = &first_returns[version.object];
                let later = row.get(row.partition_point(|(invoked, _)| *invoked <= over));
                found.extend(later.filter(|(_, to)| *to != reader && Some(*to) != writer).map(
                    |(_, to)| Edge {
                        from: reader,
                        to: *to,
                        why: Why::Overwrites { writer },
                        doubt,
                        round: 1,
                    },
                ));
            }
        }
        found
    }

    /// Finds what follows among the vertices of a part.
    fn consequences(&self, part: &Part, round: u32, found: &mut Found) {
        let nodes = part.nodes.len();
        let mut after = Rows::new(part.vertices, nodes);
        let mut before = Rows::new(part.vertices, nodes);
        for &(from, to) in part.edges.iter().rev() {
            after.take_in(from, to);
        }
        for &(from, to) in &part.edges {
            before.take_in(to, from);
        }
        let mut writers = Rows::new(self.known.objects, nodes);
        for (local, node) in part.nodes.clone().enumerate() {
            for version in &self.known.nodes[node].writes {
                if self.doubts.happened(node) {
                    writers.set(self.known.versions[*version].object, local);
                }
            }
        }
        let first = part.nodes.start;
        for reader in part.nodes.clone() {
            for &Sight { version, doubt } in self.doubts.seen_by(reader) {
                let version = self.known.versions[version];
                let writer = version.writer;
                if writer.is_some_and(|writer| !part.nodes.contains(&writer)) {
                    continue;
                }
                let others = |node: &usize| *node != reader && Some(*node) != writer;
                for word in 0..writers.width {
                    let changes = writers.word(version.object, word);
                    let late = writer.map_or(u64::MAX, |writer| after.word(writer - first, word));
                    let overwrite = changes & late & !after.word(reader - first, word);
                    let overwrite = bits(word, overwrite).map(|local| first + local);
                    found.edges.extend(overwrite.filter(others).map(|to| {
                        let why = Why::Overwrites { writer };
                        Edge { from: reader, to, why, doubt, round }
                    }));
                    let Some(writer) = writer else { continue };
                    let precede = changes
                        & before.word(reader - first, word)
                        & !before.word(writer - first, word);
                    let precede = bits(word, precede).map(|local| first + local);
                    found.edges.extend(precede.filter(others).map(|from| {
                        let why = Why::Precedes { reader };
                        Edge { from, to: writer, why, doubt, round }
                    }));
                }
            }
            for doubt in self.doubts.of_reader(reader) {
                for &version in self.doubts.among(*doubt) {
                    let writer = self.known.versions[version].writer;
                    if writer.is_some_and(|writer| !part.nodes.contains(&writer)) {
                        continue;
                    }
                    let local = |node: usize| (node - first) / 64;
                    let bit = |node: usize| 1 << ((node - first) % 64);
                    let is_later = |writer: usize| {
                        after.word(reader - first, local(writer)) & bit(writer) != 0
                    };
                    let between = |word: usize| {
                        let object = self.known.versions[version].object;
                        let late = writer.map_or(u64::MAX, |it| after.word(it - first, word));
                        let early = before.word(reader - first, word);
                        bits(word, writers.word(object, word) & late & early).next()
                    };
                    let by = match writer {
                        Some(writer) if is_later(writer) => None,
                        _ => match (0..writers.width).find_map(between) {
                            Some(between) => Some(first + between),
                            None => continue,
                        },
                    };
                    let exclusion = Exclusion { version, overwritten_by: by, round };
                    found.exclusions.push((*doubt, exclusion));
                }
            }
        }
    }

    /// Returns whether a version certainly was there at some time.
    pub(super) fn is_certain(&self, version: usize) -> bool {
        let writer = self.known.versions[version].writer;
        writer.is_none_or(|writer| self.doubts.happened(writer))
    }

    /// The number of edges that lead to each vertex.
    pub(super) fn incoming(&self) -> Vec<usize> {
        let mut incoming = vec![0; self.outgoing.len()];
        for edge in &self.edges {
            incoming[edge.to] += 1;
        }
        incoming
    }

    /// The vertices behind a vertex, as often as edges lead there.
    pub(super) fn successors(&self, vertex: usize) -> impl Iterator<Item = usize> + '_ {
        self.outgoing[vertex].iter().map(|edge| self.edges[*edge].to)
    }

    /// Every vertex, after all that have to come before it.
    pub(super) fn topological_order(&self) -> Result<Vec<usize>, Cycle> {
        let mut incoming = self.incoming();
        let mut order: Vec<usize> =
            (0..incoming.len()).filter(|vertex| incoming[*vertex] == 0).collect();
        let mut done = 0;
        while let Some(&vertex) = order.get(done) {
            done += 1;
            for next in self.successors(vertex) {
                incoming[next] -= 1;
                if incoming[next] == 0 {
                    order.push(next);
                }
            }
        }
        if order.len() == incoming.len() {
            return Ok(order);
        }
        let left: Vec<bool> = incoming.iter().map(|edges| *edges > 0).collect();
        Err(self.cycle_among(&left))
    }

    /// The nodes of a short cycle among the vertices left, with all that its edges rest on.
    fn cycle_among(&self, left: &[bool]) -> Cycle {
        /// From how many nodes a way back is looked for.
        const STARTS: usize = 64;

        let starts = (0..self.known.nodes.len()).filter(|node| left[*node]).take(STARTS);
        // What is left includes vertices behind cycles, from which none leads back.
        let shortest = starts
            .filter_map(|start| self.way(start, start, u32::MAX, Some(left)))
            .min_by_key(Vec::len)
            .or_else(|| self.way_of_walking_back(left));
        Reasons::of_way(self, shortest.expect("vertices that wait for each other"))
    }

    /// A cycle among the vertices left, each of which has a predecessor there.
    fn way_of_walking_back(&self, left: &[bool]) -> Option<Vec<usize>> {
        let mut entered_by: Vec<Option<usize>> = vec![None; left.len()];
        for (number, edge) in self.edges.iter().enumerate() {
            if left[edge.from] && left[edge.to] {
                entered_by[edge.to] = Some(number);
            }
        }
        let mut vertex = left.iter().position(|left| *left)?;
        // After as many steps as there are vertices, the walk is on a cycle.
        for _ in 0..left.len() {
            vertex = self.edges[entered_by[vertex]?].from;
        }
        let (last, mut way) = (vertex, Vec::new());
        loop {
            let edge = entered_by[vertex]?;
            way.push(edge);
            vertex = self.edges[edge].from;
            if vertex == last {
                return Some(way);
            }
        }
    }

    /// The edges of a way with few nodes, of edges from before `round`.
    pub(super) fn way(
        &self,
        from: usize,
        to: usize,
        round: u32,
        among: Option<&[bool]>,
    ) -> Option<Vec<usize>> {
        let mut entered_by: Vec<Option<usize>> = vec![None; self.outgoing.len()];
        let mut queue = VecDeque::from([from]);
        while let Some(vertex) = queue.pop_front() {
            for &number in &self.outgoing[vertex] {
                let edge = self.edges[number];
                if edge.round >= round
                    || entered_by[edge.to].is_some()
                    || among.is_some_and(|among| !among[edge.to])
                {
                    continue;
                }
                entered_by[edge.to] = Some(number);
                if edge.to == to {
                    let mut way = vec![number];
                    while self.edges[way[way.len() - 1]].from != from {
                        let at = self.edges[way[way.len() - 1]].from;
                        way.push(entered_by[at].expect("the search came through here"));
                    }
                    return Some(way);
                }
                // Moments cost nothing.
                match edge.to < self.known.nodes.len() {
                    true => queue.push_back(edge.to),
                    false => queue.push_front(edge.to),
                }
            }
        }
        None
    }
}

/// Nodes that were invoked one after the other, and the moments between them.
struct Part {
    nodes: Range<usize>,
    /// The number of its vertices: the nodes from 0 as they were invoked, the moments behind them.
    vertices: usize,
    /// The edges between its vertices, by their numbers here, in a topological order of where they
    /// lead from.
    edges: Vec<(usize, usize)>,
}

impl Part {
    fn whole(graph: &Precedence<'_>, order: &[usize]) -> Part {
        let nodes = 0..graph.known.nodes.len();
        let edges = order.iter().flat_map(|from| graph.successors(*from).map(|to| (*from, to)));
        Part { nodes, vertices: order.len(), edges: edges.collect() }
    }

    /// Windows of so many nodes, each half a window later than the one before.
    fn windows(graph: &Precedence<'_>, order: &[usize], size: usize) -> Vec<Part> {
        let nodes = graph.known.nodes.len();
        let mut position = vec![0; order.len()];
        for (at, vertex) in order.iter().enumerate() {
            position[*vertex] = at;
        }
        // The nodes next to each moment.
        let mut beside: Vec<Vec<usize>> = vec![Vec::new(); order.len() - nodes];
        for edge in &graph.edges {
            match (edge.from < nodes, edge.to < nodes) {
                (true, false) => beside[edge.to - nodes].push(edge.from),
                (false, true) => beside[edge.from - nodes].push(edge.to),
                _ => {}
            }
        }
        let step = size / 2;
        let count = nodes.saturating_sub(step).div_ceil(step).max(1);
        let mut moments: Vec<Vec<usize>> = vec![Vec::new(); count];
        for (moment, beside) in beside.iter().enumerate() {
            let windows: BTreeSet<usize> = beside
                .iter()
                .flat_map(|node| [(node / step).checked_sub(1), Some(node / step)])
                .flatten()
                .collect();
            for window in windows.into_iter().filter(|window| *window < count) {
                moments[window].push(nodes + moment);
            }
        }
        let mut local = vec![usize::MAX; order.len()];
        let part = |(window, moments): (usize, Vec<usize>)| {
            let within = window * step..(window * step + size).min(nodes);
            let vertices: Vec<usize> = within.clone().chain(moments).collect();
            for (number, vertex) in vertices.iter().enumerate() {
                local[*vertex] = number;
            }
            let mut by_order = vertices.clone();
            by_order.sort_unstable_by_key(|vertex| position[*vertex]);
            let mut edges = Vec::new();
            for from in &by_order {
                let next = graph.successors(*from).map(|to| local[to]);
                let next = next.filter(|to| *to != usize::MAX);
                edges.extend(next.map(|to| (local[*from], to)));
            }
            for vertex in &vertices {
                local[*vertex] = usize::MAX;
            }
            Part { nodes: within, vertices: vertices.len(), edges }
        };
        moments.into_iter().enumerate().map(part).collect()
    }
}

/// Sets of nodes, one for each vertex or object.
struct Rows {
    /// Words of a row.
    width: usize,
    words: Vec<u64>,
    nodes: usize,
}

impl Rows {
    fn new(rows: usize, nodes: usize) -> Rows {
        let width = nodes.div_ceil(64);
        Rows { width, words: vec![0; rows * width], nodes }
    }

    fn set(&mut self, row: usize, node: usize) {
        self.words[row * self.width + node / 64] |= 1 << (node % 64);
    }

    fn word(&self, row: usize, word: usize) -> u64 {
        self.words[row * self.width + word]
    }

    /// Adds another vertex, and its row.
    fn take_in(&mut self, row: usize, other: usize) {
        let (into, from) = (row * self.width, other * self.width);
        for word in 0..self.width {
            self.words[into + word] |= self.words[from + word];
        }
        if other < self.nodes {
            self.set(row, other);
        }
    }
}

/// The nodes of one word of a row.
fn bits(word: usize, mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = (bits != 0).then_some(bits.trailing_zeros() as usize)?;
        bits &= bits - 1;
        Some(word * 64 + bit)
    })
}
