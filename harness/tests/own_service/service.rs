//! The service: registers, kept by one server in a journal that is on disk before anything is
//! answered. A line is a question, a line is the answer:
//!
//! ```text
//! get k            → value 7, or none
//! set k 7          → done
//! swap k 7 8       → done, or differs
//! ```

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

/// All registers, and the journal of what was written.
struct Registers {
    values: BTreeMap<String, String>,
    journal: File,
}

/// Serves at `listen` until it is killed.
pub fn serve(listen: &str, data: &str) -> ExitCode {
    match open(data).and_then(|registers| listen_at(listen, registers)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cannot serve at {listen}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn open(data: &str) -> io::Result<Registers> {
    let path = Path::new(data).join("journal");
    let mut values = BTreeMap::new();
    if path.exists() {
        for line in BufReader::new(File::open(&path)?).lines() {
            // A crash may have cut the last line off; then nobody was told that it is there.
            if let Some((key, value)) = line?.strip_suffix(';').and_then(|it| it.split_once(' ')) {
                values.insert(key.to_owned(), value.to_owned());
            }
        }
    }
    let journal = OpenOptions::new().create(true).append(true).open(path)?;
    // Whatever was cut off must not run into what comes next.
    (&journal).write_all(b"\n")?;
    Ok(Registers { values, journal })
}

fn listen_at(listen: &str, registers: Registers) -> io::Result<()> {
    let registers = Arc::new(Mutex::new(registers));
    for connection in TcpListener::bind(listen)?.incoming() {
        let (connection, registers) = (connection?, registers.clone());
        // A client that goes away ends its thread.
        std::thread::spawn(move || talk(&connection, &registers));
    }
    Ok(())
}

fn talk(connection: &TcpStream, registers: &Mutex<Registers>) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let mut answers = connection;
    for line in BufReader::new(connection).lines() {
        let line = line?;
        let mut registers = registers.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = registers.answer(&line)?;
        answers.write_all(format!("{answer}\n").as_bytes())?;
    }
    Ok(())
}

impl Registers {
    fn answer(&mut self, question: &str) -> io::Result<String> {
        let words: Vec<&str> = question.split(' ').collect();
        match words[..] {
            ["get", key] => Ok(match self.values.get(key) {
                Some(value) => format!("value {value}"),
                None => "none".to_owned(),
            }),
            ["set", key, value] => self.write(key, value),
            ["swap", key, old, new] => match self.values.get(key) {
                Some(value) if value == old => self.write(key, new),
                _ => Ok("differs".to_owned()),
            },
            _ => Ok("what".to_owned()),
        }
    }

    fn write(&mut self, key: &str, value: &str) -> io::Result<String> {
        self.journal.write_all(format!("{key} {value};\n").as_bytes())?;
        self.journal.sync_data()?;
        self.values.insert(key.to_owned(), value.to_owned());
        Ok("done".to_owned())
    }
}
