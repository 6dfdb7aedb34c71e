//! Which transaction saw which version of which object.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::model::transactions::candidates::{Candidates, Source};
use crate::model::transactions::{Content, Step, Transactions};
use crate::model::{Call, Calls, ValueId};

/// The most versions that reads may have seen, over all reads: some fifty megabytes.
const MOST_CANDIDATES: usize = 2_000_000;

/// A transaction that may have happened.
#[derive(Debug)]
pub(super) struct Node {
    /// Its place in the partition.
    pub(super) place: usize,
    pub(super) invoked: u64,
    /// Greatest when the outcome is unknown.
    pub(super) returned: u64,
    /// For one of unknown outcome: the place of one that saw what it did.
    pub(super) witness: Option<usize>,
    /// False for one of unknown outcome of which it is not known that another saw what it did.
    pub(super) happened: bool,
    /// The versions that it certainly saw others leave.
    pub(super) reads: Vec<usize>,
    /// The versions that it left.
    pub(super) writes: Vec<usize>,
}

/// The content of an object between one transaction and the next that changed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Version {
    /// The number of the object.
    pub(super) object: usize,
    /// The node that left it; none for what was there at first.
    pub(super) writer: Option<usize>,
}

/// That a list shows one version of an object to come before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) earlier: usize,
    pub(super) later: usize,
    /// The node that read the list.
    pub(super) reader: usize,
}

/// That a node saw one of several versions that have the same content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Doubt {
    pub(super) reader: usize,
    /// The versions that it may have seen, as far as real time tells.
    pub(super) among: Vec<usize>,
    /// The number of the content in [`Versions::alike`].
    pub(super) content: usize,
}

/// The facts that follow from the answers of a partition.
#[derive(Debug, Default)]
pub(super) struct Versions {
    /// By invocation.
    pub(super) nodes: Vec<Node>,
    pub(super) versions: Vec<Version>,
    pub(super) listed: Vec<Listed>,
    pub(super) doubts: Vec<Doubt>,
    /// For each content that an object got more than once, and that was seen: the versions.
    pub(super) alike: Vec<Vec<usize>>,
    pub(super) objects: usize,
}

/// The reason for there being no versions to speak of.
#[derive(Debug)]
pub(super) enum Unclear {
    /// An element was appended twice to a list, a list was written to as well, or reads may have
    /// seen so many versions that nothing follows.
    Ambiguous,
    /// The transactions at these places contradict each other.
    Contradiction(Vec<usize>),
}

/// The effect of a transaction on one object, seen from outside.
#[derive(Debug)]
pub(super) struct Touch {
    pub(super) object: ValueId,
    /// The content that it saw and had not made by itself.
    seen: Option<Content>,
    pub(super) written: Option<Content>,
    appended: Vec<ValueId>,
}

/// The writer or appender of a value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin {
    pub(super) place: usize,
    /// The element that the transaction appended to the object just before.
    before: Option<ValueId>,
    /// True if it is the last that the transaction did to the object.
    pub(super) last: bool,
}

/// The elements of the longest list that was seen of an object.
#[derive(Debug)]
struct Longest {
    reader: usize,
    elements: Content,
    /// The places of those who appended them, in their order, each with the length of the list
    /// after it.
    appenders: Vec<(usize, usize)>,
}

