//! Golden scripts: each file of `scripts` is one scenario, named after it, with the faults that
//! overlap in it, what the nemesis reports of each, and what the pretended host was asked to do.
//! `UPDATE_GOLDENFILES=1 cargo test -p stormproof-faults script_tests` writes the output anew; a changed
//! script is reviewed as code.
//!
//! | command | |
//! |---|---|
//! | `nemesis [budget=2]` | starts anew with five nodes, of which at most so many may be down |
//! | `inject 1 kill aim=leader leads=n3` | fault 1 of a family with the fields of a plan, `leads` apart |
//! | `step 1` | fault 1 goes on to its next step |
//! | `step 1 nothing`, `step 1 kill n1 n2` | the same, to this step |
//! | `steps 1` | all steps that are left |
//! | `undo 1`, `undo-all` | undoes one fault, or all that are on |
//! | `host` | the whole state of the host and the nemesis; other commands show what changed of it |
//! | `breaks "it broke"`, `lacks "no such thing"`, `works` | the error of every action from now on |
//! | `adds-nobody` | nodes that were removed cannot be added again, until it `works` |
//! | `ends-slowly` | processes do not end when they are asked to, until it `works` |
//! | `answers-late` | the service does not answer, until it `works` |
//! | `ready-to-end 1` | says if fault 1 can end, and asks for what its end needs |
//! | `proceed` | goes on with what was answered; says if an answer is waited for |
//! | `unready n2` | these nodes run and do not serve yet |
//! | `lacks-partitions` | links cannot be cut |
//! | `unproven n1 n2` | no packet is seen dropped from n1 to n2 |
//! | `early 1` | packets are 1 ms faster than asked for |
//! | `astray 900` | every wall clock is 900 ms ahead without a fault |
//! | `drop 10` | each link that dropped packets drops 10 more |
//! | `count [from=n1 to=n3] delayed=100` | what happened to packets of one link, or of all shaped ones |
//! | `throttled n3 7` | the processor of n3 is held back 7 times, 50 ms each |
//! | `disk n3 [fsyncs=20 fastest=51] [errors=1] [writes=9 write-errors=3] [stalled=1]` | its counters |
//! | `unsynced [sectors=12] [names=1]` | what a power failure takes from each node |

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::error::Error;
use std::str::FromStr;
use std::time::Duration;

use goldenscript::{Command, Context, Runner};
use serde_json::Value;

use super::nemesis::Nemesis;
use super::pretended::{Pretended, names};
use crate::effect::Effect;
use crate::fault::{Action, Fault, Killed};
use crate::grudge::Link;
use crate::host::{CpuSeen, DiskSeen, HostError, LinkCounts, OpSeen, PowerSeen};
use crate::record::{Injected, Stepped, Undone};
use crate::schedule::{Entry, Roles};

type Failure = Box<dyn Error>;

/// Drives a nemesis by script.
struct Script {
    nemesis: Nemesis<Pretended>,
    /// The steps that each fault has left.
    steps: BTreeMap<u32, VecDeque<Action>>,
    /// The state of the host as it was shown last, a line each.
    shown: Vec<String>,
}

impl Script {
    fn new(nemesis: Nemesis<Pretended>) -> Self {
        let shown = state(&nemesis);
        Self { nemesis, steps: BTreeMap::new(), shown }
    }

    fn host(&mut self) -> &mut Pretended {
        self.nemesis.host_mut()
    }

    fn inject(&mut self, words: &Words) -> Result<String, Failure> {
        let id = words.parse(0)?;
        let mut fields = words.keys.clone();
        let leads = fields.remove("leads").ok_or("which node leads?")?;
        fields.insert("family".to_owned(), words.at(1)?.to_owned());
        let fields = fields.iter().map(|(name, text)| {
            let value = text.parse().unwrap_or_else(|_| Value::String(text.clone()));
            (name.clone(), value)
        });
        let fault: Fault = serde_json::from_value(Value::Object(fields.collect()))?;
        let (at, lasts) = (Duration::ZERO, Duration::from_secs(1));
        let entry = Entry { id, at, lasts, pick: id, named: None, on: None, when: None, fault };
        let resolved = entry.resolve(&names(), Roles::led_by(&leads));
        let steps = resolved.steps.iter().skip(1).map(|step| step.action.clone());
        self.steps.insert(id, steps.collect());
        let Injected { action, outcome, effect, note, .. } = self.nemesis.inject(&entry, resolved);
        let note = note.map(|note| format!("\nnote: {note}")).unwrap_or_default();
        Ok(format!("{action}: {outcome}{}{note}", measured(&effect)))
    }

