//! The pages and files of a folder of results, by their addresses.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use results::index::{self, Served, address};
use results::live::{self, Tail, Watched, going_on};
use results::run_directory::{REPORT, RunDirectory};

use super::comparison::comparison;
use super::index::{name, read};
use super::request::Request;
use super::server::{Answers, Contents, Response};

/// An index is made anew after this time. Thousands of nights are not read for every click.
const FRESH: Duration = Duration::from_secs(3);

/// The most runs whose histories are kept in memory while they go on.
const WATCHED: usize = 4;

/// A folder of results.
pub(super) struct Site {
    root: PathBuf,
    /// True if only this machine is served.
    local: bool,
    /// The indexes that were made just now, by their folders.
    indexes: Mutex<BTreeMap<String, (Instant, String)>>,
    /// The runs that are looked at while they go on, by their places, the last looked at behind.
    tails: Mutex<Vec<(String, Tail)>>,
}

impl Site {
    /// The results in a folder.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of(folder: &Path, local: bool) -> Result<Site> {
        let cannot = || format!("cannot read {}", folder.display());
        let root = folder.canonicalize().with_context(cannot)?;
        fs::read_dir(&root).with_context(cannot)?;
        Ok(Site { root, local, indexes: Mutex::default(), tails: Mutex::default() })
    }

    /// The path of a place, which lies in the folder.
    fn path(&self, place: &str) -> Result<PathBuf> {
        let path = self.root.join(place);
        let path = path.canonicalize().with_context(|| format!("there is no {place}"))?;
        if !path.starts_with(&self.root) {
            bail!("there is no {place}");
        }
        Ok(path)
    }

    fn file(&self, place: &str, is_folder: bool) -> Result<Response> {
        let path = self.path(place)?;
        if path.is_dir() {
            return match is_folder {
                true => self.folder(place, &path),
                false => Ok(Response::moved(&format!("/{}/", address(place)))),
            };
        }
        let file = File::open(&path).with_context(|| format!("cannot read {place}"))?;
        let length = file.metadata().with_context(|| format!("cannot read {place}"))?.len();
        let (status, contents) = ("200 OK", Contents::File(file, length));
        Ok(Response { status, kind: kind(&path), header: None, contents })
    }

    /// The index of a folder with nights or runs; the files of another one.
    fn folder(&self, place: &str, path: &Path) -> Result<Response> {
        if !RunDirectory::is_one(path)
            && let Some(page) = self.index(place, path)?
        {
            return Ok(Response::page(page));
        }
        let mut entries: Vec<(String, bool)> = fs::read_dir(path)
            .with_context(|| format!("cannot read {place}"))?
            .flatten()
            .filter_map(|entry| {
                Some((entry.file_name().into_string().ok()?, entry.path().is_dir()))
            })
            .collect();
        entries.sort();
        Ok(Response::page(index::listing(place, &entries)))
    }

    fn index(&self, place: &str, path: &Path) -> Result<Option<String>> {
        if let Some((made, page)) = locked(&self.indexes).get(place)
            && made.elapsed() < FRESH
        {
            return Ok(Some(page.clone()));
        }
        let index = read(path)?;
        if index.is_empty() && !place.is_empty() {
            return Ok(None);
        }
        let before = if place.is_empty() { String::new() } else { format!("{place}/") };
        let page = index::html(&index, &name(path), Served::At(&before));
        let mut indexes = locked(&self.indexes);
        indexes.retain(|_, (made, _)| made.elapsed() < FRESH);
        indexes.insert(place.to_owned(), (Instant::now(), page.clone()));
        Ok(Some(page))
    }

    fn compare(&self, request: &Request) -> Result<Response> {
        let side = |name: &str| -> Result<(String, RunDirectory)> {
            let place = request.query.get(name);
            let place = place.with_context(|| format!("/compare?a=…&b=… lacks {name}"))?;
            Ok((format!("/{}/", address(place)), RunDirectory::open(&self.path(place)?)?))
        };
        comparison(side("a")?, side("b")?).map(Response::page)
    }

    /// The page of a run that goes on, or the part of it that changes.
    fn live(&self, request: &Request, part: bool) -> Result<Response> {
        let asked = request.query.get("run");
        let mut running = going_on(&self.root);
        // When none goes on any more, the last one that was looked at has its report.
        let last = || locked(&self.tails).last().map(|(place, _)| place.clone());
        let place = match asked {
            Some(place) => Some(place.clone()),
            None => running.first().cloned().or_else(last),
        };
        running.retain(|it| Some(it) != place.as_ref());
        let source = match asked {
            Some(place) => format!("/live/now?run={}", address(place)),
            None => "/live/now".to_owned(),
        };
        let Some(place) = place else {
            return Ok(page_or_part(live::body(None, &running), &source, part));
        };
        let run = RunDirectory::open(&self.path(&place)?)?;
        let account = run.account()?;
        let mut tails = locked(&self.tails);
        let known = tails.iter().position(|(known, _)| *known == place);
        let (_, mut tail) = match known {
            Some(at) => tails.remove(at),
            None => (place.clone(), Tail::of(run.path())),
        };
        tail.refresh()?;
        let watched = Watched {
            place: &place,
            tail: &tail,
            account: account.as_ref(),
            goes_on: run.goes_on(),
            has_page: run.path().join(REPORT).is_file(),
        };
        let response = page_or_part(live::body(Some(watched), &running), &source, part);
        tails.push((place, tail));
        if tails.len() > WATCHED {
            tails.remove(0);
        }
        Ok(response)
    }
}

impl Answers for Site {
    fn answer(&self, request: &Request) -> Response {
        if request.acts {
            return Response::sentence("405 Method Not Allowed", "results are only read here");
        }
        if self.local && !request.is_for_this_machine() {
            return Response::sentence("403 Forbidden", "ask by the address of this machine");
        }
        let answer = match request.place().as_str() {
            "compare" => self.compare(request),
            "live" => self.live(request, false),
            "live/now" => self.live(request, true),
            place => self.file(place, request.is_folder),
        };
        answer.unwrap_or_else(|error| Response::sentence("404 Not Found", format!("{error:#}")))
    }
}

fn page_or_part(body: live::Body, source: &str, part: bool) -> Response {
    match part {
        true => Response::page(body.text()),
        false => Response::page(live::html(&body, source)),
    }
}

/// The contents of a mutex, also of one that a thread left which panicked: they are whole.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The type of a file by the end of its name. Logs and histories are shown as texts.
fn kind(path: &Path) -> &'static str {
    match path.extension().and_then(|end| end.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("json") => "application/json",
        Some("jsonl" | "toml" | "log" | "txt" | "xml" | "md") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
