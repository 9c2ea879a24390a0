//! Linearizable reads without log entries (thesis §6.4).
//!
//! A read is answered from the state at the commit index once a majority has answered a heartbeat
//! round that was **sent after the read arrived**. Rounds are numbered by the leader within its
//! term, so a late answer to an earlier round confirms nothing newer. One round confirms all reads
//! that were waiting when it started.

use std::collections::VecDeque;

use super::{
    effects::{ReadGrant, Refusal, Token},
    entry::LogIndex,
    node::{Raft, State},
};
use crate::bug::Bug;

/// Reads on a leader.
#[derive(Debug, Default)]
pub(super) struct ReadQueue {
    /// Arrived after the last round was sent.
    waiting: Vec<Token>,
    /// Rounds under way, oldest first.
    rounds: VecDeque<Round>,
}

#[derive(Debug)]
struct Round {
    number: u64,
    index: LogIndex,
    tokens: Vec<Token>,
}

impl ReadQueue {
    pub(super) fn into_tokens(self) -> Vec<Token> {
        let in_rounds = self.rounds.into_iter().flat_map(|round| round.tokens);
        in_rounds.chain(self.waiting).collect()
    }
}

impl Raft {
    pub(super) fn read(&mut self, tokens: Vec<Token>) {
        if self.has(Bug::FollowerReadLocal) {
            return self.grant(tokens, self.commit);
        }
        let leads_blindly = self.has(Bug::ReadNoQuorum);
        match &mut self.state {
            State::Leader(_) if leads_blindly => self.grant(tokens, self.commit),
            State::Leader(leader) => {
                leader.reads.waiting.extend(tokens);
                self.start_waiting_reads();
            }
            State::Follower | State::PreCandidate(_) | State::Candidate(_) => {
                let refused = tokens.into_iter().map(|token| (token, Refusal::NotLeader));
                self.effects.refused.extend(refused);
            }
        }
    }

    /// Starts a round for the reads that wait, unless one is under way: then they share the next.
    pub(super) fn start_waiting_reads(&mut self) {
        let ready = self.knows_commit();
        let State::Leader(leader) = &self.state else {
            return;
        };
        let reads = &leader.reads;
        if ready && !reads.waiting.is_empty() && reads.rounds.is_empty() {
            self.start_round();
        }
    }

    /// Binds all waiting reads to the round that is being sent now.
    pub(super) fn assign_reads(&mut self) {
        let ready = self.knows_commit();
        let index = self.commit;
        let State::Leader(leader) = &mut self.state else {
            return;
        };
        if ready && !leader.reads.waiting.is_empty() {
            leader.reads.rounds.push_back(Round {
                number: leader.round,
                index,
                tokens: std::mem::take(&mut leader.reads.waiting),
            });
        }
        self.confirm_reads();
    }

    /// A leader knows what is committed once an entry of its own term is.
    fn knows_commit(&self) -> bool {
        self.log.term_at(self.commit) == Some(self.hard.term)
    }

    /// Grants the reads whose round a majority has answered.
    pub(super) fn confirm_reads(&mut self) {
        let State::Leader(leader) = &mut self.state else {
            return;
        };
        let members = self.log.membership();
        let confirmed = leader.reached(members, leader.round, |follower| follower.round);
        let rounds = &mut leader.reads.rounds;
        let mut granted = Vec::new();
        while let Some(round) = rounds.pop_front_if(|round| round.number <= confirmed) {
            granted.push(round);
        }
        if granted.is_empty() {
            return;
        }
        for Round { tokens, index, .. } in granted {
            self.grant(tokens, index);
        }
        self.start_waiting_reads();
    }

    fn grant(&mut self, tokens: Vec<Token>, index: LogIndex) {
        let grants = tokens.into_iter().map(|token| ReadGrant { token, index });
        self.effects.reads.extend(grants);
    }
}
