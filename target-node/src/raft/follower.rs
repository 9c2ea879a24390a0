//! The follower: what an append request does to the log (§5.3, figure 2).

use super::{
    effects::{CommittedConflict, Write},
    entry::{Entry, LogIndex, NodeId},
    message::{AppendOutcome, AppendReply, AppendRequest, Hint, Message},
    node::{Raft, State},
};

impl Raft {
    pub(super) fn on_append_request(&mut self, from: NodeId, request: AppendRequest) {
        if !request.is_well_formed() {
            return;
        }
        let round = request.round;
        let outcome = if request.term < self.hard.term {
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
        if !self.log.contains(prev) {
            let hint = self.hint(prev.index);
            return AppendOutcome::Mismatch {
                prev: prev.index,
                hint,
            };
        }
        let covered = request.entries.last().map_or(prev.index, |e| e.at.index);
        self.accept(from, request.entries);
        // Not beyond what this request covers: what follows may be another leader's leftovers.
        let commit = request.commit.min(covered);
        if self.effects.fault.is_none() {
            self.commit_up_to(commit);
        }
        AppendOutcome::Matched(covered)
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
        let known = entries
            .iter()
            .take_while(|e| self.log.contains(e.at))
            .count();
        entries.drain(..known);
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
}
