//! Whether the nodes' copies agree once nobody writes any more, by their own word.
//!
//! A node that tells the hash of its state (`GET /state-hash`, answered `{ "index": N, "hash": "…" }`) is asked in the end.
//! Two that have applied as much must have the same state; where they have not, clients may have seen nothing of it yet,
//! because nobody read what differs at the node that has it.

use std::collections::BTreeMap;
use std::time::Duration;

use reports::AnomalyRecord;
use serde::Deserialize;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::client::{Doors, plain_http};

/// How long one node may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_millis(500);
/// How long the nodes may take to have applied the same.
const LEVEL_LIMIT: Duration = Duration::from_secs(3);
/// Pause between two rounds of questions.
const ROUND_PAUSE: Duration = Duration::from_millis(100);

/// What a node says of its state.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Told {
    /// How much it has applied.
    index: u64,
    hash: String,
}

/// Asks every node until all that answer have applied the same, and returns what they said then; nothing where fewer than two
/// tell it.
pub(crate) async fn ask(doors: &Doors) -> anyhow::Result<BTreeMap<String, Told>> {
    let http = plain_http()?;
    let deadline = Instant::now() + LEVEL_LIMIT;
    loop {
        let mut round = JoinSet::new();
        for (node, door) in doors.iter() {
            let request = http.get(format!("{door}/state-hash")).timeout(ANSWER_LIMIT);
            round.spawn(ask_one(node.clone(), request));
        }
        let told: BTreeMap<String, Told> = round.join_all().await.into_iter().flatten().collect();
        if is_level(&told) {
            return Ok(told);
        }
        if told.len() < 2 || Instant::now() >= deadline {
            return Ok(BTreeMap::new());
        }
        sleep(ROUND_PAUSE).await;
    }
}

async fn ask_one(node: String, request: reqwest::RequestBuilder) -> Option<(String, Told)> {
    let told = request.send().await.ok()?.json().await.ok()?;
    Some((node, told))
}

fn is_level(told: &BTreeMap<String, Told>) -> bool {
    let mut indices = told.values().map(|told| told.index);
    let first = indices.next();
    told.len() > 1 && indices.all(|index| Some(index) == first)
}

/// The violation that copies are which differ although all have applied the same.
pub(crate) fn divergence(told: &BTreeMap<String, Told>) -> Option<AnomalyRecord> {
    let index = told.values().next()?.index;
    let mut by_hash: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (node, told) in told {
        by_hash.entry(&told.hash).or_default().push(node);
    }
    if by_hash.len() < 2 {
        return None;
    }
    let mut camps: Vec<(&str, Vec<&str>)> = by_hash.into_iter().collect();
    camps.sort_by_key(|(_, nodes)| std::cmp::Reverse(nodes.len()));
    let camps: Vec<String> = camps
        .into_iter()
        .map(|(hash, nodes)| format!("{} {hash}", nodes.join(" ")))
        .collect();
    Some(AnomalyRecord {
        class: "divergence".to_owned(),
        key: None,
        operations: Vec::new(),
        explanation: format!(
            "All have applied the same {index} entries, and the hashes of their states differ: {}",
            camps.join(", ")
        ),
        fault: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(rows: &[(&str, u64, &str)]) -> BTreeMap<String, Told> {
        let row = |(node, index, hash): &(&str, u64, &str)| {
            let hash = (*hash).to_owned();
            (
                (*node).to_owned(),
                Told {
                    index: *index,
                    hash,
                },
            )
        };
        rows.iter().map(row).collect()
    }

    #[test]
    fn copies_are_compared_where_all_have_applied_the_same() {
        assert!(is_level(&told(&[("n1", 7, "a"), ("n2", 7, "b")])));
        assert!(!is_level(&told(&[("n1", 7, "a"), ("n2", 8, "a")])));
        assert!(
            !is_level(&told(&[("n1", 7, "a")])),
            "nobody to compare with"
        );
        assert!(!is_level(&told(&[])));
    }

    #[test]
    fn who_differs_is_named() {
        assert_eq!(divergence(&told(&[("n1", 7, "a"), ("n2", 7, "a")])), None);
        assert_eq!(divergence(&told(&[])), None);
        let rows = [("n1", 7, "b"), ("n2", 7, "a"), ("n3", 7, "a")];
        let found = divergence(&told(&rows)).unwrap();
        assert_eq!(found.class, "divergence");
        assert!(
            found.explanation.ends_with("differ: n2 n3 a, n1 b"),
            "{}",
            found.explanation
        );
    }
}
