//! Machines that lack something: the run goes on without it and names it, or refuses what was asked
//! for by name.

use std::path::Path;
use std::process::Command;

use crate::common::{Finished, finished, scratch};
use crate::support::{faults, has_namespaces, verdict};
use crate::turn::turn;

/// Runs the binary where `/dev` has no device for file systems of user space; none when this
/// machine does not let us make such a place.
fn without_fuse(results: &Path, arguments: &[&str]) -> Option<Finished> {
    const SCRIPT: &str = r#"
        dev=$1/dev
        mkdir -p "$dev" || exit 77
        for kept in null zero full random urandom tty net pts shm; do
            test -e "/dev/$kept" || continue
            if test -d "/dev/$kept"; then mkdir -p "$dev/$kept"; else : >"$dev/$kept"; fi
            mount --rbind "/dev/$kept" "$dev/$kept" || exit 77
        done
        mount --rbind "$dev" /dev || exit 77
        test ! -e /dev/fuse || exit 77
        results=$1
        shift
        exec "$@" --results "$results""#;
    let output = Command::new("unshare")
        .args(["-Urm", "sh", "-c", SCRIPT, "sh"])
        .arg(results)
        .arg(env!("CARGO_BIN_EXE_stormproof"))
        .args(arguments)
        .output();
    match output {
        Ok(output) if output.status.code() != Some(77) => Some(finished(output)),
        _ => {
            eprintln!("skipped: cannot hide a device here");
            None
        }
    }
}

#[test]
fn without_fuse_disks_and_power_are_left_out_by_name_or_refused() {
    let _turn = turn();
    if !has_namespaces() {
        return;
    }
    let results = scratch("no-fuse");
    let flags = ["run", "--nodes", "3", "--time-limit", "8s", "--seed", "7"];
    for family in ["disk", "power", "corruption"] {
        let asked = [&flags[..], &["--faults", family]].concat();
        let Some(refused) = without_fuse(&results, &asked) else { return };
        refused.exits(64).says(&format!("no {family} faults here")).says("/dev/fuse");
    }
    let Some(all) = without_fuse(&results, &flags) else { return };
    all.exits(0).says("VALID").says("left out");
    let skipped = verdict(&results)["run"]["skipped"].clone();
    for family in ["disk", "power"] {
        let mut named = skipped.as_array().into_iter().flatten();
        let named = named.find(|left_out| left_out[0] == family);
        let reason = named.and_then(|left_out| left_out[1].as_str()).unwrap_or_default();
        assert!(reason.contains("/dev/fuse"), "{family} of {skipped}");
        assert!(faults(&results).iter().all(|fault| fault.family != family));
    }
}
