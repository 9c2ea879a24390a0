//! Handing leadership over (thesis §3.10).

use std::time::Duration;

use super::{
    effects::{Envelope, Refusal, Token},
    entry::NodeId,
    message::{Ballot, Message, TimeoutNow},
    node::{Raft, State},
};

/// A transfer under way. The leader takes no commands meanwhile.
#[derive(Debug)]
pub(super) struct Transfer {
    pub(super) token: Token,
    target: NodeId,
    /// When this leader goes on leading.
    deadline: Duration,
    /// The target has everything and was told to stand.
    pub(super) told: bool,
}

impl Raft {
    /// Hands over to `target`, or to whoever has most of the log.
    pub(super) fn transfer(&mut self, token: Token, target: Option<NodeId>) {
        match self.begin_transfer(token, target) {
            Ok(()) => self.drive_transfer(),
            Err(refusal) => self.effects.refused.push((token, refusal)),
        }
    }

    fn begin_transfer(&mut self, token: Token, target: Option<NodeId>) -> Result<(), Refusal> {
        let successor = self.best_successor();
        let State::Leader(leader) = &mut self.state else {
            return Err(Refusal::NotLeader);
        };
        if leader.transfer.is_some() || leader.change.is_some() {
            return Err(Refusal::Busy);
        }
        let target = target.or(successor).ok_or(Refusal::BadMembers)?;
        if target == self.config.id {
            self.effects.done.push(token);
            return Ok(());
        }
        if !self.log.membership().voters.contains(&target) {
            return Err(Refusal::BadMembers);
        }
        leader.transfer = Some(Transfer {
            token,
            target,
            deadline: self.now + self.config.election_max,
            told: false,
        });
        Ok(())
    }

    /// The other voter with most of the log.
    pub(super) fn best_successor(&self) -> Option<NodeId> {
        let State::Leader(leader) = &self.state else {
            return None;
        };
        let voters = &self.log.membership().voters;
        let others = leader.followers.iter();
        let best = others
            .filter(|(id, _)| voters.contains(id))
            .max_by_key(|(_, follower)| (follower.matched, follower.heard));
        best.map(|(id, _)| id.clone())
    }

    /// Tells the target to stand once it has the whole log; gives up after an election timeout.
    pub(super) fn drive_transfer(&mut self) {
        let last = self.last_index();
        let State::Leader(leader) = &mut self.state else {
            return;
        };
        let Some(transfer) = &mut leader.transfer else {
            return;
        };
        if self.now >= transfer.deadline {
            self.effects
                .refused
                .push((transfer.token, Refusal::TransferFailed));
            leader.transfer = None;
            return;
        }
        let matched = leader.followers.get(&transfer.target);
        if !transfer.told && matched.is_some_and(|follower| follower.matched == last) {
            transfer.told = true;
            let target = transfer.target.clone();
            self.send_timeout_now(target);
        }
    }

    /// Whoever is told to stand wins without regard to leases: none is given for the rest of the term.
    pub(super) fn send_timeout_now(&mut self, to: NodeId) {
        if let State::Leader(leader) = &mut self.state {
            leader.reads.end_leases();
        }
        let message = Message::TimeoutNow(TimeoutNow {
            term: self.hard.term,
            last: self.log.last(),
        });
        self.effects.messages_now.push(Envelope { to, message });
    }

    /// A late request of an earlier leader or to an earlier log is nothing to stand for.
    pub(super) fn on_timeout_now(&mut self, from: &NodeId, request: &TimeoutNow) {
        let follows = matches!(self.state, State::Follower) && self.leader.as_ref() == Some(from);
        let is_current = request.term == self.hard.term && self.log.last() >= request.last;
        if follows && is_current && self.may_stand() {
            self.stand(Ballot::Transfer);
        }
    }
}
