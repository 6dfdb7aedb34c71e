//! Messages at the gates of a run's order: what they are, and the streams that wait.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use super::frame::{Segment, segment_of};
use super::watches::Ends;
use crate::order::{Gatekeeper, Wait};
use crate::wake::Wake;

/// A stream of bytes in one direction: its ends, and the ports there.
type Stream = (Ends, u16, u16);

/// Streams that are remembered. When there are more, all begin anew: connections that ended.
const MOST_STREAMS: usize = 4096;

/// The longest path of a request that is told from others.
const LONGEST_PATH: usize = 60;

/// The keeper, once there is one.
pub(super) type OneGatekeeper = OnceLock<Arc<dyn Gatekeeper>>;

/// The gates as the carrier sees them.
pub(super) struct Crossings<'a> {
    keeper: &'a OneGatekeeper,
    wake: &'a Arc<Wake>,
    streams: BTreeMap<Stream, Known>,
    waiting: Vec<Waiting>,
    /// Streams of which something was lost for good.
    lost: BTreeSet<Stream>,
}

/// The past of a stream.
#[derive(Default)]
struct Known {
    /// Its requests, in words, if there was one: the last one, and its answer.
    request: Option<(String, String)>,
    /// True once it was HTTP, in either direction.
    is_http: bool,
    /// The number of the byte behind the last that was seen.
    end: Option<u32>,
}

struct Waiting {
    stream: Stream,
    wait: Wait,
    /// The first is what waits.
    frames: Vec<Vec<u8>>,
}

impl<'a> Crossings<'a> {
    pub(super) fn new(keeper: &'a OneGatekeeper, wake: &'a Arc<Wake>) -> Self {
        Self { keeper, wake, streams: BTreeMap::new(), waiting: Vec::new(), lost: BTreeSet::new() }
    }

    /// Keeps a frame that has to wait, or whose stream has; returns false where it goes on.
    pub(super) fn keep(&mut self, ends: Ends, packet: &[u8]) -> bool {
        let Some(keeper) = self.keeper.get() else { return false };
        let Some(segment) = segment_of(packet) else { return false };
        let stream = (ends, segment.from, segment.to);
        if segment.begins {
            self.streams.remove(&stream);
            self.lost.remove(&stream);
        }
        if segment.bytes.is_empty() {
            return false;
        }
        if self.lost.contains(&stream) {
            // It is sent again, by the kernel of a process that is gone.
            return true;
        }
        if let Some(waiting) = self.waiting.iter_mut().find(|it| it.stream == stream) {
            waiting.frames.push(packet.to_vec());
            return true;
        }
        let Some(what) = self.what(stream, &segment) else { return false };
        let Some(wait) = keeper.message(ends.0, ends.1, &what) else { return false };
        let wake = Arc::clone(self.wake);
        wait.then(move || wake.ring());
        self.waiting.push(Waiting { stream, wait, frames: vec![packet.to_vec()] });
        true
    }

    /// A stream that waits no more, and its frames.
    pub(super) fn take_one(&mut self) -> Option<(Ends, Vec<Vec<u8>>)> {
        let place = self.waiting.iter().position(|waiting| waiting.wait.is_over())?;
        let Waiting { stream, wait, frames } = self.waiting.remove(place);
        if wait.is_lost() {
            self.lost.insert(stream);
            return Some((stream.0, Vec::new()));
        }
        Some((stream.0, frames))
    }

    /// The message that begins with a segment, in words; none where it goes on with one that has
    /// begun, or is sent again.
    fn what(&mut self, stream: Stream, segment: &Segment<'_>) -> Option<String> {
        if self.streams.len() > MOST_STREAMS {
            self.streams.clear();
        }
        let end = segment.number.wrapping_add(segment.bytes.len() as u32);
        let known = self.streams.entry(stream).or_default();
        let seen = known.end.is_some_and(|seen| end.wrapping_sub(seen) as i32 <= 0);
        if seen {
            return None;
        }
        known.end = Some(end);
        if let Some(path) = path_of(segment.bytes) {
            known.is_http = true;
            known.request = Some((path.clone(), format!("re {path}")));
            return Some(path);
        }
        let is_http = known.is_http;
        let ((from, to), port, other) = stream;
        let back = self.streams.get(&((to, from), other, port));
        if let Some((_, answer)) = back.and_then(|back| back.request.as_ref()) {
            return segment.bytes.starts_with(b"HTTP/1.").then(|| answer.clone());
        }
        if is_http {
            return None;
        }
        Some(format!("up to {} bytes", segment.bytes.len().next_power_of_two()))
    }
}

/// The path of the request that begins here, without its query.
fn path_of(bytes: &[u8]) -> Option<String> {
    let method = bytes.iter().take(8).take_while(|byte| byte.is_ascii_uppercase()).count();
    let path = bytes.get(method..)?.strip_prefix(b" ").filter(|_| method > 2)?;
    if !path.starts_with(b"/") {
        return None;
    }
    let is_part = |byte: &&u8| !matches!(byte, b' ' | b'?' | b'\r');
    let path: Vec<u8> = path.iter().take(LONGEST_PATH).take_while(is_part).copied().collect();
    String::from_utf8(path).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(number: u32, bytes: &[u8]) -> Segment<'_> {
        Segment { from: 1000, to: 80, begins: false, number, bytes }
    }

    #[test]
    fn requests_are_known_by_their_paths_answers_by_their_requests_and_the_rest_by_size() {
        let (keeper, wake) = (OneGatekeeper::new(), Arc::new(Wake::new().unwrap()));
        let mut gates = Crossings::new(&keeper, &wake);
        let (there, back) = (((1, 2), 1000, 80), ((2, 1), 80, 1000));
        let request = b"POST /raft/append?x=1 HTTP/1.1\r\n\r\n";
        let what = |gates: &mut Crossings<'_>, stream, number, bytes: &[u8]| {
            gates.what(stream, &segment(number, bytes))
        };
        assert_eq!(what(&mut gates, there, 5, request).as_deref(), Some("/raft/append"));
        assert_eq!(what(&mut gates, there, 5, request), None, "it is sent again");
        let behind = 5 + request.len() as u32;
        assert_eq!(what(&mut gates, there, behind, b"{}"), None, "its body");
        let answer = b"HTTP/1.1 200 OK\r\n\r\n";
        assert_eq!(what(&mut gates, back, 9, answer).as_deref(), Some("re /raft/append"));
        assert_eq!(what(&mut gates, back, 28, b"body"), None);
        let binary = ((1, 3), 1000, 80);
        assert_eq!(what(&mut gates, binary, 0, &[0; 65]).as_deref(), Some("up to 128 bytes"));
        assert_eq!(what(&mut gates, binary, 65, b"GETS it").as_deref(), Some("up to 8 bytes"));
    }
}
