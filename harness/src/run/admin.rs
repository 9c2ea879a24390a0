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
/// Where changes of members are asked for.
const MEMBERS: &str = "/admin/members";
/// Pause before everybody is asked again.
const ROUND_PAUSE: Duration = Duration::from_millis(200);

/// The way to whoever leads.
#[derive(Debug)]
pub(crate) struct Admin {
    doors: Doors,
    http: reqwest::Client,
    /// Where nodes and clients reach each node.
    addresses: BTreeMap<NodeName, (String, String)>,
    away: Mutex<Away>,
}

/// Who is no member as it was in the beginning.
#[derive(Debug, Clone, Default)]
struct Away {
    /// Were removed or lost their vote, and not taken back.
    outside: BTreeSet<NodeName>,
    /// Lost their disks, and were not added anew.
    lost: BTreeSet<NodeName>,
}

/// How the request to add a node anew that lost its disk ended.
pub(crate) enum Rejoined {
    /// It is a member again.
    Done,
    /// The system cannot change its members; it takes the node for the one it was, or for nobody.
    Impossible(String),
}

/// What the leader said to a change.
pub(crate) struct Reply {
    /// Whether it did not refuse the change, whatever came of it.
    pub taken_up: bool,
    pub said: String,
}

#[derive(Debug, Deserialize)]
struct Answer {
    outcome: String,
    error: Option<String>,
    message: Option<String>,
}

/// Why a request was not done, as far as is known.
pub(crate) enum Undone {
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
    /// Not here.
    Elsewhere(String),
    /// Not now: for certain nothing was done.
    Later(String),
    /// Nobody knows whether it was done, or will be.
    Perhaps(String),
    /// It cannot, whoever is asked.
    Never(String),
}

impl Admin {
    pub(crate) fn new(
        doors: Doors,
        http: reqwest::Client,
        addresses: BTreeMap<NodeName, (String, String)>,
    ) -> Self {
        Self {
            doors,
            http,
            addresses,
            away: Mutex::default(),
        }
    }

    /// Removes a node. It counts as outside from now on, whatever came of it, until it was taken back.
    pub(crate) async fn remove(&self, node: &NodeName, limit: Duration) -> Result<(), Undone> {
        self.lets_go([node]);
        let asked = self.ask(MEMBERS, &removal(node), limit).await;
        if let Err(Undone::Never(_)) = &asked {
            self.away().outside.remove(node);
        }
        asked
    }

    /// Takes the vote from a node, which goes on receiving the log.
    pub(crate) async fn demote(&self, node: &NodeName, limit: Duration) -> Result<(), Undone> {
        let body = json!({ "add_learner": self.server(node) });
        self.ask(MEMBERS, &body, limit).await
    }

    /// Has exactly these vote.
    pub(crate) async fn have_vote(
        &self,
        voters: &[NodeName],
        limit: Duration,
    ) -> Result<(), Undone> {
        self.ask(MEMBERS, &self.replacement(voters), limit).await
    }

    /// Asks one node to remove another, once.
    pub(crate) async fn ask_to_remove(&self, asked: &NodeName, node: &NodeName) -> Reply {
        self.ask_here(asked, &removal(node)).await
    }

    /// Asks one node to have exactly these vote, once.
    pub(crate) async fn ask_for_voters(&self, asked: &NodeName, voters: &[NodeName]) -> Reply {
        self.ask_here(asked, &self.replacement(voters)).await
    }

