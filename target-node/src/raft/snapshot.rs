//! Snapshots: what a node took itself shortens its log; what a follower lacks is sent to it in parts
//! (§7 of the paper, chapter 5 of the thesis).
//!
//! The core decides when a part is wanted and when a received snapshot takes the place of the log. The
//! bytes live outside: taking, storing, reading and verifying them is the shell's work.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    effects::{Envelope, PartReceived, Write},
    entry::{LogIndex, NodeId, Payload, Position, Term},
    membership::Membership,
    message::{Message, SnapshotPiece, SnapshotReply, Wanted},
    node::{Raft, State},
    progress::Pace,
};
use crate::bug::Bug;

/// What a snapshot is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SnapshotMeta {
    /// The last entry it covers.
    pub(crate) at: Position,
    /// The members in force there.
    pub(crate) membership: Membership,
}

/// A snapshot on its way in.
#[derive(Debug)]
pub(super) struct Receiving {
    /// Of the leader that sends it: another leader starts anew.
    term: Term,
    meta: SnapshotMeta,
    /// Bytes that have arrived.
    bytes: u64,
    /// All parts have arrived, and the shell verifies the whole.
    complete: bool,
}

impl Raft {
    /// What a snapshot of the state after `applied` is to carry.
    pub(crate) fn snapshot_meta(&self, applied: LogIndex) -> SnapshotMeta {
        SnapshotMeta {
            at: self.log.position(applied),
            membership: self.log.membership_at(applied).clone(),
        }
    }

    /// The snapshots of this node that followers are being sent; their bytes must stay.
    pub(crate) fn snapshots_in_use(&self) -> Vec<Position> {
        let State::Leader(leader) = &self.state else {
            return Vec::new();
        };
        let paces = leader.followers.values().map(|follower| &follower.pace);
        paces.filter_map(Pace::snapshot).collect()
    }

    /// A snapshot of this node's own state is durable: the log may begin later.
    pub(super) fn on_snapshot_saved(&mut self, meta: SnapshotMeta) {
        let retained = self.config.retained_entries;
        let begin = LogIndex(meta.at.index.0.saturating_sub(retained));
        if meta.at.index > self.commit {
            // A received one that was not installed: this node leads by now and will get there by itself.
            return;
        }
        if self.snapshot.as_ref().is_none_or(|old| old.at < meta.at) {
            self.snapshot = Some(meta);
        }
        if begin > self.log.begin().index {
            let at = self.log.position(begin);
            self.begin_at(at, true);
        }
    }

    /// What a start finds: the state machine is the snapshot's, so everything up to it is applied. If the log
    /// was not brought in line before the end, it is now.
    pub(super) fn resume_from(&mut self, meta: SnapshotMeta) {
        if meta.at.index > self.commit {
            let keeps = self.log.contains(meta.at);
            if !keeps {
                self.log.reset(meta.at, meta.membership.clone());
                self.begin_at(meta.at, keeps);
            }
            self.commit = meta.at.index;
        }
        self.snapshot = Some(meta);
    }

    /// Lets the log begin after `at`, of which it must know the members.
    fn begin_at(&mut self, at: Position, keeps: bool) {
        let membership = self.log.membership_at(at.index).clone();
        self.log.compact(at);
        self.effects.writes.push(Write::Begin {
            at,
            membership,
            keeps,
        });
    }

    /// The bytes of a part that was wanted, or the first ones of a later snapshot.
    pub(super) fn send_part(
        &mut self,
        to: NodeId,
        meta: SnapshotMeta,
        offset: u64,
        data: Payload,
        done: bool,
    ) {
        let State::Leader(leader) = &mut self.state else {
            return;
        };
        let Some(follower) = leader.followers.get_mut(&to) else {
            return;
        };
        if !follower.sends_part(meta.at, offset, self.now) {
            return;
        }
        let message = Message::SnapshotPiece(SnapshotPiece {
            term: self.hard.term,
            round: leader.round,
            meta,
            offset,
            data,
            done,
        });
        self.effects.messages_now.push(Envelope { to, message });
    }

    pub(super) fn on_snapshot_piece(&mut self, from: NodeId, piece: SnapshotPiece) {
        let (round, at) = (piece.round, piece.meta.at);
        let wanted = if piece.term < self.hard.term {
            Some(Wanted::StaleTerm)
        } else {
            if piece.term > self.hard.term {
                self.adopt_term(piece.term);
            }
            if matches!(self.state, State::Leader(_)) {
                return;
            }
            self.hear(&from);
            self.receive_piece(piece)
        };
        if let Some(wanted) = wanted {
            self.answer_piece(from, round, at, wanted);
        }
    }

