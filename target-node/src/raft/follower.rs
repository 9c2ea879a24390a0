//! The follower: what an append request does to the log (§5.3, figure 2).

use super::{
    effects::{CommittedConflict, Envelope, Write},
    entry::{Entry, LogIndex, NodeId, Position},
    message::{AppendOutcome, AppendReply, AppendRequest, Hint, Message},
    node::{Raft, State},
};
use crate::bug::Bug;

impl Raft {
    pub(super) fn on_append_request(&mut self, from: NodeId, request: AppendRequest) {
        if !request.is_well_formed() {
            return;
        }
        let round = request.round;
        let is_stale = request.term < self.hard.term && !self.has(Bug::AcceptStaleLeader);
        let outcome = if is_stale {
            AppendOutcome::StaleTerm
        } else {
            if request.term > self.hard.term {
                self.adopt_term(request.term);
            }
            // Two leaders in one term cannot be; the simulation watches for it.
            if matches!(self.state, State::Leader(_)) {
                return;
            }
            self.hear(&from);
            self.reconcile(&from, request)
        };
        let reply = Message::AppendReply(AppendReply {
            term: self.hard.term,
            round,
            outcome,
        });
        if self.has(Bug::AckBeforeFsyncFollower) {
            let (to, message) = (from, reply);
            return self.effects.messages_now.push(Envelope { to, message });
        }
        self.send_when_durable(from, reply);
    }

    pub(super) fn hear(&mut self, leader: &NodeId) {
        self.follow(Some(leader.clone()));
        self.heard = self.now;
        self.reset_election_timer();
    }

    /// Brings the log in line with the request, or says where it parts.
    fn reconcile(&mut self, from: &NodeId, request: AppendRequest) -> AppendOutcome {
        let request = self.beyond_begin(request);
        let prev = request.prev;
        if !self.agrees_at(prev) {
            let hint = self.hint(prev.index);
            return AppendOutcome::Mismatch {
                prev: prev.index,
                hint,
            };
        }
        let covered = request.entries.last().map_or(prev.index, |e| e.at.index);
        self.accept(from, request.entries);
        // Not beyond what this request covers: what follows may be another leader's leftovers.
        let commit = if self.has(Bug::CommitUnbounded) {
            request.commit.min(self.last_index())
        } else {
            request.commit.min(covered)
        };
        if self.effects.fault.is_none() {
            self.commit_up_to(commit);
        }
        AppendOutcome::Matched(covered)
    }

    fn agrees_at(&self, prev: Position) -> bool {
        if self.has(Bug::PrevIndexOnly) {
            return self.log.term_at(prev.index).is_some();
        }
        self.log.contains(prev)
    }

    /// The part of a request that is behind the place the log begins at: what lies before it is
    /// committed, so it agrees.
    fn beyond_begin(&self, mut request: AppendRequest) -> AppendRequest {
        let begin = self.log.begin();
        if request.prev.index < begin.index {
            request.entries.retain(|entry| entry.at.index > begin.index);
            request.prev = begin;
        }
        request
    }

    fn hint(&self, prev: LogIndex) -> Hint {
        match self.log.term_at(prev) {
            Some(term) => Hint {
                term: Some(term),
                index: self.log.first_of_term(term),
            },
            None => Hint {
                term: None,
                index: self.last_index().next(),
            },
        }
    }

    /// Appends what is not there yet. Only an entry of another term at the same index makes the
    /// log shorter: a late, shorter request must not undo a longer one.
    fn accept(&mut self, from: &NodeId, mut entries: Vec<Entry>) {
        let known: Vec<Entry> = entries.drain(..self.known(&entries)).collect();
        if self.has(Bug::AppendDup) && entries.is_empty() {
            entries = self.renumbered(known);
        }
        let Some(first) = entries.first() else { return };
        let index = first.at.index;
        if index <= self.commit {
            self.effects.fault = Some(CommittedConflict {
                leader: from.clone(),
                index,
                commit: self.commit,
            });
            return;
        }
        self.log.append(&entries, self.effects.id);
        self.effects.writes.push(Write::Append(entries));
    }

    /// How many of the entries need not be appended.
    fn known(&self, entries: &[Entry]) -> usize {
        let last = self.last_index();
        let is_known = |entry: &&Entry| {
            if self.has(Bug::TruncateBlind) {
                entry.at.index <= self.commit
            } else if self.has(Bug::NoTruncate) {
                entry.at.index <= last
            } else {
                self.log.contains(entry.at)
            }
        };
        entries.iter().take_while(is_known).count()
    }

    /// The same entries once more, behind the end of the log.
    fn renumbered(&self, entries: Vec<Entry>) -> Vec<Entry> {
        let next = self.last_index().next().0;
        (next..)
            .zip(entries)
            .map(|(index, entry)| Entry {
                at: Position {
                    term: entry.at.term,
                    index: LogIndex(index),
                },
                body: entry.body,
            })
            .collect()
    }
}
