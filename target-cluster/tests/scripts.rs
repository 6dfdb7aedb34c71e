//! Golden scripts: each file of `tests/scripts` is one scenario, named after it, with what the nodes
//! do in it. `UPDATE_GOLDENFILES=1 cargo test --test scripts` writes the output anew; a changed
//! script is reviewed as code.
//!
//! | command | |
//! |---|---|
//! | `cluster nodes=3 bugs=… batch=…` | starts anew; `batch` is how many entries an append carries |
//! | `cluster nodes=5 founders=3` | n4 and n5 are no members yet |
//! | `cluster numbered` | the disks of the nodes have incarnations, which are noted |
//! | `cluster reads=lease off=pre-vote,fsync` | how nodes answer reads, and what they do without |
//! | `cluster snapshots=5 part=200` | a snapshot after every 5 entries, sent in parts of about 200 bytes |
//! | `cluster interval=500` | a snapshot 500 ms after the last one, if anything was applied |
//! | `timeout n1` | time passes until the deadline of n1; only n1 notices |
//! | `wait 100` | 100 ms pass at once; everyone notices |
//! | `run 2000` | 2000 ms pass as they do in peace; of the output only roles, replies and faults |
//! | `settle [n1 n2]` | everything between these nodes (or all) is executed, synced and delivered |
//! | `execute n1 [2]` | n1 executes its next effect, or as many as given |
//! | `sync n1` | what n1 has written becomes durable |
//! | `snapshot n1` | n1 is asked to take a snapshot |
//! | `save n1 [2]` | the snapshot that n1 writes becomes durable, or so many steps of that are done: create, write, rename, sync of the directory |
//! | `deliver n1 n2`, `lose n1 n2`, `duplicate n1 n2` | the packets on their way from n1 to n2 |
//! | `overtake n1 n2` | the packet that n1 sent last to n2 comes before the others |
//! | `partition n1/n2 n3`, `cut n1/n2 n3`, `heal` | who talks to whom; a cut is one way |
//! | `crash n1 [keep=all]`, `start n1` | power fails: what was not synced is lost, or kept |
//! | `crash n1 keep=101 sector=64` | of the sectors not synced the second is lost, and those behind the third |
//! | `damage n1 flip=300`, `damage n1 length=300` | n1 ends; a bit of its log flips, or what follows is gone |
//! | `wipe n1` | n1 ends, and its disk is replaced by an empty one |
//! | `damage-snapshot n1 flip=30` | n1 ends; a bit of its newest snapshot flips |
//! | `damage n1 term=9` | n1 ends; its log says that it is in term 9 |
//! | `fail-sync n1` | the sync fails: n1 stops; what it wrote is in the cache, but not on the disk |
//! | `clock n1 behind=5000 [ahead=0]` | the wall clock of n1 is 5 s behind the others' from now on |
//! | `clock n1 leap=50` | the clock of n1 that never goes back leaps 50 ms ahead |
//! | `forge n2 n1 request append-entries '{…}'` | a message that n2 never sent is on its way to n1; `response` is another |
//! | `ask n1 write k 1 [token="a:1"] [times=9]` | a client's request, or as many of them |
//! | `transfer n1 n3` | n1 is asked to hand leadership to n3 |
//! | `change n1 add n4`, `change n1 add n4 learner` | n1 is asked to change the members |
//! | `change n1 remove n2`, `demote n2`, `promote n2`, `replace n2 n4` | the same |
//! | `status`, `log`, `members` | of all nodes |

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use goldenscript::{Command, Context, Runner};
use serde_json::Value;
use stormproof_cluster::bugs::{Bug, Bugs};
use stormproof_cluster::core::{
    APPEND_ENTRIES, MemberChange, NodeId, ReadMode, Record, Settings, SnapshotOptions, Switch,
    Timings,
};
use stormproof_cluster::kv::RequestBody;
use stormproof_cluster::storage::{MemoryDisk, WriteAheadLog};
use stormproof_cluster::world::{Forged, World};

/// Drives a world by script.
struct Script {
    world: World,
}

impl Script {
    fn new(
        nodes: usize,
        founders: usize,
        snapshots: SnapshotOptions,
        settings: &Settings,
        bugs: &Bugs,
    ) -> Script {
        let timings = Timings::default();
        Script { world: World::new(nodes, founders, snapshots, timings, settings, bugs) }
    }

