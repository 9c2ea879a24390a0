//! A small world in which whole clusters live: virtual time, one seed, every bad thing that a
//! network, a disk, a clock or a power cut does, and rules that are checked after every event.
//!
//! The nodes are the real ones: the same Raft, the same gate before the disk, the same log on a
//! simulated disk, the same state machine. Only sockets and threads are missing.
//!
//! What goes wrong is planned before the world begins, so that a world that broke a rule can be lived again with
//! less of it, until only what is needed is left (`shrink`).
//!
//! | file | idea |
//! |---|---|
//! | `settings` | what kind of world it is |
//! | `world` | events in virtual time |
//! | `place` | where a node lives: its clock, its disk, its lives |
//! | `node` | one node, put together as the server does it |
//! | `clock` | clocks that run apart and jump |
//! | `trouble`, `havoc` | what goes wrong, as a plan; and how it is carried out |
//! | `members` | who joins and who leaves |
//! | `network` | what becomes of messages |
//! | `client`, `action` | who asks, and for what |
//! | `law`, `positions` | what must hold in every cluster at every moment |
//! | `oracle` | what must hold for clients, seen beside the log |
//! | `history` | what clients saw and nothing else, for the checker |
//! | `shrink` | the few troubles that break the same rule |
//! | `tests` | healthy worlds by the hundred, worlds that broke once, and a world for each planted bug |

mod action;
mod client;
mod clock;
mod havoc;
mod history;
mod law;
mod members;
mod network;
mod node;
mod oracle;
mod place;
mod positions;
mod settings;
mod shrink;
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
    /// A node says that it has or promises what is not on its disk.
    SaidTooSoon(String),
    /// A leader counts more of a follower's log than is on that one's disk.
    CountedTooMuch(String),
    /// A node that starts again does not have what was durable.
    Forgot(String),
    /// The members in force are not the latest of the log.
    MembersDiffer(String),
    /// A role, the commit index or the state went where it must not.
    BadStep(String),
    /// A node stopped because its leader contradicts what is committed.
    CommittedConflict(String),
    /// A node calls its disk damaged that is not.
    Refused(String),
    /// A node gave up by itself, in the middle of an event.
    Panicked(String),
    /// A read missed what was complete before it began.
    StaleRead(String),
    /// A confirmed change is not in the log.
    LostUpdate(String),
    /// A client was told another result than the log gives.
    WrongResult(String),
    /// A lock was granted with a token that is not greater than one before.
    Fencing(String),
    /// The healed world does not work.
    NoProgress(String),
    /// The checker finds what clients saw impossible, although no other rule was broken.
    NotLinearizable(String),
}

impl Violation {
    /// Which rule it is, whatever the details.
    const fn law(&self) -> &'static str {
        match self {
            Self::TwoLeaders(_) => "two leaders",
            Self::LogsDiffer(_) => "logs differ",
            Self::LeaderLacks(_) => "leader lacks",
            Self::LeaderRewrote(_) => "leader rewrote",
            Self::AppliedDiffer(_) => "applied differ",
            Self::StatesDiffer(_) => "states differ",
            Self::NotOnMajority(_) => "not on majority",
            Self::VoteChanged(_) => "vote changed",
            Self::SaidTooSoon(_) => "said too soon",
            Self::CountedTooMuch(_) => "counted too much",
            Self::Forgot(_) => "forgot",
            Self::MembersDiffer(_) => "members differ",
            Self::BadStep(_) => "bad step",
            Self::CommittedConflict(_) => "committed conflict",
            Self::Refused(_) => "refused",
            Self::Panicked(_) => "panicked",
            Self::StaleRead(_) => "stale read",
            Self::LostUpdate(_) => "lost update",
            Self::WrongResult(_) => "wrong result",
            Self::Fencing(_) => "fencing",
            Self::NoProgress(_) => "no progress",
            Self::NotLinearizable(_) => "not linearizable",
        }
    }
}
