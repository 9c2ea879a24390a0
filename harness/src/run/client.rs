//! One client of the system: typed outcomes, and no second tries but those that were asked for.
//!
//! A client is attached to one node. Only a *certain* refusal that names a leader sends the same operation on to
//! that leader; everything else ends the operation. An answer that does not come, or cannot be understood, is
//! unknown for an operation that changes something: never failed.
//!
//! With `--retry` a client asks again until it knows how a change ended, in a session, by which the system is to tell the
//! second time from the first. What is then recorded is one operation, from the first time it was sent to the answer.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::json;

use super::recorder::Completion;
use super::reply::{Reply, uncertain};
use super::session::{Session, Stamp};
use crate::cli::ReadLevel;
use crate::clock::Clock;
use crate::workload::{Invocation, Micro};

/// How many leader hints one operation follows.
const HINTS_FOLLOWED: usize = 3;

/// With `--retry`, how many times the patience for one answer a client goes on asking.
const RETRY_PATIENCE: u32 = 10;
/// Pause before it asks again.
const RETRY_PAUSE: Duration = Duration::from_millis(20);

/// Refusals that are themselves the end of a change: what it asked for could not be done where it stood.
const FINAL: [&str; 3] = ["cas_mismatch", "wrong_type", "too_large"];
const SESSION_EXPIRED: &str = "session_expired";

/// Whether a refusal for this reason went the same way through the system as a change does.
pub(super) fn is_final(error: &str) -> bool {
    FINAL.contains(&error)
}

/// Where each node's clients connect: `http://10.99.0.1:8000` by node name.
pub(crate) type Doors = Arc<BTreeMap<String, String>>;

/// A connection of its own to every node it is told to ask.
#[derive(Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    home: String,
    doors: Doors,
    habits: Habits,
    session: Session,
}

/// How clients behave.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Habits {
    /// How long a client waits for one answer.
    pub deadline: Duration,
    /// Whether it asks again until it knows how a change ended.
    pub retries: bool,
    /// What its reads ask for.
    pub reads: ReadLevel,
}

impl Client {
    /// A client of `home`, speaking from `address`.
    pub(crate) fn new(
        home: &str,
        doors: &Doors,
        habits: Habits,
        address: Ipv4Addr,
    ) -> Result<Self> {
        Ok(Self {
            http: http_from(Some(address))?,
            home: home.to_owned(),
            doors: Arc::clone(doors),
            habits,
            session: Session::default(),
        })
    }

    /// The node this client is attached to.
    pub(crate) fn home(&self) -> &str {
        &self.home
    }

    /// Carries out one operation: how it ended, and the node that answered or was asked last.
    pub(crate) async fn perform(&mut self, invocation: &Invocation) -> (Completion, String) {
        let mut node = self.home.clone();
        let completion = if self.habits.retries && invocation.mutates() {
            self.insist(invocation, &mut node).await
        } else {
            self.try_once(invocation, &mut node, None).await
        };
        (completion, node)
    }

