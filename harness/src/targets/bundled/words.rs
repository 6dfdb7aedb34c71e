//! The workloads' words in the bundled service's: what is sent for an operation, and what the
//! history keeps of its answer.
//!
//! The service has one name space of operations for all that a key can hold, where each workload
//! knows only objects of its own kind: to read a counter is another request than to read a set.

use self::Kept::{Answer, Argument};

/// The value that the history has of an operation that ended `ok`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// The value of the invocation. The service answers something that the model does not know of,
    /// such as the length of the list after an append.
    Argument,
    /// The answer.
    Answer,
}

/// One operation of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Word {
    /// Its name in histories.
    f: &'static str,
    /// The service's name for it.
    pub(crate) sent: &'static str,
    /// The value that the history keeps.
    pub(crate) kept: Kept,
}

const fn word(f: &'static str, sent: &'static str, kept: Kept) -> Word {
    Word { f, sent, kept }
}

/// The words of each model that the service can serve.
const WORDS: &[(&str, &[Word])] = &[
    (
        "register",
        &[
            word("read", "read", Answer),
            word("write", "write", Argument),
            word("cas", "cas", Argument),
        ],
    ),
    ("append-list", &[word("append", "append", Argument), word("read", "read", Answer)]),
    ("set", &[word("add", "insert", Argument), word("read", "read", Answer)]),
    ("counter", &[word("add", "add", Argument), word("read", "counter", Answer)]),
    ("queue", &[word("enqueue", "enqueue", Argument), word("dequeue", "dequeue", Answer)]),
    // Every lock of the service answers a fencing token; a mutex knows owners alone.
    ("mutex", &[word("acquire", "acquire", Argument), word("release", "release", Argument)]),
    ("fenced-lock", &[word("acquire", "acquire", Answer), word("release", "release", Argument)]),
    ("txn", &[word("txn", "txn", Answer)]),
];

/// The words of one model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Words(&'static [Word]);

impl Words {
    /// The words of the model of that name; none if the service has nothing like it.
    pub(crate) fn of(model: &str) -> Option<Words> {
        WORDS.iter().find(|(name, _)| *name == model).map(|(_, words)| Words(words))
    }

    /// The words for an operation; none if the model has no such operation.
    pub(crate) fn word(self, f: &str) -> Option<Word> {
        self.0.iter().find(|word| word.f == f).copied()
    }
}

#[cfg(test)]
mod tests {
    use cluster::kv::RequestBody;
    use workloads::Invocation;

    use super::*;

    #[test]
    fn every_workload_has_a_word_for_each_of_its_operations() {
        for workload in workloads::ALL {
            let words = Words::of(workload.model);
            let words = words.unwrap_or_else(|| panic!("{} cannot be served", workload.name));
            for kind in workload.kinds {
                assert!(words.word(kind).is_some(), "{}: {kind}", workload.name);
            }
        }
    }

    #[test]
    fn the_service_understands_what_is_sent() {
        for workload in workloads::ALL {
            let words = Words::of(workload.model).expect("the test above");
            for Invocation { f, key, value, .. } in (workload.probe)("object") {
                let word = words.word(f).expect("the test above");
                let (f, key, token) = (word.sent.into(), Some(key), Some("r1:1:0".into()));
                let understood = RequestBody { f, key, value, token }.into_operation();
                assert!(understood.is_ok(), "{}: {understood:?}", workload.name);
            }
        }
    }

    #[test]
    fn the_same_name_means_another_request_where_another_kind_of_object_is_meant() {
        let sent = |model, f| Words::of(model).and_then(|words| words.word(f)).map(|it| it.sent);
        assert_eq!(sent("set", "add"), Some("insert"));
        assert_eq!(sent("counter", "add"), Some("add"));
        assert_eq!(sent("set", "read"), Some("read"));
        assert_eq!(sent("counter", "read"), Some("counter"));
        assert_eq!(sent("counter", "cas"), None);
        assert!(Words::of("kv-append").is_none());
    }

    #[test]
    fn a_mutex_keeps_its_owner_and_a_fenced_lock_its_token() {
        let kept = |model| Words::of(model).and_then(|it| it.word("acquire")).map(|it| it.kept);
        assert_eq!(kept("mutex"), Some(Argument));
        assert_eq!(kept("fenced-lock"), Some(Answer));
    }
}
