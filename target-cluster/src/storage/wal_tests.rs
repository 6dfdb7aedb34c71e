//! Tests of the write-ahead log.

use std::sync::Arc;

use super::{Disk, FileDisk, LOG_FILE, MemoryDisk, OpenError, Opened, WriteAheadLog};
use crate::bugs::Bugs;
use crate::core::{Entry, Payload, Record};

fn vote(term: u64) -> Record {
    Record::Vote { term, vote: Some("n1".into()) }
}

fn entry(index: u64, term: u64) -> Record {
    Record::Entry(Arc::new(Entry { index, term, payload: Payload::Noop }))
}

fn open(bytes: &[u8]) -> Result<Opened<MemoryDisk>, OpenError> {
    WriteAheadLog::open(MemoryDisk::with_bytes(bytes.to_vec()), &Bugs::new())
}

/// Opens a log of which so many bytes were noted to be durable.
fn open_marked(bytes: &[u8], watermark: usize) -> Result<Opened<MemoryDisk>, OpenError> {
    let mut disk = MemoryDisk::with_bytes(bytes.to_vec());
    disk.set_watermark(watermark as u64).unwrap();
    WriteAheadLog::open(disk, &Bugs::new())
}

/// The bytes of a log to which `records` were written, one barrier after each.
fn written(records: &[Record]) -> Vec<u8> {
    let mut wal = open(&[]).unwrap().wal;
    for record in records {
        wal.append([record]).unwrap();
        wal.sync().unwrap();
    }
    wal.into_disk().bytes().to_vec()
}

#[test]
fn records_add_up_to_the_state_they_were_written_for() {
    let records =
        [vote(1), entry(1, 1), entry(2, 1), vote(2), Record::Truncate { from: 2 }, entry(2, 2)];
    let opened = open(&written(&records)).unwrap();
    assert_eq!((opened.records, opened.torn_bytes), (6, 0));
    assert_eq!((opened.recovered.term, opened.recovered.vote), (2, Some("n1".into())));
    let terms: Vec<_> = opened.recovered.log.entries().iter().map(|e| e.term).collect();
    assert_eq!(terms, [1, 2]);
}

#[test]
fn a_tail_torn_at_any_byte_is_cut_off_and_the_log_goes_on() {
    let two = written(&[vote(1), entry(1, 1)]);
    let three = written(&[vote(1), entry(1, 1), entry(2, 1)]);
    for end in two.len()..three.len() {
        let opened = open(&three[..end]).unwrap();
        assert_eq!(opened.records, 2);
        assert_eq!(opened.torn_bytes, (end - two.len()) as u64);
        let mut wal = opened.wal;
        wal.append([&entry(2, 1), &entry(3, 1)]).unwrap();
        let again = open(wal.disk().bytes()).unwrap();
        assert_eq!(again.recovered.log.last_index(), 3, "torn at byte {end}");
    }
}

#[test]
fn any_flipped_bit_before_the_last_record_refuses_to_start() {
    let before_last = written(&[vote(1), entry(1, 1)]).len();
    let whole = written(&[vote(1), entry(1, 1), entry(2, 1)]);
    for bit in 0..before_last * 8 {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        match open(&bytes) {
            Err(OpenError::Corrupt { offset, .. }) => assert!(offset < before_last as u64),
            other => panic!("bit {bit}: {other:?}"),
        }
    }
}

#[test]
fn a_flipped_bit_in_the_last_record_is_noticed_by_the_watermark_alone() {
    let whole = written(&[vote(1), entry(1, 1)]);
    let mut bytes = whole.clone();
    bytes[whole.len() - 1] ^= 1;
    let opened = open(&bytes).unwrap();
    assert_eq!(opened.records, 1, "nothing distinguishes it from a torn write");
    assert!(opened.torn_bytes > 0);
    let opened = open_marked(&bytes, whole.len());
    assert!(matches!(opened, Err(OpenError::Corrupt { .. })), "{opened:?}");
}

#[test]
fn a_log_that_was_cut_off_below_the_watermark_refuses_to_start() {
    let whole = written(&[vote(1), entry(1, 1), entry(2, 1)]);
    for end in 0..whole.len() {
        match open_marked(&whole[..end], whole.len()) {
            Err(OpenError::Corrupt { offset, .. }) => assert!(offset <= end as u64),
            other => panic!("cut off at {end}: {other:?}"),
        }
    }
    assert_eq!(open_marked(&whole, whole.len()).unwrap().records, 3);
}

#[test]
fn what_a_failed_sync_left_in_the_cache_is_durable_after_the_restart() {
    let mut wal = open(&written(&[vote(1)])).unwrap().wal;
    wal.append([&entry(1, 1)]).unwrap();
    let mut disk = wal.into_disk();
    disk.fail_sync();
    let opened = WriteAheadLog::open(disk, &Bugs::new()).unwrap();
    assert_eq!(opened.recovered.log.last_index(), 1, "it can be read");
    let mut disk = opened.wal.into_disk();
    disk.crash(512, || false);
    let opened = WriteAheadLog::open(disk, &Bugs::new()).unwrap();
    assert_eq!(opened.recovered.log.last_index(), 1, "so it must not be lost any more");
}