    /// Sends a change again, to one node after the other, until its end is known or the patience is over.
    async fn insist(&mut self, invocation: &Invocation, node: &mut String) -> Completion {
        let clock = Clock::start();
        let doors = self.doors.values();
        let Some(stamp) = self.session.stamp(&self.http, doors).await else {
            return Completion::Fail("no session could be opened".to_owned());
        };
        let mut unknown = None;
        loop {
            let error = match self.try_once(invocation, node, Some(stamp)).await {
                Completion::Ok(value) => return Completion::Ok(value),
                Completion::Fail(error) if is_final(&error) => {
                    return Completion::Fail(error);
                }
                Completion::Fail(error) if error == SESSION_EXPIRED => {
                    self.session.forget();
                    return unknown.map_or(Completion::Fail(error), Completion::Info);
                }
                // Refused, but what was sent before may be done.
                Completion::Fail(error) => match unknown.take() {
                    None => return Completion::Fail(error),
                    Some(earlier) => earlier,
                },
                Completion::Info(error) => error,
            };
            if clock.elapsed() > self.habits.deadline * RETRY_PATIENCE {
                return Completion::Info(error);
            }
            unknown = Some(error);
            *node = self.after(node);
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }

    /// The next node, round and round.
    fn after(&self, node: &str) -> String {
        let mut later = self.doors.keys().skip_while(|name| *name != node).skip(1);
        let first = self.doors.keys().next();
        later.next().or(first).cloned().unwrap_or_default()
    }

    async fn try_once(
        &self,
        invocation: &Invocation,
        node: &mut String,
        stamp: Option<Stamp>,
    ) -> Completion {
        let deadline = self.habits.deadline;
        let followed = tokio::time::timeout(deadline, self.follow(invocation, node, stamp));
        followed
            .await
            .unwrap_or_else(|_| uncertain(invocation, format!("no answer within {deadline:?}")))
    }

    async fn follow(
        &self,
        invocation: &Invocation,
        node: &mut String,
        stamp: Option<Stamp>,
    ) -> Completion {
        let mut hints = 0;
        loop {
            let reply = match self.ask(invocation, node, stamp).await {
                Ok(reply) => reply,
                Err(error) if error.is_connect() => {
                    return Completion::Fail(format!("cannot connect: {}", cause(&error)));
                }
                Err(error) => return uncertain(invocation, cause(&error)),
            };
            match reply.hint() {
                Some(leader) if self.may_follow(leader, node, hints) => {
                    hints += 1;
                    leader.clone_into(node);
                }
                Some(_) | None => return reply.completion(invocation),
            }
        }
    }

    fn may_follow(&self, leader: &str, asked: &str, hints: usize) -> bool {
        leader != asked && hints < HINTS_FOLLOWED && self.doors.contains_key(leader)
    }

    async fn ask(
        &self,
        invocation: &Invocation,
        node: &str,
        stamp: Option<Stamp>,
    ) -> reqwest::Result<Reply> {
        let door = &self.doors[node];
        let url = |key: &str| format!("{door}/kv/{key}");
        let request = match invocation {
            Invocation::Read { key } => self.read(url(key)),
            Invocation::Write { key, value } => {
                self.http.put(url(key)).json(&json!({ "value": value }))
            }
            Invocation::Add { key } => self
                .http
                .post(format!("{}/add", url(key)))
                .json(&json!({ "amount": 1 })),
            Invocation::Cas {
                key,
                expected,
                value,
            } => self
                .http
                .post(format!("{}/cas", url(key)))
                .json(&json!({ "expected": expected, "value": value })),
            Invocation::Transact { parts, .. } => match parts.as_slice() {
                [Micro::Read { register }] => self.read(url(register)),
                parts => self
                    .http
                    .post(format!("{door}/txn"))
                    .json(&transaction(parts)),
            },
        };
        let request = match stamp {
            Some(stamp) => stamp.put_on(request),
            None => request,
        };
        request.send().await?.json().await
    }

    fn read(&self, url: String) -> reqwest::RequestBuilder {
        match self.habits.reads {
            // What everybody does without being asked is not asked for: other programs may not know the word.
            ReadLevel::Linearizable => self.http.get(url),
            level
            @ (ReadLevel::Follower | ReadLevel::Lease | ReadLevel::Log | ReadLevel::Local) => {
                self.http.get(format!("{url}?level={}", level.name()))
            }
        }
    }
}

/// The body of a transaction.
fn transaction(parts: &[Micro]) -> serde_json::Value {
    let operation = |part: &Micro| match part {
        Micro::Read { register } => json!({ "op": "read", "key": register }),
        Micro::Write { register, value } => {
            json!({ "op": "write", "key": register, "value": value })
        }
    };
    let operations: Vec<serde_json::Value> = parts.iter().map(operation).collect();
    json!({ "operations": operations })
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

/// The innermost reason of an HTTP error: the outer ones only repeat the address.
fn cause(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn write() -> Invocation {
        Invocation::Write {
            key: "k".to_owned(),
            value: 1,
        }
    }

    #[test]
    fn the_body_of_a_transaction_names_each_part() {
        let read = Micro::Read {
            register: "gx".to_owned(),
        };
        let write = Micro::Write {
            register: "gy".to_owned(),
            value: 7,
        };
        let expected = json!({ "operations": [
            { "op": "read", "key": "gx" }, { "op": "write", "key": "gy", "value": 7 },
        ] });
        assert_eq!(transaction(&[read, write]), expected);
    }

    fn client(doors: &Doors, retries: bool) -> Client {
        let habits = Habits {
            deadline: Duration::from_secs(5),
            retries,
            reads: ReadLevel::Linearizable,
        };
        Client::new("n1", doors, habits, Ipv4Addr::LOCALHOST).unwrap()
    }

    /// Takes one request on a new connection, answers it if there is an answer, and hangs up.
    pub(crate) async fn serve_one(
        listener: &tokio::net::TcpListener,
        answer: Option<&str>,
    ) -> String {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 4096];
        let length = stream.read(&mut request).await.unwrap();
        if let Some(answer) = answer {
            let length = answer.len();
            let answer = format!(
                "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/json\r\n\
                 content-length: {length}\r\n\r\n{answer}"
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
        String::from_utf8_lossy(&request[..length]).to_lowercase()
    }

    #[tokio::test]
    async fn a_change_is_sent_again_under_the_same_number_until_its_end_is_known() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let door = format!("http://{}", listener.local_addr().unwrap());
        let doors: Doors = Arc::new(BTreeMap::from([("n1".to_owned(), door)]));
        let mut client = client(&doors, true);
        let server = tokio::spawn(async move {
            let opened = serve_one(&listener, Some(r#"{"outcome":"ok","client":7}"#)).await;
            assert!(opened.starts_with("post /sessions"), "{opened}");
            let mut seen = Vec::new();
            for answer in [
                None,
                Some(r#"{"outcome":"fail","error":"busy"}"#),
                Some(r#"{"outcome":"unknown","error":"timeout"}"#),
                Some(r#"{"outcome":"fail","error":"cas_mismatch"}"#),
                Some(r#"{"outcome":"fail","error":"busy"}"#),
            ] {
                seen.push(serve_one(&listener, answer).await);
            }
            seen
        });
        let (first, _) = client.perform(&write()).await;
        assert_eq!(
            first,
            Completion::Fail("cas_mismatch".to_owned()),
            "the end it had"
        );
        let (second, _) = client.perform(&write()).await;
        assert_eq!(
            second,
            Completion::Fail("busy".to_owned()),
            "never done, and not sent before"
        );
        let seen = server.await.unwrap();
        let marked = |request: &String, sequence: u64| {
            request.contains("session-client: 7")
                && request.contains(&format!("session-sequence: {sequence}\r\n"))
        };
        assert!(
            seen[..4].iter().all(|request| marked(request, 1)),
            "{seen:?}"
        );
        assert!(marked(&seen[4], 2), "{seen:?}");
    }

    #[tokio::test]
    async fn a_server_that_hangs_up_leaves_a_write_indeterminate_and_none_at_all_certainly_failed()
    {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let door = format!("http://{}", listener.local_addr().unwrap());
        let doors: Doors = Arc::new(BTreeMap::from([("n1".to_owned(), door)]));
        let mut client = client(&doors, false);
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
