//! Three real processes on loopback, through the HTTP door alone.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use reqwest::Client;
use serde_json::{Value, json};
use tokio::time::sleep;

/// Attempts of 50 ms each before a cluster counts as stuck.
const PATIENCE: u32 = 400;

struct Cluster {
    client: Client,
    folder: tempfile::TempDir,
    client_addrs: Vec<SocketAddr>,
    peer_addrs: Vec<SocketAddr>,
    nodes: Vec<Option<Child>>,
}

impl Cluster {
    fn start(nodes: usize) -> Self {
        let mut cluster = Self {
            client: Client::builder().no_proxy().build().unwrap(),
            folder: tempfile::tempdir().unwrap(),
            client_addrs: free_addrs(nodes),
            peer_addrs: free_addrs(nodes),
            nodes: (0..nodes).map(|_| None).collect(),
        };
        for node in 0..nodes {
            cluster.start_node(node);
        }
        cluster
    }

    fn start_node(&mut self, node: usize) {
        let id = format!("n{node}");
        let child = Command::new(env!("CARGO_BIN_EXE_target-node"))
            .args(["--id", &id])
            .args(["--client-addr", &self.client_addrs[node].to_string()])
            .args(["--peer-addr", &self.peer_addrs[node].to_string()])
            .args(["--peers", &members(&self.peer_addrs)])
            .args(["--client-addrs", &members(&self.client_addrs)])
            .args(["--election-timeout", "300ms..600ms"])
            .arg("--data")
            .arg(self.folder.path().join(&id))
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.nodes[node] = Some(child);
    }

