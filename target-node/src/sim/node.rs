//! One simulated node, put together as the server does it.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;

use super::{
    Violation,
    law::{Law, Positions, check_hard_state},
    oracle::{Ended, Operation},
};
use crate::{
    kv::Kv,
    log::{Identity, Settings, Wal, sim_disk::SimDisk},
    raft::{
        Batch, Config, Effects, Entry, Envelope, HardState, NodeId, Raft, Role, StoreId, Write,
    },
    replica::{self, Event, Keeper, Replica, SnapshotRule, Standing, Task, Watch},
};

const SEGMENT_BYTES: u64 = 4096;

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
    /// The keeper of snapshots is busy with something.
    Keep(Task),
}

/// A node while it runs.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) replica: Replica<Waiting>,
    wal: Wal<SimDisk>,
    keeper: Keeper<SimDisk>,
    at_disk: Option<Batch>,
    /// The log in memory, as its writes tell.
    log: Positions,
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
            self.log.take(write);
        }
        Ok(())
    }
}

impl Running {
    /// Starts a node on what its disk holds.
    pub(super) fn start(
        config: Config,
        rule: SnapshotRule,
        disk: SimDisk,
        now: Duration,
    ) -> (Self, OnDisk) {
        let identity = Identity {
            node: config.id.as_str().into(),
            cluster: 1,
        };
        let settings = Settings {
            segment_bytes: SEGMENT_BYTES,
            new_store: StoreId(1),
            bugs: config.bugs,
        };
        let (wal, restored) = Wal::open(disk.clone(), identity.clone(), settings)
            .expect("crashes never damage a log");
        let (keeper, kept) = Keeper::open(disk, identity).expect("nor snapshots");
        let log = Positions::restored(&restored);
        let on_disk = OnDisk {
            log: log.clone(),
            hard: restored.hard.clone(),
        };
        let node = Self {
            replica: Replica::new(config, rule, restored, kept, now),
            wal,
            keeper,
            at_disk: None,
            log,
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

    /// The disk has finished its batch, unless it was a batch of an earlier life.
    pub(super) fn disk_done(&mut self, on_disk: &mut OnDisk) -> Result<bool, Violation> {
        let Some(batch) = self.at_disk.take() else {
            return Ok(false);
        };
        self.wal.append(&batch.writes).expect("the disk works");
        self.wal.upkeep().expect("the disk works");
        on_disk.take(&batch.writes)?;
        Ok(true)
    }

    /// The keeper of snapshots is done with a task.
    pub(super) fn keep(&mut self, task: Task) -> Option<Event<Waiting>> {
        self.keeper.perform(task).expect("the disk works")
    }

    /// One event with all that follows from it on this node, under the eyes of the law.
    pub(super) fn handle(
        &mut self,
        me: usize,
        now: Duration,
        event: Event<Waiting>,
        law: &mut Law,
        durable: &[(&NodeId, &Positions)],
    ) -> Result<(), Violation> {
        let mut outputs = Vec::new();
        let mut observer = Observer {
            me,
            log: &mut self.log,
            law,
            durable,
            found: Ok(()),
        };
        self.replica.handle(now, event, &mut observer, &mut outputs);
        observer.found?;
        for output in outputs {
            self.carry_out(output)?;
        }
        Ok(())
    }

    fn carry_out(&mut self, output: replica::Output<Waiting>) -> Result<(), Violation> {
        match output {
            replica::Output::Send(envelope) => self.outputs.push(Output::Message(envelope)),
            replica::Output::Write(batch) => {
                self.at_disk = Some(batch);
                self.outputs.push(Output::DiskBusy);
            }
            replica::Output::Answer(waiting, answer) => {
                let ended = waiting.operation.ended(&answer)?;
                self.outputs.push(Output::Reply { waiting, ended });
            }
            replica::Output::Keep(task) => self.outputs.push(Output::Keep(task)),
            replica::Output::Stop(conflict) => {
                return Err(Violation::CommittedConflict(conflict.to_string()));
            }
        }
        Ok(())
    }

    pub(super) fn take_outputs(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.outputs)
    }
}

/// Checks every step against the law; what comes after the first violation is not looked at.
struct Observer<'a> {
    me: usize,
    log: &'a mut Positions,
    law: &'a mut Law,
    durable: &'a [(&'a NodeId, &'a Positions)],
    found: Result<(), Violation>,
}

impl Observer<'_> {
    fn check(&mut self, before: Standing, raft: &Raft, effects: &Effects) -> Result<(), Violation> {
        let leads = raft.role() == Role::Leader;
        let led = leads && before.0 == Role::Leader;
        self.law.on_writes(&effects.writes, self.log, led)?;
        if leads && before != (Role::Leader, raft.term()) {
            self.law.on_leader(self.me, raft.term(), self.log)?;
        }
        self.law.installed += u64::from(effects.install.is_some());
        for committed in &effects.committed {
            let members = raft.membership();
            self.law
                .on_commit(&committed.entry, members, self.durable)?;
        }
        Ok(())
    }
}

impl Watch for Observer<'_> {
    fn stepped(&mut self, before: Standing, raft: &Raft, effects: &Effects) {
        if self.found.is_ok() {
            self.found = self.check(before, raft, effects);
        }
    }

    fn applied(&mut self, entry: &Entry, state: &Kv) {
        if self.found.is_ok() {
            self.found = self.law.on_applied(entry.at.index, state);
        }
    }
}
