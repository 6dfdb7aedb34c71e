//! A cluster that somebody else runs, here the test: its user's own commands do the faults.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{run, scratch};
use crate::support::{Fault, faults, verdict};
use crate::turn::turn;

/// The bundled cluster, each node started by a script of its user.
struct Theirs {
    folder: PathBuf,
    addresses: String,
}

impl Theirs {
    fn start(name: &str) -> Theirs {
        let folder = scratch(name);
        let listeners: Vec<_> = (0..6)
            .map(|_| TcpListener::bind(("127.0.0.1", 0)).expect("the loopback has ports"))
            .collect();
        let ports: Vec<u16> =
            listeners.iter().map(|it| it.local_addr().expect("it is bound").port()).collect();
        drop(listeners);
        let (ports, peer_ports) = ports.split_at(3);
        let peers: String = (1..)
            .zip(peer_ports)
            .map(|(number, port)| format!(" --peer=n{number}=127.0.0.1:{port}"))
            .collect();
        let script = format!(
            "cd {}\n{} node --id=$1 --listen=$2 --peer-listen=$(cat $1.peer) --data=data-$1{peers} \
             </dev/null >$1.out 2>&1 &\n\
             echo $! >$1.pid\n",
            folder.display(),
            env!("CARGO_BIN_EXE_stormproof"),
        );
        std::fs::write(folder.join("start.sh"), script).expect("a scratch file can be written");
        let addresses: Vec<String> = ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
        for ((number, address), peer_port) in (1..).zip(&addresses).zip(peer_ports) {
            let name = format!("n{number}");
            std::fs::write(folder.join(format!("{name}.peer")), format!("127.0.0.1:{peer_port}"))
                .expect("a scratch file can be written");
            let mut start = Command::new("sh");
            start.arg(folder.join("start.sh")).args([&name, address]);
            assert!(start.status().expect("a shell is everywhere").success());
        }
        Theirs { folder, addresses: addresses.join(",") }
    }

    /// A command of the user in the folder of the cluster.
    fn by(&self, act: &str, command: &str) -> String {
        format!("{act}=cd {} && {command}", self.folder.display())
    }
}

impl Drop for Theirs {
    fn drop(&mut self) {
        for number in 1..=3 {
            if let Ok(pid) = std::fs::read_to_string(self.folder.join(format!("n{number}.pid"))) {
                // One that has ended already is fine.
                let _ = Command::new("kill").args(["-9", pid.trim()]).output();
            }
        }
    }
}

/// The number of faults of that family that took effect in the newest run.
fn installed(results: &Path, family: &str) -> usize {
    let took = |fault: &&Fault| fault.family == family && fault.is_installed();
    faults(results).iter().filter(took).count()
}

#[test]
fn nodes_of_others_are_killed_started_paused_and_resumed_by_their_commands() {
    let _turn = turn();
    let theirs = Theirs::start("elsewhere-processes");
    let results = theirs.folder.join("results").display().to_string();
    let by = [
        theirs.by("kill", "kill -9 $(cat {name}.pid)"),
        theirs.by("start", "sh start.sh {name} {address}"),
        theirs.by("pause", "kill -STOP $(cat {name}.pid)"),
        theirs.by("resume", "kill -CONT $(cat {name}.pid)"),
    ];
    let by = by.iter().flat_map(|by| ["--by", by.as_str()]);
    let flags = ["run", "--target", "bundled", "--addresses", &theirs.addresses];
    let more = ["--faults", "kill,pause", "--time-limit", "20s", "--rate", "100", "--seed", "4"];
    let words: Vec<&str> =
        flags.into_iter().chain(more).chain(by).chain(["--results", &results]).collect();
    let ended = run(&words).exits(0).says("VALID").says("engine     kill by `cd ");
    assert!(!ended.out.contains("indeterminate"), "{}", ended.out);
    let results = Path::new(&results);
    assert!(installed(results, "kill") > 0 && installed(results, "pause") > 0, "{}", ended.out);
    assert_eq!(verdict(results)["liveness"]["verdict"], "valid", "{}", ended.out);
}

#[test]
fn links_of_others_are_cut_by_their_commands_and_a_command_says_if_they_are() {
    let _turn = turn();
    let theirs = Theirs::start("elsewhere-links");
    let results = theirs.folder.join("results").display().to_string();
    let cut = "cut-{from_name}-{to_name}";
    let by = [
        theirs.by("cut", &format!("touch {cut}")),
        theirs.by("heal", &format!("rm -f {cut}")),
        theirs.by("reaches", &format!("test ! -e {cut}")),
    ];
    let by: Vec<&str> = by.iter().flat_map(|by| ["--by", by.as_str()]).collect();
    let flags = ["run", "--target", "bundled", "--addresses", &theirs.addresses];
    let more = ["--faults", "partition", "--time-limit", "12s", "--rate", "100", "--seed", "4"];
    let words = [&flags[..], &more, &by, &["--results", &results]].concat();
    run(&words).exits(0).says("VALID").says("engine     partition by `cd ");
    assert!(installed(Path::new(&results), "partition") > 0);
    let left = std::fs::read_dir(&theirs.folder).expect("it is there").flatten();
    let left: Vec<_> = left
        .map(|it| it.file_name())
        .filter(|it| it.to_string_lossy().starts_with("cut-"))
        .collect();
    assert!(left.is_empty(), "not healed: {left:?}");
}

#[test]
fn a_command_without_effect_is_not_taken_for_a_fault() {
    let _turn = turn();
    let theirs = Theirs::start("elsewhere-idle");
    let results = theirs.folder.join("results").display().to_string();
    let by = [theirs.by("pause", "true {name}"), theirs.by("resume", "true {name}")];
    let by: Vec<&str> = by.iter().flat_map(|by| ["--by", by.as_str()]).collect();
    let flags = ["run", "--target", "bundled", "--addresses", &theirs.addresses];
    let more = ["--faults", "pause", "--time-limit", "4s", "--rate", "100", "--seed", "4"];
    let words = [&flags[..], &more, &by, &["--results", &results]].concat();
    run(&words).exits(2).says("none was seen to take effect");
    assert_eq!(installed(Path::new(&results), "pause"), 0);
}
