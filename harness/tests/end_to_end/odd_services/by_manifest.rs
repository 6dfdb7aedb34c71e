//! Services whose habits a manifest describes. The service is a part of the test.

use std::path::Path;

use super::service::{Habits, Hint, Service};
use crate::common::{Finished, finished, run, scratch, stormproof};
use crate::support::{self, Fault, run_into};
use crate::triggers::assert_began_when_seen;
use crate::turn::turn;

/// The beginning of all manifests here.
const BEGIN: &str = r#"name = "odd"
version = "1"

[node]
command = ["true"]

[status]
request = "GET /status"
leader = "/leader"
applied = "/applied"
"#;

const READ: &str = r#"
[workload.register.read]
request = "GET /kv/{run}-{key}"
nothing = { status = 404 }
value = "/value"
"#;

const WRITE: &str = r#"
[workload.register.write]
request = "PUT /kv/{run}-{key}"
json = "{value}"
"#;

/// Writes a manifest of these parts.
fn manifest(folder: &Path, parts: &[&str]) -> String {
    let file = folder.join("odd.toml");
    std::fs::write(&file, parts.concat()).expect("a scratch file can be written");
    file.display().to_string()
}

fn check(service: &Service, manifest: &str) -> Finished {
    let mut command = stormproof();
    command.args(["target", "check", manifest, "--addresses", &service.flag()]);
    // What a failed check leaves belongs to the tests.
    finished(
        command.env("TMPDIR", env!("CARGO_TARGET_TMPDIR")).output().expect("the binary starts"),
    )
}

fn short_run(service: &Service, manifest: &str, results: &Path, more: &[&str]) -> Finished {
    let (addresses, results) = (service.flag(), results.display().to_string());
    let flags = ["run", "--target", manifest, "--addresses", &addresses, "--results", &results];
    let load = ["--time-limit", "2s", "--rate", "300", "--seed", "1", "--values", "numbers"];
    run(&[&flags[..], &load, more].concat())
}

const NO_FAULTS: &[&str] = &["--faults", "none"];

#[test]
fn a_register_need_not_have_a_cas() {
    let _turn = turn();
    let folder = scratch("odd-no-cas");
    let service = Service::start(Habits::default());
    let manifest = manifest(&folder, &[BEGIN, READ, WRITE]);
    check(&service, &manifest).exits(0).says("read, write work through every node");
    let known = [NO_FAULTS, &["--known", "lost=power: issue 17"]].concat();
    let avoided = "tested without power faults, which trigger the known failure lost";
    short_run(&service, &manifest, &folder, &known).exits(0).says("VALID").says(avoided);
}

#[test]
fn a_cas_can_be_a_read_and_a_write_on_condition_with_session_and_keys_made_before() {
    let _turn = turn();
    let folder = scratch("odd-etag");
    let habits = Habits { session_lasts: Some(150), keys_are_created: true, ..Habits::default() };
    let service = Service::start(habits);
    let session = "headers = { X-Session = \"{session}\" }\n";
    let setup = r#"
[[setup]]
request = "POST /login"
keep = { session = "/session" }
again = { status = 401 }

[[setup]]
each = "key"
request = "PUT /keys/{run}-{key}"
headers = { X-Session = "{session}" }
ok = { status = [201, 409] }
"#;
    let cas = r#"
[workload.register.cas]
request = "PUT /kv/{run}-{key}"
headers = { X-Session = "{session}", If-Match = "{etag}" }
json = "{value[1]}"
failed = { status = 412 }

[[workload.register.cas.first]]
request = "GET /kv/{run}-{key}"
headers = { X-Session = "{session}" }
failed = { status = 404 }
value = "/value"
expected = "{value[0]}"
keep = { etag = "header:ETag" }
"#;
    let refusal = r#"
[[refusal]]
error = "logged_out"
when = { status = 401 }
definite = true
"#;
    let parts = [BEGIN, session, refusal, setup, READ, session, WRITE, session, cas];
    let manifest = manifest(&folder, &parts);
    check(&service, &manifest).exits(0).says("read, write, cas work through every node");
    short_run(&service, &manifest, &folder, NO_FAULTS).exits(0).says("VALID");
    assert!(service.logins() > 3, "a session that ended was not made again");
}

