//! Events in, outputs out.

use std::time::Duration;

use super::{
    answer::Answer,
    desk::{Asked, Desk, Request},
    keeper::{Kept, Task},
    snapshots::{SnapshotRule, Snapshots},
};
use crate::{
    bug::Bug,
    kv::{BaseError, Flushed, Kv},
    raft::{
        Batch, CommittedConflict, Config, Effects, Entry, Envelope, Gate, Input, Message, NodeId,
        Payload, Position, Raft, Restored, Role, SnapshotMeta, StoreId, Term,
    },
};

/// What can happen to a replica.
#[derive(Debug)]
pub(crate) enum Event<R> {
    /// Time has passed; due at [`Replica::deadline`].
    Tick,
    /// A node has introduced itself by the mark of its data folder.
    Met(NodeId, StoreId),
    Message {
        from: NodeId,
        message: Message,
    },
    /// Requests that arrived together, so that they share entries and rounds.
    Requests(Vec<Request<R>>),
    /// The batch at the disk is durable.
    Durable,
    /// What the wall clock says; only a planted bug looks at it.
    Wall(Duration),
    /// The image that was to be stored is durable, in a file of that size.
    Stored {
        meta: SnapshotMeta,
        bytes: u64,
        /// What its state rests on from now on, if not all of it is in memory.
        flushed: Option<Flushed>,
    },
    /// The part of a snapshot that was to be read.
    Part {
        to: NodeId,
        meta: SnapshotMeta,
        offset: u64,
        data: Payload,
        done: bool,
    },
    /// All parts of a snapshot are there: its state and size, or nothing if it is broken.
    Received {
        at: Position,
        state: Option<(Kv, u64)>,
    },
}

/// What a replica wants done, in this order.
#[derive(Debug)]
pub(crate) enum Output<R> {
    Send(Envelope),
    /// To be made durable; answered by [`Event::Durable`]. There is never a second one before that.
    Write(Batch),
    Answer(R, Answer),
    /// For the keeper of snapshot files; answered by [`Event::Stored`], [`Event::Part`] or, after the last part
    /// of a snapshot, [`Event::Received`].
    Keep(Task),
    /// The node must not go on.
    Stop(Fatal),
}

/// Why a node must not go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fatal {
    #[error(transparent)]
    Conflict(#[from] CommittedConflict),
    #[error(transparent)]
    Base(#[from] BaseError),
}

/// Role and term.
pub(crate) type Standing = (Role, Term);

/// Looks on; what it sees is what happened.
pub(crate) trait Watch {
    /// Raft made a step; nothing it asks for has been done yet.
    fn stepped(&mut self, before: Standing, raft: &Raft, effects: &Effects);

    /// The state is now the one after `entry`.
    fn applied(&mut self, entry: &Entry, state: &Kv);
}

/// A node's whole logic.
///
/// - The state machine has applied exactly what Raft takes for committed.
/// - One batch is at the disk at most, and one image on its way to it.
/// - After a failed read of what the state rests on nothing leaves the replica but that it must stop.
#[derive(Debug)]
pub(crate) struct Replica<R> {
    raft: Raft,
    gate: Gate,
    desk: Desk<R>,
    snapshots: Snapshots,
    /// A received state that Raft may put in place.
    arrived: Option<(Kv, u64)>,
}

impl<R> Replica<R> {
    /// A node that starts with what its disk holds.
    pub(crate) fn new(
        config: Config,
        rule: SnapshotRule,
        mut restored: Restored,
        kept: Kept,
        now: Duration,
    ) -> Self {
        restored.snapshot = kept.meta;
        let desk = Desk::new(kept.state, config.bugs, &config.id);
        Self {
            raft: Raft::new(config, restored, now),
            gate: Gate::default(),
            desk,
            snapshots: Snapshots::new(rule, kept.bytes),
            arrived: None,
        }
    }

    pub(crate) const fn raft(&self) -> &Raft {
        &self.raft
    }

    pub(crate) const fn state(&self) -> &Kv {
        &self.desk.kv
    }

    /// The state with all entries of the log, committed or not, for a leader that carries a planted bug.
    fn dirty_state(&self, is_asked: bool) -> Option<Kv> {
        let is_dirty = is_asked && self.raft.role() == Role::Leader;
        if !is_dirty || !self.raft.has(Bug::DirtyRead) {
            return None;
        }
        let mut state = self.desk.kv.clone();
        for entry in self.raft.uncommitted() {
            state.apply(entry);
        }
        Some(state)
    }

    /// When the next [`Event::Tick`] is due.
    pub(crate) fn deadline(&self) -> Duration {
        self.raft.deadline()
    }

    /// Handles one event at `now`; what is to be done is added to `out`.
    pub(crate) fn handle(
        &mut self,
        now: Duration,
        event: Event<R>,
        watch: &mut impl Watch,
        out: &mut Vec<Output<R>>,
    ) {
        let done_before = out.len();
        let mut turn = Turn {
            replica: self,
            now,
            watch,
            out,
        };
        turn.take(event);
        turn.settle();
        if let Err(fault) = self.desk.kv.intact() {
            // What was read may not be what the state holds, and anything said may have come of it.
            out.truncate(done_before);
            out.push(Output::Stop(fault.into()));
        }
    }
}

/// One event on its way through.
struct Turn<'a, R, W> {
    replica: &'a mut Replica<R>,
    now: Duration,
    watch: &'a mut W,
    out: &'a mut Vec<Output<R>>,
}

