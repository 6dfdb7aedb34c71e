//! Manifests as a whole: what the examples come to, and what is said of wrong ones.

use std::net::SocketAddr;

use anyhow::Result;
use checker::oracle::version::VersionSemantics;
use engines::node_process::OwnClock;

use super::Manifest;
use crate::exit::{Exit, of_error};
use crate::targets::{Member, PeerDoor, Target};

const BUNDLED: &str = include_str!("../../../examples/targets/bundled.toml");
const ETCD: &str = include_str!("../../../examples/targets/etcd.toml");

/// The pages that show a manifest.
const PAGES: [&str; 3] = [
    include_str!("../../../examples/targets/README.md"),
    include_str!("../../../../README.md"),
    include_str!("../../../../docs/testing/your-own-service.md"),
];

/// A manifest that says no more than it must.
const SMALL: &str = r#"name = "small"
version = "1.2"

[node]
command = ["sleep", "{port}"]

[status]
request = "GET /health"

[workload.set.read]
request = "GET /{key}"
value = "/value"

[workload.set.add]
request = "POST /{key}"
json = { add = "{value}" }
"#;

fn read(text: &str, set: &[(&str, &str)]) -> Result<Manifest> {
    let set = set.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    Manifest::read("it.toml".as_ref(), text.into(), &set)
}

/// Three members, each with one door for its peers.
fn cluster() -> Vec<Member> {
    let address = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
    (1..=3)
        .map(|number| {
            let folder = format!("/nodes/n{number}").into();
            let member = Member::at(&format!("n{number}"), address(7000 + number), folder);
            let door =
                PeerDoor { listen: address(7010 + number), advertised: address(7020 + number) };
            Member { for_clients: address(7030 + number), ..member.with_peers_at(vec![door]) }
        })
        .collect()
}

/// A manifest with one change is refused, at that line, in these words.
#[track_caller]
fn refuses(from: &str, to: &str, line: usize, words: &str) {
    assert!(SMALL.contains(from), "no {from}");
    let error = read(&SMALL.replacen(from, to, 1), &[]).expect_err("it is wrong");
    let text = format!("{error:#}");
    assert!(text.starts_with(&format!("it.toml:{line}: ")), "{text}");
    assert!(text.contains(words), "{text}");
    assert_eq!(of_error(&error), Exit::BadInput);
}

#[test]
fn the_examples_are_manifests() {
    let bundled = read(BUNDLED, &[]).expect("it is a manifest");
    assert_eq!(bundled.service.models.len(), workloads::ALL.len());
    assert_eq!(bundled.versions(), Some(VersionSemantics::LOG_INDEX));
    let etcd = read(ETCD, &[]).expect("it is a manifest");
    assert_eq!(etcd.service.models.keys().collect::<Vec<_>>(), [&"register", &"set"]);
    assert_eq!(etcd.peer_ports(), 1);
    let compact = etcd.service.orders.compact.as_ref().expect("it compacts");
    assert_eq!(compact.asked.first.len(), 1, "it asks for the revision first");
    assert_eq!(etcd.own_clock(), OwnClock::Plain);
}

#[test]
fn what_the_pages_show_are_manifests() {
    for page in PAGES {
        let begin = "```toml\nname = \"";
        let place = page.find(begin).expect("a manifest begins with its name");
        let manifest = page[place..]
            .trim_start_matches("```toml")
            .split("```")
            .next()
            .expect("it ends with its block");
        read(manifest, &[]).expect("it is a manifest");
    }
}

#[test]
fn peers_are_arguments_of_their_own_and_an_empty_argument_is_left_out() {
    let launch = |set: &[(&str, &str)]| {
        read(BUNDLED, set).expect("it is a manifest").launch(&cluster(), 1).argv
    };
    let plain = launch(&[]);
    let wanted = [
        "/proc/self/exe",
        "node",
        "--id=n2",
        "--listen=127.0.0.1:7002",
        "--advertise=127.0.0.1:7032",
        "--peer-listen=127.0.0.1:7012",
        "--data=/nodes/n2/data",
        "--peer=n1=127.0.0.1:7021",
        "--peer=n2=127.0.0.1:7022",
        "--peer=n3=127.0.0.1:7023",
    ];
    assert_eq!(plain, wanted);
    let buggy = launch(&[("flags", "--bug=stale-read")]);
    assert_eq!(buggy[wanted.len()..], ["--bug=stale-read"]);
}

