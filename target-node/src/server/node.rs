//! The task that owns Raft and the desk. It never waits for the disk or a peer.

use std::{collections::BTreeMap, net::SocketAddr};

use anyhow::Context as _;
use tokio::{
    sync::{mpsc, watch},
    time::sleep_until,
};

use super::{
    clock::Clock,
    desk::{Asked, Desk, Request},
    reply::Sender,
    viewers::Viewer,
};
use crate::{
    config::NodeConfig,
    log::{StorageError, Writer},
    raft::{Effects, Envelope, Gate, Input, Message, NodeId, Raft, Role},
    transport::Outbox,
};

/// Events handled in one turn before effects are carried out.
const TURN_MAX: usize = 256;

/// What can happen to a node from outside.
#[derive(Debug)]
pub(super) enum Event {
    Peer(NodeId, Message),
    Request(Request),
    Viewer(Viewer),
    /// The batch at the disk is durable, or the disk failed.
    Durable(Result<(), StorageError>),
}

impl From<(NodeId, Message)> for Event {
    fn from((from, message): (NodeId, Message)) -> Self {
        Self::Peer(from, message)
    }
}

/// What `/status` shows.
#[derive(Debug, Clone)]
pub(super) struct Status {
    pub(super) sender: Sender,
    pub(super) role: Role,
    pub(super) commit: u64,
    pub(super) last_index: u64,
    pub(super) bugs: Vec<&'static str>,
}

/// A running node.
#[derive(Debug)]
pub(super) struct Node {
    raft: Raft,
    gate: Gate,
    desk: Desk,
    clock: Clock,
    writer: Writer,
    outbox: Outbox,
    client_addrs: BTreeMap<String, SocketAddr>,
    status: watch::Sender<Status>,
}

impl Node {
    pub(super) fn new(
        raft: Raft,
        clock: Clock,
        writer: Writer,
        outbox: Outbox,
        config: &NodeConfig,
    ) -> (Self, watch::Receiver<Status>) {
        let (status, seen) = watch::channel(Status {
            sender: Sender {
                node: config.id.clone(),
                leader: None,
                leader_url: None,
                term: raft.term().0,
                index: 0,
            },
            role: raft.role(),
            commit: 0,
            last_index: raft.last_index().0,
            bugs: config.bugs.names(),
        });
        let node = Self {
            raft,
            gate: Gate::default(),
            desk: Desk::default(),
            clock,
            writer,
            outbox,
            client_addrs: config.client_addrs.clone(),
            status,
        };
        (node, seen)
    }

    /// Runs until `stop` ends, or until something happens after which a node must not go on.
    pub(super) async fn run(
        mut self,
        mut inbox: mpsc::Receiver<Event>,
        stop: impl Future<Output = ()>,
    ) -> anyhow::Result<()> {
        tokio::pin!(stop);
        let mut events = Vec::with_capacity(TURN_MAX);
        loop {
            let deadline = self.clock.instant_at(self.raft.deadline());
            tokio::select! {
                () = &mut stop => return Ok(()),
                _ = inbox.recv_many(&mut events, TURN_MAX) => {}
                () = sleep_until(deadline) => {}
            }
            self.turn(&mut events)?;
        }
    }

    /// Handles what has arrived; requests are gathered, so that they share entries and rounds.
    fn turn(&mut self, events: &mut Vec<Event>) -> anyhow::Result<()> {
        let mut asked = Asked::default();
        self.step(Input::Tick)?;
        for event in events.drain(..) {
            match event {
                Event::Peer(from, message) => self.step(Input::Message { from, message })?,
                Event::Request(request) => {
                    self.desk.enlist(self.clock.now(), request, &mut asked);
                }
                Event::Viewer(viewer) => self.desk.show(viewer),
                Event::Durable(done) => {
                    done.context("the log failed")?;
                    self.on_durable()?;
                }
            }
        }
        if !asked.commands.is_empty() {
            self.step(Input::Propose(asked.commands))?;
        }
        if !asked.reads.is_empty() {
            self.step(Input::Read(asked.reads))?;
        }
        self.settle()?;
        self.publish();
        Ok(())
    }

    fn on_durable(&mut self) -> anyhow::Result<()> {
        match self.gate.on_durable() {
            Some(last) => self.step(Input::Persisted(last)),
            None => Ok(()),
        }
    }

    /// One step of Raft with its effects, except for messages that wait for the disk.
    fn step(&mut self, input: Input) -> anyhow::Result<()> {
        let before = (self.raft.role(), self.raft.term());
        let mut effects = self.raft.step(self.clock.now(), input);
        let after = (self.raft.role(), self.raft.term());
        if before != after {
            tracing::info!(role = after.0.name(), term = after.1.0, "role");
        }
        self.gate.absorb(&mut effects);
        self.carry_out(effects)
    }

    fn carry_out(&mut self, effects: Effects) -> anyhow::Result<()> {
        for envelope in effects.messages_now {
            self.outbox.send(envelope);
        }
        for committed in &effects.committed {
            self.desk.apply(self.clock.now(), committed);
        }
        for token in effects.local_acks {
            self.desk.acknowledge_early(token);
        }
        for grant in effects.reads {
            self.desk.answer_read(grant);
        }
        for (token, refusal) in effects.refused {
            self.desk.refuse(token, refusal);
        }
        effects.fault.map_or(Ok(()), |fault| Err(fault.into()))
    }

    /// Sends what no longer waits for the disk, and gives the disk its next batch.
    fn settle(&mut self) -> anyhow::Result<()> {
        loop {
            let free = self.gate.release();
            if free.is_empty() {
                break;
            }
            for Envelope { to, message } in free {
                if &to == self.raft.id() {
                    self.step(Input::Message { from: to, message })?;
                } else {
                    self.outbox.send(Envelope { to, message });
                }
            }
        }
        if let Some(batch) = self.gate.next_batch() {
            self.writer.submit(batch);
        }
        Ok(())
    }

    fn publish(&self) {
        let leader = self.raft.leader().map(NodeId::as_str);
        self.status.send_modify(|status| {
            status.role = self.raft.role();
            status.commit = self.raft.commit().0;
            status.last_index = self.raft.last_index().0;
            status.sender.term = self.raft.term().0;
            status.sender.index = self.desk.kv().applied().0;
            if status.sender.leader.as_deref() != leader {
                let addr = leader.and_then(|leader| self.client_addrs.get(leader));
                status.sender.leader = leader.map(str::to_owned);
                status.sender.leader_url = addr.map(|addr| format!("http://{addr}"));
            }
        });
    }
}
