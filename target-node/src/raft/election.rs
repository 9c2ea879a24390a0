//! Elections: sounding out, voting, winning, and giving leadership up (§5.2, §5.4.1).

use std::collections::{BTreeSet, VecDeque};

use super::{
    effects::{Envelope, Refusal, Token},
    entry::{LogIndex, NodeId, Term},
    leader::{Bereaved, Leader},
    membership::Membership,
    message::{Ballot, Message, VoteReply, VoteRequest},
    node::{Raft, State},
};
use crate::bug::Bug;

impl Raft {
    /// The election timer fired: ask whether an election could be won (thesis §9.6). Nothing is
    /// promised yet, so a node that was cut off comes back without disturbing a working leader.
    pub(super) fn sound_out(&mut self) {
        self.follow(None);
        self.reset_election_timer();
        if !self.may_stand() {
            return;
        }
        if self.has(Bug::NoPrevote) {
            return self.stand(Ballot::Real);
        }
        let votes = BTreeSet::from([self.config.id.clone()]);
        if self.is_quorum(&votes) {
            return self.stand(Ballot::Real);
        }
        self.state = State::PreCandidate(votes);
        let request = self.vote_request(Ballot::Pre, self.hard.term.next());
        for to in self.other_voters() {
            let message = Message::VoteRequest(request.clone());
            self.effects.messages_now.push(Envelope { to, message });
        }
    }

    /// Voters stand for election, and whoever is about to lose its vote until that is committed: it may be the
    /// only one left with the entry that says so (thesis §4.2.2). Learners wait.
    pub(super) fn may_stand(&self) -> bool {
        let votes_in = |members: &Membership| members.electorate().contains(&self.config.id);
        let is_committed = self.log.membership_index() <= self.commit;
        let before = self.log.membership_before().filter(|_| !is_committed);
        votes_in(self.log.membership()) || before.is_some_and(votes_in)
    }

    /// Opens a new term with a vote for this node. Even its own vote counts only when it is on
    /// disk: it travels as a message to itself.
    pub(super) fn stand(&mut self, ballot: Ballot) {
        let id = self.config.id.clone();
        self.hard.term = self.hard.term.next();
        self.hard.vote = Some(id.clone());
        self.leader = None;
        self.state = State::Candidate(BTreeSet::new());
        self.reset_election_timer();
        let request = self.vote_request(ballot, self.hard.term);
        for peer in self.other_voters() {
            self.send_when_durable(peer, Message::VoteRequest(request.clone()));
        }
        let own = self.vote_reply(&request, true);
        self.send_when_durable(id, own);
    }

    fn other_voters(&self) -> Vec<NodeId> {
        let electorate = self.log.membership().electorate().into_iter();
        electorate
            .filter(|id| **id != self.config.id)
            .cloned()
            .collect()
    }

    fn vote_request(&self, ballot: Ballot, term: Term) -> VoteRequest {
        VoteRequest {
            ballot,
            term,
            last: self.log.last(),
        }
    }

    fn vote_reply(&self, request: &VoteRequest, granted: bool) -> Message {
        Message::VoteReply(VoteReply {
            ballot: request.ballot,
            term: self.hard.term,
            election: request.term,
            granted,
        })
    }

    pub(super) fn on_vote_request(&mut self, from: NodeId, request: &VoteRequest) {
        if request.ballot != Ballot::Transfer && self.hears_a_leader() {
            return;
        }
        if request.ballot != Ballot::Pre && request.term > self.hard.term {
            self.adopt_term(request.term);
        }
        let is_up_to_date = request.last >= self.log.last() || self.has(Bug::VoteIgnoreLog);
        let granted = self.may_vote(&from, request.term) && is_up_to_date;
        if granted && request.ballot != Ballot::Pre {
            self.hard.vote = Some(from.clone());
            self.reset_election_timer();
        }
        let reply = self.vote_reply(request, granted);
        self.send_when_durable(from, reply);
    }