    /// The node, if there is one of that name.
    fn node(&self, name: &str) -> Result<NodeId, Box<dyn Error>> {
        let id = NodeId::from(name);
        if self.world.names().contains(&id) {
            Ok(id)
        } else {
            Err(format!("no node {name}").into())
        }
    }

    fn nodes<'a>(
        &self,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Result<Vec<NodeId>, Box<dyn Error>> {
        names.into_iter().map(|name| self.node(name)).collect()
    }

    /// Does `act` to each packet that is on its way between two nodes now.
    fn packets(&mut self, from: &NodeId, to: &NodeId, act: impl Fn(&mut World, usize)) {
        let on_way = |world: &World, start: usize| {
            let packets = world.packets().iter().enumerate().skip(start);
            packets.filter(|(_, one)| one.from == *from && one.to == *to).map(|(at, _)| at).next()
        };
        let count = self.world.packets().len();
        let (mut at, mut seen) = (0, 0);
        while seen < count
            && let Some(position) = on_way(&self.world, at)
        {
            seen += 1 + position - at;
            let before = self.world.packets().len();
            act(&mut self.world, position);
            at = if self.world.packets().len() < before { position } else { position + 1 };
        }
    }

    /// Ten milliseconds at a time, with everything delivered in between.
    fn run_in_peace(&mut self, milliseconds: u64) {
        for _ in 0..milliseconds / 10 {
            self.world.advance(Duration::from_millis(10));
            for id in self.world.names() {
                self.world.tick(&id);
            }
            self.world.settle(&self.world.names());
        }
    }
}

impl Runner for Script {
    type Command = Command;