    fn step(&mut self, id: u32, action: Action) -> String {
        let Some(stepped) = self.nemesis.step(id, action) else {
            return format!("{id} is not on");
        };
        let Stepped { action, effect, problems } = stepped;
        format!("step: {action}{}{}", measured(&effect), problem_lines(&problems))
    }

    fn next_step(&mut self, id: u32) -> Option<String> {
        let action = self.steps.get_mut(&id)?.pop_front()?;
        Some(self.step(id, action))
    }

    fn set_disk(&mut self, words: &Words) -> Result<(), Failure> {
        let fastest_ms = words.key("fastest")?;
        let op = |count, errors| OpSeen { count, errors, fastest_ms, ..OpSeen::default() };
        let seen = DiskSeen {
            fsync: op(words.key("fsyncs")?, words.key("errors")?),
            write: op(words.key("writes")?, words.key("write-errors")?),
            stalled: words.key("stalled")?,
            ..DiskSeen::default()
        };
        self.host().disks_seen.insert(words.at(0)?.to_owned(), seen);
        Ok(())
    }

    fn count_packets(&mut self, words: &Words) -> Result<(), Failure> {
        let links: Vec<Link> = match (words.keys.get("from"), words.keys.get("to")) {
            (Some(from), Some(to)) => vec![Link { from: from.clone(), to: to.clone() }],
            _ => self.host().links.keys().cloned().collect(),
        };
        let (delayed, lost): (u64, u64) = (words.key("delayed")?, words.key("lost")?);
        for link in links {
            let counts: &mut LinkCounts = self.host().shaped.entry(link).or_default();
            counts.delayed += delayed;
            counts.lost += lost;
        }
        Ok(())
    }

    fn execute(&mut self, name: &str, words: &Words) -> Result<Vec<String>, Failure> {
        let mut output = Vec::new();
        match name {
            "nemesis" => {
                let budget = words.keys.get("budget").map(|text| text.parse()).transpose()?;
                let nemesis = Nemesis::new(Pretended::default());
                *self = Self::new(nemesis.within(budget.unwrap_or(usize::MAX)));
            }
            "inject" => output.push(self.inject(words)?),
            "step" => {
                let id = words.parse(0)?;
                output.push(match words.list.get(1).map(String::as_str) {
                    None => self.next_step(id).ok_or("it has no step left")?,
                    Some("nothing") => self.step(id, Action::Nothing),
                    Some("kill") => {
                        let nodes = words.list.iter().skip(2).cloned().collect();
                        self.step(id, Action::Kill(Killed(nodes)))
                    }
                    Some(other) => return Err(format!("no step {other}").into()),
                });
            }
            "steps" => {
                let id = words.parse(0)?;
                while let Some(step) = self.next_step(id) {
                    output.push(step);
                    output.append(&mut self.changes());
                }
            }
            "undo" => {
                let id = words.parse(0)?;
                let undone = self.nemesis.undo(id);
                output.push(undone.map_or_else(|| format!("{id} is not on"), undone_lines));
            }
            "undo-all" => {
                let undone = self.nemesis.undo_all().into_iter();
                output.extend(undone.map(|(id, undone)| format!("{id}: {}", undone_lines(undone))));
            }
            "host" => output.extend(self.shown.iter().map(|line| format!("= {line}"))),
            "breaks" => self.host().broken = Some(HostError::Failed(words.at(0)?.to_owned())),
            "lacks" => self.host().broken = Some(HostError::Unavailable(words.at(0)?.to_owned())),
            "works" => {
                self.host().broken = None;
                self.host().adds_nobody = false;
                self.host().ends_slowly = false;
                self.host().answers_late = false;
            }
            "joins-as-learner" => self.host().joins_as_learner = true,
            "adds-nobody" => self.host().adds_nobody = true,
            "ends-slowly" => self.host().ends_slowly = true,
            "answers-late" => self.host().answers_late = true,
            "ready-to-end" => {
                let id = words.parse(0)?;
                output.push(self.nemesis.is_ready_to_end(id).to_string());
            }
            "proceed" => output.push(self.nemesis.proceed().to_string()),
            "unready" => self.nemesis.set_unready(words.list.iter().cloned().collect()),
            "lacks-partitions" => self.host().without_partitions = true,
            "unproven" => {
                let link = Link { from: words.at(0)?.to_owned(), to: words.at(1)?.to_owned() };
                self.host().unproven.insert(link);
            }
            "early" => self.host().early_ms = words.parse(0)?,
            "astray" => self.host().astray_ms = words.parse(0)?,
            "drop" => {
                let more: u64 = words.parse(0)?;
                self.host().dropped.values_mut().for_each(|packets| *packets += more);
            }
            "count" => self.count_packets(words)?,
            "throttled" => {
                let throttled = words.parse(1)?;
                let seen = CpuSeen { throttled, throttled_ms: throttled as f64 * 50.0 };
                self.host().throttled.insert(words.at(0)?.to_owned(), seen);
            }
            "disk" => self.set_disk(words)?,
            "unsynced" => {
                let (sectors_lost, names_lost) = (words.key("sectors")?, words.key("names")?);
                self.host().unsynced =
                    PowerSeen { sectors_lost, names_lost, ..PowerSeen::default() };
            }
            other => return Err(format!("no command {other}").into()),
        }
        output.append(&mut self.changes());
        Ok(output)
    }