#[test]
fn pages_that_reached_the_disk_out_of_order_are_a_torn_write_too() {
    let mut wal = open(&written(&[vote(1)])).unwrap().wal;
    wal.append([&entry(1, 1), &entry(2, 1), &entry(3, 1)]).unwrap();
    let mut disk = wal.into_disk();
    let mut sectors = [true, false, true, true, true].into_iter().cycle();
    disk.crash(64, || sectors.next() == Some(true));
    let opened = WriteAheadLog::open(disk, &Bugs::new()).unwrap();
    assert_eq!((opened.records, opened.recovered.log.last_index()), (1, 0));
}

#[test]
fn a_crash_takes_what_was_not_synced_and_nothing_else() {
    let mut wal = open(&[]).unwrap().wal;
    wal.append([&vote(1), &entry(1, 1)]).unwrap();
    wal.sync().unwrap();
    wal.append([&entry(2, 1)]).unwrap();
    let mut disk = wal.into_disk();
    disk.crash(512, || false);
    let opened = WriteAheadLog::open(disk, &Bugs::new()).unwrap();
    assert_eq!((opened.recovered.log.last_index(), opened.torn_bytes), (1, 0));
}

#[test]
fn records_that_contradict_each_other_are_corruption() {
    for (records, contradiction) in [
        (vec![vote(2), vote(1)], "the term falls from 2 to 1"),
        (vec![vote(1), entry(2, 1)], "entry 2 of term 1 follows entry 0 of term 0"),
        (vec![vote(2), entry(1, 2), entry(2, 1)], "entry 2 of term 1 follows entry 1 of term 2"),
        (vec![vote(1), entry(1, 2)], "entry 1 is of term 2, not reached yet"),
        (
            vec![vote(1), entry(1, 1), Record::Truncate { from: 2 }],
            "nothing at 2 to remove, the last entry is 1",
        ),
        (vec![Record::Truncate { from: 0 }], "nothing at 0 to remove, the last entry is 0"),
    ] {
        match open(&written(&records)) {
            Err(OpenError::Corrupt { reason, .. }) => assert_eq!(reason, contradiction),
            other => panic!("{contradiction}: {other:?}"),
        }
    }
}

#[test]
fn a_real_file_keeps_the_log_and_its_directory_is_made() {
    let root = std::env::temp_dir().join(format!("stormproof-wal-{}", std::process::id()));
    let directory = root.join("a/b");
    let disk = || FileDisk::open(&directory, "raft.log").unwrap();
    let mut wal = WriteAheadLog::open(disk(), &Bugs::new()).unwrap().wal;
    wal.append([&vote(1), &entry(1, 1)]).unwrap();
    wal.sync().unwrap();
    drop(wal);
    let path = directory.join("raft.log");
    let length = std::fs::metadata(&path).unwrap().len();
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(length - 1).unwrap();
    let opened = WriteAheadLog::open(disk(), &Bugs::new()).unwrap();
    assert_eq!(opened.records, 1);
    let mut wal = opened.wal;
    wal.append([&entry(1, 1)]).unwrap();
    drop(wal);
    assert_eq!(WriteAheadLog::open(disk(), &Bugs::new()).unwrap().records, 2);
    std::fs::remove_dir_all(root).unwrap();
}

fn base(index: u64, term: u64, dropped: u64) -> Record {
    Record::Base { index, term, dropped }
}

fn names(disk: &MemoryDisk) -> Vec<String> {
    disk.file_names().map(String::from).collect()
}

