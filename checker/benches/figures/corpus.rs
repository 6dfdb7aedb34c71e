//! The recorded histories of the corpus.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use stormproof_checker::{Options, check};

/// Judges every file that `verdicts.tsv` names, and prints the slowest of each folder.
pub fn judge() {
    let Ok(folder) = std::env::var("STORMPROOF_CORPUS") else {
        println!("corpus: left out, STORMPROOF_CORPUS names no folder");
        return;
    };
    let folder = Path::new(&folder);
    let list = std::fs::read_to_string(folder.join("verdicts.tsv")).expect("verdicts.tsv");
    let mut kinds: BTreeMap<&str, Kind> = BTreeMap::new();
    for line in list.lines().skip(1) {
        let [file, model, expected] = line.split('\t').collect::<Vec<_>>()[..] else { continue };
        let bytes = std::fs::read(folder.join(file)).expect(file);
        let reading = stormproof_checker::history::read(&bytes[..]).expect(file);
        let mut options = Options::for_format(reading.format);
        options.model = Some(model.to_string());
        let start = Instant::now();
        let analysis = check(&reading.operations, &options).expect(file);
        let milliseconds = start.elapsed().as_secs_f64() * 1000.0;
        let kind = kinds.entry(file.split('/').next().unwrap_or(file)).or_default();
        kind.files += 1;
        kind.wrong += usize::from(format!("{:?}", analysis.verdict).to_lowercase() != expected);
        kind.total += milliseconds;
        if milliseconds > kind.slowest.0 {
            kind.slowest = (milliseconds, file);
        }
    }
    for (name, kind) in kinds {
        println!(
            "corpus: {name}: {} files, {} wrong, {:.1} ms in all, at most {:.2} ms ({})",
            kind.files, kind.wrong, kind.total, kind.slowest.0, kind.slowest.1
        );
    }
}

#[derive(Default)]
struct Kind<'a> {
    files: usize,
    wrong: usize,
    total: f64,
    slowest: (f64, &'a str),
}
