//! This node alone: what it takes itself for, what it holds, and whether it answers at all.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse as _, Response},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    door::Door,
    extract::Asked,
    openapi,
    terms::{Patience, patience},
};
use crate::{
    raft::{Addresses, LogIndex, Membership, NodeId},
    replica::{Answer, Reason},
};

/// The type that scrapers ask for.
pub(super) const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Entries in one answer to `/log`.
const LOG_LIMIT: u16 = 100;
const LOG_LIMIT_MAX: u16 = 1000;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StateQuery {
    index: Option<u64>,
    timeout_ms: Option<Patience>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LogQuery {
    from: Option<u64>,
    /// At most 1000 are shown.
    limit: Option<u16>,
}

/// What a node takes itself for.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Stood {
    id: String,
    role: &'static str,
    term: u64,
    leader: Option<String>,
    commit: u64,
    applied: u64,
    /// The place the log begins after.
    begin: u64,
    last_index: u64,
    members: BTreeMap<String, Member>,
    bugs: Vec<&'static str>,
    version: &'static str,
}

/// One member of the cluster.
#[derive(Debug, Serialize, JsonSchema)]
struct Member {
    part: Part,
    peer_addr: String,
    client_addr: Option<String>,
}

/// How a member takes part.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Part {
    Voter,
    /// A voter that is not one any more once the change is complete.
    Leaving,
    Learner,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Health {
    ok: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct StateHashed {
    /// The last entry that is applied in the state.
    index: u64,
    /// Sixteen hexadecimal digits.
    hash: String,
}

pub(super) async fn status(State(door): State<Door>) -> Json<Stood> {
    let status = door.status();
    Json(Stood {
        id: status.sender.node.clone(),
        role: status.role.name(),
        term: status.sender.term,
        leader: status.sender.leader.clone(),
        commit: status.commit,
        applied: status.sender.index,
        begin: status.begin,
        last_index: status.last_index,
        members: members(&status.members),
        bugs: status.bugs.clone(),
        version: env!("CARGO_PKG_VERSION"),
    })
}

/// Members by name, with how each takes part and where it is found.
fn members(members: &Membership) -> BTreeMap<String, Member> {
    let member = |(id, addresses): (&NodeId, &Addresses)| {
        let part = match (members.voters.contains(id), members.outgoing.contains(id)) {
            (true, _) => Part::Voter,
            (false, true) => Part::Leaving,
            (false, false) => Part::Learner,
        };
        let shown = Member {
            part,
            peer_addr: addresses.peer.to_string(),
            client_addr: addresses.client.map(|addr| addr.to_string()),
        };
        (id.as_str().to_owned(), shown)
    };
    members.addresses.iter().map(member).collect()
}

pub(super) async fn health() -> Json<Health> {
    Json(Health { ok: true })
}

pub(super) async fn metrics(State(door): State<Door>) -> Response {
    match door.metrics_page() {
        Ok(page) => ([(CONTENT_TYPE, METRICS_TYPE)], page).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
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
        Ok(Ok(hash)) => {
            let hash = hash.to_string();
            Json(StateHashed { index, hash }).into_response()
        }
        // A base that fails is the end of the node.
        Ok(Err(_)) | Err(_) => door.respond(Answer::failed(Reason::Stopping)),
    }
}

pub(super) async fn log(State(door): State<Door>, Asked(query): Asked<LogQuery>) -> Response {
    let limit = query.limit.unwrap_or(LOG_LIMIT).min(LOG_LIMIT_MAX);
    match door.dump(query.from.map(LogIndex), limit.into()).await {
        Some(dump) => Json(dump).into_response(),
        None => door.respond(Answer::failed(Reason::Stopping)),
    }
}

pub(super) async fn openapi() -> Json<Value> {
    Json(openapi::document())
}

pub(super) async fn not_found(State(door): State<Door>) -> Response {
    door.respond(Answer::failed(Reason::NotFound))
}
