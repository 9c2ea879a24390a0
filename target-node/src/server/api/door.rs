//! One request: its bounds, its wait, its answer.

use std::{fmt, sync::Arc, time::Duration};

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use tokio::{
    sync::{Semaphore, mpsc, oneshot, watch},
    time::timeout,
};

use super::terms::Terms;
use crate::{
    bug::BugSet,
    kv::{Command, Nature},
    raft::LogIndex,
    replica::{Answer, Operation, Outcome, Reason},
    server::{
        clock::Clock,
        dump::{Dump, LogDump},
        metrics::Metrics,
        node::{Asker, Event, Request, Status},
        reply::Body,
        viewers::{View, Viewer},
    },
};

/// Operations that may wait at once.
const WAITING_MAX: usize = 1024;

/// The way from a connection to the node.
#[derive(Debug, Clone)]
pub(in crate::server) struct Door {
    events: mpsc::Sender<Event>,
    status: watch::Receiver<Status>,
    metrics: Metrics,
    clock: Clock,
    bugs: BugSet,
    permits: Arc<Semaphore>,
}

/// An operation, and what it waits for.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) operation: Operation,
    /// It begins once the node has applied this entry.
    pub(super) not_before: LogIndex,
    pub(super) patience: Duration,
}

impl Door {
    pub(in crate::server) fn new(
        events: mpsc::Sender<Event>,
        status: watch::Receiver<Status>,
        metrics: Metrics,
        clock: Clock,
        bugs: BugSet,
    ) -> Self {
        let permits = Arc::new(Semaphore::new(WAITING_MAX));
        Self {
            events,
            status,
            metrics,
            clock,
            bugs,
            permits,
        }
    }

    /// What the node last said of itself.
    pub(super) fn status(&self) -> watch::Ref<'_, Status> {
        self.status.borrow()
    }

    /// Has a command go through the log.
    pub(super) async fn command(&self, command: Command, terms: Terms) -> Response {
        let Terms { stamp, patience } = terms;
        let ask = Ask {
            operation: Operation::Command { command, stamp },
            not_before: LogIndex(0),
            patience,
        };
        self.answer(ask).await
    }

    pub(super) async fn answer(&self, ask: Ask) -> Response {
        let begin = self.clock.now();
        let nature = ask.operation.nature();
        let answer = self.perform(ask).await;
        if nature != Nature::Reads && answer.outcome == Outcome::Ok {
            self.metrics
                .on_change(self.clock.now().saturating_sub(begin));
        }
        self.respond(answer)
    }

    /// Every request ends: answered by the node, refused at once, or given up.
    async fn perform(&self, ask: Ask) -> Answer {
        let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() else {
            return Answer::failed(Reason::Busy);
        };
        let patience = ask.patience;
        let nature = ask.operation.nature();
        let not_before = ask.not_before;
        let (reply, answer) = oneshot::channel();
        let request = Request {
            operation: ask.operation,
            reply: Asker {
                reply,
                _permit: permit,
            },
        };
        let under_way = async {
            if !self.reached(not_before).await || self.send(Event::Request(request)).await.is_err()
            {
                return Answer::failed(Reason::Stopping);
            }
            let stopped = |_| Answer::lost(Reason::Stopping, nature);
            answer.await.unwrap_or_else(stopped)
        };
        let late = |_| Answer::lost(self.why_late(not_before), nature);
        timeout(patience, under_way).await.unwrap_or_else(late)
    }

    /// Waits until the node has applied `index`; false if it ends before.
    async fn reached(&self, index: LogIndex) -> bool {
        let mut status = self.status.clone();
        let reached = status.wait_for(|status| status.sender.index >= index.0);
        reached.await.is_ok()
    }

    fn why_late(&self, not_before: LogIndex) -> Reason {
        if self.status.borrow().sender.index < not_before.0 {
            Reason::Behind
        } else {
            Reason::Timeout
        }
    }

    /// The state as it is once the entry at `at` is applied, or as it is now.
    pub(super) async fn view(&self, at: Option<LogIndex>, patience: Duration) -> View {
        let (reply, view) = oneshot::channel();
        let viewer = Event::Viewer(Viewer { at, reply });
        let under_way = async {
            self.send(viewer).await?;
            view.await.map_err(|_| Answer::failed(Reason::Stopping))?
        };
        let late = |_| Err(Answer::failed(Reason::Timeout));
        timeout(patience, under_way).await.unwrap_or_else(late)
    }

    /// The node has room for so many events; who brings one more waits.
    async fn send(&self, event: Event) -> Result<(), Answer> {
        let sent = self.events.send(event).await;
        sent.map_err(|_| Answer::failed(Reason::Stopping))
    }

    /// Part of the log; none if the node stops.
    pub(super) async fn dump(&self, from: Option<LogIndex>, limit: usize) -> Option<LogDump> {
        let (reply, dump) = oneshot::channel();
        let event = Event::Dump(Dump { from, limit, reply });
        self.send(event).await.ok()?;
        dump.await.ok()
    }

    pub(super) fn metrics_page(&self) -> Result<String, fmt::Error> {
        self.metrics.page(&self.status())
    }

    pub(super) fn respond(&self, answer: Answer) -> Response {
        let answer = answer.told_by(self.bugs);
        self.metrics.on_answer(&answer);
        let status = StatusCode::from_u16(answer.status()).expect("a valid status");
        let sender = self.status.borrow().sender.clone();
        (status, Json(Body::new(answer, &sender))).into_response()
    }
}
