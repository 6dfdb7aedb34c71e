//! Room on the disk that is given back bit by bit.

use std::fs::File;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

/// The bytes that are given back at once. While ext4 frees a GB, the syncs of other files wait for up to
/// 50 ms; while it frees so many, for few.
const STEP: u64 = 8 << 20;

/// The time between two steps.
const PAUSE: Duration = Duration::from_millis(5);

/// Gives back the room of files that have lost their names, on a thread of its own that starts with the
/// first large one. What it does not get to is freed when the process ends.
#[derive(Debug, Default)]
pub(super) struct Reclaimer(Option<Sender<File>>);

impl Reclaimer {
    /// Takes a file that has no name any more, open for writing.
    pub(super) fn take(&mut self, file: File) {
        if file.metadata().is_ok_and(|it| it.len() <= STEP) {
            return;
        }
        if self.0.is_none() {
            let (sender, files) = channel();
            let started = thread::Builder::new().name("reclaimer".into());
            // Without a thread it is freed at once, as it is closed.
            self.0 = started.spawn(move || reclaim(&files)).ok().map(|_| sender);
        }
        if let Some(sender) = &self.0 {
            let _ = sender.send(file);
        }
    }
}

fn reclaim(files: &Receiver<File>) {
    for file in files {
        let mut length = file.metadata().map_or(0, |it| it.len());
        while length > STEP {
            length -= STEP;
            // A file system that cannot shrink it frees all when it is closed.
            if file.set_len(length).is_err() {
                break;
            }
            thread::sleep(PAUSE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_file_shrinks_while_it_is_open() {
        let path =
            std::env::temp_dir().join(format!("stormproof-reclaimer-{}", std::process::id()));
        let file = File::create_new(&path).unwrap();
        file.set_len(3 * STEP + 1).unwrap();
        std::fs::remove_file(&path).unwrap();
        let seen = file.try_clone().unwrap();
        let mut reclaimer = Reclaimer::default();
        reclaimer.take(file);
        while seen.metadata().unwrap().len() > STEP {
            thread::sleep(PAUSE);
        }
    }
}
