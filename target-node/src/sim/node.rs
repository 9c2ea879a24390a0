//! One simulated node, put together as the server does it.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use super::{
    Violation,
    client::Asker,
    law::{Law, check_hard_state},
    positions::Positions,
};
use crate::{
    bug::BugSet,
    kv::Kv,
    log::{Identity, Settings, StorageError, Wal, sim_disk::SimDisk},
    raft::{
        Batch, Config, Effects, Entry, HardState, LogIndex, NodeId, Raft, Restored, Role, StoreId,
        Write,
    },
    replica::{
        Event, Keeper, KeeperError, Kept, Output, Replica, SnapshotRule, Standing, Task, Watch,
    },
};

const SEGMENT_BYTES: u64 = 4096;

/// What a node finds in its files, and the means to write to them.
type Opened = (Wal<SimDisk>, Restored, Keeper<SimDisk>, Kept);

/// A node while it runs.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) replica: Replica<Asker>,
    wal: Wal<SimDisk>,
    keeper: Keeper<SimDisk>,
    at_disk: Option<Batch>,
    disk_failed: bool,
    /// The log in memory, as its writes tell.
    log: Positions,
    commit: LogIndex,
}

/// What is durable on a node's disk, as its batches tell.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct OnDisk {
    pub(super) log: Positions,
    pub(super) hard: HardState,
}

impl OnDisk {
    fn restored(restored: &Restored) -> Self {
        Self {
            log: Positions::restored(restored),
            hard: restored.hard.clone(),
        }
    }

    fn take(&mut self, writes: &[Write]) -> Result<(), Violation> {
        let mut legal = Ok(());
        for write in writes {
            if let Write::HardState(hard) = write {
                legal = legal.and_then(|()| check_hard_state(&self.hard, hard));
                self.hard = hard.clone();
            }
            self.log.take(write);
        }
        legal
    }

    /// What is found must be what was durable, with the writes that were under way or without.
    fn check_found(&self, found: &Self, under_way: &[Write]) -> Result<(), Violation> {
        let mut with = self.clone();
        let legal = with.take(under_way);
        if found == self || (legal.is_ok() && *found == with) {
            return Ok(());
        }
        let (had, has) = (
            (&self.hard, self.log.last()),
            (&found.hard, found.log.last()),
        );
        Err(Violation::Forgot(format!(
            "{had:?} was durable, {has:?} is there"
        )))
    }
}

/// Why a node does not start.
#[derive(Debug)]
pub(super) enum NoStart {
    /// The disk does not work, for now.
    Later,
    /// What is on the disk is damaged.
    Damaged(String),
}

impl From<StorageError> for NoStart {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Io { .. } | StorageError::Poisoned => Self::Later,
            StorageError::Damaged { .. } | StorageError::Foreign { .. } => {
                Self::Damaged(error.to_string())
            }
        }
    }
}

impl From<KeeperError> for NoStart {
    fn from(error: KeeperError) -> Self {
        match error {
            KeeperError::Storage(error) => error.into(),
            KeeperError::Image(_) | KeeperError::Base(_) | KeeperError::Meta => {
                Self::Damaged(error.to_string())
            }
        }
    }
}

/// The process ended because its disk failed.
#[derive(Debug)]
pub(super) struct Stopped;

fn open(id: &NodeId, disk: SimDisk, new_store: StoreId, bugs: BugSet) -> Result<Opened, NoStart> {
    let identity = Identity {
        node: id.as_str().into(),
        cluster: 1,
    };
    let settings = Settings {
        segment_bytes: SEGMENT_BYTES,
        new_store,
        bugs,
    };
    let (wal, restored) = Wal::open(disk.clone(), identity.clone(), settings)?;
    let (keeper, kept) = Keeper::open(disk, identity, None)?;
    Ok((wal, restored, keeper, kept))
}