    /// SIGKILL.
    fn kill(&mut self, node: usize) {
        let mut child = self.nodes[node].take().expect("it runs");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    fn url(&self, node: usize, path: &str) -> String {
        format!("http://{}{path}", self.client_addrs[node])
    }

    async fn status(&self, node: usize) -> Option<Value> {
        let answer = self
            .client
            .get(self.url(node, "/status"))
            .send()
            .await
            .ok()?;
        answer.json().await.ok()
    }

    /// The node that leads in the latest term any node has.
    async fn leader(&self) -> usize {
        for _ in 0..PATIENCE {
            let mut leaders = Vec::new();
            let mut latest = 0;
            for node in 0..self.nodes.len() {
                let Some(status) = self.status(node).await else {
                    continue;
                };
                latest = latest.max(status["term"].as_u64().unwrap());
                if status["role"] == "leader" {
                    leaders.push((status["term"].as_u64().unwrap(), node));
                }
            }
            match leaders.iter().max() {
                Some(&(term, node)) if term == latest => return node,
                Some(_) | None => sleep(Duration::from_millis(50)).await,
            }
        }
        panic!("no leader");
    }

    async fn read(&self, node: usize, key: &str) -> (u16, Value) {
        finish(self.client.get(self.url(node, &format!("/kv/{key}")))).await
    }

    async fn write(&self, node: usize, key: &str, value: Value) -> (u16, Value) {
        let url = self.url(node, &format!("/kv/{key}"));
        finish(self.client.put(url).json(&json!({"value": value}))).await
    }

    async fn cas(&self, node: usize, key: &str, expected: Value, value: Value) -> (u16, Value) {
        let url = self.url(node, &format!("/kv/{key}/cas"));
        let body = json!({"expected": expected, "value": value});
        finish(self.client.post(url).json(&body)).await
    }

    /// Repeats a read with whoever leads until it is answered.
    async fn read_anywhere(&self, key: &str) -> Value {
        for _ in 0..PATIENCE {
            let leader = self.leader().await;
            let (status, body) = self.read(leader, key).await;
            if status == 200 {
                return body["value"].clone();
            }
        }
        panic!("{key} cannot be read");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for child in self.nodes.iter_mut().flatten() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

async fn finish(request: reqwest::RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.expect("the node answers");
    let status = answer.status().as_u16();
    (status, answer.json().await.expect("the body is JSON"))
}

fn members(addrs: &[SocketAddr]) -> String {
    let members = addrs
        .iter()
        .enumerate()
        .map(|(node, addr)| format!("n{node}={addr}"));
    members.collect::<Vec<_>>().join(",")
}

fn free_addrs(count: usize) -> Vec<SocketAddr> {
    let bind = |_| TcpListener::bind("127.0.0.1:0").unwrap();
    let listeners: Vec<_> = (0..count).map(bind).collect();
    listeners
        .iter()
        .map(|listener| listener.local_addr().unwrap())
        .collect()
}

#[tokio::test]
async fn writes_survive_the_leader_and_a_restart_of_all() {
    let mut cluster = Cluster::start(3);
    let leader = cluster.leader().await;
    assert_eq!(cluster.read(leader, "a").await.1["value"], Value::Null);
    assert_eq!(
        cluster.write(leader, "a", json!({"x": [1, null]})).await.0,
        200
    );
    assert_eq!(cluster.write(leader, "b", json!(1)).await.0, 200);

    cluster.kill(leader);
    let next = cluster.leader().await;
    assert_ne!(next, leader);
    assert_eq!(cluster.read_anywhere("a").await, json!({"x": [1, null]}));
    let next = cluster.leader().await;
    let (status, body) = cluster.cas(next, "b", json!(1), json!(2)).await;
    assert_eq!((status, &body["outcome"]), (200, &json!("ok")), "{body}");

    for node in (0..3).filter(|&node| node != leader) {
        cluster.kill(node);
    }
    for node in 0..3 {
        cluster.start_node(node);
    }
    assert_eq!(cluster.read_anywhere("b").await, json!(2));
    assert_eq!(cluster.read_anywhere("a").await, json!({"x": [1, null]}));
}

#[tokio::test]
async fn every_answer_says_what_happened_and_whom_to_ask() {
    let cluster = Cluster::start(3);
    let leader = cluster.leader().await;
    cluster.write(leader, "k", json!(5)).await;

    let (status, body) = cluster.cas(leader, "k", json!(4), json!(6)).await;
    assert_eq!(
        (status, &body["outcome"], &body["error"]),
        (409, &json!("fail"), &json!("cas_mismatch"))
    );
    assert_eq!(
        cluster.read(leader, "k").await.1["value"],
        json!(5),
        "nothing changed"
    );

    let follower = (leader + 1) % 3;
    let (status, body) = cluster.write(follower, "k", json!(7)).await;
    assert_eq!((status, &body["error"]), (421, &json!("not_leader")));
    assert_eq!(body["leader"], json!(format!("n{leader}")));
    assert_eq!(body["leader_url"], json!(cluster.url(leader, "")));

    for (path, text, expected) in [
        ("/kv/k", "{\"value\":", 400),
        ("/kv/k", "{\"valeu\": 1}", 400),
        ("/kv/%ff", "{\"value\": 1}", 400),
        ("/nowhere", "{\"value\": 1}", 404),
    ] {
        let request = cluster.client.put(cluster.url(leader, path)).body(text);
        let (status, body) = finish(request).await;
        assert_eq!(
            (status, &body["outcome"]),
            (expected, &json!("fail")),
            "{path} {text}"
        );
    }
    let long = format!("{{\"value\": \"{}\"}}", "x".repeat(1 << 20));
    // The node refuses after the first part and hangs up, which may overtake its answer; this connection is not used again.
    let once = reqwest::Client::new();
    let request = once.put(cluster.url(leader, "/kv/k")).body(long);
    if let Ok(answer) = request.send().await {
        assert_eq!(answer.status().as_u16(), 400);
    }
    assert_eq!(cluster.read(leader, "k").await.1["value"], json!(5));
}

#[tokio::test]
async fn without_a_majority_nothing_is_confirmed() {
    let mut cluster = Cluster::start(3);
    let leader = cluster.leader().await;
    assert_eq!(cluster.write(leader, "k", json!(1)).await.0, 200);
    cluster.kill((leader + 1) % 3);
    cluster.kill((leader + 2) % 3);
    let (_, body) = cluster.write(leader, "k", json!(2)).await;
    assert_ne!(body["outcome"], json!("ok"));
    let (_, body) = cluster.read(leader, "k").await;
    assert_eq!(
        body["outcome"],
        json!("fail"),
        "a read that is not served had no effect"
    );
}

#[test]
fn a_node_that_cannot_start_says_why() {
    let start = |arguments: &str, data: &Path| {
        let base = "--id n1 --peers n1=127.0.0.1:7001 --peer-addr 127.0.0.1:0";
        let output = Command::new(env!("CARGO_BIN_EXE_target-node"))
            .args(base.split(' ').chain(arguments.split(' ')))
            .arg("--data")
            .arg(data)
            .output()
            .unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap();
    let error = start(&format!("--client-addr {addr}"), folder.path());
    assert!(
        error.contains(&addr.to_string()) && error.contains("--client-addr"),
        "{error}"
    );

    std::fs::write(folder.path().join("0000000000000001.wal"), "not a log").unwrap();
    let error = start("--client-addr 127.0.0.1:0", folder.path());
    assert!(
        error.contains("0000000000000001.wal") && error.contains("damaged"),
        "{error}"
    );
}
