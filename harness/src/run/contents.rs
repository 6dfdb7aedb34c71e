//! The contents of the members in the end, for the divergence check.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Result;
use checker::oracle::divergence::Contents;
use results::member_contents;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::cluster::Cluster;
use super::recorder::Recorder;

/// The time that members may take to come equally far once nothing is in flight. A follower learns
/// of the last commit with the next heartbeat; one that was down may still be given what it missed.
const SETTLE_LIMIT: Duration = Duration::from_secs(15);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(200);

/// The answers of the members, by name.
type Answers = Vec<(String, Result<Contents>)>;

/// Asks all members but those in `damaged`, again and again until they have applied the same, and
/// saves what they hold. Of a member that does not tell nothing is saved, which is noted.
///
/// # Errors
/// When it cannot be written.
pub async fn save(
    cluster: &Cluster,
    damaged: &BTreeSet<String>,
    recorder: &Recorder,
) -> Result<()> {
    for (name, answer) in settled(cluster, damaged).await.into_iter().flatten() {
        match answer {
            Ok(contents) => {
                let folder =
                    recorder.with_directory(|directory| directory.node_directory(&name))?;
                member_contents::save(&contents, &folder)?;
            }
            Err(error) => recorder.note(format!("{name} does not tell what it holds: {error:#}")),
        }
    }
    Ok(())
}

/// The answer of each member but those in `damaged`, once all have applied the same or the patience
/// with them is over; none if the target cannot be asked.
pub async fn settled(cluster: &Cluster, damaged: &BTreeSet<String>) -> Option<Answers> {
    let deadline = Instant::now() + SETTLE_LIMIT;
    loop {
        let told = ask(cluster, damaged).await?;
        let failed = told.iter().any(|(_, answer)| answer.is_err());
        let mut positions =
            told.iter().filter_map(|(_, answer)| Some(answer.as_ref().ok()?.position));
        let first = positions.next();
        let equal = positions.all(|position| Some(position) == first);
        if (equal && !failed) || Instant::now() > deadline {
            return Some(told);
        }
        sleep(PAUSE).await;
    }
}

/// The answer of each member, by name; none if the target has nothing to ask with.
async fn ask(cluster: &Cluster, damaged: &BTreeSet<String>) -> Option<Answers> {
    let dumper = cluster.dumper.as_ref()?;
    let mut questions = JoinSet::new();
    for (node, member) in cluster.members.iter().enumerate() {
        if !damaged.contains(&member.name) {
            let (dumper, name) = (dumper.clone(), member.name.clone());
            questions.spawn(async move { (name, dumper.contents(node).await) });
        }
    }
    Some(questions.join_all().await)
}
