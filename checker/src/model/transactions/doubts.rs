//! Doubts about what a read saw, of several versions of the same content.

use crate::model::transactions::versions::{Doubt, Versions};

/// A version that a node certainly saw.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sight {
    pub(super) version: usize,
    /// The doubt that was settled, if there was one.
    pub(super) doubt: Option<usize>,
}

/// A version that a reader cannot have seen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exclusion {
    pub(super) version: usize,
    /// The node that comes between its writer and the reader; none if the writer comes after the
    /// reader.
    pub(super) overwritten_by: Option<usize>,
    /// It follows from edges of earlier rounds.
    pub(super) round: u32,
}

/// The rest when a version was excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Excluded {
    /// The same as before: the version had been excluded.
    Before,
    SeveralAreLeft,
    /// A version with this writer.
    OneIsLeft(Option<usize>),
    NothingIsLeft,
}

/// The versions that each node saw, as far as they are known.
#[derive(Debug)]
pub(super) struct Doubts<'a> {
    known: &'a Versions,
    /// For each node, the versions that it certainly saw.
    sights: Vec<Vec<Sight>>,
    /// For each node, the numbers of its doubts that are not settled.
    of_reader: Vec<Vec<usize>>,
    /// For each doubt, the versions that are left.
    among: Vec<Vec<usize>>,
    is_assumed: Vec<bool>,
    /// For each doubt, the versions that the graph excluded.
    excluded: Vec<Vec<Exclusion>>,
    /// For each node, the settled doubt by which it is known that it happened.
    shown_by: Vec<Option<usize>>,
}

impl<'a> Doubts<'a> {
    pub(super) fn of(known: &'a Versions) -> Doubts<'a> {
        Doubts::assuming(known, &|_| false)
    }

    /// The same, where in some doubts it is assumed that what was seen is no version of which it is
    /// not known that it ever was there, if there are others.
    pub(super) fn assuming(known: &'a Versions, assumed: &dyn Fn(usize) -> bool) -> Doubts<'a> {
        let is_certain = |version: &&usize| {
            let writer = known.versions[**version].writer;
            writer.is_none_or(|writer| known.nodes[writer].happened)
        };
        let left = |(number, Doubt { among, .. }): (usize, &Doubt)| -> Vec<usize> {
            let certain = among.iter().filter(is_certain);
            match assumed(number) && certain.clone().next().is_some() {
                true => certain.copied().collect(),
                false => among.clone(),
            }
        };
        let sight = |version: &usize| Sight { version: *version, doubt: None };
        let sights_of = known.nodes.iter().map(|node| node.reads.iter().map(sight).collect());
        let mut result = Doubts {
            known,
            sights: sights_of.collect(),
            of_reader: vec![Vec::new(); known.nodes.len()],
            among: known.doubts.iter().enumerate().map(left).collect(),
            is_assumed: Vec::new(),
            excluded: vec![Vec::new(); known.doubts.len()],
            shown_by: vec![None; known.nodes.len()],
        };
        for (number, Doubt { reader, among, .. }) in known.doubts.iter().enumerate() {
            result.is_assumed.push(result.among[number].len() < among.len());
            match result.among[number][..] {
                [_] => drop(result.settle(number)),
                _ => result.of_reader[*reader].push(number),
            }
        }
        result
    }

    /// The versions that a node certainly saw.
    pub(super) fn seen_by(&self, node: usize) -> &[Sight] {
        &self.sights[node]
    }

    /// The doubts about what a node saw.
    pub(super) fn of_reader(&self, node: usize) -> &[usize] {
        &self.of_reader[node]
    }

    /// The versions that are left of a doubt.
    pub(super) fn among(&self, doubt: usize) -> &[usize] {
        &self.among[doubt]
    }

    /// Returns whether versions were left out of a doubt by assumption.
    pub(super) fn is_assumed(&self, doubt: usize) -> bool {
        self.is_assumed[doubt]
    }

    /// The exclusion of a version; none if the graph has not excluded it.
    pub(super) fn exclusion(&self, doubt: usize, version: usize) -> Option<Exclusion> {
        self.excluded[doubt].iter().find(|it| it.version == version).copied()
    }

    /// Returns whether a node certainly happened.
    pub(super) fn happened(&self, node: usize) -> bool {
        self.known.nodes[node].happened || self.shown_by[node].is_some()
    }

    /// The doubt by which it is known that a node happened.
    pub(super) fn shown_by(&self, node: usize) -> Option<usize> {
        self.shown_by[node]
    }

    pub(super) fn exclude(&mut self, doubt: usize, exclusion: Exclusion) -> Excluded {
        let among = &mut self.among[doubt];
        let Some(at) = among.iter().position(|version| *version == exclusion.version) else {
            return Excluded::Before;
        };
        among.swap_remove(at);
        self.excluded[doubt].push(exclusion);
        match among.len() {
            0 => Excluded::NothingIsLeft,
            1 => {
                let reader = self.known.doubts[doubt].reader;
                self.of_reader[reader].retain(|other| *other != doubt);
                Excluded::OneIsLeft(self.settle(doubt))
            }
            _ => Excluded::SeveralAreLeft,
        }
    }

    /// Takes the only version that is left as seen; returns its writer.
    fn settle(&mut self, doubt: usize) -> Option<usize> {
        let version = self.among[doubt][0];
        let reader = self.known.doubts[doubt].reader;
        self.sights[reader].push(Sight { version, doubt: Some(doubt) });
        let writer = self.known.versions[version].writer;
        if let Some(writer) = writer.filter(|writer| !self.happened(*writer)) {
            self.shown_by[writer] = Some(doubt);
        }
        writer
    }
}