    /// Lists the requests to the host since the last call, and the lines of its state that are gone
    /// (`-`) and new (`+`) since then.
    fn changes(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        let asked = std::mem::take(&mut self.host().log);
        lines.extend(asked.iter().map(|asked| format!("  {asked}")));
        let state = state(&self.nemesis);
        let gone = self.shown.iter().filter(|line| !state.contains(line));
        lines.extend(gone.map(|line| format!("- {line}")));
        let fresh = state.iter().filter(|line| !self.shown.contains(line));
        lines.extend(fresh.map(|line| format!("+ {line}")));
        self.shown = state;
        lines
    }
}

fn measured(effect: &Effect) -> String {
    if effect.is_empty() {
        return String::new();
    }
    format!("\n{}", serde_json::to_string(effect).expect("it is plain data"))
}

fn problem_lines(problems: &[String]) -> String {
    problems.iter().map(|problem| format!("\nproblem: {problem}")).collect()
}

fn undone_lines(undone: Undone) -> String {
    let Undone { action, outcome, effect, problems } = undone;
    format!("{action}: {outcome}{}{}", measured(&effect), problem_lines(&problems))
}

/// Everything about the host and the nemesis that faults have changed.
fn state(nemesis: &Nemesis<Pretended>) -> Vec<String> {
    let on: Vec<_> = nemesis.active().map(|(id, _)| id.to_string()).collect();
    let names = names();
    let may_end: Vec<_> = names.iter().filter(|name| nemesis.may_end(name)).cloned().collect();
    let counters = nemesis.host().disks_seen.keys().cloned().collect();
    let mut lines = nemesis.host().differences();
    if lines.is_empty() {
        lines.push("whole".to_owned());
    }
    for (label, list) in [("on", on), ("may end", may_end), ("disks have counters", counters)] {
        if !list.is_empty() {
            lines.push(format!("{label}: {}", list.join(" ")));
        }
    }
    lines
}

/// The arguments of a command.
struct Words {
    list: Vec<String>,
    keys: BTreeMap<String, String>,
}

impl Words {
    fn of(command: &Command) -> Self {
        let mut arguments = command.consume_args();
        let list = std::iter::from_fn(|| arguments.next_pos()).map(String::from).collect();
        let keys = std::iter::from_fn(|| arguments.next_key());
        let keys = keys.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        Self { list, keys }
    }

    fn at(&self, position: usize) -> Result<&str, Failure> {
        Ok(self.list.get(position).ok_or("an argument is missing")?)
    }

    fn parse<T: FromStr<Err: Error + 'static>>(&self, position: usize) -> Result<T, Failure> {
        Ok(self.at(position)?.parse()?)
    }

    /// A number by its key, 0 without it.
    fn key<T: FromStr<Err: Error + 'static> + Default>(&self, key: &str) -> Result<T, Failure> {
        Ok(self.keys.get(key).map_or(Ok(T::default()), |text| text.parse())?)
    }
}

