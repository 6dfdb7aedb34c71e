//! The files of a log: which there are, in which order.
//!
//! The first is `raft.log`; each later one is called by the number of bytes that the log had when it
//! was begun, as `raft-00000000000000123456.log`. So a position in the log stays what it is when files
//! before it are removed.

/// The name of the first file.
pub const LOG_FILE: &str = "raft.log";

/// The name of the file that begins at that position of the log.
pub(super) fn log_file(start: u64) -> String {
    if start == 0 { LOG_FILE.to_string() } else { format!("raft-{start:020}.log") }
}

/// The position at which the file of that name begins; none if it is no file of a log.
pub(super) fn start_of(name: &str) -> Option<u64> {
    if name == LOG_FILE {
        return Some(0);
    }
    let digits = name.strip_prefix("raft-")?.strip_suffix(".log")?;
    let is_number = digits.len() == 20 && digits.bytes().all(|digit| digit.is_ascii_digit());
    digits.parse().ok().filter(|start| is_number && *start > 0)
}

/// The files of a log among those names, by their beginnings.
pub(super) fn of_log<'a>(names: impl IntoIterator<Item = &'a String>) -> Vec<(u64, String)> {
    let started = |name: &String| Some((start_of(name)?, name.clone()));
    let mut files: Vec<_> = names.into_iter().filter_map(started).collect();
    files.sort_unstable();
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_in_the_order_of_their_beginnings() {
        let names = ["raft-9.log", "raft-00000000000000000900.log", "identity.json", LOG_FILE]
            .map(String::from);
        let starts: Vec<_> = of_log(&names).into_iter().map(|(start, _)| start).collect();
        assert_eq!(starts, [0, 900]);
        for start in [0, 1, u64::MAX] {
            assert_eq!(start_of(&log_file(start)), Some(start));
        }
        assert_eq!(start_of("raft.log.watermark"), None);
    }
}
