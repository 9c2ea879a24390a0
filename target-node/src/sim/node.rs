//! One simulated node, put together as the server does it.

use std::{collections::BTreeMap, time::Duration};

use rand_chacha::ChaCha8Rng;

use super::{
    Violation,
    law::{Law, Positions, appended, check_hard_state, slot},
    oracle::{Action, Ended, Operation},
};
use crate::{
    kv::{Applied, ClusterClock, Key, Kv, Proposal, Rejection},
    log::{Identity, Settings, StoreId, Wal, sim_disk::SimDisk},
    raft::{Batch, Config, Effects, Envelope, Gate, HardState, Input, Raft, Role, Token, Write},
};

const LOG: Settings = Settings {
    segment_bytes: 4096,
    new_store: StoreId(1),
};

/// A client's request inside a node.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) client: usize,
    pub(super) number: u64,
    pub(super) operation: Operation,
}

/// Something a node sends out.
#[derive(Debug)]
pub(super) enum Output {
    Message(Envelope),
    Reply {
        waiting: Waiting,
        ended: Ended,
    },
    /// The disk is busy with a batch.
    DiskBusy,
}

/// A node while it runs.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) raft: Raft,
    gate: Gate,
    pub(super) kv: Kv,
    clock: ClusterClock,
    wal: Wal<SimDisk>,
    at_disk: Option<Batch>,
    /// The log in memory, as its writes tell.
    log: Positions,
    waiting: BTreeMap<Token, Waiting>,
    tokens: u64,
    outputs: Vec<Output>,
}

/// What is on a node's disk, as its batches tell.
#[derive(Debug, Default)]
pub(super) struct OnDisk {
    pub(super) log: Positions,
    hard: HardState,
}

impl OnDisk {
    fn take(&mut self, writes: &[Write]) -> Result<(), Violation> {
        for write in writes {
            if let Write::HardState(hard) = write {
                check_hard_state(&self.hard, hard)?;
                self.hard = hard.clone();
            }
            for entry in appended(write) {
                self.log.truncate(slot(entry.at.index));
                self.log.push(entry.at);
            }
        }
        Ok(())
    }
}

impl Running {
    /// Starts a node on what its disk holds.
    pub(super) fn start(config: Config, disk: SimDisk, now: Duration) -> (Self, OnDisk) {
        let identity = Identity {
            node: config.id.as_str().into(),
            cluster: 1,
        };
        let (wal, restored) = Wal::open(disk, identity, LOG).expect("crashes never damage a log");
        let log: Positions = restored.entries.iter().map(|entry| entry.at).collect();
        let on_disk = OnDisk {
            log: log.clone(),
            hard: restored.hard.clone(),
        };
        let node = Self {
            raft: Raft::new(config, restored, now),
            gate: Gate::default(),
            kv: Kv::default(),
            clock: ClusterClock::default(),
            wal,
            at_disk: None,
            log,
            waiting: BTreeMap::new(),
            tokens: 0,
            outputs: Vec::new(),
        };
        (node, on_disk)
    }

    /// Power loss: the disk keeps what was synced, and by chance parts of what was being written.
    pub(super) fn crash(self, rng: &mut ChaCha8Rng) -> SimDisk {
        let unsynced = self.at_disk.map(|batch| batch.writes);
        let mut disk = self.wal.crash(unsynced.as_deref());
        disk.crash(rng);
        disk
    }

    pub(super) fn request(&mut self, now: Duration, waiting: Waiting) -> Input {
        self.tokens += 1;
        let token = Token(self.tokens);
        let operation = &waiting.operation;
        let input = match operation.action.command(operation.key) {
            Some(command) => {
                let time = self.clock.time(now);
                let proposal = Proposal {
                    time,
                    stamp: None,
                    command,
                };
                Input::Propose(vec![(token, proposal.encode())])
            }
            None => Input::Read(vec![token]),
        };
        self.waiting.insert(token, waiting);
        input
    }

