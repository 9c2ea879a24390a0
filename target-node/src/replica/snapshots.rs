//! When a snapshot is due (thesis §5.1.2).

use std::mem;

use crate::raft::Token;

/// How much a log may grow before the state is worth writing out.
///
/// A snapshot is due when the entries applied since the last one weigh `factor` times as much as that one's file:
/// then at most a share of `1 / (factor + 1)` of what is written goes to snapshots. A small state is
/// left alone until `bytes_min` have come together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SnapshotRule {
    pub(crate) bytes_min: u64,
    pub(crate) factor: u64,
}

/// What has come together since the last snapshot.
#[derive(Debug)]
pub(super) struct Snapshots {
    rule: SnapshotRule,
    /// Weight of the entries applied since.
    applied_bytes: u64,
    /// Size of the last snapshot.
    last_bytes: u64,
    under_way: Option<UnderWay>,
    /// Who asked for one and waits.
    wanted: Vec<Token>,
}

/// A snapshot on its way to the disk.
#[derive(Debug)]
struct UnderWay {
    /// Weight of the entries it covers since the last.
    applied_bytes: u64,
    wanted: Vec<Token>,
}

impl Snapshots {
    pub(super) const fn new(rule: SnapshotRule, last_bytes: u64) -> Self {
        Self {
            rule,
            applied_bytes: 0,
            last_bytes,
            under_way: None,
            wanted: Vec::new(),
        }
    }

    pub(super) const fn on_applied(&mut self, bytes: usize) {
        self.applied_bytes += bytes as u64;
    }

    /// Somebody wants one, whether it is due or not.
    pub(super) fn want(&mut self, tokens: Vec<Token>) {
        self.wanted.extend(tokens);
    }

    /// Whether one is due; then it counts as under way.
    pub(super) fn take(&mut self) -> bool {
        let grown = self.rule.factor.saturating_mul(self.last_bytes);
        let grew = self.applied_bytes > 0 && self.applied_bytes >= self.rule.bytes_min.max(grown);
        let due = self.under_way.is_none() && (grew || !self.wanted.is_empty());
        if due {
            self.under_way = Some(UnderWay {
                applied_bytes: self.applied_bytes,
                wanted: mem::take(&mut self.wanted),
            });
        }
        due
    }

    /// The one under way is durable, or a later one is; says who waited for it.
    pub(super) fn on_saved(&mut self, bytes: u64) -> Vec<Token> {
        self.last_bytes = bytes;
        let Some(saved) = self.under_way.take() else {
            return Vec::new();
        };
        self.applied_bytes -= saved.applied_bytes;
        saved.wanted
    }

    /// The state is that of a received snapshot.
    pub(super) fn on_installed(&mut self, bytes: u64) {
        self.last_bytes = bytes;
        self.applied_bytes = 0;
        if let Some(taken) = &mut self.under_way {
            taken.applied_bytes = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_larger_the_last_the_more_must_come_together() {
        let rule = SnapshotRule {
            bytes_min: 100,
            factor: 4,
        };
        let mut snapshots = Snapshots::new(rule, 0);
        snapshots.on_applied(99);
        assert!(!snapshots.take());
        snapshots.on_applied(1);
        assert!(snapshots.take());
        snapshots.on_applied(1000);
        assert!(!snapshots.take(), "one at a time");
        snapshots.on_saved(300);
        assert!(!snapshots.take(), "1000 of 1200");
        snapshots.on_applied(200);
        assert!(snapshots.take());
    }

    #[test]
    fn what_was_received_counts_from_there() {
        let rule = SnapshotRule {
            bytes_min: 0,
            factor: 1,
        };
        let mut snapshots = Snapshots::new(rule, 0);
        snapshots.on_applied(10);
        assert!(snapshots.take());
        snapshots.on_installed(50);
        snapshots.on_applied(5);
        snapshots.on_saved(20);
        assert!(!snapshots.take());
        snapshots.on_applied(15);
        assert!(snapshots.take());
    }
}