#[test]
fn a_cas_may_answer_true_or_false_or_only_refuse() {
    let _turn = turn();
    let folder = scratch("odd-cas");
    let service = Service::start(Habits::default());
    let bare = r#"
[workload.register.cas]
request = "POST /cas/{run}-{key}"
json = "{value}"
ok = { "" = true }
failed = { "" = false }
"#;
    let bare = manifest(&folder, &[BEGIN, READ, WRITE, bare]);
    check(&service, &bare).exits(0).says("read, write, cas work through every node");
    short_run(&service, &bare, &folder, NO_FAULTS).exits(0).says("VALID");

    let refusing = r#"
[workload.register.cas]
request = "POST /refuse/{run}-{key}"
json = "{value}"

[[refusal]]
error = "refused"
when = { status = 409 }
definite = true
retry = false
"#;
    let refusing = manifest(&folder, &[BEGIN, READ, WRITE, refusing]);
    let said = "a cas that is to fail is refused as refused";
    check(&service, &refusing).exits(0).says(said);
    short_run(&service, &refusing, &folder, NO_FAULTS).exits(0).says("VALID");
}

#[test]
fn a_service_that_is_stale_in_calm_is_not_taken_for_a_wrong_manifest_alone() {
    let _turn = turn();
    let folder = scratch("odd-stale");
    let service = Service::start(Habits { is_stale: true, ..Habits::default() });
    let manifest = manifest(&folder, &[BEGIN, READ, WRITE]);
    let checked = check(&service, &manifest).exits(3).says("its reads are stale although nothing");
    checked.says("either the description is wrong, or the service itself is").says("--nodes 1");
}

#[test]
fn a_node_that_does_not_lead_names_the_leader_in_a_header_or_in_its_text() {
    let _turn = turn();
    let folder = scratch("odd-leader");
    let header = r#"
[[refusal]]
error = "not_leader"
when = { present = "header:X-Leader" }
definite = true
leader = "header:X-Leader"
"#;
    let body = r#"
[[refusal]]
error = "not_leader"
when = { status = 400, text = "the leader is" }
definite = true
leader = { at = "body", after = "the leader is ", until = "," }
"#;
    for (hint, refusal) in [(Hint::Header, header), (Hint::Body, body)] {
        let service = Service::start(Habits { leads: Some(hint), ..Habits::default() });
        let manifest = manifest(&folder, &[BEGIN, refusal, READ, WRITE]);
        check(&service, &manifest).exits(0).says("not_leader (definite) came first");
        short_run(&service, &manifest, &folder, NO_FAULTS).exits(0).says("VALID");
        let history = std::fs::read_to_string(folder.join("latest/history.jsonl"));
        let history = history.expect("a run leaves its history");
        assert!(!history.contains("\"timeout\""), "the hint was not followed");
    }
}

#[test]
fn a_leader_hands_over_by_request_or_command_and_members_are_dumped_by_command() {
    let _turn = turn();
    let folder = scratch("odd-orders");
    let service = Service::start(Habits::default());
    // A program of the service's own, in as few words as there are.
    let ask =
        r#"exec 3<>/dev/tcp/${1/:/\/}; printf "$2 HTTP/1.0\r\n\r\n" >&3; sed '1,/^\r$/d' <&3"#;
    let ask = format!("\"bash\", \"-c\", '''{ask}''', \"ask\", \"{{endpoint}}\"");
    let dump = format!("\n[dump]\ncommand = [{ask}, \"GET /dump\"]\nentries = \"\"\n");
    let by_request = "\n[leadership]\nrequest = \"POST /lead/{name}\"\n";
    let by_command = format!("\n[leadership]\ncommand = [{ask}, \"POST /lead/{{name}}\"]\n");
    let faults = ["--faults", "leadership", "--profile", "leadership"];
    for order in [by_request, &by_command] {
        let manifest = manifest(&folder, &[BEGIN, &dump, order, READ, WRITE]);
        short_run(&service, &manifest, &folder, &faults).exits(0).says("VALID").says("installed");
    }
}

/// Nothing of it but its clients and its status can be seen.
#[test]
fn a_hand_over_begins_when_the_service_has_acknowledged_a_write_and_another_when_that_is_done() {
    let _turn = turn();
    let folder = scratch("odd-moments");
    let service = Service::start(Habits::default());
    let order = "\n[leadership]\nrequest = \"POST /lead/{name}\"\n";
    let manifest = manifest(&folder, &[BEGIN, order, READ, WRITE]);
    let fault = |given: &str, when: &str| {
        format!(
            "[[fault]]\nat = 0.2\nlasts = 0.5\nfamily = \"leadership\"\nto = \"follower\"\n\
             {given}when = {{ {when} }}\n"
        )
    };
    let faults = [
        fault(
            "as = \"over\"\n",
            "seen = \"acknowledged\", f = \"write\", nth = 20, hold_ms = 1000",
        ),
        fault("", "seen = \"role\", role = \"leader\""),
        fault("", "seen = \"fault\", named = \"over\", is = \"begun\", after = 1"),
    ];
    let plan = format!(
        "target = {manifest:?}\naddresses = \"{}\"\nnodes = 3\ntime_limit = \"4s\"\nseed = 1\n\
         rate = 300.0\nvalues = \"numbers\"\n{}",
        service.flag(),
        faults.concat()
    );
    let file = folder.join("plan.toml");
    std::fs::write(&file, plan).expect("a scratch file can be written");
    run_into(&folder, &["--plan", &file.display().to_string()]).exits(0).says("VALID");
    let all = support::faults(&folder);
    assert_began_when_seen(&all, &[(1, "acknowledged"), (2, "role"), (3, "fault")]);
    assert!(all.iter().all(Fault::is_installed), "{all:#?}");
}