impl Versions {
    /// Traces what was read to who wrote it. Transactions of unknown outcome are left out when
    /// nothing that they did can have been seen by one that was answered. In any legal order they
    /// can be left out: a transaction that read one of their objects after them did so after
    /// another write of it (none, if it is a list), and it is not known what others of unknown
    /// outcome read.
    pub(super) fn of(calls: &Calls<'_, Transactions>) -> Result<Versions, Unclear> {
        let origins = Origins::of(calls)?;
        let mut touches: Vec<Vec<Touch>> = Vec::with_capacity(calls.len());
        for (place, timed) in calls.iter().enumerate() {
            let touched = match timed.call {
                Call::Known(steps, answers) => touches_of(steps, Some(&answers[..])),
                Call::Unknown(steps) => touches_of(steps, None),
            };
            touches.push(touched.ok_or(Unclear::Contradiction(vec![place]))?);
        }
        let lists = longest_lists(&touches, &origins)?;
        let candidates = Candidates::of(calls, &touches, &origins);

        // For each read, in the order of touches: the version that it saw, as far as it is known.
        let mut sources: Vec<Vec<Source>> = Vec::with_capacity(calls.len());
        let mut candidates_in_all = 0;
        for (place, touched) in touches.iter().enumerate() {
            let mut seen = Vec::new();
            for touch in touched {
                let Some(content) = &touch.seen else { continue };
                let source = match lists.get(&touch.object) {
                    Some(longest) => Source::One(longest.source(place, content)?),
                    None => candidates.source(place, touch.object, content)?,
                };
                if let Source::Among(places) = &source {
                    candidates_in_all += places.len();
                }
                if candidates_in_all > MOST_CANDIDATES {
                    return Err(Unclear::Ambiguous);
                }
                seen.push(source);
            }
            sources.push(seen);
        }
        Ok(number(calls, &touches, &sources, &lists))
    }
}

/// The writers of values.
#[derive(Debug, Default)]
pub(super) struct Origins {
    /// In the order of invocation.
    pub(super) written: HashMap<(ValueId, Content), Vec<Origin>>,
    appended: HashMap<(ValueId, ValueId), Origin>,
}

impl Origins {
    fn of(calls: &Calls<'_, Transactions>) -> Result<Origins, Unclear> {
        let mut origins = Origins::default();
        // By object: whether it is appended to, rather than written.
        let mut is_list: HashMap<ValueId, bool> = HashMap::new();
        for (place, timed) in calls.iter().enumerate() {
            let (steps, _) = timed.call.parts();
            for (number, step) in steps.iter().enumerate() {
                let Some((object, appends)) = changes(step) else { continue };
                let same = |step: &&Step| changes(step).is_some_and(|(other, _)| other == object);
                let before = match steps[..number].iter().rev().find(same) {
                    Some(Step::Append(_, element)) => Some(*element),
                    _ => None,
                };
                let last = !steps[number + 1..].iter().any(|step| same(&step));
                let origin = Origin { place, before, last };
                let known = match step {
                    Step::Write(_, content) => {
                        let origins = origins.written.entry((object, content.clone()));
                        origins.or_default().push(origin);
                        None
                    }
                    Step::Append(_, element) => origins.appended.insert((object, *element), origin),
                    Step::Read(_) => None,
                };
                if known.is_some() || *is_list.entry(object).or_insert(appends) != appends {
                    return Err(Unclear::Ambiguous);
                }
            }
        }
        Ok(origins)
    }
}

/// The object that a step changes, and whether by appending.
fn changes(step: &Step) -> Option<(ValueId, bool)> {
    match step {
        Step::Read(_) => None,
        Step::Write(object, _) => Some((*object, false)),
        Step::Append(object, _) => Some((*object, true)),
    }
}

/// The effects of a transaction on each object; none if its own answers contradict each other.
fn touches_of(steps: &[Step], answers: Option<&[Content]>) -> Option<Vec<Touch>> {
    let mut touches: Vec<Touch> = Vec::new();
    let mut answers = answers.map(|answers| answers.iter());
    for step in steps {
        let (Step::Read(object) | Step::Write(object, _) | Step::Append(object, _)) = step;
        let at = touches.iter().position(|touch| touch.object == *object).unwrap_or_else(|| {
            let (seen, written, appended) = (None, None, Vec::new());
            touches.push(Touch { object: *object, seen, written, appended });
            touches.len() - 1
        });
        let touch = &mut touches[at];
        match step {
            Step::Write(_, content) => touch.written = Some(content.clone()),
            Step::Append(_, element) => touch.appended.push(*element),
            Step::Read(_) => {
                let Some(answer) = answers.as_mut().and_then(Iterator::next) else { continue };
                touch.see(answer)?;
            }
        }
    }
    Some(touches)
}

