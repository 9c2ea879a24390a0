//! The kinds of faults of processes but kills and pauses.

use std::fmt;

/// A kind of fault that lasts by being done again and again, or one node after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProcessKind {
    /// Processes get little processor time.
    SlowCpu,
    /// Processes are killed and started again and again.
    CrashLoop,
    /// Every process is started anew, one after the other.
    RollingRestart,
    /// Processes lose their disks.
    Wipe,
}

impl ProcessKind {
    /// Every kind.
    pub const ALL: [ProcessKind; 4] = [
        ProcessKind::SlowCpu,
        ProcessKind::CrashLoop,
        ProcessKind::RollingRestart,
        ProcessKind::Wipe,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            ProcessKind::SlowCpu => "slow-cpu",
            ProcessKind::CrashLoop => "crash-loop",
            ProcessKind::RollingRestart => "rolling-restart",
            ProcessKind::Wipe => "wipe",
        }
    }

    pub(super) fn describe(self) -> &'static str {
        match self {
            ProcessKind::SlowCpu => {
                "lets the leader, a node or a minority run for 10 to 50 % of the time only, by stopping and continuing it"
            }
            ProcessKind::CrashLoop => {
                "kills the leader, a node or a minority again and again, after lives of 100 to 1000 ms"
            }
            ProcessKind::RollingRestart => {
                "asks every node in turn to end, kills it if it does not, and starts it again; the next when it serves"
            }
            ProcessKind::Wipe => {
                "kills the leader, a node or a minority, empties its data folder and starts it again under its name; in the end it is removed and added anew"
            }
        }
    }

    pub(super) fn requirements(self) -> &'static str {
        match self {
            ProcessKind::SlowCpu | ProcessKind::CrashLoop | ProcessKind::RollingRestart => {
                "namespaces"
            }
            ProcessKind::Wipe => {
                "namespaces, three nodes, and for its end a system that can change its members, as the bundled node can"
            }
        }
    }

    /// Less than three nodes have none to lose.
    pub(super) fn min_nodes(self) -> usize {
        match self {
            ProcessKind::SlowCpu | ProcessKind::CrashLoop | ProcessKind::RollingRestart => 1,
            ProcessKind::Wipe => 3,
        }
    }

    pub(super) fn stream(self) -> u64 {
        match self {
            ProcessKind::SlowCpu => 60,
            ProcessKind::CrashLoop => 61,
            ProcessKind::RollingRestart => 62,
            ProcessKind::Wipe => 63,
        }
    }
}

impl fmt::Display for ProcessKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