    fn run(&mut self, command: &Command, _: &Context) -> Result<String, Box<dyn Error>> {
        let mut args = command.consume_args();
        let named: BTreeMap<_, _> =
            ["nodes", "batch", "bugs", "keep", "sector", "ahead", "behind", "flip", "length"]
                .into_iter()
                .chain(["token", "times", "term", "snapshots", "part", "interval", "founders"])
                .chain(["reads", "off", "leap"])
                .map(|key| (key, args.take_key(key)))
                .collect();
        let words: Vec<&str> = std::iter::from_fn(|| args.next_pos()).collect();
        args.reject_next()?;
        let word = |position: usize| words.get(position).copied().ok_or("an argument is missing");
        let mut output = Vec::new();
        match command.name.as_str() {
            "cluster" => {
                let nodes = named["nodes"].map_or(Ok(3), str::parse)?;
                let founders = named["founders"].map_or(Ok(nodes), str::parse)?;
                let append_entries = named["batch"].map_or(Ok(APPEND_ENTRIES), str::parse)?;
                let bugs = named["bugs"].unwrap_or_default();
                let bugs: Result<BTreeSet<Bug>, _> =
                    bugs.split(',').filter(|name| !name.is_empty()).map(str::parse).collect();
                let never = SnapshotOptions::NEVER;
                let entries = named["snapshots"].map_or(Ok(never.entries), str::parse)?;
                let part_bytes = named["part"].map_or(Ok(never.part_bytes), str::parse)?;
                let interval = named["interval"].map(str::parse).transpose()?;
                let interval = interval.map_or(never.interval, Duration::from_millis);
                let snapshots = SnapshotOptions { entries, part_bytes, interval, ..never };
                let reads = named["reads"].map_or(Ok(ReadMode::ReadIndex), str::parse)?;
                let off = named["off"].unwrap_or_default();
                let off: Result<BTreeSet<Switch>, _> =
                    off.split(',').filter(|name| !name.is_empty()).map(str::parse).collect();
                let settings = Settings { reads, append_entries, off: off?, ..Settings::default() };
                *self = Script::new(nodes, founders, snapshots, &settings, &bugs?);
                if words.contains(&"numbered") {
                    self.world.number_disks();
                }
            }
            "timeout" => {
                let id = self.node(word(0)?)?;
                let deadline = self.world.node(&id).ok_or("it is down")?.next_deadline();
                self.world.advance(deadline.saturating_sub(self.world.clock_of(&id)));
                self.world.tick(&id);
            }
            "wait" => {
                let milliseconds = word(0)?.parse()?;
                self.world.advance(Duration::from_millis(milliseconds));
                for id in self.world.names() {
                    self.world.tick(&id);
                }
            }
            "run" => {
                self.run_in_peace(word(0)?.parse()?);
                let shown = |line: &String| line.contains(" is ") || line.contains(" replies ");
                output.extend(self.world.take_trace().into_iter().filter(shown));
            }
            "settle" => {
                let chosen = self.nodes(words)?;
                let among = if chosen.is_empty() { self.world.names() } else { chosen };
                self.world.settle(&among);
            }
            "execute" => {
                let id = self.node(word(0)?)?;
                let count = words.get(1).map_or(Ok(1), |count| count.parse())?;
                for _ in 0..count {
                    self.world.execute(&id);
                }
            }
            "sync" => {
                let id = self.node(word(0)?)?;
                self.world.sync(&id);
            }
            "snapshot" => {
                let id = self.node(word(0)?)?;
                output.push(format!("#{}", self.world.take_snapshot(&id)));
            }
            "save" => {
                let id = self.node(word(0)?)?;
                let steps = words.get(1).map_or(Ok(usize::MAX), |steps| steps.parse())?;
                self.world.save(&id, steps);
            }
            "wipe" => {
                let id = self.node(word(0)?)?;
                self.world.wipe(&id);
            }
            "damage-snapshot" => {
                let id = self.node(word(0)?)?;
                let flipped: usize = named["flip"].ok_or("which byte?")?.parse()?;
                self.world.damage_snapshot(&id, |bytes| bytes[flipped] ^= 1);
            }
            "cut" => {
                let [from, to] = [word(0)?, word(1)?].map(|group| self.nodes(group.split('/')));
                let (from, to) = (from?, to?);
                for (from, to) in from.iter().flat_map(|from| to.iter().map(move |to| (from, to))) {
                    self.world.cut(from, to);
                }
            }
            "overtake" => {
                let (from, to) = (self.node(word(0)?)?, self.node(word(1)?)?);
                let last =
                    self.world.packets().iter().rposition(|it| it.from == from && it.to == to);
                self.world.deliver(last.ok_or("nothing is on its way")?);
            }
            "deliver" | "lose" | "duplicate" => {
                let pair = self.nodes(words)?;
                let [from, to] = &pair[..] else { return Err("from where to where?".into()) };
                match command.name.as_str() {
                    "deliver" => self.packets(from, to, World::deliver),
                    "lose" => self.packets(from, to, World::drop_packet),
                    _ => self.packets(from, to, World::duplicate),
                }
            }
            "forge" => {
                let (from, to) = (self.node(word(0)?)?, self.node(word(1)?)?);
                let forged = match word(2)? {
                    "request" => Forged::Request,
                    "response" => Forged::Response,
                    other => return Err(format!("no message is a {other}").into()),
                };
                self.world.forge(&from, &to, forged, word(3)?, word(4)?);
            }
            "partition" => {
                let groups: Result<Vec<_>, _> =
                    words.iter().map(|group| self.nodes(group.split('/'))).collect();
                self.world.partition(&groups?);
            }
            "heal" => self.world.heal(),
            "crash" => {
                let id = self.node(word(0)?)?;
                let sector = named["sector"].map_or(Ok(512), str::parse)?;
                let mut kept = named["keep"].unwrap_or_default().chars();
                match named["keep"] {
                    Some("all") => self.world.crash(&id, sector, || true),
                    _ => self.world.crash(&id, sector, || kept.next() == Some('1')),
                }
            }
            "clock" => {
                let id = self.node(word(0)?)?;
                let shift = |key: &str| named[key].map_or(Ok(0), str::parse);
                let ahead = Duration::from_millis(shift("ahead")?);
                let behind = Duration::from_millis(shift("behind")?);
                match shift("leap")? {
                    0 => self.world.set_wall_clock(&id, ahead, behind),
                    leap => self.world.leap(&id, Duration::from_millis(leap)),
                }
            }
            "fail-sync" => {
                let id = self.node(word(0)?)?;
                self.world.fail_sync(&id);
            }
            "start" => {
                let id = self.node(word(0)?)?;
                if let Err(error) = self.world.try_start(&id) {
                    output.push(format!("{id} does not start: {error}"));
                }
            }
            "damage" => {
                let id = self.node(word(0)?)?;
                let length: Option<usize> = named["length"].map(str::parse).transpose()?;
                let flipped: Option<usize> = named["flip"].map(str::parse).transpose()?;
                let term: Option<u64> = named["term"].map(str::parse).transpose()?;
                self.world.damage(&id, |bytes| {
                    bytes.truncate(length.unwrap_or(bytes.len()));
                    if let Some(byte) = flipped {
                        bytes[byte] ^= 1;
                    }
                    if let Some(term) = term {
                        *bytes = with_record(bytes, &Record::Vote { term, vote: None });
                    }
                });
            }
            "ask" => {
                let id = self.node(word(0)?)?;
                let (f, key) = (word(1)?.to_string(), word(2)?.to_string());
                let value = words.get(3).map_or(Ok(Value::Null), |text| text.parse())?;
                let token = named["token"].map(String::from);
                let operation = RequestBody { f, key: Some(key), value, token }.into_operation()?;
                for _ in 0..named["times"].map_or(Ok(1), str::parse)? {
                    output.push(format!("#{}", self.world.submit(&id, operation.clone())));
                }
            }
            "transfer" => {
                let (id, to) = (self.node(word(0)?)?, self.node(word(1)?)?);
                output.push(format!("#{}", self.world.transfer(&id, &to)));
            }
            "change" => {
                let id = self.node(word(0)?)?;
                let (node, learner) = (word(2)?.into(), words.get(3) == Some(&"learner"));
                let change = match word(1)? {
                    "add" => MemberChange::Add { node, address: None, learner },
                    "remove" => MemberChange::Remove { node },
                    "demote" => MemberChange::Demote { node },
                    "promote" => MemberChange::Promote { node },
                    "replace" => MemberChange::Replace { node, by: word(3)?.into(), address: None },
                    other => return Err(format!("no change is called {other}").into()),
                };
                output.push(format!("#{}", self.world.change_members(&id, change)));
            }
            "members" => {
                for id in self.world.names() {
                    let node = self.world.node(&id);
                    let members = node.map_or("down".into(), |it| it.configuration().to_string());
                    let notes = node.into_iter().flat_map(|node| {
                        let members = node.configuration().members().into_iter();
                        members.filter_map(|member| {
                            let noted = node.configuration().incarnation(member)?;
                            let digits = noted.to_string();
                            Some(format!(", {member} on disk {}", digits.trim_start_matches('0')))
                        })
                    });
                    output.push(format!("{id}: {members}{}", notes.collect::<String>()));
                }
            }
            "status" => {
                for id in self.world.names() {
                    output.push(match self.world.node(&id).map(|node| node.status()) {
                        None => format!("{id}: down"),
                        Some(status) => format!(
                            "{id}: {} in term {}, led by {}, commit {} of {}{}",
                            status.role,
                            status.term,
                            status.leader.map_or("nobody".to_string(), |id| id.to_string()),
                            status.commit,
                            status.last_index,
                            match status.snapshot {
                                0 => String::new(),
                                through => format!(", snapshot {through}, base {}", status.base),
                            }
                        ),
                    });
                }
            }
            "log" => {
                for id in self.world.names() {
                    output.push(format!("{id}: {}", self.world.describe_log(&id)));
                }
            }
            other => return Err(format!("no command {other}").into()),
        }
        let mut lines = self.world.take_trace();
        lines.append(&mut output);
        // Those of silent commands too, so all are shown from then on.
        for violation in self.world.violations() {
            lines.push(format!("VIOLATION of {violation}"));
        }
        Ok(lines.join("\n"))
    }
}

