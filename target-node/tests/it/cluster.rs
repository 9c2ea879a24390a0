//! Real processes on loopback.

use std::{
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use reqwest::Client;
use serde_json::{Value, json};
use tokio::time::sleep;

/// Attempts of 50 ms each before a cluster counts as stuck.
const PATIENCE: u32 = 400;

pub(crate) struct Cluster {
    pub(crate) client: Client,
    folder: tempfile::TempDir,
    client_addrs: Vec<SocketAddr>,
    peer_addrs: Vec<SocketAddr>,
    /// What each node is told beside that.
    pub(crate) options: Vec<&'static str>,
    nodes: Vec<Option<Child>>,
}

impl Cluster {
    pub(crate) fn start(nodes: usize) -> Self {
        Self::start_with(&vec![""; nodes])
    }

    /// One node for each text of options.
    pub(crate) fn start_with(options: &[&'static str]) -> Self {
        let nodes = options.len();
        let mut cluster = Self {
            client: Client::builder().no_proxy().build().unwrap(),
            folder: tempfile::tempdir().unwrap(),
            client_addrs: free_addrs(nodes),
            peer_addrs: free_addrs(nodes),
            options: options.to_vec(),
            nodes: (0..nodes).map(|_| None).collect(),
        };
        for node in 0..nodes {
            cluster.start_node(node);
        }
        cluster
    }

    pub(crate) fn start_node(&mut self, node: usize) {
        let mut command = self.command(node);
        command
            .args(["--peers", &members(&self.peer_addrs)])
            .args(["--client-addrs", &members(&self.client_addrs)]);
        self.nodes[node] = Some(command.spawn().unwrap());
    }

    fn command(&self, node: usize) -> Command {
        let id = format!("n{node}");
        let mut command = Command::new(env!("CARGO_BIN_EXE_target-node"));
        command
            .args(["--id", &id])
            .args(["--client-addr", &self.client_addrs[node].to_string()])
            .args(["--peer-addr", &self.peer_addrs[node].to_string()])
            .args(["--election-timeout", "300ms..600ms"])
            .args(self.options[node].split_whitespace())
            .arg("--data")
            .arg(self.data(node))
            .stderr(Stdio::null());
        command
    }

    pub(crate) fn data(&self, node: usize) -> PathBuf {
        self.folder.path().join(format!("n{node}"))
    }

    /// Starts a server that is no member yet, and has the leader add it.
    pub(crate) async fn join(&mut self, options: &'static str) -> usize {
        let node = self.nodes.len();
        let names: Vec<_> = (0..node).map(|node| format!("n{node}")).collect();
        self.client_addrs.extend(free_addrs(1));
        self.peer_addrs.extend(free_addrs(1));
        self.options.push(options);
        let mut command = self.command(node);
        command.args(["--join", "--cluster", &names.join(",")]);
        self.nodes.push(Some(command.spawn().unwrap()));
        let server = json!({
            "id": format!("n{node}"),
            "peer_addr": self.peer_addrs[node],
            "client_addr": self.client_addrs[node],
        });
        let url = self.url(self.leader().await, "/admin/members");
        let added = finish(self.client.post(url).json(&json!({"add": server}))).await;
        assert_eq!(added.0, 200, "{}", added.1);
        node
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self, node: usize) {
        let mut child = self.nodes[node].take().expect("it runs");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    pub(crate) fn url(&self, node: usize, path: &str) -> String {
        format!("http://{}{path}", self.client_addrs[node])
    }

    pub(crate) async fn status(&self, node: usize) -> Option<Value> {
        let answer = self
            .client
            .get(self.url(node, "/status"))
            .send()
            .await
            .ok()?;
        answer.json().await.ok()
    }

    /// The node that leads in the latest term any node has.
    pub(crate) async fn leader(&self) -> usize {
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

    pub(crate) async fn read(&self, node: usize, key: &str) -> (u16, Value) {
        finish(self.client.get(self.url(node, &format!("/kv/{key}")))).await
    }

    pub(crate) async fn write(&self, node: usize, key: &str, value: Value) -> (u16, Value) {
        let url = self.url(node, &format!("/kv/{key}"));
        finish(self.client.put(url).json(&json!({"value": value}))).await
    }

    pub(crate) async fn cas(
        &self,
        node: usize,
        key: &str,
        expected: Value,
        value: Value,
    ) -> (u16, Value) {
        let url = self.url(node, &format!("/kv/{key}/cas"));
        let body = json!({"expected": expected, "value": value});
        finish(self.client.post(url).json(&body)).await
    }

    /// Repeats a read with whoever leads until it is answered.
    pub(crate) async fn read_anywhere(&self, key: &str) -> Value {
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

pub(crate) async fn finish(request: reqwest::RequestBuilder) -> (u16, Value) {
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
