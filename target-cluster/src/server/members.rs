//! Changes of the members, as an operator asks for them: `POST /admin/members`.

use serde::Deserialize;

use super::envelope::check_visible;
use crate::core::{MemberChange, NodeId};

/// The body of `/admin/members`: one change.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct MembersBody {
    /// The node that becomes a voter, or with `learner` a learner.
    add: Option<NodeId>,
    /// The node that leaves.
    remove: Option<NodeId>,
    /// The node whose place `by` takes.
    replace: Option<NodeId>,
    by: Option<NodeId>,
    /// The voter that becomes a learner.
    demote: Option<NodeId>,
    /// The learner that becomes a voter.
    promote: Option<NodeId>,
    /// The `host:port` at which the others reach the node that comes.
    address: Option<String>,
    learner: bool,
}

/// The forms that the body may have.
const FORMS: &str = "a change is one of {\"add\":NAME,\"address\":\"HOST:PORT\"}, the same with \
    \"learner\":true, {\"remove\":NAME}, {\"replace\":NAME,\"by\":NAME,\"address\":\"HOST:PORT\"}, \
    {\"demote\":NAME} and {\"promote\":NAME}";

impl MembersBody {
    /// The change; the error is a sentence that says what to ask for instead.
    pub(super) fn into_change(self) -> Result<MemberChange, String> {
        let MembersBody { add, remove, replace, by, demote, promote, address, learner } = self;
        let names = [&add, &by].into_iter().flatten().map(NodeId::as_str);
        names.chain(address.as_deref()).try_for_each(check_visible)?;
        if address.as_deref().is_some_and(|address| !is_host_and_port(address)) {
            return Err("an address is HOST:PORT".to_string());
        }
        let comes = add.is_some() || by.is_some();
        if (address.is_some() && !comes) || (learner && add.is_none()) {
            return Err(FORMS.to_string());
        }
        match (add, remove, (replace, by), demote, promote) {
            (Some(node), None, (None, None), None, None) => {
                Ok(MemberChange::Add { node, address, learner })
            }
            (None, Some(node), (None, None), None, None) => Ok(MemberChange::Remove { node }),
            (None, None, (Some(node), Some(by)), None, None) => {
                Ok(MemberChange::Replace { node, by, address })
            }
            (None, None, (None, None), Some(node), None) => Ok(MemberChange::Demote { node }),
            (None, None, (None, None), None, Some(node)) => Ok(MemberChange::Promote { node }),
            _ => Err(FORMS.to_string()),
        }
    }
}

fn is_host_and_port(address: &str) -> bool {
    let parts = address.rsplit_once(':');
    parts.is_some_and(|(host, port)| {
        !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(body: &str) -> Result<MemberChange, String> {
        let body: MembersBody = serde_json::from_str(body).map_err(|error| error.to_string())?;
        body.into_change()
    }

    #[test]
    fn a_body_asks_for_one_change() {
        let node = || NodeId::from("n4");
        let address = || Some("h:7104".to_string());
        for (body, expected) in [
            (
                r#"{"add":"n4","address":"h:7104"}"#,
                MemberChange::Add { node: node(), address: address(), learner: false },
            ),
            (
                r#"{"add":"n4","learner":true}"#,
                MemberChange::Add { node: node(), address: None, learner: true },
            ),
            (r#"{"remove":"n4"}"#, MemberChange::Remove { node: node() }),
            (
                r#"{"replace":"n1","by":"n4","address":"h:7104"}"#,
                MemberChange::Replace { node: "n1".into(), by: node(), address: address() },
            ),
            (r#"{"demote":"n4"}"#, MemberChange::Demote { node: node() }),
            (r#"{"promote":"n4"}"#, MemberChange::Promote { node: node() }),
        ] {
            assert_eq!(change(body), Ok(expected), "{body}");
        }
    }

    #[test]
    fn any_other_is_answered_with_what_to_ask_for() {
        for (body, told) in [
            ("{}", "a change is one of"),
            (r#"{"add":"n4","remove":"n1"}"#, "a change is one of"),
            (r#"{"replace":"n1"}"#, "a change is one of"),
            (r#"{"remove":"n1","address":"h:1"}"#, "a change is one of"),
            (r#"{"demote":"n1","learner":true}"#, "a change is one of"),
            (r#"{"add":"n 4"}"#, "visible ASCII characters, not \"n 4\""),
            (r#"{"add":"n4","address":"h"}"#, "an address is HOST:PORT"),
            (r#"{"ad":"n4"}"#, "unknown field `ad`"),
        ] {
            let refused = change(body).unwrap_err();
            assert!(refused.contains(told), "{body}: {refused}");
        }
    }
}