/// The manifest says nothing of how a node is started: the cluster runs already.
#[test]
fn orders_and_dumps_send_what_set_ups_and_their_own_first_requests_keep() {
    let _turn = turn();
    let folder = scratch("odd-orders-session");
    let service = Service::start(Habits { session_lasts: Some(10_000), ..Habits::default() });
    let begin = BEGIN.replace("[node]\ncommand = [\"true\"]\n", "");
    assert!(!begin.contains("node"), "{begin}");
    let session = "headers = { X-Session = \"{session}\" }\n";
    let setup = "\n[[setup]]\nrequest = \"POST /login\"\nkeep = { session = \"/session\" }\n\
                 again = { status = 401 }\n";
    let dump = "\n[dump]\nrequest = \"GET /dump\"\nentries = \"\"\nkey_after = \"~\"\n";
    let [read, write] = [READ, WRITE].map(|it| it.replace("{run}-{key}", "{run}~{key}"));
    let order = r#"
[leadership]
request = "POST /lead/{name}"
headers = { X-Session = "{session}", X-Instead-Of = "{before}" }

[[leadership.first]]
request = "GET /status"
headers = { X-Session = "{session}" }
keep = { before = "/leader" }
"#;
    let parts = [&begin, session, setup, dump, session, order, &read, session, &write, session];
    let manifest = manifest(&folder, &parts);
    check(&service, &manifest).exits(0).says("members hold the same");
    let faults = ["--faults", "leadership", "--profile", "leadership"];
    let ran = short_run(&service, &manifest, &folder, &faults).exits(0).says("VALID");
    assert!(ran.out.contains("installed"), "{}", ran.out);
    // Nothing can be started by it.
    let flags = ["run", "--target", &manifest, "--results", "never-made", "--time-limit", "1s"];
    run(&flags).exits(64).says("has no [node]").says("--addresses");
}

#[test]
fn an_address_where_nothing_listens_is_named_at_once() {
    let _turn = turn();
    let folder = scratch("odd-refused");
    let service = Service::start(Habits::default());
    let manifest = manifest(&folder, &[BEGIN, READ, WRITE]);
    let begin = std::time::Instant::now();
    let addresses = format!("{},127.0.0.1:1", service.flag());
    for command in [&["target", "check"][..], &["run", "--target"]] {
        let results = folder.display().to_string();
        let mut words = [command, &[&manifest, "--addresses", &addresses]].concat();
        if command[0] == "run" {
            words.extend(["--faults", "none", "--results", &results]);
        }
        let refused = run(&words).exits(3).says("127.0.0.1:1 (n4): Connection refused");
        assert!(!refused.err.contains("stderr.log"), "no log is ours: {}", refused.err);
    }
    assert!(begin.elapsed().as_secs() < 15, "it took {:?}", begin.elapsed());
}

#[test]
fn a_node_that_dies_is_shown_with_what_it_printed_on_both_streams() {
    let _turn = turn();
    let folder = scratch("odd-printed");
    let dies = "command = [\"sh\", \"-c\", \"echo I give up on {name}; echo sorry >&2; exit 3\"]";
    let begin = BEGIN.replace("command = [\"true\"]", dies);
    let manifest = manifest(&folder, &[&begin, READ, WRITE]);
    let results = folder.display().to_string();
    let flags = ["run", "--target", &manifest, "--nodes", "1", "--lab", "loopback"];
    let died = run(&[&flags[..], &["--faults", "none", "--results", &results]].concat()).exits(3);
    died.says("stdout.log:\n  I give up on n1").says("stderr.log:\n  sorry");
    let node = folder.join("latest/nodes/n1");
    let printed = std::fs::read_to_string(node.join("stdout.log")).expect("it was kept");
    assert_eq!(printed, "I give up on n1\n");
    let id = folder.join("latest").canonicalize().expect("a run leaves a link to itself");
    let id = id.file_name().expect("it has a name").to_string_lossy().into_owned();
    assert!(id.contains("Z-odd-register-s") && id.len() < 45, "{id} is no short name");
}
