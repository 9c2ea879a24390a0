//! What a system can be asked to do with its own cluster: change its members, hand leadership over.
//!
//! Not every system can. One whose doors do not know the request cannot, and the fault is skipped.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nemesis::NodeName;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout_at};

use super::client::Doors;

/// How long one node may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(3);
/// Pause before everybody is asked again.
const ROUND_PAUSE: Duration = Duration::from_millis(200);

/// The way to whoever leads.
#[derive(Debug)]
pub(crate) struct Admin {
    doors: Doors,
    http: reqwest::Client,
    /// Where nodes and clients reach each node.
    addresses: BTreeMap<NodeName, (String, String)>,
    /// Nodes that were removed and not taken back.
    outside: Mutex<BTreeSet<NodeName>>,
}

#[derive(Debug, Deserialize)]
struct Answer {
    outcome: String,
    error: Option<String>,
    message: Option<String>,
}

/// Why a request was not done, as far as is known.
enum Undone {
    Never(String),
    /// It may have been done after all.
    Perhaps(String),
}

impl From<Undone> for String {
    fn from(undone: Undone) -> Self {
        match undone {
            Undone::Never(why) | Undone::Perhaps(why) => why,
        }
    }
}

/// What one node said to a request.
enum Said {
    Done,
    /// Not here, or not now.
    Elsewhere(String),
    /// It cannot, whoever is asked.
    Never(String),
}

impl Admin {
    pub(crate) const fn new(
        doors: Doors,
        http: reqwest::Client,
        addresses: BTreeMap<NodeName, (String, String)>,
    ) -> Self {
        Self {
            doors,
            http,
            addresses,
            outside: Mutex::new(BTreeSet::new()),
        }
    }

    /// Removes a node. It counts as outside from now on, whatever came of it, until it was taken back.
    pub(crate) async fn remove(&self, node: &NodeName, limit: Duration) -> Result<(), String> {
        self.outside().insert(node.clone());
        let body = json!({ "remove": { "id": node.as_str() } });
        let asked = self.ask("/admin/members", &body, limit).await;
        if let Err(Undone::Never(_)) = &asked {
            self.outside().remove(node);
        }
        Ok(asked?)
    }

    /// Adds every node that is outside. Asking twice does no harm.
    pub(crate) async fn take_back(&self, limit: Duration) -> Result<(), String> {
        let outside = self.outside().clone();
        for node in outside {
            let (peer, client) = &self.addresses[&node];
            let body = json!({ "add": {
                "id": node.as_str(), "peer_addr": peer, "client_addr": client,
            }});
            self.ask("/admin/members", &body, limit).await?;
            self.outside().remove(&node);
        }
        Ok(())
    }

    fn outside(&self) -> MutexGuard<'_, BTreeSet<NodeName>> {
        self.outside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands leadership over.
    pub(crate) async fn transfer(&self, to: &NodeName, limit: Duration) -> Result<(), String> {
        let body = json!({ "to": to.as_str() });
        Ok(self.ask("/admin/transfer", &body, limit).await?)
    }

    /// Asks one node after the other, round after round, until one has done it.
    async fn ask(&self, path: &str, body: &Value, limit: Duration) -> Result<(), Undone> {
        let deadline = Instant::now() + limit;
        let mut last = "no node was asked".to_owned();
        loop {
            for (node, door) in self.doors.iter() {
                let said = self.ask_one(format!("{door}{path}"), body);
                let Ok(said) = timeout_at(deadline, said).await else {
                    let what = format!("not done within {limit:?}; at last {last}");
                    return Err(Undone::Perhaps(what));
                };
                match said {
                    Said::Done => return Ok(()),
                    Said::Elsewhere(why) => last = format!("{node}: {why}"),
                    Said::Never(why) => return Err(Undone::Never(format!("{node}: {why}"))),
                }
            }
            sleep(ROUND_PAUSE).await;
        }
    }

    async fn ask_one(&self, url: String, body: &Value) -> Said {
        let request = self.http.post(url).json(body).timeout(ANSWER_LIMIT);
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => return Said::Elsewhere(error.to_string()),
        };
        let status = answer.status();
        let Ok(answer) = answer.json::<Answer>().await else {
            return Said::Never(format!("it does not know this request ({status})"));
        };
        let why = answer.message.unwrap_or_default();
        match (answer.outcome.as_str(), answer.error.as_deref()) {
            ("ok", _) => Said::Done,
            ("fail", Some("not_found" | "bad_request" | "bad_members")) => Said::Never(why),
            _ => Said::Elsewhere(why),
        }
    }
}
