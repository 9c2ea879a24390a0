//! One request: its bounds, its wait, its answer.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use tokio::{
    sync::{Semaphore, mpsc, oneshot, watch},
    time::timeout,
};

use crate::{
    raft::LogIndex,
    server::{
        desk::{Operation, Request},
        node::{Event, Status},
        reply::{Answer, Reason},
        viewers::{View, Viewer},
    },
};

/// Operations that may wait at once.
const WAITING_MAX: usize = 1024;

/// The way from a connection to the node.
#[derive(Debug, Clone)]
pub(super) struct Door {
    events: mpsc::Sender<Event>,
    status: watch::Receiver<Status>,
    permits: Arc<Semaphore>,
}

impl Door {
    pub(super) fn new(events: mpsc::Sender<Event>, status: watch::Receiver<Status>) -> Self {
        let permits = Arc::new(Semaphore::new(WAITING_MAX));
        Self {
            events,
            status,
            permits,
        }
    }

    /// What the node last said of itself.
    pub(super) fn status(&self) -> watch::Ref<'_, Status> {
        self.status.borrow()
    }

    pub(super) async fn answer(&self, operation: Operation, patience: Duration) -> Response {
        self.respond(self.perform(operation, patience).await)
    }

    /// Every request ends: answered by the node, refused at once, or given up.
    async fn perform(&self, operation: Operation, patience: Duration) -> Answer {
        let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() else {
            return Answer::failed(Reason::Busy);
        };
        let without_answer = without_answer(&operation);
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
            let lost = |_| without_answer(Reason::Stopping);
            answer.await.unwrap_or_else(lost)
        };
        let late = |_| without_answer(Reason::Timeout);
        timeout(patience, under_way).await.unwrap_or_else(late)
    }

    /// The state as it is once the entry at `at` is applied, or as it is now.
    pub(super) async fn view(&self, at: Option<LogIndex>, patience: Duration) -> View {
        let (reply, view) = oneshot::channel();
        let viewer = Event::Viewer(Viewer { at, reply });
        let stopping = || Answer::failed(Reason::Stopping);
        let under_way = async {
            self.events.send(viewer).await.map_err(|_| stopping())?;
            view.await.map_err(|_| stopping())?
        };
        let late = |_| Err(Answer::failed(Reason::Timeout));
        timeout(patience, under_way).await.unwrap_or_else(late)
    }

    pub(super) fn respond(&self, answer: Answer) -> Response {
        let status = StatusCode::from_u16(answer.status()).expect("a valid status");
        let sender = self.status.borrow().sender.clone();
        (status, Json(answer.body(&sender))).into_response()
    }
}

/// A read that was not answered had no effect; a change may have one.
fn without_answer(operation: &Operation) -> fn(Reason) -> Answer {
    if operation.has_effect() {
        Answer::unknown
    } else {
        Answer::failed
    }
}
