//! The bundled node: HTTP/1.1 with JSON, one connection a client, kept alive.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::Path;

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::HOST;
use hyper::{Method, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpStream;

use super::system::{Granted, Member, Request, Standing, Store, StoreError, System};
use crate::cli::Target;
use crate::config::NodeProgram;

const PEER_PORT: u16 = 7000;
const CLIENT_PORT: u16 = 8000;
const MEMBERS: &str = "/admin/members";

/// The bundled node, or a program that takes its arguments.
#[derive(Debug)]
pub(super) struct Bundled {
    pub program: NodeProgram,
}

/// A client's connection, and another one to the leader once a node said that it is not the one to ask.
#[derive(Debug)]
pub(super) struct NodeStore {
    own: Door,
    leader: Option<Door>,
}

/// One connection.
#[derive(Debug)]
struct Door {
    to: SocketAddr,
    host: String,
    requests: SendRequest<Full<Bytes>>,
}

/// Where a node that does not lead sends its clients.
#[derive(Debug, Deserialize)]
struct Refusal {
    error: Option<String>,
    leader_url: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Status {
    role: String,
    term: u64,
}

impl System for Bundled {
    type Store = NodeStore;

    fn target(&self) -> Target {
        Target::Node
    }

    fn program(&self) -> &Path {
        self.program.path()
    }

    fn arguments(&self, own: &Member, all: &[Member], data: &Path) -> Vec<OsString> {
        let mut arguments = self.own_arguments(own, data);
        for (option, port) in [("--peers", PEER_PORT), ("--client-addrs", CLIENT_PORT)] {
            let member = |member: &Member| format!("{}={}:{port}", member.name, member.address);
            let everyone: Vec<String> = all.iter().map(member).collect();
            arguments.extend([option.into(), everyone.join(",").into()]);
        }
        arguments
    }

    fn waiting_arguments(
        &self,
        own: &Member,
        all: &[Member],
        data: &Path,
    ) -> Option<Vec<OsString>> {
        // A cluster that was given no name goes by those of its first members.
        let names: Vec<&str> = all.iter().map(|member| member.name.as_str()).collect();
        let mut arguments = self.own_arguments(own, data);
        arguments.extend(["--join".into(), "--cluster".into(), names.join(",").into()]);
        Some(arguments)
    }

    async fn connect(&self, member: &Member) -> Result<NodeStore, StoreError> {
        let own = Door::open(address(member)).await?;
        Ok(NodeStore { own, leader: None })
    }

    async fn standing(&self, member: &Member) -> Result<Standing, StoreError> {
        let mut door = Door::open(address(member)).await?;
        let (_, body) = door.ask(Method::GET, "/status", Bytes::new()).await?;
        let Status { role, term } = serde_json::from_slice(&body)
            .map_err(|error| StoreError::from_error("/status", &error))?;
        let leads = role == "leader";
        Ok(Standing { leads, term })
    }

    async fn ask(&self, leader: &Member, request: Request<'_>) -> Result<Granted, StoreError> {
        let (path, body) = match request {
            Request::HandOver(to) => ("/admin/transfer", json!({ "to": to.name })),
            Request::Snapshot => ("/admin/snapshot", json!({})),
            Request::Remove(member) => (MEMBERS, json!({ "remove": { "id": member.name } })),
            Request::Add(member) => {
                let of_port = |port: u16| format!("{}:{port}", member.address);
                let (peer, client) = (of_port(PEER_PORT), of_port(CLIENT_PORT));
                let member = json!({ "id": member.name, "peer_addr": peer, "client_addr": client });
                (MEMBERS, json!({ "add": member }))
            }
        };
        let mut door = Door::open(address(leader)).await?;
        let body = body.to_string().into();
        let (status, answer) = door.ask(Method::POST, path, body).await?;
        match status {
            // A program that came with --node-bin need not have it.
            StatusCode::NOT_FOUND => Ok(Granted::NotOffered),
            status => success(status, &answer).map(|()| Granted::Done),
        }
    }
}

impl Bundled {
    fn own_arguments(&self, own: &Member, data: &Path) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = match self.program {
            NodeProgram::Bundled(_) => vec!["node".into()],
            NodeProgram::Other(_) => Vec::new(),
        };
        for (option, value) in [
            ("--id", own.name.clone()),
            ("--client-addr", format!("{}:{CLIENT_PORT}", own.address)),
            ("--peer-addr", format!("{}:{PEER_PORT}", own.address)),
        ] {
            arguments.extend([option.into(), value.into()]);
        }
        arguments.extend(["--data".into(), data.into()]);
        arguments
    }
}

impl Store for NodeStore {
    async fn put(&mut self, key: &str, value: &str) -> Result<(), StoreError> {
        let body = format!("{{\"value\":\"{value}\"}}");
        self.perform(Method::PUT, key, body.into()).await
    }

    async fn get(&mut self, key: &str) -> Result<(), StoreError> {
        self.perform(Method::GET, key, Bytes::new()).await
    }
}

impl NodeStore {
    /// Asks the own node, and the leader that it names when it refuses.
    async fn perform(&mut self, method: Method, key: &str, body: Bytes) -> Result<(), StoreError> {
        let path = format!("/kv/{key}");
        let (status, answer) = self.own.ask(method.clone(), &path, body.clone()).await?;
        if status != StatusCode::MISDIRECTED_REQUEST {
            return success(status, &answer);
        }
        let leader = self.leader_named(&answer).await?;
        let (status, answer) = leader.ask(method, &path, body).await?;
        success(status, &answer)
    }

    /// The connection to the leader that a refusal names; the present one if it leads there.
    async fn leader_named(&mut self, refusal: &[u8]) -> Result<&mut Door, StoreError> {
        let named = serde_json::from_slice::<Refusal>(refusal)
            .ok()
            .and_then(|refusal| {
                refusal
                    .leader_url?
                    .strip_prefix("http://")?
                    .parse::<SocketAddr>()
                    .ok()
            })
            .ok_or_else(|| StoreError("refused, and no leader named".to_owned()))?;
        let present = self.leader.take();
        let usable = present.filter(|door| door.to == named && !door.requests.is_closed());
        let door = match usable {
            Some(door) => door,
            None => Door::open(named).await?,
        };
        Ok(self.leader.insert(door))
    }
}

impl Door {
    async fn open(to: SocketAddr) -> Result<Self, StoreError> {
        let failed =
            |error: &dyn std::error::Error| StoreError::from_error("cannot connect", error);
        let stream = TcpStream::connect(to)
            .await
            .map_err(|error| failed(&error))?;
        stream.set_nodelay(true).map_err(|error| failed(&error))?;
        let (requests, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| failed(&error))?;
        // Its end shows in the requests.
        tokio::spawn(async move { drop(connection.await) });
        Ok(Self {
            to,
            host: to.to_string(),
            requests,
        })
    }

    async fn ask(
        &mut self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<(StatusCode, Bytes), StoreError> {
        let failed = |error: &dyn std::error::Error| StoreError::from_error("no answer", error);
        let request = hyper::Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, self.host.as_str())
            .body(Full::new(body))
            .map_err(|error| failed(&error))?;
        self.requests
            .ready()
            .await
            .map_err(|error| failed(&error))?;
        let answer = self
            .requests
            .send_request(request)
            .await
            .map_err(|error| failed(&error))?;
        let status = answer.status();
        let body = answer.into_body().collect().await;
        let body = body.map_err(|error| failed(&error))?.to_bytes();
        Ok((status, body))
    }
}

fn address(member: &Member) -> SocketAddr {
    SocketAddr::new(member.address, CLIENT_PORT)
}

fn success(status: StatusCode, answer: &[u8]) -> Result<(), StoreError> {
    if status.is_success() {
        return Ok(());
    }
    let reason = serde_json::from_slice::<Refusal>(answer)
        .ok()
        .and_then(|refusal| refusal.error);
    Err(StoreError(format!(
        "{status}: {}",
        reason.as_deref().unwrap_or("no reason given")
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_success_counts_and_a_refusal_says_why() {
        assert!(success(StatusCode::OK, b"{}").is_ok());
        let refused = success(StatusCode::SERVICE_UNAVAILABLE, br#"{"error":"busy"}"#);
        assert_eq!(
            refused.unwrap_err().to_string(),
            "503 Service Unavailable: busy"
        );
    }

    #[test]
    fn every_node_knows_all_others() {
        let program = NodeProgram::Other("node".into());
        let members = Member::first(2);
        let arguments = Bundled { program }.arguments(&members[1], &members, Path::new("d"));
        let text: Vec<_> = arguments
            .iter()
            .map(|word| word.to_str().unwrap())
            .collect();
        assert_eq!(
            text.join(" "),
            "--id n2 --client-addr 127.0.0.2:8000 --peer-addr 127.0.0.2:7000 --data d \
             --peers n1=127.0.0.1:7000,n2=127.0.0.2:7000 \
             --client-addrs n1=127.0.0.1:8000,n2=127.0.0.2:8000"
        );
    }
}