/// Whether a healthy node would find on this disk what is durable, or refuse to start. Damage to the last
/// block of a log is neither: it looks like a crash.
pub(super) fn knows_itself(id: &NodeId, disk: SimDisk, on_disk: &OnDisk, batch: &[Write]) -> bool {
    match open(id, disk, StoreId(0), BugSet::default()) {
        Ok((_, restored, ..)) => {
            let found = OnDisk::restored(&restored);
            on_disk.check_found(&found, batch).is_ok()
        }
        Err(NoStart::Damaged(_)) => true,
        Err(NoStart::Later) => false,
    }
}

impl Running {
    /// Starts a node on what its disk holds. `before` is what must be there, and `under_way` what may.
    pub(super) fn start(
        config: Config,
        rule: SnapshotRule,
        (disk, new_store): (SimDisk, StoreId),
        (before, under_way): (&OnDisk, &[Write]),
        law: &mut Law,
    ) -> Result<(Self, OnDisk), NoStart> {
        let (wal, restored, keeper, kept) = open(&config.id, disk, new_store, config.bugs)?;
        let on_disk = OnDisk::restored(&restored);
        law.see(|law| {
            before.check_found(&on_disk, under_way)?;
            law.on_applied(kept.state.applied(), &kept.state)?;
            if restored.begin_index() > kept.state.applied() {
                let what = "no snapshot reaches to where the log begins".into();
                return Err(Violation::Forgot(what));
            }
            Ok(())
        });
        let log = on_disk.log.clone();
        let replica = Replica::new(config, rule, restored, kept, Duration::ZERO);
        let node = Self {
            commit: replica.raft().commit(),
            replica,
            wal,
            keeper,
            at_disk: None,
            disk_failed: false,
            log,
        };
        Ok((node, on_disk))
    }

    /// The end of the process: what is at the disk was written and not synced. The writes that were under way
    /// come back too.
    pub(super) fn end(self) -> (SimDisk, Vec<Write>) {
        let under_way = self.at_disk.map(|batch| batch.writes).unwrap_or_default();
        let unsynced = !under_way.is_empty() && !self.disk_failed;
        let disk = self.wal.crash(unsynced.then_some(under_way.as_slice()));
        (disk, under_way)
    }

    /// The disk has finished its batch.
    pub(super) fn disk_done(
        &mut self,
        on_disk: &mut OnDisk,
        law: &mut Law,
    ) -> Result<bool, Stopped> {
        let Some(batch) = &self.at_disk else {
            return Ok(false);
        };
        let appended = self.wal.append(&batch.writes);
        self.disk_failed = appended.is_err();
        appended.map_err(|_| Stopped)?;
        law.see(|_| on_disk.take(&batch.writes));
        self.at_disk = None;
        self.wal.upkeep().map_err(|_| Stopped)?;
        Ok(true)
    }

    /// The keeper of snapshots is done with a task.
    pub(super) fn keep(&mut self, task: Task) -> Result<Option<Event<Asker>>, Stopped> {
        self.keeper.perform(task).map_err(|_| Stopped)
    }

    pub(super) fn submit(&mut self, batch: Batch) {
        self.at_disk = Some(batch);
    }

    /// One event with all that follows from it on this node, under the eyes of the law.
    pub(super) fn handle(
        &mut self,
        me: usize,
        now: Duration,
        event: Event<Asker>,
        law: &mut Law,
        durable: &[(&NodeId, &OnDisk)],
    ) -> Result<Vec<Output<Asker>>, Stopped> {
        let mut outputs = Vec::new();
        let eye = Eye {
            me,
            log: &mut self.log,
            commit: &mut self.commit,
            installed: false,
            durable,
        };
        let mut observer = Observer {
            eye,
            law: &mut *law,
        };
        let replica = &mut self.replica;
        let handled = catch_unwind(AssertUnwindSafe(|| {
            replica.handle(now, event, &mut observer, &mut outputs);
        }));
        let installed = observer.eye.installed;
        if let Err(what) = handled {
            let what = what.downcast_ref::<String>().cloned();
            let what = what.unwrap_or_else(|| "without a reason".into());
            law.see(|_| Err(Violation::Panicked(what)));
            return Err(Stopped);
        }
        let (raft, state) = (self.replica.raft(), self.replica.state());
        law.see(|law| {
            if installed {
                law.on_applied(state.applied(), state)?;
            }
            check_bounds(raft, state)
        });
        Ok(outputs)
    }
}

