//! A run in a few lanes over time: faults, nodes, throughput and latency. Lanes of several runs have
//! one scale, so that they can be laid below each other.

use std::fmt::Write as _;

use checker::history::EventType;
use maud::{Markup, html};

use crate::event::{NodeEvent, Phase};
use crate::metrics::{
    FaultInterval, NodeSpan, NodeState, PhaseInterval, RunHistory, fault_intervals, node_spans,
    phases,
};
use crate::words;

pub(crate) const STYLE: &str = include_str!("lanes.css");

/// The number of intervals for which operations are counted.
pub(crate) const BUCKETS: usize = 240;

/// A run as its lanes show it. Times are nanoseconds since its start.
#[derive(Debug, Clone)]
pub(crate) struct Lanes {
    /// The faults, by the time at which they began.
    pub faults: Vec<FaultInterval>,
    /// The phases.
    pub phases: Vec<PhaseInterval>,
    /// Each node with its states over time.
    nodes: Vec<(String, Vec<NodeSpan>)>,
    /// When its load began, at which runs are laid side by side.
    pub load_start: u64,
    /// The last time of it.
    pub end: u64,
}

/// The operations that ended within an interval.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Bucket {
    /// Those that were ok.
    pub ok: u64,
    /// Those that failed, or whose outcome is unknown.
    pub others: u64,
    /// The latency that 99 of 100 that were ok did not exceed, in nanoseconds; none without any.
    pub p99: Option<u64>,
}

/// The time that lanes show, from the beginning of the load on, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    /// The time before the load.
    pub before: u64,
    /// The time from its beginning on.
    pub after: u64,
}

impl Lanes {
    /// The lanes of a run with these nodes.
    pub(crate) fn of(history: &RunHistory, nodes: &[String], events: &[NodeEvent]) -> Lanes {
        let heard = events.iter().map(|event| event.time).max().unwrap_or(0);
        let end = history.end().max(heard);
        let faults = fault_intervals(history);
        let phases = phases(history);
        let load = phases.iter().find(|phase| phase.phase == Phase::Load);
        let first = history.operations.iter().map(|operation| operation.start()).min();
        let load_start = load.map(|load| load.start).or(first).unwrap_or(0);
        let spans = nodes.iter().map(|node| (node.clone(), node_spans(node, events, &faults, end)));
        Lanes { nodes: spans.collect(), faults, phases, load_start, end }
    }

    /// The window that shows all of it.
    pub(crate) fn window(&self) -> Window {
        let load_end = self.end.saturating_sub(self.load_start).max(1);
        // What comes before the load is seldom of interest, and takes long at times.
        Window { before: self.load_start.min(load_end / 12), after: load_end }
    }
}

impl Window {
    /// The window that shows all of both.
    pub(crate) fn around(self, other: Window) -> Window {
        Window { before: self.before.max(other.before), after: self.after.max(other.after) }
    }

    fn length(self) -> u64 {
        self.before + self.after
    }

    /// The place of a time, in percent; those out of sight are at an end.
    fn place(self, lanes: &Lanes, time: u64) -> f64 {
        let at = (time + self.before).saturating_sub(lanes.load_start);
        at as f64 * 100.0 / self.length().max(1) as f64
    }

    /// The operations of a run in intervals of this window.
    pub(crate) fn buckets(self, lanes: &Lanes, history: &RunHistory) -> Vec<Bucket> {
        let mut buckets = vec![Bucket::default(); BUCKETS];
        let mut latencies: Vec<Vec<u64>> = vec![Vec::new(); BUCKETS];
        for operation in history.operations.iter() {
            let Some(end) = operation.end() else { continue };
            let place = (self.place(lanes, end) / 100.0 * BUCKETS as f64) as usize;
            let Some(bucket) = buckets.get_mut(place.min(BUCKETS - 1)) else { continue };
            if operation.outcome() == EventType::Ok {
                bucket.ok += 1;
                latencies[place.min(BUCKETS - 1)].extend(operation.latency());
            } else {
                bucket.others += 1;
            }
        }
        for (bucket, latencies) in buckets.iter_mut().zip(&mut latencies) {
            latencies.sort_unstable();
            bucket.p99 =
                latencies.get((latencies.len() * 99).div_ceil(100).saturating_sub(1)).copied();
        }
        buckets
    }

    /// The seconds of one interval.
    pub(crate) fn bucket_seconds(self) -> f64 {
        self.length() as f64 / 1e9 / BUCKETS as f64
    }
}

/// The scale of throughput and latency that several runs share.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scale {
    ok: u64,
    /// The decimal logarithms of the least and the greatest latency.
    latency: (f64, f64),
}

impl Scale {
    /// The scale in which all of these can be drawn.
    pub(crate) fn of<'a>(buckets: impl Iterator<Item = &'a Bucket> + Clone) -> Scale {
        let ok = buckets.clone().map(|bucket| bucket.ok + bucket.others).max().unwrap_or(0);
        let logs = buckets.filter_map(|bucket| bucket.p99).map(|p99| (p99.max(1) as f64).log10());
        let (least, most) = logs.fold((f64::MAX, 0.0_f64), |(least, most), it| {
            (least.min(it.floor()), most.max(it.ceil()))
        });
        Scale { ok: ok.max(1), latency: (least.min(most - 1.0), most) }
    }
}

