//! One node of a script: the core, the gate, and a disk that is done at once or held.

use std::time::Duration;

use super::machine::{Disk, Machine, Stored};
use crate::{
    bug::BugSet,
    raft::{Batch, Config, Gate, Membership, NodeId, Raft},
};

pub(super) const ELECTION_MIN: Duration = Duration::from_millis(150);

/// How the nodes of a script are set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    pub(super) retained_entries: u64,
    pub(super) log_bytes_max: usize,
    /// Bytes of a snapshot in one message.
    pub(super) part_bytes: usize,
    pub(super) bugs: BugSet,
}

/// A node, running or not, and all it keeps.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) raft: Option<Raft>,
    pub(super) gate: Gate,
    pub(super) at_disk: Option<Batch>,
    /// The disk finishes nothing for now.
    pub(super) held: bool,
    pub(super) disk: Disk,
    pub(super) machine: Machine,
    /// Parts of a snapshot that have arrived.
    pub(super) arriving: Vec<u8>,
    /// The next snapshot that arrives turns out to be broken.
    pub(super) damaged: bool,
    /// The node's own clock: clocks need not agree.
    pub(super) clock: Duration,
    pub(super) life: u64,
    bootstrap: Membership,
}

impl Node {
    pub(super) fn new(bootstrap: Membership) -> Self {
        Self {
            raft: None,
            gate: Gate::default(),
            at_disk: None,
            held: false,
            disk: Disk::default(),
            machine: Machine::default(),
            arriving: Vec::new(),
            damaged: false,
            clock: Duration::from_secs(10),
            life: 0,
            bootstrap,
        }
    }

    /// Starts with what the disk holds.
    pub(super) fn start(&mut self, id: &NodeId, settings: Settings) {
        self.life += 1;
        let config = Config {
            id: id.clone(),
            bootstrap: self.bootstrap.clone(),
            election_min: ELECTION_MIN,
            election_max: 2 * ELECTION_MIN,
            heartbeat: ELECTION_MIN / 3,
            seed: self.life,
            life: self.life,
            retained_entries: settings.retained_entries,
            append_bytes_max: 64 << 10,
            log_bytes_max: settings.log_bytes_max,
            bugs: settings.bugs,
        };
        let raft = Raft::new(config, self.disk.restored(), self.clock);
        let snapshot = self.disk.snapshots.last();
        self.machine = snapshot.map(Stored::machine).unwrap_or_default();
        self.raft = Some(raft);
    }

    /// Power loss: what is not on the disk is gone.
    pub(super) fn stop(&mut self) {
        self.raft = None;
        self.gate = Gate::default();
        self.at_disk = None;
        self.arriving.clear();
    }
}
