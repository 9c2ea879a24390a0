//! A small world in which whole clusters live: virtual time, one seed, every bad thing that a
//! network, a disk or a power cut does, and rules that are checked after every event.
//!
//! The nodes are the real ones: the same Raft, the same gate before the disk, the same log on a
//! simulated disk, the same state machine. Only sockets and threads are missing.
//!
//! | file | idea |
//! |---|---|
//! | `world` | events in virtual time |
//! | `trouble` | what goes wrong |
//! | `client` | who asks |
//! | `node` | one node, put together as the server does it |
//! | `law` | what must hold in every cluster at every moment |
//! | `oracle` | what must hold for clients |
//! | `tests` | healthy worlds by the hundred, and a world for each planted bug |

mod client;
mod law;
mod node;
mod oracle;
mod tests;
mod trouble;
mod world;

/// A broken rule, which ends a world.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Violation {
    /// Election safety: two leaders in one term.
    TwoLeaders(String),
    /// Log matching: the same index and term with different content or a different past.
    LogsDiffer(String),
    /// Leader completeness: a new leader lacks a committed entry.
    LeaderLacks(String),
    /// A leader changed its own past.
    LeaderRewrote(String),
    /// State machine safety: two nodes apply different entries at one index.
    AppliedDiffer(String),
    /// Two nodes that applied the same entries have different states.
    StatesDiffer(String),
    /// An entry counts as committed that no majority has on disk.
    NotOnMajority(String),
    /// Term or vote went back on disk.
    VoteChanged(String),
    /// A node stopped because its leader contradicts what is committed.
    CommittedConflict(String),
    /// A read missed what was complete before it began.
    StaleRead(String),
    /// A confirmed change is not in the log.
    LostUpdate(String),
    /// A client was told another result than the log gives.
    WrongResult(String),
    /// The healed world does not work.
    NoProgress(String),
}
