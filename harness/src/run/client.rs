//! One client of the system: typed outcomes, no silent second tries.
//!
//! A client is attached to one node. Only a *certain* refusal that names a leader sends the same operation on to
//! that leader; everything else ends the operation. An answer that does not come, or cannot be understood, is
//! unknown for an operation that changes something: never failed.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use checker::Value;
use serde::Deserialize;
use serde_json::json;

use super::recorder::Completion;
use crate::workload::Invocation;

/// How many leader hints one operation follows.
const HINTS_FOLLOWED: usize = 3;

/// Where each node's clients connect: `http://10.99.0.1:8000` by node name.
pub(crate) type Doors = Arc<BTreeMap<String, String>>;

/// A connection of its own to every node it is told to ask.
#[derive(Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    home: String,
    doors: Doors,
    deadline: Duration,
}

/// What the node's door answers.
#[derive(Debug, Deserialize)]
struct Reply {
    outcome: ReplyOutcome,
    #[serde(default)]
    value: Value,
    error: Option<String>,
    leader: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ReplyOutcome {
    Ok,
    Fail,
    Unknown,
}

impl Client {
    /// A client of `home`, speaking from `address`, that gives up on an operation after `deadline`.
    pub(crate) fn new(
        home: &str,
        doors: &Doors,
        deadline: Duration,
        address: Ipv4Addr,
    ) -> Result<Self> {
        Ok(Self {
            http: http_from(Some(address))?,
            home: home.to_owned(),
            doors: Arc::clone(doors),
            deadline,
        })
    }

    /// The node this client is attached to.
    pub(crate) fn home(&self) -> &str {
        &self.home
    }

    /// Carries out one operation: how it ended, and the node that answered or was asked last.
    pub(crate) async fn perform(&self, invocation: &Invocation) -> (Completion, String) {
        let mut node = self.home.clone();
        let followed =
            tokio::time::timeout(self.deadline, self.follow(invocation, &mut node)).await;
        let completion = followed.unwrap_or_else(|_| {
            uncertain(invocation, format!("no answer within {:?}", self.deadline))
        });
        (completion, node)
    }

    async fn follow(&self, invocation: &Invocation, node: &mut String) -> Completion {
        let mut hints = 0;
        loop {
            let reply = match self.ask(invocation, node).await {
                Ok(reply) => reply,
                Err(error) if error.is_connect() => {
                    return Completion::Fail(format!("cannot connect: {}", cause(&error)));
                }
                Err(error) => return uncertain(invocation, cause(&error)),
            };
            match (reply.outcome, reply.leader) {
                (ReplyOutcome::Fail, Some(leader)) if self.may_follow(&leader, node, hints) => {
                    hints += 1;
                    *node = leader;
                }
                (outcome, _) => return completion(invocation, outcome, reply.value, reply.error),
            }
        }
    }

    fn may_follow(&self, leader: &str, asked: &str, hints: usize) -> bool {
        leader != asked && hints < HINTS_FOLLOWED && self.doors.contains_key(leader)
    }

    async fn ask(&self, invocation: &Invocation, node: &str) -> reqwest::Result<Reply> {
        let door = &self.doors[node];
        let url = format!("{door}/kv/{}", invocation.key());
        let request = match invocation {
            Invocation::Read { .. } => self.http.get(url),
            Invocation::Write { value, .. } => self.http.put(url).json(&json!({ "value": value })),
            Invocation::Cas {
                expected, value, ..
            } => self
                .http
                .post(format!("{url}/cas"))
                .json(&json!({ "expected": expected, "value": value })),
        };
        request.send().await?.json().await
    }
}

/// An HTTP client for the harness itself, which does only what it is told: no proxy, no redirect, no retry.
pub(crate) fn plain_http() -> Result<reqwest::Client> {
    http_from(None)
}

fn http_from(address: Option<Ipv4Addr>) -> Result<reqwest::Client> {
    reqwest::Client::builder()
        .local_address(address.map(IpAddr::from))
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .http1_only()
        .tcp_nodelay(true)
        .pool_max_idle_per_host(1)
        .build()
        .context("cannot build an HTTP client")
}

fn completion(
    invocation: &Invocation,
    outcome: ReplyOutcome,
    value: Value,
    error: Option<String>,
) -> Completion {
    let error = error.unwrap_or_else(|| "no reason given".to_owned());
    match outcome {
        ReplyOutcome::Ok => Completion::Ok(value),
        ReplyOutcome::Fail => Completion::Fail(error),
        ReplyOutcome::Unknown => uncertain(invocation, error),
    }
}

/// An operation without an answer: a read certainly changed nothing, anything else may have.
fn uncertain(invocation: &Invocation, error: String) -> Completion {
    if invocation.mutates() {
        Completion::Info(error)
    } else {
        Completion::Fail(error)
    }
}

/// The innermost reason of an HTTP error: the outer ones only repeat the address.
fn cause(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read() -> Invocation {
        Invocation::Read {
            key: "k".to_owned(),
        }
    }

    fn write() -> Invocation {
        Invocation::Write {
            key: "k".to_owned(),
            value: 1,
        }
    }

    fn completed(invocation: &Invocation, answer: &str) -> Completion {
        let reply: Reply = serde_json::from_str(answer).unwrap();
        completion(invocation, reply.outcome, reply.value, reply.error)
    }

    #[test]
    fn an_answer_means_what_it_says() {
        let refused = Completion::Fail("not_leader".to_owned());
        for (invocation, answer, expected) in [
            (
                read(),
                r#"{"outcome":"ok","value":7}"#,
                Completion::Ok(Value::Int(7)),
            ),
            (
                read(),
                r#"{"outcome":"ok","value":null}"#,
                Completion::Ok(Value::Nil),
            ),
            (write(), r#"{"outcome":"ok"}"#, Completion::Ok(Value::Nil)),
            (
                write(),
                r#"{"outcome":"fail","error":"not_leader"}"#,
                refused,
            ),
        ] {
            assert_eq!(completed(&invocation, answer), expected, "{answer}");
        }
    }

    #[test]
    fn what_nobody_knows_is_indeterminate_unless_it_changed_nothing() {
        for answer in [
            r#"{"outcome":"unknown","error":"leadership_lost"}"#,
            r#"{"outcome":"unknown"}"#,
        ] {
            assert!(matches!(completed(&write(), answer), Completion::Info(_)));
            assert!(matches!(completed(&read(), answer), Completion::Fail(_)));
        }
    }

    #[test]
    fn what_was_read_is_recorded_whatever_it_is() {
        let answer = r#"{"outcome":"ok","value":"seventeen"}"#;
        let seen = Completion::Ok(Value::from("seventeen"));
        assert_eq!(completed(&read(), answer), seen);
    }

    #[tokio::test]
    async fn a_server_that_hangs_up_leaves_a_write_indeterminate_and_none_at_all_certainly_failed()
    {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let door = format!("http://{}", listener.local_addr().unwrap());
        let doors: Doors = Arc::new(BTreeMap::from([("n1".to_owned(), door)]));
        let client =
            Client::new("n1", &doors, Duration::from_secs(5), Ipv4Addr::LOCALHOST).unwrap();
        let hang_up = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            stream.readable().await.unwrap();
            drop(stream);
        });
        let (completion, node) = client.perform(&write()).await;
        assert!(matches!(completion, Completion::Info(_)), "{completion:?}");
        assert_eq!(node, "n1");
        hang_up.await.unwrap();
        let (completion, _) = client.perform(&write()).await;
        assert!(matches!(completion, Completion::Fail(_)), "{completion:?}");
    }
}
