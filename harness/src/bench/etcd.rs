//! etcd, through gRPC, as its own clients talk to it: one HTTP/2 connection a client.

mod rpc;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hyper::http::uri::PathAndQuery;
use prost::Message;
use tonic::client::Grpc;

use tonic::Status;
use tonic::transport::{Channel, Endpoint};
use tonic_prost::ProstCodec;

use super::system::{Granted, Member, Request, Standing, Store, StoreError, System};
use crate::cli::Target;
use rpc::{
    MoveLeader, Moved, PutRequest, PutResponse, RangeRequest, RangeResponse, StatusRequest,
    StatusResponse,
};

const PEER_PORT: u16 = 2380;
const CLIENT_PORT: u16 = 2379;
/// How long a connection attempt may take.
const CONNECT_MAX: Duration = Duration::from_secs(1);

/// etcd with its default settings.
#[derive(Debug)]
pub(super) struct Etcd {
    pub program: PathBuf,
}

/// A client's connection.
#[derive(Debug)]
pub(super) struct EtcdStore {
    grpc: Grpc<Channel>,
}

impl System for Etcd {
    type Store = EtcdStore;

    fn target(&self) -> Target {
        Target::Etcd
    }

    fn program(&self) -> &Path {
        &self.program
    }

    fn arguments(&self, own: &Member, all: &[Member], data: &Path) -> Vec<OsString> {
        let url = |member: &Member, port: u16| format!("http://{}:{port}", member.address);
        let peer = |member: &Member| format!("{}={}", member.name, url(member, PEER_PORT));
        let cluster = all.iter().map(peer).collect::<Vec<_>>().join(",");
        let mut arguments = Vec::new();
        for (option, value) in [
            ("--name", own.name.clone()),
            ("--listen-client-urls", url(own, CLIENT_PORT)),
            ("--advertise-client-urls", url(own, CLIENT_PORT)),
            ("--listen-peer-urls", url(own, PEER_PORT)),
            ("--initial-advertise-peer-urls", url(own, PEER_PORT)),
            ("--initial-cluster", cluster),
            ("--initial-cluster-state", "new".to_owned()),
        ] {
            arguments.extend([option.into(), value.into()]);
        }
        arguments.extend(["--data-dir".into(), data.into()]);
        arguments
    }

    async fn connect(&self, member: &Member) -> Result<EtcdStore, StoreError> {
        let url = format!("http://{}:{CLIENT_PORT}", member.address);
        let endpoint = Endpoint::from_shared(url).expect("an address makes a URL");
        let channel = endpoint
            .tcp_nodelay(true)
            .connect_timeout(CONNECT_MAX)
            .connect()
            .await
            .map_err(|error| StoreError::from_error("cannot connect", &error))?;
        Ok(EtcdStore {
            grpc: Grpc::new(channel),
        })
    }

    async fn standing(&self, member: &Member) -> Result<Standing, StoreError> {
        let status = self.connect(member).await?.status().await?;
        Ok(Standing {
            leads: status.leader != 0 && status.leader == status.own_id(),
            term: status.raft_term,
        })
    }

    async fn ask(&self, leader: &Member, request: Request<'_>) -> Result<Granted, StoreError> {
        let to = match request {
            Request::HandOver(to) => to,
            Request::Snapshot | Request::Remove(_) | Request::Add(_) => {
                return Ok(Granted::NotOffered);
            }
        };
        let target_id = self.connect(to).await?.status().await?.own_id();
        let mut leader = self.connect(leader).await?;
        let path = "/etcdserverpb.Maintenance/MoveLeader";
        let Moved {} = leader.call(path, MoveLeader { target_id }).await?;
        Ok(Granted::Done)
    }

    fn waiting_arguments(&self, _: &Member, _: &[Member], _: &Path) -> Option<Vec<OsString>> {
        None
    }
}

impl Store for EtcdStore {
    async fn put(&mut self, key: &str, value: &str) -> Result<(), StoreError> {
        let request = PutRequest {
            key: key.as_bytes().to_vec(),
            value: value.as_bytes().to_vec(),
        };
        let PutResponse {} = self.call("/etcdserverpb.KV/Put", request).await?;
        Ok(())
    }

    async fn get(&mut self, key: &str) -> Result<(), StoreError> {
        let request = RangeRequest {
            key: key.as_bytes().to_vec(),
        };
        let _: RangeResponse = self.call("/etcdserverpb.KV/Range", request).await?;
        Ok(())
    }
}

impl EtcdStore {
    async fn status(&mut self) -> Result<StatusResponse, StoreError> {
        let path = "/etcdserverpb.Maintenance/Status";
        self.call(path, StatusRequest {}).await
    }

    async fn call<Q, A>(&mut self, path: &'static str, request: Q) -> Result<A, StoreError>
    where
        Q: Message + Send + Sync + 'static,
        A: Message + Default + Send + Sync + 'static,
    {
        self.grpc
            .ready()
            .await
            .map_err(|error| StoreError::from_error("no connection", &error))?;
        let path = PathAndQuery::from_static(path);
        let codec = ProstCodec::<Q, A>::default();
        let answer = self
            .grpc
            .unary(tonic::Request::new(request), path, codec)
            .await;
        let refused =
            |status: Status| StoreError(format!("{}: {}", status.code(), status.message()));
        Ok(answer.map_err(refused)?.into_inner())
    }
}
