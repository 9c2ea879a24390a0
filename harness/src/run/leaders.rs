//! Who leads: every node's own word, asked for again and again from outside.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use reports::LeaderSpan;
use serde::Deserialize;

use super::client::{Doors, plain_http};
use crate::clock::Clock;

/// How often each node is asked, and how long it may take to answer.
const POLL_EVERY: Duration = Duration::from_millis(100);
const POLL_TIMEOUT: Duration = Duration::from_millis(300);

/// What was seen of leadership so far.
///
/// A span is one node leading one term; two nodes may lead at once, in different terms, when one does not know yet
/// that it was replaced.
#[derive(Debug, Clone, Default)]
pub(crate) struct Leaders {
    seen: Arc<Mutex<Seen>>,
}

/// By term and node: when it was first and last seen to lead, in nanoseconds.
type Seen = BTreeMap<(u64, String), (u64, u64)>;

#[derive(Debug, Deserialize)]
struct Status {
    role: String,
    term: u64,
}

impl Leaders {
    /// The node leading the highest term seen, and that term.
    pub(crate) fn current(&self) -> Option<(String, u64)> {
        self.lock()
            .last_key_value()
            .map(|((term, node), _)| (node.clone(), *term))
    }

    /// Every span seen, by its start.
    pub(crate) fn spans(&self) -> Vec<LeaderSpan> {
        let mut spans: Vec<LeaderSpan> = self
            .lock()
            .iter()
            .map(|((term, node), (from_ns, to_ns))| LeaderSpan {
                node: node.clone(),
                term: *term,
                from_ns: *from_ns,
                to_ns: *to_ns,
            })
            .collect();
        spans.sort_by_key(|span| (span.from_ns, span.term));
        spans
    }

    /// Changes of leadership after the first leader was seen.
    pub(crate) fn changes(&self) -> u32 {
        u32::try_from(self.lock().len().saturating_sub(1)).unwrap_or(u32::MAX)
    }

    /// Starts asking every node; ends with the runtime.
    pub(crate) fn watch(&self, doors: &Doors, clock: Clock) -> Result<()> {
        for (node, door) in doors.iter() {
            let poll = poll(
                self.clone(),
                plain_http()?,
                node.clone(),
                format!("{door}/status"),
                clock,
            );
            tokio::spawn(poll);
        }
        Ok(())
    }

    fn saw(&self, node: &str, term: u64, at_ns: u64) {
        self.lock()
            .entry((term, node.to_owned()))
            .or_insert((at_ns, at_ns))
            .1 = at_ns;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits until some node says that it leads.
pub(crate) async fn first_leader(doors: &Doors, limit: Duration) -> Result<()> {
    let http = plain_http()?;
    let search = async {
        loop {
            for door in doors.values() {
                if leading_term(&http, &format!("{door}/status"))
                    .await
                    .is_some()
                {
                    return;
                }
            }
            tokio::time::sleep(POLL_EVERY).await;
        }
    };
    let found = tokio::time::timeout(limit, search).await;
    found.with_context(|| {
        format!(
            "no node said within {limit:?} that it leads; see the node logs in the run's folder"
        )
    })
}

/// The term that the node at `url` says it leads.
async fn leading_term(http: &reqwest::Client, url: &str) -> Option<u64> {
    let answer = http.get(url).timeout(POLL_TIMEOUT).send().await.ok()?;
    let status: Status = answer.json().await.ok()?;
    (status.role == "leader").then_some(status.term)
}

async fn poll(leaders: Leaders, http: reqwest::Client, node: String, url: String, clock: Clock) {
    let mut every = tokio::time::interval(POLL_EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        if let Some(term) = leading_term(&http, &url).await {
            leaders.saw(&node, term, clock.nanos().0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_leader_that_still_answers_does_not_count_as_a_change() {
        let leaders = Leaders::default();
        leaders.saw("n1", 1, 10);
        leaders.saw("n2", 2, 20);
        leaders.saw("n1", 1, 25);
        assert_eq!(leaders.current(), Some(("n2".to_owned(), 2)));
        assert_eq!(leaders.changes(), 1);
        let spans = leaders.spans();
        assert_eq!((spans[0].from_ns, spans[0].to_ns), (10, 25));
        assert_eq!((spans[1].from_ns, spans[1].to_ns), (20, 20));
    }
}
