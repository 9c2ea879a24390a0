//! Who joins and who leaves. New nodes start empty, under new names; who was removed is told nothing, and goes on.

use std::collections::BTreeMap;

use super::{
    place::{Place, nowhere},
    trouble::Rearrange,
    world::World,
};
use crate::{
    raft::{Addresses, Change, Membership, NodeId},
    replica::Operation,
};

/// Nodes that a world ever has.
const PLACES_MAX: usize = 10;
/// Voters that are aimed at.
const VOTERS_MIN: usize = 2;
const VOTERS_MAX: usize = 6;

impl World {
    pub(super) fn rearrange(&mut self, how: Rearrange) {
        let Some(leader) = self.leader() else { return };
        let Some(members) = self.members_of(leader) else {
            return;
        };
        let change = match how {
            Rearrange::Add if members.voters.len() >= VOTERS_MAX => None,
            Rearrange::Add => self.someone_new(1).pop_first().map(added),
            Rearrange::Learn => {
                let newcomer = self.someone_new(1).pop_first();
                newcomer.map(|(id, addresses)| Change::AddLearner(id, addresses))
            }
            Rearrange::Remove(who) => {
                let id = self.places[self.who(who)].id.clone();
                let spare = members.voters.len() > VOTERS_MIN;
                let may_go = spare && self.stays_alive_without(&members, &id);
                may_go.then_some(Change::Remove(id))
            }
            Rearrange::Replace(count) => self.replaced(&members, count).map(Change::Replace),
        };
        if let Some(change) = change {
            self.story.changes += 1;
            self.order(leader, Operation::Change(change));
        }
    }

    pub(super) fn transfer(&mut self, to: Option<usize>) {
        if let Some(leader) = self.leader() {
            let to = to.map(|to| self.places[to].id.clone());
            self.story.transfers += 1;
            self.order(leader, Operation::Transfer(to));
        }
    }

    fn members_of(&self, node: usize) -> Option<Membership> {
        let running = self.places[node].running.as_ref()?;
        Some(running.replica.raft().membership().clone())
    }

    /// Empty nodes with new names, running.
    fn someone_new(&mut self, count: usize) -> BTreeMap<NodeId, Addresses> {
        let mut newcomers = BTreeMap::new();
        for _ in 0..count.min(PLACES_MAX.saturating_sub(self.places.len())) {
            let number = self.places.len();
            self.places.push(Place::new(number, true));
            self.start(number);
            newcomers.insert(self.places[number].id.clone(), nowhere());
        }
        newcomers
    }

    /// Other voters in the places of some, the broken ones first.
    fn replaced(
        &mut self,
        members: &Membership,
        count: usize,
    ) -> Option<BTreeMap<NodeId, Addresses>> {
        let newcomers = self.someone_new(count);
        if newcomers.is_empty() {
            return None;
        }
        let is_wrecked = |id: &&NodeId| self.is_wrecked(id);
        let (broken, whole): (Vec<_>, Vec<_>) = members.voters.iter().partition(is_wrecked);
        let leaving = broken.into_iter().chain(whole).take(newcomers.len());
        let leaving: Vec<&NodeId> = leaving.collect();
        let staying = members.voters.iter().filter(|id| !leaving.contains(id));
        let staying = staying.map(|id| (id.clone(), nowhere()));
        Some(staying.chain(newcomers).collect())
    }

    fn is_wrecked(&self, id: &NodeId) -> bool {
        let mut places = self.places.iter();
        places.any(|place| place.id == *id && place.is_spent())
    }

    /// Whether a majority works if this one leaves.
    fn stays_alive_without(&self, members: &Membership, leaving: &NodeId) -> bool {
        let left = members.voters.iter().filter(|id| *id != leaving);
        let (broken, whole): (Vec<_>, Vec<_>) = left.partition(|id| self.is_wrecked(id));
        whole.len() > broken.len()
    }

    /// Whether the data of this node can be lost: the members are settled, and the others are enough.
    pub(super) fn can_spare(&self, node: usize) -> bool {
        let Some(leader) = self.leader() else {
            return false;
        };
        let Some(members) = self.members_of(leader) else {
            return false;
        };
        let committed = members == self.law.members || self.law.members == Membership::default();
        let others = members.voters.len().saturating_sub(1);
        let id = &self.places[node].id;
        committed && members.outgoing.is_empty() && others >= 2 && members.voters.contains(id)
    }
}

fn added((id, addresses): (NodeId, Addresses)) -> Change {
    Change::Add(id, addresses)
}