    /// The disk has finished its batch.
    pub(super) fn disk_done(&mut self, on_disk: &mut OnDisk) -> Result<Option<Input>, Violation> {
        let Some(batch) = self.at_disk.take() else {
            return Ok(None);
        };
        self.wal.append(&batch.writes).expect("the disk works");
        self.wal.upkeep().expect("the disk works");
        on_disk.take(&batch.writes)?;
        Ok(self.gate.on_durable().map(Input::Persisted))
    }

    /// One step with all its effects but those on other nodes.
    pub(super) fn step(
        &mut self,
        me: usize,
        now: Duration,
        input: Input,
        law: &mut Law,
        durable: &[&Positions],
    ) -> Result<(), Violation> {
        let before = (self.raft.role(), self.raft.term());
        let mut effects = self.raft.step(now, input);
        let leads = self.raft.role() == Role::Leader;
        law.on_writes(
            &effects.writes,
            &mut self.log,
            leads && before.0 == Role::Leader,
        )?;
        if leads && before != (Role::Leader, self.raft.term()) {
            let term = self.raft.term();
            law.on_leader(me, term, &self.log)?;
        }
        self.gate.absorb(&mut effects);
        self.carry_out(now, effects, law, durable)?;
        for envelope in self.gate.release() {
            if self.is_own(&envelope) {
                let from = envelope.to;
                let message = envelope.message;
                self.step(me, now, Input::Message { from, message }, law, durable)?;
            } else {
                self.outputs.push(Output::Message(envelope));
            }
        }
        if let Some(batch) = self.gate.next_batch() {
            self.at_disk = Some(batch);
            self.outputs.push(Output::DiskBusy);
        }
        Ok(())
    }

    fn carry_out(
        &mut self,
        now: Duration,
        effects: Effects,
        law: &mut Law,
        durable: &[&Positions],
    ) -> Result<(), Violation> {
        let messages = effects.messages_now.into_iter().map(Output::Message);
        self.outputs.extend(messages);
        for committed in effects.committed {
            law.on_commit(&committed.entry, durable)?;
            let ended = match self.kv.apply(&committed.entry) {
                Applied::Done => Ended::Changed,
                Applied::Rejected(Rejection::Mismatch) => Ended::Mismatch,
                other @ (Applied::Value(_)
                | Applied::Values(_)
                | Applied::Granted(_)
                | Applied::Registered(_)
                | Applied::Rejected(_)) => {
                    unreachable!("clients only write and compare: {other:?}")
                }
            };
            self.clock.learn(self.kv.time(), now);
            if let Some(token) = committed.token {
                self.reply(token, ended);
            }
        }
        for token in effects.local_acks {
            let is_write =
                |waiting: &Waiting| matches!(waiting.operation.action, Action::Write { .. });
            if self.waiting.get(&token).is_some_and(is_write) {
                self.reply(token, Ended::Changed);
            }
        }
        for grant in effects.reads {
            assert!(self.kv.applied() >= grant.index);
            let Some(waiting) = self.waiting.get(&grant.token) else {
                continue;
            };
            let key = Key::from(format!("k{}", waiting.operation.key));
            let value = self.kv.read(&key).integer().unwrap_or(0);
            self.reply(grant.token, Ended::Read(value.cast_unsigned()));
        }
        for (token, _) in effects.refused {
            self.reply(token, Ended::Nothing);
        }
        match effects.fault {
            Some(fault) => Err(Violation::CommittedConflict(fault.to_string())),
            None => Ok(()),
        }
    }

    fn is_own(&self, envelope: &Envelope) -> bool {
        &envelope.to == self.raft.id()
    }

    fn reply(&mut self, token: Token, ended: Ended) {
        if let Some(waiting) = self.waiting.remove(&token) {
            self.outputs.push(Output::Reply { waiting, ended });
        }
    }

    pub(super) fn take_outputs(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.outputs)
    }
}