/// The bytes of a log with one more record.
fn with_record(log: &[u8], record: &Record) -> Vec<u8> {
    let disk = MemoryDisk::with_bytes(log.to_vec());
    let mut log = WriteAheadLog::open(disk, &Bugs::new()).expect("it is whole").wal;
    log.append([record]).expect("a disk in memory does not fail");
    log.into_disk().bytes().to_vec()
}

#[test]
fn every_planted_bug_has_a_script_named_after_it() {
    for bug in Bug::ALL {
        let name = bug.name().replace('-', "_");
        let plants = |path: PathBuf| {
            path.to_string_lossy().contains(&name)
                && std::fs::read_to_string(path).expect("a script").contains(&format!("bugs={bug}"))
        };
        let mut scripts = std::fs::read_dir("tests/scripts").expect("the scripts are there");
        let found = scripts.any(|file| plants(file.expect("it can be read").path()));
        assert!(found, "no script shows what {bug} does");
    }
}

/// Makes a test of each script, and one that none was left out.
macro_rules! scripts {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                let path = concat!("tests/scripts/", stringify!($name));
                let script = &mut Script::new(
                    3,
                    3,
                    SnapshotOptions::NEVER,
                    &Settings::default(),
                    &Bugs::new(),
                );
                goldenscript::run(script, path)
                    .expect("the script runs");
            }
        )*

        #[test]
        fn every_script_is_a_test() {
            let listed: BTreeSet<_> = [$(stringify!($name)),*].map(String::from).into();
            let files: BTreeSet<_> = std::fs::read_dir("tests/scripts")
                .expect("the scripts are there")
                .map(|file| file.expect("it can be read").file_name().into_string().expect("UTF-8"))
                .collect();
            assert_eq!(listed, files);
        }
    };
}