#[test]
fn peers_are_joined_where_the_manifest_says_so() {
    let etcd = read(ETCD, &[("etcd", "/opt/etcd")]).expect("it is a manifest");
    let argv = etcd.launch(&cluster(), 0).argv;
    assert_eq!(argv[0], "/opt/etcd");
    let joined = "--initial-cluster=n1=http://127.0.0.1:7021,n2=http://127.0.0.1:7022,\
                  n3=http://127.0.0.1:7023";
    assert!(argv.iter().any(|argument| argument == joined), "{argv:?}");
    assert!(argv.contains(&"--listen-peer-urls=http://127.0.0.1:7011".into()), "{argv:?}");
    assert!(argv.contains(&"--advertise-client-urls=http://127.0.0.1:7031".into()), "{argv:?}");
}

#[test]
fn several_doors_are_named_one_by_one() {
    let argv = |command: &str, doors: usize| {
        let text = format!("peer_ports = {doors}\ncommand = [\"sleep\", {command}]");
        let text = SMALL.replace("command = [\"sleep\", \"{port}\"]", &text);
        read(&text, &[]).expect("it is a manifest").launch(&cluster(), 0).argv
    };
    assert_eq!(argv("\"{peer_port[0]}/{peer_port}\"", 1)[1], "7011/7011");
    let mut cluster = cluster();
    let second = PeerDoor { listen: ([127, 0, 0, 1], 7041).into(), ..cluster[0].peers[0] };
    cluster[0].peers.push(second);
    let text = "peer_ports = 2\ncommand = [\"sleep\", \"{peer_port[0]}\", \"{peer_port[1]}\"]";
    let text = SMALL.replace("command = [\"sleep\", \"{port}\"]", text);
    let launch = read(&text, &[]).expect("it is a manifest").launch(&cluster, 0);
    assert_eq!(launch.argv, ["sleep", "7011", "7041"]);
}

#[test]
fn later_starts_and_the_environment_are_templates_as_well() {
    let node = "[node]\nrestart = [\"again\", \"{name}\", \"{others}\"]\n\
                environment = { ID = \"{number}\" }\npeers = { each = \"{name}\" }";
    let manifest = read(&SMALL.replace("[node]", node), &[]).expect("it is a manifest");
    let launch = manifest.launch(&cluster(), 2);
    assert_eq!(launch.argv, ["sleep", "7003"]);
    assert_eq!(launch.again, Some(vec!["again".into(), "n3".into(), "n1".into(), "n2".into()]));
    assert_eq!(launch.env["ID"], "3");
}

#[test]
fn what_is_unknown_or_missing_is_named_with_its_line() {
    refuses("version = \"1.2\"", "verson = \"1.2\"", 2, "unknown field `verson`");
    refuses("name = \"small\"", "name = \"a/b\"", 1, "a name is letters");
    refuses("{port}", "{prot}", 5, "unknown placeholder {prot}");
    refuses("{port}", "{peers}", 5, "unknown placeholder {peers}");
    refuses("GET /health", "GRT /health", 8, "a request is a method and a path");
    refuses("GET /{key}", "GET {key}", 11, "a request is a method and a path");
    refuses("value = \"/value\"", "value = \"value\"", 12, "is no place in an answer");
    refuses("value = \"/value\"\n", "", 10, "value is missing: a read answers one");
    refuses(
        "json = { add = \"{value}\" }",
        "json = { add = \"{val}\" }",
        16,
        "unknown placeholder",
    );
    refuses("json = {", "honours_token = true\njson = {", 14, "no {token} is sent");
    refuses("json = {", "version = \"/version\"\njson = {", 16, "[versions] does not say");
    refuses("json = {", "value = \"/value\"\njson = {", 16, "what was asked");
    refuses("[workload.set.add]", "[workload.sett.add]", 14, "unknown workload sett");
    refuses("[workload.set.add]", "[workload.set.ad]", 14, "set has no operation ad; it has add");
    refuses("GET /{key}", "GET /{key}?{value}", 11, "{value} has no value here");
    let doors = "peer_ports = 2\ncommand = [\"sleep\", \"{peer_host}\"]";
    refuses("command = [\"sleep\", \"{port}\"]", doors, 6, "write {peer_host[0]}");
    let third = doors.replace("{peer_host}", "{peer_port[2]}");
    refuses("command = [\"sleep\", \"{port}\"]", &third, 6, "has 2 elements, from 0");
    let each = "peer_ports = 2\npeers = { each = \"{peer_address}\" }\ncommand";
    refuses("command", each, 6, "write {peer_address[0]}");
    let read_alone =
        "\n[workload.set.add]\nrequest = \"POST /{key}\"\njson = { add = \"{value}\" }\n";
    refuses(read_alone, "", 10, "[workload.set.add] is missing");
    refuses("[node]", "[versions]\nat = \"/v\"\n[node]", 4, "missing field `scope`");
}