    fn answer_piece(&mut self, to: NodeId, round: u64, at: Position, wanted: Wanted) {
        let reply = SnapshotReply {
            term: self.hard.term,
            round,
            at,
            wanted,
        };
        self.send_when_durable(to, Message::SnapshotReply(reply));
    }

    /// Takes the part that comes next and says which one that is then; nothing while the whole is
    /// being verified. Parts of different snapshots never meet: another one starts from its first byte.
    fn receive_piece(&mut self, piece: SnapshotPiece) -> Option<Wanted> {
        if piece.meta.at.index <= self.commit && !self.has(Bug::SnapOlder) {
            return Some(Wanted::Nothing);
        }
        // The shell keeps what is complete and takes no earlier one after it, so what came of it is heard
        // first; nor does a late part of an earlier snapshot count.
        let stays = |receiving: &Receiving| {
            let is_late = (receiving.term, receiving.meta.at) > (piece.term, piece.meta.at);
            receiving.complete || is_late
        };
        if self.receiving.as_ref().is_some_and(stays) {
            return None;
        }
        let is_same = |receiving: &&mut Receiving| {
            receiving.term == piece.term && receiving.meta == piece.meta
        };
        let receiving = match self.receiving.as_mut().filter(is_same) {
            Some(receiving) => receiving,
            None => self.receiving.insert(Receiving {
                term: piece.term,
                meta: piece.meta.clone(),
                bytes: 0,
                complete: false,
            }),
        };
        if piece.offset != receiving.bytes {
            return Some(Wanted::From(receiving.bytes));
        }
        receiving.bytes += piece.data.bytes().len() as u64;
        receiving.complete = piece.done;
        let wanted = (!piece.done).then_some(Wanted::From(receiving.bytes));
        self.effects.parts_received.push(PartReceived {
            term: piece.term,
            meta: piece.meta,
            offset: piece.offset,
            data: piece.data,
            done: piece.done,
        });
        wanted
    }

    /// The shell has verified and stored what was received at `at`, or it has to come again.
    pub(super) fn on_snapshot_received(&mut self, at: Position, intact: bool) {
        let is_this = |receiving: &mut Receiving| receiving.meta.at == at;
        let Some(receiving) = self.receiving.take_if(is_this) else {
            return;
        };
        let leads = matches!(self.state, State::Leader(_));
        let intact = intact && receiving.complete;
        let is_ahead = at.index > self.commit || self.has(Bug::SnapOlder);
        if intact && !leads && is_ahead {
            self.install(receiving.meta);
        }
        if let Some(leader) = self.leader.clone().filter(|_| !leads) {
            let wanted = if intact {
                Wanted::Nothing
            } else {
                Wanted::From(0)
            };
            // No round: this may come long after the part that it answers.
            self.answer_piece(leader, 0, at, wanted);
        }
    }

    /// Takes over a snapshot that is ahead of what is committed here. A log that goes on behind it
    /// keeps that; any other log goes as a whole (figure 13, rules 6 to 8).
    fn install(&mut self, meta: SnapshotMeta) {
        let keeps = self.log.contains(meta.at);
        if !keeps {
            self.log.reset(meta.at, meta.membership.clone());
        }
        self.begin_at(meta.at, keeps);
        self.commit = meta.at.index;
        self.snapshot = Some(meta.clone());
        self.effects.install = Some(meta);
    }

    pub(super) fn on_snapshot_reply(&mut self, from: &NodeId, reply: &SnapshotReply) {
        if reply.term > self.hard.term {
            return self.adopt_term(reply.term);
        }
        let State::Leader(leader) = &mut self.state else {
            return;
        };
        let Some(follower) = leader.followers.get_mut(from) else {
            return;
        };
        if reply.term < self.hard.term {
            return;
        }
        match reply.wanted {
            Wanted::From(offset) => follower.on_part_wanted(reply.at, offset),
            Wanted::Nothing => {
                follower.on_snapshot_installed(reply.at.index.min(self.log.last().index));
            }
            // As with append requests: of an earlier term of this node's.
            Wanted::StaleTerm => return,
        }
        follower.hear(self.now, reply.round);
        self.after_reply();
    }
}

/// How long a part may stay unanswered before it is sent again.
pub(super) const PART_PATIENCE: Duration = Duration::from_millis(150);
