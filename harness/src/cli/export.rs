//! `stormproof export`: a history in the form of another tool.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use checker::history::{Event, Format as Written, Setting};
use clap::{Args, ValueEnum};
use results::compressed;
use results::export::{Edn, Form, Otel, Porcupine, Source};
use results::run_directory::{HISTORY, RunDirectory};
use results::summary::RunInfo;

use super::history_input::{self, is_standard_input};
use super::judging::unreadable;
use crate::exit::{Exit, bad_input};
use crate::printing::err;

#[derive(Debug, Args)]
pub struct Arguments {
    /// A run directory, such as results/runs/latest, a history.jsonl (also compressed by gzip or
    /// zstd), or - for standard input
    path: PathBuf,
    /// The form
    #[arg(long, value_name = "FORM")]
    format: Format,
    /// The file to write [default: the standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// The forms of other tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Jepsen's EDN, a map a line, for Knossos, Elle and `stormproof check`
    Edn,
    /// A JSON array of operations, as Go reads it into []porcupine.Operation
    Porcupine,
    /// Spans in the JSON form of OpenTelemetry (OTLP): operations with their attempts, faults
    Otel,
}

pub fn main(arguments: Arguments) -> Result<Exit> {
    let Arguments { path, format, output } = arguments;
    let mut origin = Origin::of(&path)?;
    // Before anything is written: a file that was there is not lost for an input that is none.
    let mut input = BufReader::new(origin.open(&path)?);
    let mut first = Vec::new();
    let read = input.read_until(b'\n', &mut first);
    read.map_err(|error| bad_input(format!("cannot read {}: {error}", path.display())))?;
    if let Some(setting) = setting_of(&first) {
        origin.setting = setting;
        first = vec![b'\n'];
    }
    let input = io::Cursor::new(first).chain(input);
    let mut form: Box<dyn Form> = match format {
        Format::Edn => Box::new(Edn::new(origin.setting.clone())),
        Format::Porcupine => Box::new(Porcupine::default()),
        Format::Otel => Box::new(Otel::new(origin.source())),
    };
    let mut output: Box<dyn Write> = match &output {
        Some(file) => {
            let cannot = || format!("cannot write {}", file.display());
            Box::new(BufWriter::new(File::create(file).with_context(cannot)?))
        }
        None => Box::new(BufWriter::new(io::stdout().lock())),
    };
    let exported = export(input, &mut *form, &mut *output, &path);
    match exported.and_then(|()| output.flush().map_err(Into::into)) {
        // The reader has gone away, as in `stormproof export … | head -1`.
        Err(error) if is_broken_pipe(&error) => Ok(Exit::Valid),
        ended => ended.map(|()| Exit::Valid),
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

/// Writes the form, event by event. A last line without its newline was cut off, and is left out.
fn export(
    mut input: impl BufRead,
    form: &mut dyn Form,
    output: &mut dyn Write,
    path: &Path,
) -> Result<()> {
    output.write_all(form.begin().as_bytes())?;
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let read = input.read_until(b'\n', &mut line);
        let at = || format!("{}, line {number}", path.display());
        if read.map_err(|error| bad_input(format!("{}: {error}", at())))? == 0 {
            break;
        }
        match serde_json::from_slice::<Event>(&line) {
            Ok(event) => output.write_all(form.event(&event).as_bytes())?,
            Err(_) if line.trim_ascii().is_empty() => {}
            Err(_) if line.last() != Some(&b'\n') => {
                err!("{}: the last line is cut off and was left out", path.display());
            }
            Err(error) => {
                return Err(bad_input(format!("{} is no event of a history.jsonl: {error}", at())));
            }
        }
    }
    output.write_all(form.end().as_bytes())?;
    Ok(())
}

/// The way in which a history is to be judged, if its first line says it.
fn setting_of(line: &[u8]) -> Option<Setting> {
    let setting = checker::history::read(line).ok()?.setting;
    (setting != Setting::default()).then_some(setting)
}

/// A history and all that is known of where it is from.
struct Origin {
    is_run: bool,
    info: Option<RunInfo>,
    setting: Setting,
}

impl Origin {
    fn of(path: &Path) -> Result<Origin> {
        let mut setting = Setting::default();
        setting.nil_reads = Some(Written::JsonLines.nil_reads());
        if !path.is_dir() {
            return Ok(Origin { is_run: false, info: None, setting });
        }
        let run = RunDirectory::open(path).map_err(unreadable)?;
        let account = run.account().map_err(unreadable)?;
        setting.model = account.as_ref().map(|account| account.model.clone());
        Ok(Origin { is_run: true, info: account.map(|account| account.run), setting })
    }

    fn open(&self, path: &Path) -> Result<Box<dyn Read>> {
        let (path, opened) = match self.is_run {
            true => {
                let history = path.join(HISTORY);
                let opened = compressed::open(&history);
                (history, opened)
            }
            false => {
                let opened = history_input::open(path);
                (path.to_owned(), opened.and_then(|(it, _)| history_input::uncompressed(it)))
            }
        };
        let shown = match is_standard_input(&path) {
            true => "standard input".to_owned(),
            false => path.display().to_string(),
        };
        opened.map_err(|error| bad_input(format!("cannot read {shown}: {error}")))
    }

    fn source(&self) -> Source {
        let Some(info) = &self.info else { return Source::default() };
        let started = humantime::parse_rfc3339_weak(&info.started).ok();
        let since = started.and_then(|it| it.duration_since(std::time::UNIX_EPOCH).ok());
        Source {
            run: info.id.clone(),
            target: info.target.clone(),
            target_version: info.target_version.clone(),
            started: since.map_or(0, |since| since.as_nanos() as u64),
        }
    }
}