    /// These are outside from now on, until they are taken back.
    pub(crate) fn lets_go<'a>(&self, nodes: impl IntoIterator<Item = &'a NodeName>) {
        self.away().outside.extend(nodes.into_iter().cloned());
    }

    /// A node is about to lose its disk. Refused when more than a minority would be lost or outside then.
    pub(crate) fn lose(&self, node: &NodeName) -> Result<(), String> {
        let mut away = self.away();
        let mut gone: BTreeSet<&NodeName> = away.outside.union(&away.lost).collect();
        gone.insert(node);
        if gone.len() > self.addresses.len().saturating_sub(1) / 2 {
            let names: Vec<&str> = gone.iter().map(|node| node.as_str()).collect();
            return Err(format!(
                "{} would all be without what they knew, or outside: more than a cluster can spare",
                names.join(" ")
            ));
        }
        away.lost.insert(node.clone());
        Ok(())
    }

    /// Says why members must not be let go now, if so.
    pub(crate) fn can_spare_members(&self) -> Result<(), String> {
        match self.away().lost.first() {
            Some(node) => Err(format!("{node} lost its disk and is no member again yet")),
            None => Ok(()),
        }
    }

    /// Removes a node that lost its disk and adds it anew.
    pub(crate) async fn rejoin(
        &self,
        node: &NodeName,
        limit: Duration,
    ) -> Result<Rejoined, String> {
        let deadline = Instant::now() + limit;
        for body in [removal(node), json!({ "add": self.server(node) })] {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.ask(MEMBERS, &body, left).await {
                Ok(()) => {}
                Err(Undone::Never(why)) => return Ok(Rejoined::Impossible(why)),
                Err(Undone::Perhaps(why)) => return Err(why),
            }
        }
        let mut away = self.away();
        away.lost.remove(node);
        away.outside.remove(node);
        Ok(Rejoined::Done)
    }

    /// Adds every node that is outside, and anew who lost its disk. Asking twice does no harm.
    pub(crate) async fn take_back(&self, limit: Duration) -> Result<(), String> {
        let Away { outside, lost } = self.away().clone();
        for node in &lost {
            if let Rejoined::Impossible(why) = self.rejoin(node, limit).await? {
                return Err(format!(
                    "{node} lost its disk, and cannot be added anew: {why}"
                ));
            }
        }
        self.take_back_from(outside.difference(&lost), limit).await
    }

    /// Adds every node that is outside.
    pub(crate) async fn add_those_outside(&self, limit: Duration) -> Result<(), String> {
        let outside = self.away().outside.clone();
        self.take_back_from(&outside, limit).await
    }

    async fn take_back_from<'a>(
        &self,
        nodes: impl IntoIterator<Item = &'a NodeName>,
        limit: Duration,
    ) -> Result<(), String> {
        for node in nodes {
            let body = json!({ "add": self.server(node) });
            self.ask(MEMBERS, &body, limit).await?;
            self.away().outside.remove(node);
        }
        Ok(())
    }

    fn replacement(&self, voters: &[NodeName]) -> Value {
        let servers = voters.iter().map(|node| self.server(node));
        json!({ "replace": servers.collect::<Vec<_>>() })
    }

    fn server(&self, node: &NodeName) -> Value {
        let (peer, client) = &self.addresses[node];
        json!({ "id": node.as_str(), "peer_addr": peer, "client_addr": client })
    }

    fn away(&self) -> MutexGuard<'_, Away> {
        self.away.lock().unwrap_or_else(PoisonError::into_inner)
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
                    Said::Elsewhere(why) | Said::Later(why) | Said::Perhaps(why) => {
                        last = format!("{node}: {why}");
                    }
                    Said::Never(why) => return Err(Undone::Never(format!("{node}: {why}"))),
                }
            }
            sleep(ROUND_PAUSE).await;
        }
    }

    /// Asks one node, once.
    async fn ask_here(&self, asked: &NodeName, body: &Value) -> Reply {
        let url = format!("{}{MEMBERS}", self.doors[asked.as_str()]);
        match self.ask_one(url, body).await {
            Said::Done => Reply {
                taken_up: true,
                said: "done".to_owned(),
            },
            Said::Perhaps(said) => Reply {
                taken_up: true,
                said,
            },
            Said::Elsewhere(said) | Said::Later(said) | Said::Never(said) => Reply {
                taken_up: false,
                said,
            },
        }
    }

    async fn ask_one(&self, url: String, body: &Value) -> Said {
        let request = self.http.post(url).json(body).timeout(ANSWER_LIMIT);
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) if error.is_connect() => return Said::Elsewhere(error.to_string()),
            // It heard the request, and had no answer in time.
            Err(error) if error.is_timeout() => {
                return Said::Perhaps("no answer in time".to_owned());
            }
            Err(error) => return Said::Perhaps(error.to_string()),
        };
        let status = answer.status();
        let Ok(answer) = answer.json::<Answer>().await else {
            return Said::Never(format!("it does not know this request ({status})"));
        };
        let why = answer.message.unwrap_or_default();
        match (answer.outcome.as_str(), answer.error.as_deref()) {
            ("ok", _) => Said::Done,
            ("fail", Some("not_found" | "bad_request" | "bad_members")) => Said::Never(why),
            ("fail", Some("not_leader")) => Said::Elsewhere(why),
            ("fail", _) => Said::Later(why),
            _ => Said::Perhaps(why),
        }
    }
}

fn removal(node: &NodeName) -> Value {
    json!({ "remove": { "id": node.as_str() } })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::run::client::plain_http;
    use crate::run::client::tests::serve_one;

    /// Whether a request counts as taken up when the node says this, or hangs up.
    async fn taken_up(answer: Option<&'static str>) -> bool {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let door = format!("http://{}", listener.local_addr().unwrap());
        let node: NodeName = "n1".parse().unwrap();
        let doors = Arc::new(BTreeMap::from([(node.to_string(), door)]));
        let addresses = BTreeMap::from([(node.clone(), (String::new(), String::new()))]);
        let admin = Admin::new(doors, plain_http().unwrap(), addresses);
        let server = tokio::spawn(async move { serve_one(&listener, answer).await });
        let reply = admin
            .ask_for_voters(&node, std::slice::from_ref(&node))
            .await;
        assert!(server.await.unwrap().contains("replace"));
        reply.taken_up
    }

    #[tokio::test]
    async fn only_a_certain_refusal_is_no_change() {
        for (answer, is_taken_up) in [
            (r#"{"outcome":"ok"}"#, true),
            (r#"{"outcome":"unknown","error":"timeout"}"#, true),
            (r#"{"outcome":"fail","error":"not_leader"}"#, false),
            (r#"{"outcome":"fail","error":"bad_members"}"#, false),
            (r#"{"outcome":"fail","error":"busy"}"#, false),
        ] {
            assert_eq!(taken_up(Some(answer)).await, is_taken_up, "{answer}");
        }
        assert!(taken_up(None).await, "it heard the request");
    }
}
