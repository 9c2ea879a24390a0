//! The task that owns the replica. It never waits for a peer, nor for the disk but to read a value of a state that is
//! kept there.

use std::{collections::BTreeMap, net::SocketAddr};

use anyhow::Context as _;
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc, oneshot, watch},
    time::sleep_until,
};

use super::{
    clock::{self, Clock},
    dump::Dump,
    metrics::Metrics,
    reply::Sender,
    snapshots::{Done, SnapshotThread},
    viewers::{Viewer, Viewers},
};
use crate::{
    bug::Bug,
    config::NodeConfig,
    kv::Kv,
    log::{StorageError, Writer},
    raft::{Effects, Entry, Membership, Message, NodeId, Raft, Role},
    replica::{self, Answer, Operation, Output, Replica, Standing, Watch},
    transport::{Met, Outbox},
};

/// Events handled in one turn.
const TURN_MAX: usize = 256;

/// Who is told how an operation ended.
#[derive(Debug)]
pub(super) struct Asker {
    pub(super) reply: oneshot::Sender<Answer>,
    /// Its share of the requests that may wait; given back when it is answered.
    pub(super) _permit: OwnedSemaphorePermit,
}

/// A request of a client.
pub(super) type Request = replica::Request<Asker>;

/// What can happen to a node from outside.
#[derive(Debug)]
pub(super) enum Event {
    Met(Met),
    Peer(NodeId, Message),
    Request(Request),
    Viewer(Viewer),
    Dump(Dump),
    /// The batch at the disk is durable, or the disk failed.
    Durable(Result<(), StorageError>),
    /// The snapshot thread has done something, or failed.
    Snapshot(Done),
}

impl From<Met> for Event {
    fn from(met: Met) -> Self {
        Self::Met(met)
    }
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
    /// The place the log begins after.
    pub(super) begin: u64,
    pub(super) last_index: u64,
    pub(super) members: Membership,
    pub(super) bugs: Vec<&'static str>,
}

/// A running node.
#[derive(Debug)]
pub(super) struct Node {
    replica: Replica<Asker>,
    looker: Looker,
    clock: Clock,
    writer: Writer,
    snapshots: SnapshotThread,
    outbox: Outbox,
    /// What the command line says about addresses; it knows better than the log.
    named: Named,
    members: Membership,
    status: watch::Sender<Status>,
}

/// Shows to people what the replica does.
#[derive(Debug)]
struct Looker {
    viewers: Viewers,
    metrics: Metrics,
}

impl Watch for Looker {
    fn stepped(&mut self, before: Standing, raft: &Raft, effects: &Effects) {
        if !effects.reads.is_empty() {
            self.metrics.on_reads(effects.reads.len());
        }
        let after = (raft.role(), raft.term());
        if before != after {
            tracing::info!(role = after.0.name(), term = after.1.0, "role");
        }
    }

    fn applied(&mut self, _: &Entry, state: &Kv) {
        self.viewers.tell(state);
    }
}

impl Node {
    pub(super) fn new(
        replica: Replica<Asker>,
        clock: Clock,
        (writer, snapshots): (Writer, SnapshotThread),
        outbox: Outbox,
        config: &NodeConfig,
        metrics: Metrics,
    ) -> (Self, watch::Receiver<Status>) {
        let raft = replica.raft();
        let (status, seen) = watch::channel(Status {
            sender: Sender {
                node: config.id.clone(),
                leader: None,
                leader_url: None,
                term: raft.term().0,
                index: replica.state().applied().0,
            },
            role: raft.role(),
            commit: raft.commit().0,
            begin: raft.begin().index.0,
            last_index: raft.last_index().0,
            members: Membership::default(),
            bugs: config.bugs.names(),
        });
        let mut node = Self {
            replica,
            looker: Looker {
                viewers: Viewers::default(),
                metrics,
            },
            clock,
            writer,
            snapshots,
            outbox,
            named: Named {
                peers: by_id(&config.peers),
                clients: by_id(&config.client_addrs),
            },
            members: Membership::default(),
            status,
        };
        node.follow_members();
        (node, seen)
    }

    /// Keeps connections to whoever is a member now.
    fn follow_members(&mut self) {
        let members = self.replica.raft().membership();
        if *members == self.members {
            return;
        }
        self.members = members.clone();
        let addresses = self.members.addresses.iter();
        let peers = addresses.map(|(id, known)| {
            let addr = self.named.peers.get(id).unwrap_or(&known.peer);
            (id.clone(), *addr)
        });
        self.outbox.follow(&peers.collect());
    }

    fn client_addr(&self, id: &NodeId) -> Option<SocketAddr> {
        let known = self.members.addresses.get(id);
        let named = self.named.clients.get(id).copied();
        named.or_else(|| known.and_then(|known| known.client))
    }

