//! One client of the system: typed outcomes, no silent second tries.
//!
//! A client is attached to one node. Only a *certain* refusal that names a leader sends the same operation on to
//! that leader; everything else ends the operation. An answer that does not come, or cannot be understood, is
//! unknown for an operation that changes something: never failed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde_json::{Value, json};

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
    /// A client of `home` that gives up on an operation after `deadline`.
    pub(crate) fn new(home: &str, doors: &Doors, deadline: Duration) -> Result<Self> {
        Ok(Self {
            http: plain_http()?,
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
                (outcome, _) => return completion(invocation, outcome, &reply.value, reply.error),
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

/// An HTTP client that does only what it is told: no proxy, no redirect, no retry.
pub(crate) fn plain_http() -> Result<reqwest::Client> {
    reqwest::Client::builder()
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
    value: &Value,
    error: Option<String>,
) -> Completion {
    let error = error.unwrap_or_else(|| "no reason given".to_owned());
    match outcome {
        ReplyOutcome::Ok => match seen(invocation, value) {
            Some(seen) => Completion::Ok(seen),
            None => uncertain(
                invocation,
                format!("the answer {value} is neither an integer nor null"),
            ),
        },
        ReplyOutcome::Fail => Completion::Fail(error),
        ReplyOutcome::Unknown => uncertain(invocation, error),
    }
}

/// What an acknowledged operation saw; `None` if the answer is not of this workload's kind.
fn seen(invocation: &Invocation, value: &Value) -> Option<Option<i64>> {
    match (invocation.mutates(), value) {
        (true, _) | (false, Value::Null) => Some(None),
        (false, value) => value.as_i64().map(Some),
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
