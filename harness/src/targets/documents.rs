//! Objects on services that have none: documents that are read, changed here, and written back if
//! no other client changed them meanwhile.
//!
//! It is what users of etcd and ZooKeeper do to build anything on them, with one thing besides:
//! together with a changed document its service keeps the operation's token and what was answered.
//! So a mutation takes effect once, however often it is sent: a client that comes with a token that
//! is there answers what stands beside it.
//!
//! A client that answers that a precondition failed leaves no token. That is sound although an
//! earlier attempt may still be on its way: it was sent because its precondition held in the
//! document that it saw, and that document has been replaced, so it will change nothing.

use workloads::Object;

use super::{Answer, BoxFuture, Refusal, Reply, Request};

/// The document under a key, and the note under a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The document; none where there is none yet.
    pub document: Option<Vec<u8>>,
    /// The mark that tells this state of the document from every other, for [`Documents::replace`].
    pub state: u64,
    /// The version at which it was read, if the service tells.
    pub version: Option<u64>,
    /// The note that was kept with the token, and the version at which it was.
    pub token: Option<(Vec<u8>, Option<u64>)>,
}

/// The outcome of writing back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replaced {
    /// It is written, at that version if the service tells.
    Done(Option<u64>),
    /// Somebody was faster, maybe an earlier attempt of the same operation. Nothing was written.
    Conflict,
}

/// A service that keeps documents, each with the number of its state.
pub trait Documents: Send + Sync {
    /// Reads the document of that key, and what is kept with the token if there is one, both at
    /// once and linearizably.
    ///
    /// # Errors
    /// The refusal, when no answer came.
    fn read<'a>(
        &'a self,
        node: usize,
        key: &'a str,
        token: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Seen, Refusal>>;

    /// Writes the document and the token's answer, if the document is still in that state and
    /// nothing is kept with the token.
    ///
    /// # Errors
    /// The refusal, when no answer came.
    fn replace<'a>(
        &'a self,
        node: usize,
        new: Replacement<'a>,
    ) -> BoxFuture<'a, Result<Replaced, Refusal>>;
}

/// The change to be written.
#[derive(Debug, Clone, Copy)]
pub struct Replacement<'a> {
    /// The key of the document.
    pub key: &'a str,
    /// The state that it must be in.
    pub state: u64,
    /// The new document.
    pub document: &'a [u8],
    /// The token of the operation.
    pub token: &'a str,
    /// The note that is kept with the token.
    pub answer: &'a [u8],
}

/// Carries out one attempt of an operation on the object that the model describes. As long as
/// others are faster it tries again: that nothing was written is certain.
///
/// # Panics
/// When no object is described by the model, or it has no such operation.
pub async fn attempt(
    documents: &dyn Documents,
    model: &str,
    node: usize,
    request: &Request,
) -> Reply {
    match act(documents, model, node, request).await {
        Ok(answer) => Reply::Answer(answer),
        Err(error) => Reply::Refusal(error),
    }
}

async fn act(
    documents: &dyn Documents,
    model: &str,
    node: usize,
    request: &Request,
) -> Result<Answer, Refusal> {
    let Request { f, key, value, mutates, token } = request;
    let token = mutates.then_some(token.as_str());
    loop {
        let seen = documents.read(node, key, token).await?;
        if let Some((answer, version)) = seen.token {
            return Ok(Answer { value: Some(understand(&answer)?), version });
        }
        let mut object = match &seen.document {
            Some(document) => understand(document)?,
            None => Object::of(model).expect("the target has objects of that model"),
        };
        let before = object.clone();
        let answered = object.serve(f, value);
        let (Some(token), Some(answer), true) = (token, &answered, object != before) else {
            return Ok(Answer { value: answered, version: seen.version });
        };
        let new = Replacement {
            key,
            state: seen.state,
            document: &words(&object),
            token,
            answer: &words(answer),
        };
        if let Replaced::Done(version) = documents.replace(node, new).await? {
            return Ok(Answer { value: answered, version });
        }
    }
}

/// The inverse of [`words`].
fn understand<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(bytes).map_err(|_| Refusal::of("nonsense"))
}

fn words(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("objects and values can be written as JSON")
}
