//! How hard a run tried, in numbers, as part of `result.json`.

use serde::{Deserialize, Serialize};

/// The numbers behind [`RunResult::strength`](crate::RunResult::strength).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tried {
    /// Operations acknowledged in the clients' time.
    pub acknowledged: usize,
    /// Of these, acknowledged while a fault was active.
    pub under_faults: usize,
    /// Of the others, acknowledged before a fault that left no majority and after which clients were served.
    pub before_losses: usize,
    /// Reads that a node answered while cuts kept it from the majority.
    pub reads_while_cut_off: usize,
    /// How often a node that a fault had ended came back on its disk.
    pub restarts: usize,
    /// Changes of leadership after the first election.
    pub leader_changes: u32,
}
