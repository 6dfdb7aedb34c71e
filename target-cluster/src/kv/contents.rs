//! The whole state, page by page, for a comparison of replicas from outside.

use serde::Serialize;

use super::item::Item;
use super::size::Budget;
use super::{SharedValue, Store};

/// A page of the state of one node.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct ContentsPage {
    /// The index of the last entry applied. Pages of one index belong together.
    pub(crate) applied: u64,
    /// Keys, in order, with the kind and the value of what stands under each.
    pub(crate) items: Vec<(String, &'static str, SharedValue)>,
    /// True if there are more keys.
    pub(crate) more: bool,
    /// On the last page a digest of the sessions, which no client can read: of equal ones it is equal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sessions: Option<String>,
}

impl Store {
    /// The items behind the key `after`, or from the first on: as many as take about `bytes_max`
    /// bytes, but at least one.
    pub(crate) fn contents_after(&self, after: Option<&str>, bytes_max: usize) -> ContentsPage {
        let mut behind = self.values().items_after(after).peekable();
        let (mut items, mut budget) = (Vec::new(), Budget::new(bytes_max));
        while budget.left().is_some_and(|left| left > 0)
            && let Some((key, item)) = behind.next()
        {
            let value = item.shared();
            budget.spend_bytes(key.len() + 32);
            value.spend(&mut budget);
            items.push((key.clone(), kind(item), value));
        }
        let more = behind.peek().is_some();
        let sessions = (!more).then(|| format!("{:016x}", self.sessions().digest()));
        ContentsPage { applied: self.applied(), items, more, sessions }
    }
}

fn kind(item: &Item) -> &'static str {
    match item {
        Item::Value(_) | Item::List(_) => "value",
        Item::Set(_) => "set",
        Item::Queue(_) => "queue",
        Item::Lock(_) => "lock",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::bugs::Bugs;
    use crate::kv::{EncodedCommand, Operation, RequestBody};

    fn store(bodies: &[Value]) -> Store {
        let mut store = Store::new(&Bugs::new());
        for body in bodies {
            let body: RequestBody = serde_json::from_value(body.clone()).unwrap();
            let Operation::Command(command) = body.into_operation().unwrap() else { panic!() };
            store.apply(store.applied() + 1, &EncodedCommand::new(&command));
        }
        store
    }

    #[test]
    fn pages_follow_each_other_and_say_what_stands_where() {
        let store = store(&[
            json!({"f": "write", "key": "b", "value": "x".repeat(100)}),
            json!({"f": "insert", "key": "a", "value": 1}),
            json!({"f": "enqueue", "key": "c", "value": 2}),
        ]);
        let whole = store.contents_after(None, 1_000_000);
        assert_eq!((whole.applied, whole.more), (3, false));
        let [a, b, c] = &whole.items[..] else { panic!("{whole:?}") };
        assert_eq!(a, &("a".into(), "set", json!([1]).into()));
        assert_eq!((b.0.as_str(), b.1), ("b", "value"));
        assert_eq!(c, &("c".into(), "queue", json!([2]).into()));
        let first = store.contents_after(None, 50);
        assert_eq!((first.items.len(), first.more, first.sessions), (2, true, None));
        let rest = store.contents_after(Some("b"), 50);
        assert_eq!((&rest.items[..], rest.more), (&whole.items[2..], false));
        assert!(rest.sessions.is_some() && rest.sessions == whole.sessions);
    }

    #[test]
    fn sessions_that_differ_have_another_digest() {
        let add = |token: &str, value: u64| json!({"f": "add", "key": "c", "value": value, "token": token});
        let digest = |bodies: &[Value]| store(bodies).contents_after(None, 1).sessions.unwrap();
        let first = digest(&[add("s:1", 1)]);
        assert_eq!(first, digest(&[add("s:1", 1)]));
        assert_ne!(first, digest(&[add("s:2", 1)]));
        assert_ne!(first, digest(&[add("s:1", 2)]));
        assert_ne!(first, digest(&[add("t:1", 1)]));
    }
}