impl Touch {
    /// Takes in what a read answered; none if it contradicts what the transaction itself did or
    /// saw before.
    fn see(&mut self, answer: &Content) -> Option<()> {
        if let Some(written) = &self.written {
            return (written == answer).then_some(());
        }
        let before = match &self.appended[..] {
            [] => answer.clone(),
            own => Content::list(answer.as_list()?.strip_suffix(own)?),
        };
        match &self.seen {
            Some(seen) => (*seen == before).then_some(()),
            None => {
                self.seen = Some(before);
                Some(())
            }
        }
    }
}

/// The longest list that was seen of each object that is appended to, seen or not.
fn longest_lists(
    touches: &[Vec<Touch>],
    origins: &Origins,
) -> Result<BTreeMap<ValueId, Longest>, Unclear> {
    let mut lists: BTreeMap<ValueId, Longest> = BTreeMap::new();
    let lists_of = touches.iter().enumerate().flat_map(|(place, touched)| {
        let seen = touched.iter().filter_map(move |it| Some((place, it.object, it.seen.as_ref()?)));
        seen.filter_map(|(place, object, seen)| Some((place, object, seen, seen.as_list()?)))
    });
    for (place, object, seen, elements) in lists_of {
        let is_appended_to = elements
            .first()
            .is_some_and(|element| origins.appended.contains_key(&(object, *element)));
        if !is_appended_to {
            continue;
        }
        let longest = lists.entry(object).or_insert_with(|| Longest {
            reader: place,
            elements: seen.clone(),
            appenders: Vec::new(),
        });
        if longest.elements.as_list().is_some_and(|longest| longest.len() < elements.len()) {
            (longest.reader, longest.elements) = (place, seen.clone());
        }
    }
    for (object, longest) in &mut lists {
        longest.find_appenders(*object, origins)?;
    }
    Ok(lists)
}

impl Longest {
    /// Finds who appended the elements: all that a transaction appended, together, and each once.
    fn find_appenders(&mut self, object: ValueId, origins: &Origins) -> Result<(), Unclear> {
        let wrong = || Unclear::Contradiction(vec![self.reader]);
        let mut appended = HashSet::new();
        let mut before = None;
        for (element, length) in self.elements.as_list().unwrap_or_default().iter().zip(1..) {
            let origin = origins.appended.get(&(object, *element)).ok_or_else(wrong)?;
            if origin.before != before || !appended.insert(*element) {
                return Err(wrong());
            }
            before = Some(*element).filter(|_| !origin.last);
            if origin.last {
                self.appenders.push((origin.place, length));
            }
        }
        before.map_or(Ok(()), |_| Err(wrong()))
    }

    /// The appender of the last element that a transaction saw; none if it saw the empty list.
    fn source(&self, reader: usize, seen: &Content) -> Result<Option<usize>, Unclear> {
        let wrong = |places| Err(Unclear::Contradiction(places));
        let Some(elements) = seen.as_list() else { return wrong(vec![reader]) };
        if !self.elements.as_list().is_some_and(|longest| longest.starts_with(elements)) {
            return wrong(vec![reader, self.reader]);
        }
        if elements.is_empty() {
            return Ok(None);
        }
        match self.appenders.binary_search_by_key(&elements.len(), |(_, length)| *length) {
            Ok(last) if self.appenders[..=last].iter().all(|(place, _)| *place != reader) => {
                Ok(Some(self.appenders[last].0))
            }
            // It saw a part of what another transaction appended, or what it appended itself later.
            _ => wrong(vec![reader]),
        }
    }
}

