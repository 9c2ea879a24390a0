//! What a system can be asked to do with its own cluster: change its members, hand leadership over.
//!
//! Not every system can. One whose doors do not know the request cannot, and the fault is skipped.

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
#[derive(Debug, Clone)]
pub(crate) struct Admin {
    doors: Doors,
    http: reqwest::Client,
}

#[derive(Debug, Deserialize)]
struct Answer {
    outcome: String,
    error: Option<String>,
    message: Option<String>,
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
    pub(crate) const fn new(doors: Doors, http: reqwest::Client) -> Self {
        Self { doors, http }
    }

    /// Removes a node. Asking twice does no harm.
    pub(crate) async fn remove(&self, node: &NodeName, limit: Duration) -> Result<(), String> {
        let body = json!({ "remove": { "id": node.as_str() } });
        self.ask("/admin/members", &body, limit).await
    }

    /// Adds a node with the addresses that `members` knew it by.
    pub(crate) async fn add(
        &self,
        node: &NodeName,
        members: &Value,
        limit: Duration,
    ) -> Result<(), String> {
        let known = &members[node.as_str()];
        let body = json!({ "add": {
            "id": node.as_str(), "peer_addr": known["peer_addr"], "client_addr": known["client_addr"],
        }});
        self.ask("/admin/members", &body, limit).await
    }

    /// Hands leadership over.
    pub(crate) async fn transfer(&self, to: &NodeName, limit: Duration) -> Result<(), String> {
        let body = json!({ "to": to.as_str() });
        self.ask("/admin/transfer", &body, limit).await
    }

    /// The members as the first node that answers knows them.
    pub(crate) async fn members(&self) -> Result<Value, String> {
        for door in self.doors.values() {
            let answer = self.http.get(format!("{door}/status"));
            let Ok(answer) = answer.timeout(ANSWER_LIMIT).send().await else {
                continue;
            };
            if let Ok(mut status) = answer.json::<Value>().await
                && status["members"].is_object()
            {
                return Ok(status["members"].take());
            }
        }
        Err("no node tells who the members are in its /status".to_owned())
    }

    /// Asks one node after the other, round after round, until one has done it.
    async fn ask(&self, path: &str, body: &Value, limit: Duration) -> Result<(), String> {
        let deadline = Instant::now() + limit;
        let mut last = "no node was asked".to_owned();
        loop {
            for (node, door) in self.doors.iter() {
                let said = self.ask_one(format!("{door}{path}"), body);
                let Ok(said) = timeout_at(deadline, said).await else {
                    return Err(format!("not done within {limit:?}; at last {last}"));
                };
                match said {
                    Said::Done => return Ok(()),
                    Said::Elsewhere(why) => last = format!("{node}: {why}"),
                    Said::Never(why) => return Err(format!("{node}: {why}")),
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