impl Runner for Script {
    type Command = Command;

    fn run(&mut self, command: &Command, _: &Context) -> Result<String, Failure> {
        Ok(self.execute(&command.name, &Words::of(command))?.join("\n"))
    }
}

const FOLDER: &str = "src/nemesis/scripts";

/// Makes a test of each script, and one that none was left out.
macro_rules! scripts {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                let mut script = Script::new(Nemesis::new(Pretended::default()));
                goldenscript::run(&mut script, format!("{FOLDER}/{}", stringify!($name)))
                    .expect("the script runs");
            }
        )*

        #[test]
        fn every_script_is_a_test() {
            let listed: BTreeSet<_> = [$(stringify!($name)),*].map(String::from).into();
            let files: BTreeSet<_> = std::fs::read_dir(FOLDER)
                .expect("the scripts are there")
                .map(|file| file.expect("it can be read").file_name().into_string().expect("UTF-8"))
                .collect();
            assert_eq!(listed, files);
        }
    };
}

scripts! {
    a_cut_that_was_not_seen_is_indeterminate_and_undone_all_the_same
    a_delay_that_a_packet_undercut_is_not_installed_by_what_is_counted_later
    a_fault_that_cannot_be_undone_stays_on_and_is_tried_again
    a_fault_that_is_on_is_not_injected_again
    a_kill_of_nodes_that_are_down_holds_them_down_but_showed_no_effect
    a_killed_node_is_started_when_the_last_fault_that_killed_it_ends
    a_loss_is_judged_by_what_was_counted_when_it_ends
    a_member_removed_while_it_is_held_down_comes_back_with_what_holds_it
    a_member_that_is_out_is_left_alone_and_keeps_no_other_fault_on
    a_node_killed_while_paused_comes_back_running_whichever_ends_first
    a_node_with_damaged_files_counts_as_down_for_good
    a_node_without_power_stays_off_until_the_last_fault_that_holds_it_down_ends
    a_partition_is_cut_and_healed_and_its_packets_counted
    a_pause_of_a_node_that_is_down_is_skipped_and_leaves_nothing_to_undo
    a_paused_node_continues_when_the_last_fault_that_paused_it_ends
    a_power_failure_that_found_everything_synced_is_one_all_the_same
    a_power_failure_that_this_host_cannot_make_leaves_no_link_cut
    a_process_that_does_not_end_when_it_is_asked_to_is_killed_at_last
    a_processor_gets_the_smallest_share_and_was_slow_once_something_was_held_back
    a_request_that_is_not_answered_yet_is_judged_when_it_is
    a_rolling_restart_and_a_crash_loop_leave_alone_those_that_others_hold_down
    a_slow_disk_is_judged_by_what_it_did_when_it_ends
    a_step_of_a_fault_that_is_not_on_does_nothing
    a_strobe_and_a_jump_of_one_clock_add_up
    after_undoing_all_the_world_is_as_it_was
    all_faults_at_once_are_undone_in_an_order_that_lets_nodes_start_well
    clocks_are_judged_by_how_far_they_moved_not_by_where_they_are
    conditions_of_one_link_add_up_while_both_last
    disks_that_refuse_are_judged_by_the_errors_they_gave
    files_are_damaged_while_their_node_is_down
    flaky_links_are_cut_and_healed_step_by_step_beside_a_steady_partition
    leadership_goes_to_another_and_members_come_back
    learners_vote_again_in_the_end
    maintenance_is_asked_of_the_leader
    members_change_beside_other_faults
    nodes_that_do_not_serve_yet_count_as_down
    nodes_that_the_budget_spared_stay_spared_in_later_steps
    overlapping_partitions_cut_the_union_and_each_heals_its_own
    power_fails_after_the_links_and_comes_back_after_them
    the_budget_keeps_a_place_for_a_crash_loop_between_two_crashes
    the_budget_spares_nodes_and_skips_what_has_no_room
    what_a_disk_did_before_another_fault_changed_it_is_not_forgotten
    what_this_host_cannot_do_is_skipped_and_what_fails_is_indeterminate
    where_links_cannot_be_cut_power_fails_all_the_same_and_the_note_says_so
    where_no_other_may_be_down_a_damaged_node_is_damaged_again
}