    /// Runs until `stop` ends, or until something happens after which a node must not go on.
    pub(super) async fn run(
        mut self,
        mut inbox: mpsc::Receiver<Event>,
        stop: impl Future<Output = ()>,
    ) -> anyhow::Result<()> {
        tokio::pin!(stop);
        let mut events = Vec::with_capacity(TURN_MAX);
        let mut outputs = Vec::new();
        loop {
            let deadline = self.clock.instant_at(self.replica.deadline());
            tokio::select! {
                () = &mut stop => return Ok(()),
                _ = inbox.recv_many(&mut events, TURN_MAX) => {}
                () = sleep_until(deadline) => {}
            }
            if self.replica.raft().has(Bug::LeaseCheckThenAct) {
                read_what_waits(&mut inbox, &mut events).await;
            }
            self.turn(&mut events, &mut outputs)?;
        }
    }

    /// Handles what has arrived; requests are gathered, so that they share entries and rounds.
    fn turn(
        &mut self,
        events: &mut Vec<Event>,
        outputs: &mut Vec<Output<Asker>>,
    ) -> anyhow::Result<()> {
        let mut requests = Vec::new();
        if self.replica.raft().has(Bug::LeaseWallclock) {
            self.handle(replica::Event::Wall(clock::wall()), outputs)?;
        }
        if self.replica.raft().has(Bug::LeaseCheckThenAct) {
            // By the time of the turn before, however long ago that was.
            let early = reads_among(events);
            self.handle(replica::Event::Requests(early), outputs)?;
        }
        self.handle(replica::Event::Tick, outputs)?;
        for event in events.drain(..) {
            match event {
                Event::Peer(from, message) => {
                    self.handle(replica::Event::Message { from, message }, outputs)?;
                }
                Event::Met(Met { id, addr, store }) => {
                    self.outbox.meet(id.clone(), addr);
                    self.handle(replica::Event::Met(id, store), outputs)?;
                }
                Event::Request(request) => requests.push(request),
                Event::Viewer(viewer) => self.looker.viewers.admit(viewer, self.replica.state()),
                Event::Dump(dump) => dump.answer(self.replica.raft()),
                Event::Durable(done) => {
                    done.context("the log failed")?;
                    self.handle(replica::Event::Durable, outputs)?;
                }
                Event::Snapshot(done) => {
                    let event = done.context("snapshots cannot be kept")?;
                    self.handle(event, outputs)?;
                }
            }
        }
        if !requests.is_empty() {
            self.handle(replica::Event::Requests(requests), outputs)?;
        }
        self.follow_members();
        self.publish();
        Ok(())
    }

    fn handle(
        &mut self,
        event: replica::Event<Asker>,
        outputs: &mut Vec<Output<Asker>>,
    ) -> anyhow::Result<()> {
        let now = self.clock.now();
        self.replica.handle(now, event, &mut self.looker, outputs);
        for output in outputs.drain(..) {
            match output {
                Output::Send(envelope) => self.outbox.send(envelope),
                Output::Write(batch) => self.writer.submit(batch),
                Output::Answer(asker, answer) => {
                    // A client that went away is told nothing.
                    let _ = asker.reply.send(answer);
                }
                Output::Keep(task) => self.snapshots.submit(task),
                Output::Stop(conflict) => return Err(conflict.into()),
            }
        }
        Ok(())
    }

    fn publish(&self) {
        let raft = self.replica.raft();
        let leader = raft.leader();
        self.status.send_modify(|status| {
            status.role = raft.role();
            status.commit = raft.commit().0;
            status.begin = raft.begin().index.0;
            status.last_index = raft.last_index().0;
            status.sender.term = raft.term().0;
            status.sender.index = self.replica.state().applied().0;
            if status.sender.leader.as_deref() != leader.map(NodeId::as_str) {
                if leader.is_some() {
                    self.looker.metrics.on_leader();
                }
                let addr = leader.and_then(|leader| self.client_addr(leader));
                status.sender.leader = leader.map(|leader| leader.as_str().to_owned());
                status.sender.leader_url = addr.map(|addr| format!("http://{addr}"));
            }
            if status.members != self.members {
                status.members = self.members.clone();
            }
        });
    }
}

/// Addresses by node.
#[derive(Debug)]
struct Named {
    peers: BTreeMap<NodeId, SocketAddr>,
    clients: BTreeMap<NodeId, SocketAddr>,
}

fn by_id(named: &BTreeMap<String, SocketAddr>) -> BTreeMap<NodeId, SocketAddr> {
    let named = named.iter();
    named.map(|(id, addr)| (NodeId::new(id), *addr)).collect()
}

/// Adds what came while this process was suspended: it is on the sockets, and the timers are due as well.
async fn read_what_waits(inbox: &mut mpsc::Receiver<Event>, events: &mut Vec<Event>) {
    // Sockets are asked, connections read, and requests handed over.
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    while let Ok(event) = inbox.try_recv() {
        events.push(event);
    }
}

/// Takes the reads out of `events`; the rest keeps its order.
fn reads_among(events: &mut Vec<Event>) -> Vec<Request> {
    let (mut reads, mut others) = (Vec::new(), Vec::new());
    for event in events.drain(..) {
        if let Event::Request(request) = event {
            if matches!(request.operation, Operation::Read { .. }) {
                reads.push(request);
            } else {
                others.push(Event::Request(request));
            }
        } else {
            others.push(event);
        }
    }
    *events = others;
    reads
}
