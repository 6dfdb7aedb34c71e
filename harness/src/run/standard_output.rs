//! The standard output of nodes, kept in a file beside their standard error.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use crate::targets::Member;

/// The file of each node's standard output, which is made with its first line.
pub struct StandardOutput(BTreeMap<String, (Member, Mutex<Option<File>>)>);

impl StandardOutput {
    /// Of those members.
    pub fn of(members: &[Member]) -> StandardOutput {
        let file = |member: &Member| (member.name.clone(), (member.clone(), Mutex::default()));
        StandardOutput(members.iter().map(file).collect())
    }

    /// Appends a line that a node printed, in one `write(2)`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(&self, node: &str, line: &str) -> io::Result<()> {
        let Some((member, file)) = self.0.get(node) else { return Ok(()) };
        // A line that was written in part is a short line: there is nothing to repair.
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        let open = || OpenOptions::new().create(true).append(true).open(member.output());
        let file = match &mut *file {
            Some(file) => file,
            none => none.insert(open()?),
        };
        file.write_all(format!("{line}\n").as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_kept_by_node_in_the_order_in_which_they_came() {
        let folder = std::env::temp_dir().join(format!("stormproof-output-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a scratch folder can be made");
        let member = Member::at("n1", ([127, 0, 0, 1], 7001).into(), folder.clone());
        let kept = StandardOutput::of(&[member]);
        assert!(!folder.join("stdout.log").exists(), "it printed nothing yet");
        for line in ["ready", "", "serving"] {
            kept.keep("n1", line).expect("there is room");
        }
        kept.keep("n9", "unknown").expect("of no node");
        let text = std::fs::read_to_string(folder.join("stdout.log"));
        assert_eq!(text.expect("it is there"), "ready\n\nserving\n");
        std::fs::remove_dir_all(&folder).expect("it is ours");
    }
}