fn check_bounds(raft: &Raft, state: &Kv) -> Result<(), Violation> {
    let order = [
        raft.begin().index,
        state.applied(),
        raft.commit(),
        raft.last_index(),
    ];
    if order.is_sorted() {
        Ok(())
    } else {
        let what = format!("begin, applied, commit and last are {order:?}");
        Err(Violation::BadStep(what))
    }
}

/// Holds every step against the law.
struct Observer<'a> {
    eye: Eye<'a>,
    law: &'a mut Law,
}

/// What is known of the node that steps, and of all disks.
struct Eye<'a> {
    me: usize,
    log: &'a mut Positions,
    commit: &'a mut LogIndex,
    installed: bool,
    durable: &'a [(&'a NodeId, &'a OnDisk)],
}

impl Eye<'_> {
    fn check(
        &mut self,
        before: Standing,
        raft: &Raft,
        effects: &Effects,
        law: &mut Law,
    ) -> Result<(), Violation> {
        let role = raft.role();
        let leads = role == Role::Leader;
        check_step(before.0, role)?;
        if raft.term() < before.1 || raft.commit() < *self.commit {
            return Err(Violation::BadStep(format!(
                "term {:?} or commit {:?} went back",
                raft.term(),
                raft.commit()
            )));
        }
        *self.commit = raft.commit();
        let led = leads && before.0 == Role::Leader;
        law.on_writes(&effects.writes, self.log, led)?;
        if !effects.writes.is_empty() && self.log.members() != Some(raft.membership()) {
            let what = format!("{:?}, not {:?}", raft.membership(), self.log.members());
            return Err(Violation::MembersDiffer(what));
        }
        if leads && before != (Role::Leader, raft.term()) {
            law.on_leader(self.me, raft.term(), self.log)?;
        }
        if leads {
            self.check_matched(raft)?;
        }
        for committed in &effects.committed {
            law.on_commit(&committed.entry, raft.membership(), self.durable)?;
        }
        Ok(())
    }

    fn check_matched(&self, raft: &Raft) -> Result<(), Violation> {
        for (follower, matched) in raft.matched() {
            let disk = self.durable.iter().find(|(id, _)| *id == follower);
            // In a later term another leader may have taken entries back.
            let same_term = disk.filter(|(_, disk)| disk.hard.term == raft.term());
            if same_term.is_some_and(|(_, disk)| !disk.log.reaches(matched)) {
                let what = format!("{matched:?} of {follower}");
                return Err(Violation::CountedTooMuch(what));
            }
        }
        Ok(())
    }
}

fn check_step(before: Role, after: Role) -> Result<(), Violation> {
    let legal = match (before, after) {
        (Role::Leader, Role::PreCandidate | Role::Candidate)
        | (Role::Follower | Role::PreCandidate, Role::Leader) => false,
        (Role::Leader, Role::Leader | Role::Follower)
        | (
            Role::Follower | Role::PreCandidate,
            Role::Follower | Role::PreCandidate | Role::Candidate,
        )
        | (Role::Candidate, _) => true,
    };
    let what = || Violation::BadStep(format!("from {before:?} to {after:?}"));
    if legal { Ok(()) } else { Err(what()) }
}

impl Watch for Observer<'_> {
    fn stepped(&mut self, before: Standing, raft: &Raft, effects: &Effects) {
        let Self { eye, law } = self;
        eye.installed |= effects.install.is_some();
        law.installed += u64::from(effects.install.is_some());
        law.see(|law| eye.check(before, raft, effects, law));
    }

    fn applied(&mut self, entry: &Entry, state: &Kv) {
        self.law.see(|law| law.on_applied(entry.at.index, state));
    }
}