    /// A node that has heard from a leader within the shortest election timeout ignores
    /// candidates, terms included (thesis §4.2.3); a leader hears itself. A node that has just started may have
    /// promised as much before.
    fn hears_a_leader(&self) -> bool {
        let is_leader = matches!(self.state, State::Leader(_));
        let hears = is_leader || self.now < self.heard + self.config.election_min;
        hears && !self.has(Bug::NoStickiness)
    }

    /// One vote a term, first come first served; the same candidate gets the same answer again.
    fn may_vote(&self, candidate: &NodeId, term: Term) -> bool {
        let free = self.hard.vote.as_ref().is_none_or(|vote| vote == candidate);
        term > self.hard.term || (term == self.hard.term && free)
    }

    pub(super) fn on_vote_reply(&mut self, from: NodeId, reply: &VoteReply) {
        if reply.term > self.hard.term {
            return self.adopt_term(reply.term);
        }
        let next = self.hard.term.next();
        let (votes, election) = match (&mut self.state, reply.ballot) {
            (State::PreCandidate(votes), Ballot::Pre) => (votes, next),
            (State::Candidate(votes), Ballot::Real | Ballot::Transfer) => (votes, self.hard.term),
            (
                State::Follower | State::PreCandidate(_) | State::Candidate(_) | State::Leader(_),
                Ballot::Pre | Ballot::Real | Ballot::Transfer,
            ) => return,
        };
        if !reply.granted || reply.election != election {
            return;
        }
        let is_repeated = !votes.insert(from);
        let mut votes = votes.clone();
        if is_repeated && self.has(Bug::CountDupVotes) {
            let voters = &self.log.membership().voters;
            votes.extend(voters.difference(&votes.clone()).next().cloned());
        }
        if self.is_quorum(&votes) {
            match reply.ballot {
                Ballot::Pre => self.stand(Ballot::Real),
                Ballot::Real | Ballot::Transfer => self.take_the_lead(),
            }
        }
    }

    fn take_the_lead(&mut self) {
        let last = self.log.last().index;
        let leader = Leader::new(&self.config, self.peers().cloned(), last, self.now);
        self.state = State::Leader(Box::new(leader));
        self.leader = Some(self.config.id.clone());
        self.open_term();
    }

    /// A later term exists: this node knows nothing of it yet.
    pub(super) fn adopt_term(&mut self, term: Term) {
        self.hard.term = term;
        self.hard.vote = None;
        self.follow(None);
    }

    /// Becomes a follower. A leader first answers everyone who waits on it: what it appended may
    /// still be committed by another, reads had no effect.
    pub(super) fn follow(&mut self, leader: Option<NodeId>) {
        if self.leader != leader {
            self.leader = leader;
            self.refuse_remote_reads();
        }
        match std::mem::replace(&mut self.state, State::Follower) {
            State::Candidate(_) if self.has(Bug::VoteClearedSameTerm) => self.hard.vote = None,
            State::Follower | State::PreCandidate(_) | State::Candidate(_) => {}
            State::Leader(former) => {
                self.reset_election_timer();
                self.answer_bereaved(former.into_bereaved());
            }
        }
    }

    fn answer_bereaved(&mut self, bereaved: Bereaved) {
        let Bereaved {
            proposals,
            reads,
            change,
            transfer,
        } = bereaved;
        let proposals = self.keep_orphans(proposals);
        let lost = proposals.into_iter().chain(change);
        let lost = lost.map(|token| (token, Refusal::LeadershipLost));
        self.effects.refused.extend(lost);
        match transfer {
            // It made way for whoever it told to stand.
            Some(transfer) if transfer.told => self.effects.done.push(transfer.token),
            Some(transfer) => {
                let refusal = (transfer.token, Refusal::LeadershipLost);
                self.effects.refused.push(refusal);
            }
            None => {}
        }
        self.refuse_reads(reads);
    }

    /// Requests by index, of which a planted bug keeps those that are not committed yet.
    fn keep_orphans(&mut self, proposals: VecDeque<(LogIndex, Token)>) -> Vec<Token> {
        if self.has(Bug::AckByIndex) {
            self.orphans.extend(proposals);
            return Vec::new();
        }
        proposals.into_iter().map(|(_, token)| token).collect()
    }
}