impl<R, W: Watch> Turn<'_, R, W> {
    fn take(&mut self, event: Event<R>) {
        match event {
            Event::Tick => self.step(Input::Tick),
            Event::Met(node, store) => self.step(Input::Met(node, store)),
            Event::Message { from, message } => self.step(Input::Message { from, message }),
            Event::Requests(requests) => self.enlist(requests),
            Event::Wall(says) => self.step(Input::Wall(says)),
            Event::Durable => {
                if let Some(last) = self.replica.gate.on_durable() {
                    self.step(Input::Persisted(last));
                }
            }
            Event::Stored {
                meta,
                bytes,
                flushed,
            } => {
                if let Some(flushed) = flushed {
                    self.replica.desk.kv.settle(flushed);
                }
                let wanted = self.replica.snapshots.on_saved(bytes);
                self.step(Input::SnapshotSaved(meta));
                for token in wanted {
                    self.replica.desk.complete(token, self.out);
                }
            }
            Event::Part {
                to,
                meta,
                offset,
                data,
                done,
            } => self.step(Input::SnapshotPart {
                to,
                meta,
                offset,
                data,
                done,
            }),
            Event::Received { at, state } => {
                let intact = state.is_some();
                self.replica.arrived = state;
                self.step(Input::SnapshotReceived { at, intact });
                self.replica.arrived = None;
            }
        }
    }

    fn enlist(&mut self, requests: Vec<Request<R>>) {
        let mut asked = Asked::default();
        for request in requests {
            let desk = &mut self.replica.desk;
            desk.enlist(self.now, request, &mut asked, self.out);
        }
        self.replica
            .snapshots
            .want(std::mem::take(&mut asked.snapshots));
        for input in asked.into_inputs() {
            self.step(input);
        }
    }

    /// One step of Raft with its effects, except for messages that wait for the disk.
    fn step(&mut self, input: Input) {
        let raft = &mut self.replica.raft;
        let before = (raft.role(), raft.term());
        let mut effects = raft.step(self.now, input);
        self.watch.stepped(before, raft, &effects);
        self.replica.gate.absorb(&mut effects);
        self.carry_out(effects);
    }

    fn carry_out(&mut self, effects: Effects) {
        let Self {
            replica,
            now,
            watch,
            out,
        } = self;
        out.extend(effects.messages_now.into_iter().map(Output::Send));
        if effects.install.is_some() {
            let (state, bytes) = replica.arrived.take().expect("only what has arrived");
            replica.desk.install(state, *now);
            replica.snapshots.on_installed(bytes);
        }
        for committed in &effects.committed {
            replica.desk.apply(*now, committed, out);
            replica.snapshots.on_applied(committed.entry.weight());
            watch.applied(&committed.entry, &replica.desk.kv);
        }
        for token in effects.local_acks {
            replica.desk.acknowledge_early(token, out);
        }
        let dirty = replica.dirty_state(!effects.reads.is_empty());
        for grant in effects.reads {
            replica.desk.answer_read(grant, dirty.as_ref(), out);
        }
        for token in effects.done {
            replica.desk.complete(token, out);
        }
        for (token, refusal) in effects.refused {
            replica.desk.refuse(token, refusal, out);
        }
        let wanted = effects.parts_wanted.into_iter().map(Task::ReadPart);
        let received = effects.parts_received.into_iter().map(Task::KeepPart);
        out.extend(wanted.chain(received).map(Output::Keep));
        out.extend(effects.fault.map(|fault| Output::Stop(fault.into())));
    }

    /// Sends what no longer waits for the disk, gives the disk its next batch, and takes a snapshot if one is due.
    fn settle(&mut self) {
        loop {
            let free = self.replica.gate.release();
            if free.is_empty() {
                break;
            }
            for Envelope { to, message } in free {
                if &to == self.replica.raft.id() {
                    self.step(Input::Message { from: to, message });
                } else {
                    self.out.push(Output::Send(Envelope { to, message }));
                }
            }
        }
        let replica = &mut *self.replica;
        if let Some(batch) = replica.gate.next_batch() {
            self.out.push(Output::Write(batch));
        }
        if replica.snapshots.take() {
            let mut image = replica.desk.image();
            if replica.raft.has(Bug::SnapTorn) {
                image.pretend(
                    replica
                        .raft
                        .begin()
                        .index
                        .next()
                        .max(image.applied().previous()),
                );
            }
            let meta = replica.raft.snapshot_meta(image.applied());
            let in_use = replica.raft.snapshots_in_use();
            self.out.push(Output::Keep(Task::Store {
                meta,
                image,
                in_use,
            }));
        }
    }
}