/// The lanes of a run in a window that it may share with others.
pub(crate) fn draw(lanes: &Lanes, buckets: &[Bucket], window: Window, scale: Scale) -> Markup {
    let most = words::count((scale.ok as f64 / window.bucket_seconds()).round() as u64);
    let (least, slowest) = scale.latency;
    let power = |log: f64| words::duration(10.0_f64.powf(log) as u64);
    html! {
        div.lanes {
            (fault_lane(lanes, window))
            @for (node, spans) in &lanes.nodes { (node_lane(node, spans, lanes, window)) }
            div.lane {
                span.label { "ok a second" small { "up to " (most) } }
                div.track {
                    svg viewBox="0 0 240 60" preserveAspectRatio="none" role="img" aria-label="operations a second over time" {
                        path.others d=(bars(buckets, scale.ok, |it| it.ok + it.others)) {}
                        path.ok d=(bars(buckets, scale.ok, |it| it.ok)) {}
                    }
                }
            }
            div.lane {
                span.label { "p99" small { (power(least)) " to " (power(slowest)) } }
                div.track {
                    svg viewBox="0 0 240 60" preserveAspectRatio="none" role="img" aria-label="latency over time" {
                        path.p99 d=(latency_line(buckets, scale)) {}
                    }
                }
            }
            (axis(window))
        }
    }
}

/// Overlapping faults lie below each other.
fn fault_lane(lanes: &Lanes, window: Window) -> Markup {
    let mut free: Vec<u64> = Vec::new();
    let mut placed = Vec::new();
    for fault in lanes.faults.iter().filter(|fault| fault.was_attempted()) {
        let end = fault.end.unwrap_or(lanes.end);
        let row = free.iter().position(|until| *until <= fault.start).unwrap_or(free.len());
        if row == free.len() {
            free.push(0);
        }
        free[row] = end;
        placed.push((row, fault, end));
    }
    html! {
        div.lane {
            span.label { "faults" small { (words::count(placed.len() as u64)) } }
            div.track style={ "height:" (free.len().max(1) * 16) "px" } {
                @for (row, fault, end) in placed {
                    @let from = window.place(lanes, fault.start);
                    @let wide = window.place(lanes, end) - from;
                    i.family.fault data-family=(fault.family.name())
                        title={ (fault.name) ", " (fault.outcome_name()) }
                        style=(format!("left:{from:.2}%;width:{wide:.2}%;top:{}px", row * 16)) {}
                }
            }
        }
    }
}

fn node_lane(node: &str, spans: &[NodeSpan], lanes: &Lanes, window: Window) -> Markup {
    html! {
        div.lane.node {
            span.label { (node) }
            div.track {
                @for span in spans {
                    @let (class, name) = match &span.state {
                        NodeState::Silent => continue,
                        NodeState::Down => ("down", "down"),
                        NodeState::Paused => ("paused", "paused"),
                        NodeState::Role(role) if role == "leader" => ("leader", "leader"),
                        NodeState::Role(role) if role.contains("candidate") => ("candidate", role.as_str()),
                        NodeState::Role(role) => ("follower", role.as_str()),
                    };
                    @let from = window.place(lanes, span.start);
                    @let wide = window.place(lanes, span.end) - from;
                    @if wide > 0.02 {
                        i class={ "state " (class) }
                            title={ (name) @if let Some(term) = span.term { " in term " (term) } }
                            style=(format!("left:{from:.2}%;width:{wide:.2}%")) {}
                    }
                }
            }
        }
    }
}

/// Bars from the ground, as one area.
fn bars(buckets: &[Bucket], most: u64, of: impl Fn(&Bucket) -> u64) -> String {
    let mut path = "M0 60".to_owned();
    for (at, bucket) in buckets.iter().enumerate() {
        let height = 60.0 - of(bucket) as f64 * 58.0 / most as f64;
        let _ = write!(path, "L{at} {height:.1}H{}", at + 1);
    }
    let _ = write!(path, "L{} 60Z", buckets.len());
    path
}

fn latency_line(buckets: &[Bucket], scale: Scale) -> String {
    let (least, most) = scale.latency;
    let mut path = String::new();
    for (at, bucket) in buckets.iter().enumerate() {
        if let Some(p99) = bucket.p99 {
            let share = ((p99.max(1) as f64).log10() - least) / (most - least).max(1e-9);
            let _ = write!(path, "M{at} {:.1}h1", 58.0 - share * 56.0);
        }
    }
    path
}

/// The seconds of the load below the lanes.
fn axis(window: Window) -> Markup {
    let seconds = window.after as f64 / 1e9;
    let steps = [0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0];
    let step = steps.into_iter().find(|step| seconds / step <= 8.0).unwrap_or(7200.0);
    let length = window.length().max(1) as f64 / 1e9;
    let before = window.before as f64 / 1e9;
    html! {
        div.lane.axis aria-hidden="true" {
            span.label { "load" }
            div.track {
                @for at in 0..=(seconds / step) as u64 {
                    @let time = at as f64 * step;
                    span style=(format!("left:{:.2}%", (time + before) * 100.0 / length)) { (time) " s" }
                }
            }
        }
    }
}