#[test]
fn a_log_goes_on_in_a_new_file_and_old_ones_are_removed() {
    let mut wal = open(&[]).unwrap().wal;
    wal.append([&vote(1), &entry(1, 1), &entry(2, 1)]).unwrap();
    wal.append([&base(2, 1, 0), &vote(1), &entry(3, 1)]).unwrap();
    wal.sync().unwrap();
    assert_eq!(names(wal.disk()).len(), 2);
    let opened = WriteAheadLog::open(wal.into_disk(), &Bugs::new()).unwrap();
    let log = &opened.recovered.log;
    assert_eq!((log.base(), log.last_index(), opened.records), (0, 3, 6));
    let mut wal = opened.wal;
    wal.append([&base(3, 1, 2), &vote(1), &entry(4, 1)]).unwrap();
    wal.sync().unwrap();
    assert_eq!(names(wal.disk()).len(), 2, "the first is not needed");
    wal.mark().unwrap();
    let opened = WriteAheadLog::open(wal.into_disk(), &Bugs::new()).unwrap();
    let log = &opened.recovered.log;
    assert_eq!((log.base(), log.last_index(), opened.recovered.term), (2, 4, 1));
    let mut disk = opened.wal.into_disk();
    disk.flip_bit(8 * 30);
    match WriteAheadLog::open(disk, &Bugs::new()) {
        Err(OpenError::Corrupt { file, offset, .. }) => {
            assert_eq!((file.starts_with("raft-0"), offset), (true, 0), "{file}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_stays_as_long_as_one_behind_it_removes_what_stands_in_it() {
    let mut wal = open(&[]).unwrap().wal;
    wal.append([&vote(1), &entry(1, 1), &entry(2, 1), &entry(3, 1)]).unwrap();
    wal.append([&base(3, 1, 0), &vote(2), &Record::Truncate { from: 2 }]).unwrap();
    wal.append([&entry(2, 2), &entry(3, 2), &entry(4, 2)]).unwrap();
    for reopen in [false, true] {
        if reopen {
            wal = WriteAheadLog::open(wal.into_disk(), &Bugs::new()).unwrap().wal;
        }
        wal.append([&base(4, 2, 3), &vote(2)]).unwrap();
        wal.sync().unwrap();
        assert!(names(wal.disk()).contains(&LOG_FILE.to_string()));
    }
    wal.append([&base(4, 2, 4), &vote(2), &entry(5, 2)]).unwrap();
    wal.sync().unwrap();
    assert!(!names(wal.disk()).contains(&LOG_FILE.to_string()));
    let opened = WriteAheadLog::open(wal.into_disk(), &Bugs::new()).unwrap();
    assert_eq!((opened.recovered.log.base(), opened.recovered.log.last_index()), (4, 5));
}

#[test]
fn a_new_file_is_lost_whole_or_not_at_all() {
    for (names_survive, sectors_survive) in
        [(false, false), (false, true), (true, false), (true, true)]
    {
        let mut wal = open(&[]).unwrap().wal;
        wal.append([&vote(1), &entry(1, 1)]).unwrap();
        wal.append([&base(1, 1, 0), &vote(1), &entry(2, 1)]).unwrap();
        let mut disk = wal.into_disk();
        // The sectors are asked about first.
        let sectors = disk.unsynced().div_ceil(512);
        let mut answers = vec![sectors_survive; sectors];
        answers.push(names_survive);
        let mut answers = answers.into_iter();
        disk.crash(512, || answers.next().unwrap());
        let opened = WriteAheadLog::open(disk, &Bugs::new()).unwrap();
        let last = if names_survive && sectors_survive { 2 } else { 1 };
        assert_eq!(opened.recovered.log.last_index(), last);
        let mut wal = opened.wal;
        wal.append([&entry(last + 1, 1)]).unwrap();
        wal.sync().unwrap();
        let opened = WriteAheadLog::open(wal.into_disk(), &Bugs::new()).unwrap();
        assert_eq!(opened.recovered.log.last_index(), last + 1);
    }
}

#[test]
fn a_file_whose_term_and_vote_were_torn_off_gets_them_at_the_next_start() {
    let mut wal = open(&[]).unwrap().wal;
    wal.append([&vote(1), &entry(1, 1), &base(1, 1, 0)]).unwrap();
    wal.sync().unwrap();
    let mut wal = WriteAheadLog::open(wal.into_disk(), &Bugs::new()).unwrap().wal;
    wal.append([&entry(2, 1), &base(2, 1, 1), &vote(1)]).unwrap();
    wal.sync().unwrap();
    assert!(!names(wal.disk()).contains(&LOG_FILE.to_string()), "the first file is not needed");
    let opened = WriteAheadLog::open(wal.into_disk(), &Bugs::new()).unwrap();
    assert_eq!((opened.recovered.term, opened.recovered.vote), (1, Some("n1".into())));
    assert_eq!(opened.recovered.log.last_index(), 2);
}

#[test]
fn files_stay_until_the_new_one_has_term_and_vote() {
    let mut wal = open(&[]).unwrap().wal;
    wal.append([&vote(1), &entry(1, 1), &base(1, 1, 1)]).unwrap();
    wal.sync().unwrap();
    // A power failure may come before the vote is written, which can have a barrier of its own.
    let opened = WriteAheadLog::open(wal.disk().clone(), &Bugs::new()).unwrap();
    assert_eq!((opened.recovered.term, opened.recovered.vote), (1, Some("n1".into())));
    wal.append([&vote(1)]).unwrap();
    wal.sync().unwrap();
    assert!(!names(wal.disk()).contains(&LOG_FILE.to_string()), "the first file is not needed");
}

#[test]
fn a_snapshot_takes_the_place_of_a_log_that_does_not_reach_it() {
    let mut wal = open(&[]).unwrap().wal;
    wal.append([&vote(3), &entry(1, 1), &base(9, 2, 9), &vote(3), &entry(10, 3)]).unwrap();
    wal.sync().unwrap();
    assert_eq!(names(wal.disk()).len(), 1);
    let opened = WriteAheadLog::open(wal.into_disk(), &Bugs::new()).unwrap();
    let log = &opened.recovered.log;
    assert_eq!((log.base(), log.term_at(9), log.last_index()), (9, Some(2), 10));
}
