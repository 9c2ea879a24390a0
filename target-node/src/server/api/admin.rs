//! `/admin`: members, leadership and snapshots, for whoever runs the cluster.

use std::{net::SocketAddr, time::Duration};

use axum::{extract::State, response::Response};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    door::{Ask, Door},
    extract::Content,
};
use crate::{
    raft::{Addresses, Change, LogIndex, NodeId},
    replica::Operation,
};

/// A new server has ten rounds to catch up; snapshots are as large as the state.
const PATIENCE_MAX: Duration = Duration::from_secs(120);

/// A server and where it is found.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Server {
    id: String,
    #[schemars(with = "String")]
    peer_addr: SocketAddr,
    #[schemars(with = "Option<String>")]
    client_addr: Option<SocketAddr>,
}

impl Server {
    fn named(self) -> (NodeId, Addresses) {
        let addresses = Addresses {
            peer: self.peer_addr,
            client: self.client_addr,
        };
        (NodeId::new(&self.id), addresses)
    }
}

/// `{"add": {"id": …, "peer_addr": …}}`, `{"add_learner": …}`, `{"remove": {"id": …}}`,
/// `{"replace": [{"id": …, "peer_addr": …}, …]}`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ChangeBody {
    Add(Server),
    AddLearner(Server),
    Remove { id: String },
    Replace(Vec<Server>),
}

impl From<ChangeBody> for Change {
    fn from(body: ChangeBody) -> Self {
        match body {
            ChangeBody::Add(server) => {
                let (id, addresses) = server.named();
                Self::Add(id, addresses)
            }
            ChangeBody::AddLearner(server) => {
                let (id, addresses) = server.named();
                Self::AddLearner(id, addresses)
            }
            ChangeBody::Remove { id } => Self::Remove(NodeId::new(&id)),
            ChangeBody::Replace(servers) => {
                Self::Replace(servers.into_iter().map(Server::named).collect())
            }
        }
    }
}

/// `{}` for any voter.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TransferBody {
    to: Option<String>,
}

pub(super) async fn change(
    State(door): State<Door>,
    Content(body): Content<ChangeBody>,
) -> Response {
    door.answer(ask(Operation::Change(body.into()))).await
}

pub(super) async fn transfer(
    State(door): State<Door>,
    Content(TransferBody { to }): Content<TransferBody>,
) -> Response {
    let target = to.as_deref().map(NodeId::new);
    door.answer(ask(Operation::Transfer(target))).await
}

/// Of this node, now; answered once it is durable.
pub(super) async fn snapshot(State(door): State<Door>) -> Response {
    door.answer(ask(Operation::Snapshot)).await
}

const fn ask(operation: Operation) -> Ask {
    Ask {
        operation,
        not_before: LogIndex(0),
        patience: PATIENCE_MAX,
    }
}
