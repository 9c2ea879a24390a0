//! The HTTP door: keys for clients, `/status` and `/health` for people and harnesses.
//!
//! | request | meaning |
//! |---|---|
//! | `GET /kv/{key}` | linearizable read; an absent key reads null |
//! | `PUT /kv/{key}` `{"value": …}` | write |
//! | `POST /kv/{key}/cas` `{"expected": …, "value": …}` | write if the key holds `expected` |
//! | `GET /status`, `GET /health` | this node alone |

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{
        DefaultBodyLimit, Path, State,
        rejection::{BytesRejection, PathRejection},
    },
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
    serve::ListenerExt as _,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    sync::{Semaphore, mpsc, oneshot, watch},
    time::timeout,
};

use super::{
    node::{Event, Operation, Request, Status},
    reply::{Answer, Reason},
};
use crate::kv::{Command, JsonText};

/// Operations that may wait at once.
const WAITING_MAX: usize = 1024;
/// How long an operation may wait.
const WAIT_MAX: Duration = Duration::from_secs(5);
/// Largest request body.
const BODY_BYTES_MAX: usize = 256 << 10;

#[derive(Debug, Clone)]
struct Door {
    events: mpsc::Sender<Event>,
    status: watch::Receiver<Status>,
    permits: Arc<Semaphore>,
}

/// Serves until `stopped` turns true, then finishes the requests under way.
pub(super) async fn serve(
    listener: TcpListener,
    events: mpsc::Sender<Event>,
    status: watch::Receiver<Status>,
    mut stopped: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let permits = Arc::new(Semaphore::new(WAITING_MAX));
    let door = Door {
        events,
        status,
        permits,
    };
    let listener = listener.tap_io(|stream| {
        // A socket without the option is slower, not wrong.
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router(door))
        .with_graceful_shutdown(async move {
            let _ = stopped.wait_for(|stopped| *stopped).await;
        })
        .await
}

fn router(door: Door) -> Router {
    Router::new()
        .route("/kv/{key}", get(read).put(write))
        .route("/kv/{key}/cas", post(cas))
        .route("/status", get(status))
        .route("/health", get(health))
        .fallback(not_found)
        .method_not_allowed_fallback(not_found)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(door)
}

#[derive(Debug, Deserialize)]
struct WriteBody {
    #[serde(deserialize_with = "present")]
    value: Value,
}

#[derive(Debug, Deserialize)]
struct CasBody {
    #[serde(deserialize_with = "present")]
    expected: Value,
    #[serde(deserialize_with = "present")]
    value: Value,
}

/// Null is a value; a missing field is an error.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    Value::deserialize(deserializer)
}

/// A key as it stands in the path; a bad one is answered in the same form as everything else.
type Key = Result<Path<String>, PathRejection>;
/// A body that may have been too long.
type Content = Result<Bytes, BytesRejection>;

async fn read(State(door): State<Door>, key: Key) -> Response {
    let operation = readable(key).map(|key| Operation::Read { key });
    door.answer(operation).await
}

async fn write(State(door): State<Door>, key: Key, body: Content) -> Response {
    let operation = readable(key).and_then(|key| {
        let WriteBody { value } = parse(body)?;
        let value = JsonText::new(&value);
        Ok(Operation::Change(Command::Write { key, value }))
    });
    door.answer(operation).await
}

async fn cas(State(door): State<Door>, key: Key, body: Content) -> Response {
    let operation = readable(key).and_then(|key| {
        let CasBody { expected, value } = parse(body)?;
        Ok(Operation::Change(Command::Cas {
            key,
            expected: JsonText::new(&expected),
            value: JsonText::new(&value),
        }))
    });
    door.answer(operation).await
}

fn readable(key: Key) -> Result<String, Answer> {
    key.map(|Path(key)| key)
        .map_err(|error| malformed(&format!("the key cannot be read: {error}")))
}

fn parse<T: DeserializeOwned>(body: Content) -> Result<T, Answer> {
    let body = body.map_err(|error| {
        malformed(&format!(
            "the body cannot be read (at most {BODY_BYTES_MAX} bytes): {error}"
        ))
    })?;
    serde_json::from_slice(&body)
        .map_err(|error| malformed(&format!("the body is not the JSON asked for: {error}")))
}

fn malformed(what: &str) -> Answer {
    Answer::failed_with(Reason::BadRequest, what.into())
}

async fn status(State(door): State<Door>) -> Json<Value> {
    let status = door.status.borrow();
    Json(json!({
        "id": status.sender.node,
        "role": status.role.name(),
        "term": status.sender.term,
        "leader": status.sender.leader,
        "commit": status.commit,
        "applied": status.sender.index,
        "last_index": status.last_index,
        "bugs": status.bugs,
        "version": env!("CARGO_PKG_VERSION"),
    }))
}

async fn health() -> Json<Value> {
    Json(json!({"ok": true}))
}

async fn not_found(State(door): State<Door>) -> Response {
    door.respond(Answer::failed(Reason::NotFound))
}

impl Door {
    async fn answer(&self, operation: Result<Operation, Answer>) -> Response {
        let answer = match operation {
            Ok(operation) => self.perform(operation).await,
            Err(answer) => answer,
        };
        self.respond(answer)
    }

    /// Every request ends: answered by Raft, refused at once, or given up after [`WAIT_MAX`].
    async fn perform(&self, operation: Operation) -> Answer {
        let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() else {
            return Answer::failed(Reason::Busy);
        };
        let has_effect = match operation {
            Operation::Read { .. } => false,
            Operation::Change(_) => true,
        };
        let (reply, answer) = oneshot::channel();
        let request = Request {
            operation,
            reply,
            permit,
        };
        let under_way = async {
            if self.events.send(Event::Request(request)).await.is_err() {
                return Answer::failed(Reason::Stopping);
            }
            let lost = |_| without_answer(has_effect, Reason::Stopping);
            answer.await.unwrap_or_else(lost)
        };
        let late = |_| without_answer(has_effect, Reason::Timeout);
        timeout(WAIT_MAX, under_way).await.unwrap_or_else(late)
    }

    fn respond(&self, answer: Answer) -> Response {
        let status = StatusCode::from_u16(answer.status()).expect("a valid status");
        let sender = self.status.borrow().sender.clone();
        (status, Json(answer.body(&sender))).into_response()
    }
}

/// A read that was not answered had no effect; a change may have one.
fn without_answer(has_effect: bool, reason: Reason) -> Answer {
    if has_effect {
        Answer::unknown(reason)
    } else {
        Answer::failed(reason)
    }
}
