//! Pages of nights and runs: as files, and as `serve` brings them to a browser.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::common::{run, scratch, stormproof};
use crate::support::started_saying;
use crate::turn::turn;

/// A plan whose runs take two seconds.
const QUICK: &str = "name = \"quick\"\nruns = 2\nworkloads = [\"set\"]\n\
    [run]\nfaults = \"none\"\nnodes = 1\ntime_limit = \"1s\"\nrate = 50.0\n";

/// A server, killed if a test fails.
struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start(folder: &Path) -> Server {
        let mut process = stormproof()
            .args(["serve", &folder.display().to_string(), "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let output = process.stdout.take().expect("it is piped");
        let line = BufReader::new(output).lines().next().expect("it says its address");
        let line = line.expect("it is text");
        let (_, address) = line.split_once("http://").expect("it says its address");
        Server { process, address: address.trim_end_matches('/').to_owned() }
    }

    /// Status and contents of what lies at a path.
    fn get(&self, path: &str) -> (u16, String) {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.address))
    }

    fn ask(&self, request: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        let (head, contents) = answer.split_once("\r\n\r\n").expect("a head and contents");
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        (status.expect("a status"), contents.to_owned())
    }

    /// The exit code when a signal asks it to end.
    fn ended_by(mut self, signal: Signal) -> Option<i32> {
        kill(Pid::from_raw(self.process.id() as i32), signal).expect("it lives");
        self.process.wait().expect("it ends").code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The reports that a page leads to.
fn reports(page: &str) -> Vec<String> {
    let links = page.split("href=\"").skip(1).filter_map(|rest| rest.split_once('"'));
    let links = links.map(|(link, _)| link).filter(|link| link.ends_with("report.html"));
    links.map(str::to_owned).collect()
}

#[test]
fn a_night_leaves_an_index_and_serve_shows_it_with_its_runs() {
    let _turn = turn();
    let scratch = scratch("pages");
    let plan = scratch.join("quick.toml");
    fs::write(&plan, QUICK).expect("it can be written");
    let nights = scratch.join("results").join("nights");
    let shown = nights.display().to_string();
    let plan = plan.display().to_string();
    for seed in ["1", "2"] {
        let arguments = ["nightly", &plan, "--seed", seed, "--jobs", "1", "--results", &shown];
        run(&arguments).exits(0).says("nights/index.html");
    }
    let page = fs::read_to_string(nights.join("index.html")).expect("a night leaves an index");
    let written = |path: &str| {
        let file = fs::metadata(nights.join(path)).expect("a night leaves it");
        file.modified().expect("there is a time")
    };
    // How a night compares is known last, and the index shows it.
    assert!(written("index.html") >= written("latest/night.json"));
    let links = reports(&page);
    assert_eq!(links.len(), 4, "{links:?}");
    for link in &links {
        assert!(nights.join(link).is_file(), "{link}");
    }
    assert!(page.contains("none of 2 runs failed") && page.contains("p99"));

    // A night of another version does not keep the others from being shown.
    let broken = nights.join("20200101T000000Z-old");
    fs::create_dir(&broken).expect("it can be made");
    fs::write(broken.join("night.json"), "{\"schema\":0}").expect("it can be written");
    run(&["report", &shown]).exits(0).says("nights/index.html");
    let page = fs::read_to_string(nights.join("index.html")).expect("it is there");
    assert!(page.contains("its form is 0") && reports(&page) == links);

    let results = scratch.join("results");
    symlink("/etc", results.join("away")).expect("it can be linked");
    let server = Server::start(&results);
    let (status, index) = server.get("/");
    assert_eq!((status, reports(&index).len()), (200, 4));
    assert!(index.contains("its form is 0") && index.contains("href=\"/live\""));
    let report = &reports(&index)[0];
    let (status, contents) = server.get(&format!("/{report}"));
    assert_eq!(status, 200);
    assert_eq!(contents, fs::read_to_string(results.join(report)).expect("it is there"));
    assert_eq!(server.get("/nights").0, 301);
    assert_eq!(reports(&server.get("/nights/").1), links);

    let sides: Vec<&str> = links.iter().map(|link| link.trim_end_matches("/report.html")).collect();
    let address = format!("/compare?a=nights/{}&b=nights%2F{}", sides[0], sides[1]);
    let (status, comparison) = server.get(&address);
    assert_eq!(status, 200, "{comparison}");
    assert!(comparison.contains("<code>seed</code>") && comparison.contains("Timelines"));
    assert!(server.get("/live").1.contains("No run goes on here"));

    for (path, expect) in [
        ("/../pages/quick.toml", 400),
        ("/%2e%2e/pages/quick.toml", 400),
        ("/away/hostname", 404),
        ("/compare?a=away&b=away", 404),
        ("/live?run=away", 404),
        ("/nothing", 404),
    ] {
        assert_eq!(server.get(path).0, expect, "{path}");
    }
    assert_eq!(server.ask("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n").0, 403);
    assert_eq!(server.ask("DELETE / HTTP/1.1\r\n\r\n").0, 405);
    assert_eq!(server.ended_by(Signal::SIGINT), Some(0));
}

#[test]
fn a_run_that_goes_on_is_shown_live_and_one_that_was_killed_is_marked() {
    let _turn = turn();
    let scratch = scratch("pages-live");
    let results = scratch.display().to_string();
    let arguments = [
        "run",
        "--results",
        &results,
        "--nodes",
        "1",
        "--faults",
        "none",
        "--time-limit",
        "60s",
        "--rate",
        "50",
        "--seed",
        "7",
    ];
    let server = Server::start(&scratch);
    assert!(server.get("/live").1.contains("No run goes on here"));
    let (mut running, ..) = started_saying(&arguments, "seed 7");
    let began = std::time::Instant::now();
    let shown = loop {
        let (status, page) = server.get("/live/now");
        assert_eq!(status, 200, "{page}");
        if page.contains("seed 7") && page.contains("ok a second") && page.contains(">load<") {
            break page;
        }
        assert!(began.elapsed().as_secs() < 60, "it never came: {page}");
        std::thread::sleep(std::time::Duration::from_millis(50));
    };
    assert!(!shown.contains("<html"), "it is the part that changes");
    assert!(server.get("/live").1.contains("data-source=\"/live/now\""));
    running.kill().expect("it lives");
    running.wait().expect("it was killed");
    let began = std::time::Instant::now();
    while !server.get("/live/now").1.contains(">ended<") {
        assert!(began.elapsed().as_secs() < 60, "its end is not seen");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    run(&["report", &results]).exits(0);
    let page = fs::read_to_string(scratch.join("index.html")).expect("it was written");
    assert!(page.contains("it ended before it was judged"));
    assert_eq!(server.ended_by(Signal::SIGTERM), Some(0));
}
