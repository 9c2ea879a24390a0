//! Who leads, and how far each node is: every node's own word, asked for again and again from outside.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use nemesis::schedule::steps::Said;
use reports::LeaderSpan;
use serde::Deserialize;
use tokio::sync::Notify;

use super::client::{Doors, plain_http};
use crate::clock::Clock;

/// How often each node is asked, and how long it may take to answer.
const POLL_EVERY: Duration = Duration::from_millis(100);
const POLL_TIMEOUT: Duration = Duration::from_millis(300);
/// How often while something waits for what they say.
const EAGER_POLL_EVERY: Duration = Duration::from_millis(20);

/// What was seen of leadership so far.
///
/// A span is one node leading one term; two nodes may lead at once, in different terms, when one does not know yet
/// that it was replaced.
#[derive(Debug, Clone, Default)]
pub(crate) struct Leaders {
    seen: Arc<Mutex<Seen>>,
    /// What each node said last, and whether it answers now.
    said: Arc<Mutex<BTreeMap<String, (bool, Said)>>>,
    eager: Arc<Eager>,
}

/// Who wants to know soon.
#[derive(Debug, Default)]
struct Eager {
    count: AtomicUsize,
    hurry: Notify,
}

/// While it lives, nodes are asked often.
#[derive(Debug)]
pub(crate) struct CloseWatch(Arc<Eager>);

/// By term and node: when it was first and last seen to lead, in nanoseconds.
type Seen = BTreeMap<(u64, String), (u64, u64)>;

/// What a node may say; other systems may say less.
#[derive(Debug, Default, Deserialize)]
struct Status {
    role: Option<String>,
    term: Option<u64>,
    commit: Option<u64>,
    applied: Option<u64>,
    last_index: Option<u64>,
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

    /// What this node said last, and whether it answers now.
    pub(crate) fn said(&self, node: &str) -> (bool, Said) {
        lock(&self.said).get(node).cloned().unwrap_or_default()
    }

    /// Has nodes asked often until what is returned is dropped.
    pub(crate) fn watch_closely(&self) -> CloseWatch {
        self.eager.count.fetch_add(1, Relaxed);
        self.eager.hurry.notify_waiters();
        CloseWatch(Arc::clone(&self.eager))
    }

    fn heard(&self, node: &str, status: Option<Status>, at_ns: u64) {
        let mut said = lock(&self.said);
        let (answers, last) = said.entry(node.to_owned()).or_default();
        *answers = status.is_some();
        if let Some(status) = status {
            if let Some(term) = status.leading_term() {
                self.saw(node, term, at_ns);
            }
            *last = status.into();
        }
    }

    fn saw(&self, node: &str, term: u64, at_ns: u64) {
        self.lock()
            .entry((term, node.to_owned()))
            .or_insert((at_ns, at_ns))
            .1 = at_ns;
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        lock(&self.seen)
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Eager {
    /// Waits until it is time to ask again.
    async fn pause(&self) {
        if self.count.load(Relaxed) > 0 {
            return tokio::time::sleep(EAGER_POLL_EVERY).await;
        }
        tokio::select! {
            () = tokio::time::sleep(POLL_EVERY) => {}
            () = self.hurry.notified() => {}
        }
    }
}

impl Drop for CloseWatch {
    fn drop(&mut self) {
        self.0.count.fetch_sub(1, Relaxed);
    }
}

impl Status {
    fn leading_term(&self) -> Option<u64> {
        self.term.filter(|_| self.role.as_deref() == Some("leader"))
    }
}

impl From<Status> for Said {
    fn from(status: Status) -> Self {
        Self {
            role: status.role,
            term: status.term,
            commit: status.commit,
            applied: status.applied,
            log: status.last_index,
        }
    }
}

/// Waits until some node says that it leads.
pub(crate) async fn first_leader(doors: &Doors, limit: Duration) -> Result<()> {
    let http = plain_http()?;
    let search = async {
        loop {
            for door in doors.values() {
                let status = ask(&http, &format!("{door}/status")).await;
                if status.is_some_and(|status| status.leading_term().is_some()) {
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

/// What the node at `url` says of itself; nothing, if it does not answer.
async fn ask(http: &reqwest::Client, url: &str) -> Option<Status> {
    let answer = http.get(url).timeout(POLL_TIMEOUT).send().await.ok()?;
    let answer = answer.error_for_status().ok()?;
    // Whatever it says, it answers.
    Some(answer.json().await.unwrap_or_default())
}

async fn poll(leaders: Leaders, http: reqwest::Client, node: String, url: String, clock: Clock) {
    loop {
        let status = ask(&http, &url).await;
        leaders.heard(&node, status, clock.nanos().0);
        leaders.eager.pause().await;
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

    #[test]
    fn a_node_that_is_silent_has_still_said_what_it_said() {
        let leaders = Leaders::default();
        assert_eq!(leaders.said("n1"), (false, Said::default()));
        let status = Status {
            role: Some("leader".to_owned()),
            term: Some(3),
            commit: Some(7),
            ..Status::default()
        };
        leaders.heard("n1", Some(status), 10);
        leaders.heard("n1", None, 20);
        let (answers, said) = leaders.said("n1");
        assert!(!answers);
        assert_eq!((said.commit, said.log), (Some(7), None));
        assert_eq!(leaders.current(), Some(("n1".to_owned(), 3)));
        assert_eq!(leaders.spans()[0].to_ns, 10);
    }
}