#[test]
fn refusals_and_tests_are_checked_where_they_stand() {
    let with = |refusal: &str| format!("[[refusal]]\n{refusal}\n[node]");
    refuses(
        "[node]",
        &with("error = \"busy\"\nwhen = { status = 503 }"),
        4,
        "missing field `definite`",
    );
    let empty = with("error = \"busy\"\ndefinite = true\nwhen = {}");
    refuses("[node]", &empty, 7, "tests nothing");
    let timeout = with("error = \"timeout\"\ndefinite = true\nwhen = { status = 504 }");
    refuses("[node]", &timeout, 5, "another refusal timeout that is not as definite");
}

#[test]
fn a_dump_needs_to_know_how_far_a_member_is() {
    let dump = "[dump]\nrequest = \"GET /dump\"\nentries = \"\"\n[node]";
    refuses("[node]", dump, 5, "[status] must say by applied");
}

#[test]
fn only_variables_can_be_set() {
    let error = read(BUNDLED, &[("bug", "stale-read")]).expect_err("there is none");
    assert_eq!(of_error(&error), Exit::Usage);
    assert!(error.to_string().contains("bug cannot be set for it.toml; flags can"), "{error}");
    let error = read(&SMALL.replace("[node]", "[variables]\nkey = \"k\"\n[node]"), &[]);
    assert!(error.expect_err("that has a meaning").to_string().contains("cannot be called key"));
}

#[test]
fn a_program_that_is_not_there_is_named_with_what_starts_it() {
    let manifest = read(&SMALL.replace("sleep", "no-such-service"), &[]).expect("it is a manifest");
    let error = manifest.version().expect_err("nobody has it").to_string();
    assert!(error.contains("no program no-such-service") && error.contains("it.toml:5"), "{error}");
    assert_eq!(read(SMALL, &[]).expect("it is a manifest").version().expect("sleep"), "1.2");
}

#[test]
fn a_version_that_is_not_printed_is_said_with_what_was() {
    let command = "version = { command = [\"echo\", \"small 7\"], after = \"Version:\" }";
    let manifest = read(&SMALL.replace("version = \"1.2\"", command), &[]).expect("a manifest");
    let error = manifest.version().expect_err("it is not there").to_string();
    assert!(error.contains("it.toml:2") && error.contains("small 7"), "{error}");
}

#[test]
fn terms_may_differ_where_the_manifest_says_so() {
    let may = |more: &str| {
        let text = SMALL.replacen("[status]\n", &format!("[status]\n{more}\n"), 1);
        read(&text, &[]).expect("it is whole").terms_may_differ()
    };
    assert!(!may("") && may("terms_may_differ = true"));
}

#[test]
fn a_fresh_cluster_has_the_time_that_its_manifest_says() {
    let within = |more: &str| {
        let text = SMALL.replacen("[status]\n", &format!("[status]\n{more}\n"), 1);
        read(&text, &[]).map(|manifest| manifest.ready_within())
    };
    assert_eq!(within("").expect("it is whole"), std::time::Duration::from_secs(30));
    let minutes = within("ready_within = \"2m\"").expect("it is whole");
    assert_eq!(minutes, std::time::Duration::from_secs(120));
    let refused = within("ready_within = \"soon\"").expect_err("no time");
    assert!(format!("{refused:#}").contains("ready_within"), "{refused:#}");
}

#[test]
fn known_failures_of_a_manifest_are_those_of_its_target() {
    let known = "[[known]]\nname = \"lost-snapshot\"\nabout = \"https://example.com/17\"\n\
                 triggers = [\"power\", \"disk trouble=slow-fsync\"]\n\n[node]";
    let manifest = read(&SMALL.replace("[node]", known), &[]).expect("a manifest");
    let [failure] = manifest.known_failures() else { panic!("{:?}", manifest.known_failures()) };
    let text = "lost-snapshot=power,disk trouble=slow-fsync: https://example.com/17";
    assert_eq!(failure.to_string(), text);
    let wrong = known.replace("slow-fsync", "slowfsync");
    refuses("[node]", &wrong, 4, "expected one of `slow`, `slow-fsync`");
    refuses("[node]", &known.replace("about", "abuot"), 4, "unknown field `abuot`");
}

#[test]
fn delays_follow_the_timers_that_a_manifest_states() {
    let timers = |more: &str| {
        let text = format!("[variables]\nelection = \"1s\"\n\n[timers]\n{more}\n\n[node]");
        SMALL.replace("[node]", &text)
    };
    let usual = timers("heartbeat = \"100ms\"\nelection = \"{election}\"");
    let of = |text: &str, set: &[(&str, &str)]| {
        let range = read(text, set).expect("a manifest").timers().expect("it has timers");
        (range.shortest_ms, range.longest_ms, range.late_ms())
    };
    assert_eq!(of(&usual, &[]), (100.0, 8000.0, 200));
    assert_eq!(of(&usual, &[("election", "200ms")]), (100.0, 1600.0, 40));
    let patient = timers("heartbeat = \"1s\"\nelection = \"2s\"\nclient = \"1m\"");
    assert_eq!(of(&patient, &[]), (1000.0, 60_000.0, 400));
    assert_eq!(read(SMALL, &[]).expect("a manifest").timers(), None);
    let wrong = |more: &str| format!("[timers]\n{more}\n\n[node]");
    refuses("[node]", &wrong("heartbeat = \"1s\"\nelection = \"1s\""), 6, "is longer than");
    refuses("[node]", &wrong("heartbeat = \"soon\"\nelection = \"1s\""), 5, "\"soon\" is no time");
}