scripts! {
    a_leader_is_elected_and_commits_its_first_entry
    a_split_vote_ends_with_the_next_timeout
    pre_vote_keeps_a_cut_off_node_from_disturbing
    a_leader_that_hears_no_majority_steps_down
    partition_and_heal
    a_stale_term_is_refused_and_steps_down
    a_term_that_no_node_can_have_reached_moves_no_one
    what_no_node_can_claim_is_not_believed
    conflicting_logs_are_made_equal
    figure_8
    figure_8_with_commit_earlier_term_loses_a_committed_entry
    a_read_waits_for_one_round_of_a_majority
    reads_share_the_next_heartbeat_while_a_round_is_on_its_way
    a_read_waits_for_a_commit_of_the_own_term
    a_deposed_leader_does_not_answer_reads
    stale_read_answers_what_was_overwritten
    a_retry_gets_the_first_answer_from_the_next_leader
    ignore_tokens_applies_a_retry_again
    a_token_of_another_command_is_refused
    a_retried_dequeue_gets_the_same_element
    a_transaction_happens_at_one_point_of_the_log
    a_lock_is_held_by_one_owner_at_a_time
    a_vote_survives_a_restart
    vote_forgotten_elects_two_leaders_in_one_term
    an_append_is_not_acknowledged_before_it_is_durable
    crash_between_any_two_effects_of_a_leader
    crash_between_any_two_effects_of_a_voter
    duplicated_and_overtaken_messages_change_nothing
    appends_do_not_wait_for_answers_that_take_long
    appends_follow_each_other_within_a_round_trip
    an_append_that_overtakes_another_is_sent_again_behind_it
    appends_that_are_lost_are_sent_again_one_at_a_time
    a_torn_tail_is_cut_off
    append_after_torn_tail_loses_what_was_synced
    a_failed_sync_is_not_trusted_after_a_restart
    ack_before_fsync_loses_what_was_acknowledged
    vote_not_durable_elects_two_leaders_in_one_term
    wall_clock_lease_answers_what_was_overwritten
    leadership_is_handed_to_a_follower_that_lags
    a_leader_that_hands_over_takes_no_commands_but_reads
    a_transfer_to_an_unreachable_node_is_given_up
    a_successor_that_loses_its_election_leaves_the_cluster_serving
    a_late_or_repeated_timeout_now_does_no_harm
    what_was_accepted_before_a_transfer_is_committed_by_the_successor
    term_and_vote_apart_elects_two_leaders_in_one_term
    stale_vote_counted_elects_a_leader_without_a_majority
    refusal_counted_as_vote_elects_a_short_log
    term_bumped_under_leader_stamps_entries_of_a_term_not_won
    vote_counted_twice_elects_a_leader_without_a_majority
    append_under_old_term_commits_behind_the_back_of_a_new_leader
    heartbeat_truncates_what_was_acknowledged
    heartbeat_commits_unverified_entries_of_another_leader
    reply_for_truncated_entry_acknowledges_a_write_that_is_gone
    catch_up_of_old_term_replaces_what_was_acknowledged
    rollback_on_step_down_removes_what_was_committed
    follower_acks_before_fsync_loses_what_was_acknowledged
    leader_counts_before_fsync_loses_what_was_acknowledged
    fsync_error_retried_loses_what_was_acknowledged
    wiped_log_rejoins_and_loses_what_was_acknowledged
    lost_log_still_votes_for_one_that_never_had_it
    corrupt_middle_cut_off_loses_what_was_acknowledged
    corrupt_log_discarded_loses_what_was_acknowledged
    read_index_too_early_misses_what_was_acknowledged
    read_before_applied_misses_what_was_acknowledged
    tokens_of_leader_only_apply_a_retry_again
    not_leader_for_appended_denies_a_write_that_is_committed
    request_never_answered_by_a_leader_that_steps_down
    writes_lost_in_transfer_were_acknowledged
    transfer_without_end_blocks_writes
    old_pre_vote_ignored_elects_no_leader
    pre_vote_resets_timer_so_that_no_leader_is_elected
    no_check_quorum_leaves_a_deaf_leader
    torn_tail_refused_by_a_restart
    wall_clock_lease_is_sound_with_right_clocks
    a_leader_cuts_its_log_behind_the_snapshot_before_the_newest
    a_follower_behind_the_base_gets_a_snapshot
    a_part_of_a_snapshot_that_is_lost_is_sent_again
    crash_between_any_two_steps_of_saving_a_snapshot
    a_stale_snapshot_is_not_installed
    a_snapshot_is_due_after_a_while_if_anything_was_applied
    a_snapshot_takes_the_place_of_a_log_in_conflict_with_it
    a_damaged_snapshot_is_refused_and_the_one_before_taken
    an_append_that_speaks_of_dropped_entries_removes_nothing
    dropped_taken_for_conflict_removes_what_was_committed
    stale_snapshot_installed_goes_back
    snapshot_merged_brings_back_what_was_deleted
    sessions_left_out_of_snapshots_apply_a_retry_again
    names_not_synced_loses_what_was_acknowledged
    a_lease_answers_a_read_without_asking
    a_lease_does_not_rest_on_a_learner
    a_lease_rests_on_both_majorities_while_two_are_joint
    a_learner_answers_reads_and_confirms_none
    a_read_at_a_learner_that_loses_its_leader_is_refused
    a_read_at_a_node_that_was_removed_is_refused
    a_voter_keeps_its_promise_to_a_lease
    a_transfer_gives_the_lease_up
    lease_kept_in_transfer_answers_what_was_overwritten
    lease_by_ticks_answers_what_was_overwritten
    a_clock_that_runs_away_stops_its_node
    a_follower_reads_with_an_index_of_its_leader
    a_follower_of_a_deposed_leader_gets_no_index
    stale_read_index_misses_what_was_acknowledged
    reads_through_the_log_share_an_entry
    a_stale_read_is_answered_by_every_node
    a_transfer_is_refused_while_the_successor_lags
    a_transfer_to_one_that_needs_a_snapshot_is_refused
    without_pipelining_an_entry_waits_for_an_answer
    without_pre_vote_a_node_that_comes_back_deposes_the_leader
    without_check_quorum_a_deaf_leader_stays
    without_joint_consensus_one_voter_comes_or_goes_in_a_single_step
    without_learner_catch_up_a_newcomer_votes_without_the_log
    without_random_timeouts_nobody_wins
    without_batching_each_entry_has_an_append
    a_change_waits_for_an_entry_of_the_own_term
    a_cluster_of_one_grows_and_shrinks
    a_configuration_that_is_truncated_is_undone
    a_joint_configuration_is_left_by_the_next_leader
    a_leader_that_leaves_may_be_the_only_one_to_be_elected
    a_leader_that_removes_itself_leads_until_that_is_committed
    a_learner_gets_only_what_is_committed
    a_learner_that_is_cut_off_does_not_become_a_voter
    a_newcomer_behind_the_base_gets_the_members_with_a_snapshot
    a_removed_node_that_does_not_know_it_does_not_disturb
    a_second_change_is_refused_while_one_is_under_way
    a_voter_is_demoted_to_a_learner
    a_voter_is_replaced_by_a_node_that_joins
    a_voter_joins_as_a_learner_first
    a_node_that_joins_is_noted_before_it_votes
    a_voter_that_lost_its_disk_is_refused
    a_voter_that_slept_hears_a_leader_that_was_added_anew
    wiped_voter_votes_and_loses_what_was_acknowledged
    stale_members_in_snapshot_goes_by_other_majorities
    change_before_own_term_overlaps_the_change_of_another_leader
    change_before_the_last_is_committed
    members_from_apply_lets_two_majorities_decide
    removed_node_stands_and_ends_every_leadership
    learner_counted_commits_without_a_majority
    removed_leader_stays_although_it_is_no_voter
}
