//! This node alone: what it takes itself for, and whether it answers at all.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    door::Door,
    extract::Asked,
    terms::{Patience, patience},
};
use crate::{
    raft::{Addresses, LogIndex, Membership, NodeId},
    replica::{Answer, Reason},
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StateQuery {
    index: Option<u64>,
    timeout_ms: Option<Patience>,
}

pub(super) async fn status(State(door): State<Door>) -> Json<Value> {
    let status = door.status();
    Json(json!({
        "id": status.sender.node,
        "role": status.role.name(),
        "term": status.sender.term,
        "leader": status.sender.leader,
        "commit": status.commit,
        "applied": status.sender.index,
        "begin": status.begin,
        "last_index": status.last_index,
        "members": members(&status.members),
        "bugs": status.bugs,
        "version": env!("CARGO_PKG_VERSION"),
    }))
}

/// Members by name, with how each takes part and where it is found.
fn members(members: &Membership) -> Value {
    let member = |(id, addresses): (&NodeId, &Addresses)| {
        let part = match (members.voters.contains(id), members.outgoing.contains(id)) {
            (true, _) => "voter",
            (false, true) => "leaving",
            (false, false) => "learner",
        };
        let shown = json!({
            "part": part,
            "peer_addr": addresses.peer,
            "client_addr": addresses.client,
        });
        (id.as_str().to_owned(), shown)
    };
    members.addresses.iter().map(member).collect()
}

pub(super) async fn health() -> Json<Value> {
    Json(json!({"ok": true}))
}

/// Hashing takes as long as the state is large; the node goes on meanwhile.
pub(super) async fn state_hash(
    State(door): State<Door>,
    Asked(query): Asked<StateQuery>,
) -> Response {
    let at = query.index.map(LogIndex);
    let kv = match door.view(at, patience(query.timeout_ms)).await {
        Ok(kv) => kv,
        Err(answer) => return door.respond(answer),
    };
    let index = kv.applied().0;
    match tokio::task::spawn_blocking(move || kv.hash()).await {
        Ok(hash) => Json(json!({"index": index, "hash": hash.to_string()})).into_response(),
        Err(_) => door.respond(Answer::failed(Reason::Stopping)),
    }
}

pub(super) async fn not_found(State(door): State<Door>) -> Response {
    door.respond(Answer::failed(Reason::NotFound))
}