/// Numbers the transactions that may have happened, the objects and the versions.
fn number(
    calls: &Calls<'_, Transactions>,
    touches: &[Vec<Touch>],
    sources: &[Vec<Source>],
    lists: &BTreeMap<ValueId, Longest>,
) -> Versions {
    let witnesses = Witnesses::of(sources, lists);
    let mut result = Versions::default();
    let mut objects: HashMap<ValueId, usize> = HashMap::new();
    for touch in touches.iter().flatten() {
        objects.entry(touch.object).or_insert_with(|| {
            result.versions.push(Version { object: result.objects, writer: None });
            result.objects += 1;
            result.objects - 1
        });
    }
    // By version.
    let mut contents: Vec<Content> = vec![Content::NOTHING; result.objects];
    let mut node_of: Vec<Option<usize>> = vec![None; calls.len()];
    // By object and by the place of the writer.
    let mut version_of: HashMap<(usize, usize), usize> = HashMap::new();
    for (place, timed) in calls.iter().enumerate() {
        let known = matches!(timed.call, Call::Known(..));
        let witness = witnesses.certain[place];
        if !known && witness.is_none() && !witnesses.possible[place] {
            continue;
        }
        let mut node = Node {
            place,
            invoked: timed.invoked,
            returned: timed.returned.unwrap_or(u64::MAX),
            witness: witness.filter(|_| !known),
            happened: known || witness.is_some(),
            reads: Vec::new(),
            writes: Vec::new(),
        };
        for touch in &touches[place] {
            if touch.written.is_some() || !touch.appended.is_empty() {
                let object = objects[&touch.object];
                version_of.insert((object, place), result.versions.len());
                node.writes.push(result.versions.len());
                result.versions.push(Version { object, writer: Some(result.nodes.len()) });
                contents.push(touch.written.clone().unwrap_or(Content::NOTHING));
            }
        }
        node_of[place] = Some(result.nodes.len());
        result.nodes.push(node);
    }
    // The numbers of contents that reads saw of several.
    let mut number_of: HashMap<(usize, Content), usize> = HashMap::new();
    for (place, node) in node_of.iter().enumerate() {
        let Some(node) = node else { continue };
        let seen = touches[place].iter().filter_map(|touch| Some((touch, touch.seen.as_ref()?)));
        for ((touch, content), source) in seen.zip(&sources[place]) {
            let object = objects[&touch.object];
            let version = |source: &Option<usize>| match source {
                Some(source) => version_of[&(object, *source)],
                None => object,
            };
            match source {
                Source::One(source) => result.nodes[*node].reads.push(version(source)),
                Source::Among(sources) => {
                    let next = number_of.len();
                    let content = *number_of.entry((object, content.clone())).or_insert(next);
                    let among = sources.iter().map(version).collect();
                    result.doubts.push(Doubt { reader: *node, among, content });
                }
            }
        }
    }
    result.alike = vec![Vec::new(); number_of.len()];
    for (version, content) in contents.into_iter().enumerate() {
        let content = (result.versions[version].object, content);
        if let Some(number) = number_of.get(&content) {
            result.alike[*number].push(version);
        }
    }
    let mut writers: Vec<Vec<usize>> = vec![Vec::new(); result.objects];
    for version in &result.versions {
        writers[version.object].extend(version.writer);
    }
    let node = |place: usize| node_of[place].expect("it was seen or answered");
    for (object, longest) in lists {
        let reader = node(longest.reader);
        let listed: Vec<usize> = longest.appenders.iter().map(|(place, _)| node(*place)).collect();
        for pair in listed.windows(2) {
            result.listed.push(Listed { earlier: pair[0], later: pair[1], reader });
        }
        let Some(&earlier) = listed.last() else { continue };
        let in_list: HashSet<usize> = listed.iter().copied().collect();
        let others = writers[objects[object]].iter().filter(|writer| !in_list.contains(writer));
        // Who appended what the longest read did not see did so later.
        let others = others.filter(|writer| result.nodes[**writer].happened);
        result.listed.extend(others.map(|&later| Listed { earlier, later, reader }));
    }
    result
}

/// By place: those that saw what a transaction did.
struct Witnesses {
    certain: Vec<Option<usize>>,
    /// True if one may have seen it.
    possible: Vec<bool>,
}

impl Witnesses {
    fn of(sources: &[Vec<Source>], lists: &BTreeMap<ValueId, Longest>) -> Witnesses {
        let mut certain = vec![None; sources.len()];
        let mut possible = vec![false; sources.len()];
        for (place, sources) in sources.iter().enumerate() {
            for source in sources {
                match source {
                    Source::One(Some(source)) => drop(certain[*source].get_or_insert(place)),
                    Source::One(None) => {}
                    Source::Among(sources) => {
                        sources.iter().flatten().for_each(|source| possible[*source] = true);
                    }
                }
            }
        }
        for longest in lists.values() {
            for (appender, _) in &longest.appenders {
                certain[*appender].get_or_insert(longest.reader);
            }
        }
        Witnesses { certain, possible }
    }
}
