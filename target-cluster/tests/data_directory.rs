//! The data directory of a real node: damage is noticed, and it serves one owner.

use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use stormproof_cluster::bugs::Bugs;
use stormproof_cluster::core::{Settings, SnapshotOptions, Timings};
use stormproof_cluster::server::{Config, Failure, LOG_FILE, Listeners, RequestLimits, run_until};
use stormproof_cluster::storage::{FileDisk, IDENTITY_FILE};

/// The time that a node may take to do what it should. Generous: it only ends a test that hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// A single voter, which leads and writes its no-op within the first election timeout.
fn alone(name: &str) -> Config {
    let directory = std::env::temp_dir().join(format!("stormproof-{name}-{}", std::process::id()));
    Config {
        cluster: "test".into(),
        id: "n1".into(),
        listen: "127.0.0.1:0".parse().unwrap(),
        advertise: None,
        join: None,
        peer_listen: "127.0.0.1:0".parse().unwrap(),
        peers: vec![("n1".into(), "127.0.0.1:1".into())],
        data_dir: directory,
        timings: Timings::default(),
        snapshots: SnapshotOptions::DEFAULT,
        settings: Settings::default(),
        limits: RequestLimits::default(),
        bugs: Bugs::new(),
        events: true,
    }
}

fn any_port() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

/// Runs a single voter until `done` says so.
fn run_until_it(config: &Config, done: impl Fn() -> bool) -> Result<(), Failure> {
    let start = Instant::now();
    let done = async {
        while start.elapsed() < PATIENCE && !done() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    run_until(config.clone(), Listeners { clients: any_port(), peers: any_port() }, done)
}

#[test]
fn a_log_that_is_damaged_or_cut_off_is_reported_and_not_served() {
    let config = alone("damaged");
    let log = config.data_dir.join(LOG_FILE);
    let length = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
    run_until_it(&config, || length(&log) > 100).unwrap();
    // Another start notes how much of the log is durable.
    run_until_it(&config, || true).unwrap();
    let whole = std::fs::read(&log).unwrap();
    let last = whole.len() - 1;
    let damaged = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        bytes
    };
    for (bytes, what) in [
        (damaged(25), "the log is corrupt at byte 0"),
        (damaged(last), "the checksum of the record differs"),
        (whole[..last].to_vec(), "the record is cut short"),
        (Vec::new(), "the log ends here"),
    ] {
        std::fs::write(&log, &bytes).unwrap();
        let failure = run_until_it(&config, || false).unwrap_err();
        let message = failure.to_string();
        assert!(message.contains("raft.log: ") && message.contains(what), "{message}");
        assert_eq!(failure.exit_code(), Some(Failure::LOG_CORRUPT));
    }
    std::fs::remove_dir_all(&config.data_dir).unwrap();
}

#[test]
fn a_data_directory_serves_one_process_at_a_time() {
    let config = alone("shared");
    let disk = FileDisk::open(&config.data_dir, LOG_FILE).unwrap();
    let failure = run_until_it(&config, || false).unwrap_err();
    assert_eq!(failure.exit_code(), Some(Failure::DATA_IN_USE), "{failure}");
    drop(disk);
    run_until_it(&config, || true).unwrap();
    std::fs::remove_dir_all(&config.data_dir).unwrap();
}

#[test]
fn a_disk_that_fails_at_the_start_is_reported_with_what_failed() {
    let config = alone("no-disk");
    std::fs::create_dir_all(config.data_dir.join(LOG_FILE)).unwrap();
    let failure = run_until_it(&config, || false).unwrap_err();
    assert_eq!(failure.exit_code(), Some(Failure::DISK_FAILED));
    let message = failure.to_string();
    assert!(message.starts_with("the disk failed: opening of "), "{message}");
    std::fs::remove_dir_all(&config.data_dir).unwrap();
}

#[test]
fn a_data_directory_serves_the_node_and_the_cluster_that_it_was_made_for() {
    let config = alone("another");
    run_until_it(&config, || true).unwrap();
    let other_node = Config {
        id: "n2".into(),
        peers: vec![("n2".into(), "127.0.0.1:1".into())],
        ..config.clone()
    };
    let other_cluster = Config { cluster: "other".into(), ..config.clone() };
    let mut more = config.clone();
    more.peers.push(("n2".into(), "127.0.0.1:2".into()));
    for other in [other_node, other_cluster, more] {
        let failure = run_until_it(&other, || true).unwrap_err();
        assert_eq!(failure.exit_code(), Some(Failure::ANOTHERS_DATA), "{failure}");
        assert!(failure.to_string().contains("belongs to n1 of the cluster 'test'"), "{failure}");
    }
    std::fs::remove_file(config.data_dir.join(IDENTITY_FILE)).unwrap();
    std::fs::write(config.data_dir.join(LOG_FILE), b"anything").unwrap();
    let failure = run_until_it(&config, || true).unwrap_err();
    assert_eq!(failure.exit_code(), Some(Failure::LOG_CORRUPT), "{failure}");
    std::fs::remove_dir_all(&config.data_dir).unwrap();
}