#[test]
fn a_status_can_send_what_set_ups_keep_that_are_about_no_key() {
    let with = |each: &str| {
        let set_up = format!(
            "[[setup]]\nrequest = \"POST /login\"\neach = \"{each}\"\n\
             keep = {{ session = \"/id\" }}\n\n[status]\n\
             headers = {{ Authorization = \"{{session}}\" }}"
        );
        SMALL.replace("[status]", &set_up)
    };
    for each in ["run", "node"] {
        let manifest = read(&with(each), &[]).expect("a manifest");
        assert_eq!(manifest.service.status.asked.set_ups, [0].into(), "{each}");
    }
    // One that it does not need is left for the first operation, and one that the other needs is made.
    let more = |keep: &str, header: &str| {
        let first = format!(
            "[[setup]]\nrequest = \"POST /keys\"\nkeep = {{ {keep} = \"/id\" }}\n\n[[setup]]\n\
             headers = {{ Authorization = \"{header}\" }}"
        );
        let text = with("run").replacen("[[setup]]", &first, 1);
        read(&text, &[]).expect("a manifest").service.status.asked.set_ups.clone()
    };
    assert_eq!(more("other", "none"), [1].into());
    assert_eq!(more("password", "{password}"), [0, 1].into());
    assert!(read(SMALL, &[]).expect("a manifest").service.status.asked.set_ups.is_empty());
    let error = read(&with("key"), &[]).expect_err("no key is known").to_string();
    assert!(error.contains("session"), "{error}");
}

#[test]
fn orders_and_dumps_begin_with_requests_and_send_what_is_kept() {
    let order = |first: &str, header: &str| {
        let text = format!(
            "[[setup]]\nrequest = \"POST /login\"\nkeep = {{ session = \"/id\" }}\n\n\
             [dump]\nrequest = \"GET /dump\"\nentries = \"\"\n\
             headers = {{ Authorization = \"{header}\" }}\n\n\
             [maintenance.compact]\nrequest = \"POST /compact/{{revision}}\"\n\n{first}\n[node]"
        );
        let applied = "request = \"GET /health\"\napplied = \"/applied\"";
        let small = SMALL.replace("request = \"GET /health\"", applied);
        read(&small.replace("[node]", &text), &[])
    };
    let first = "[[maintenance.compact.first]]\nrequest = \"GET /{name}\"\n\
                 headers = { Authorization = \"{session}\" }\nkeep = { revision = \"/revision\" }\n";
    let manifest = order(first, "{session}").expect("a manifest");
    let service = &manifest.service;
    assert_eq!(service.dump.as_ref().expect("it has one").asked.set_ups, [0].into());
    let compact = service.orders.compact.as_ref().expect("it has one");
    assert_eq!((compact.asked.first.len(), &compact.asked.set_ups), (1, &[0].into()));
    let without = order(first, "none").expect("a manifest");
    assert!(without.service.dump.as_ref().expect("it has one").asked.set_ups.is_empty());
    let error = order("", "none").expect_err("nothing keeps it").to_string();
    assert!(error.contains("unknown placeholder {revision}"), "{error}");
    let error = order(first, "{revision}").expect_err("that is of the order").to_string();
    assert!(error.contains("unknown placeholder {revision}"), "{error}");
    let again = first.replace("keep", "again = { status = 401 }\nkeep");
    let error = order(&again, "none").expect_err("that is of set-ups").to_string();
    assert!(error.contains("each and again are for [[setup]]"), "{error}");
}

#[test]
fn a_cluster_that_runs_already_needs_no_node_and_nothing_can_be_started_by_its_manifest() {
    let text = SMALL.replace("[node]\ncommand = [\"sleep\", \"{port}\"]\n\n", "");
    let manifest = read(&text, &[]).expect("a manifest");
    assert_eq!((manifest.peer_ports(), manifest.own_clock()), (0, OwnClock::No));
    let error = manifest.version().expect_err("nothing can be started");
    assert_eq!(of_error(&error), Exit::Usage);
    assert!(error.to_string().contains("it.toml has no [node]"), "{error}");
    assert!(error.to_string().contains("--addresses"), "{error}");
}
