//! Which messages wait for which writes: one batch at the disk, the next one gathering.
//!
//! Everything asked for while the disk works becomes the next batch, so one sync serves many steps
//! (group commit), and nothing queues without bound: the core's own limits bound what gathers.

use std::{collections::VecDeque, mem};

use super::effects::{Effects, Envelope, Write, WriteId};

/// Writes for the disk, to be made durable together.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Batch {
    /// The first step in it.
    first: WriteId,
    /// The last step in it.
    pub(crate) last: WriteId,
    pub(crate) writes: Vec<Write>,
}

/// Holds messages back until what they depend on is on disk.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    /// First and last step of the batch at the disk.
    at_disk: Option<(WriteId, WriteId)>,
    gathering: Batch,
    /// Messages by the step that sent them, in order.
    held: VecDeque<(WriteId, Envelope)>,
}

impl Gate {
    /// Takes the writes of a step, and the messages that depend on them or on earlier ones.
    pub(crate) fn absorb(&mut self, effects: &mut Effects) {
        if !effects.writes.is_empty() {
            if self.gathering.writes.is_empty() {
                self.gathering.first = effects.id;
            }
            self.gathering.last = effects.id;
            self.gathering.writes.append(&mut effects.writes);
        }
        let held = effects.messages_durable.drain(..);
        self.held
            .extend(held.map(|envelope| (effects.id, envelope)));
    }

    /// The batch to hand to the disk now, if it is idle.
    pub(crate) fn next_batch(&mut self) -> Option<Batch> {
        if self.at_disk.is_some() || self.gathering.writes.is_empty() {
            return None;
        }
        let batch = mem::take(&mut self.gathering);
        self.at_disk = Some((batch.first, batch.last));
        Some(batch)
    }

    /// The batch at the disk is durable; says which step was its last.
    pub(crate) fn on_durable(&mut self) -> Option<WriteId> {
        self.at_disk.take().map(|(_, last)| last)
    }

    /// Messages that no write holds back any more.
    pub(crate) fn release(&mut self) -> Vec<Envelope> {
        let gathering = (!self.gathering.writes.is_empty()).then_some(self.gathering.first);
        let oldest_write = self.at_disk.map(|(first, _)| first).or(gathering);
        let mut free = Vec::new();
        while let Some((_, envelope)) = self
            .held
            .pop_front_if(|(step, _)| oldest_write.is_none_or(|write| *step < write))
        {
            free.push(envelope);
        }
        free
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            entry::{HardState, NodeId},
            message::{AppendOutcome, AppendReply, Message},
        },
        *,
    };

    fn step(id: u64, writes: bool, message: bool) -> Effects {
        let reply = AppendReply {
            term: super::super::entry::Term(1),
            round: id,
            outcome: AppendOutcome::StaleTerm,
        };
        let envelope = Envelope {
            to: NodeId::new("n2"),
            message: Message::AppendReply(reply),
        };
        Effects {
            id: WriteId(id),
            writes: if writes {
                vec![Write::HardState(HardState::default())]
            } else {
                vec![]
            },
            messages_durable: if message { vec![envelope] } else { vec![] },
            ..Effects::default()
        }
    }

    #[test]
    fn a_message_waits_for_its_own_and_all_earlier_writes_only() {
        let mut gate = Gate::default();
        gate.absorb(&mut step(1, false, true));
        assert_eq!(gate.release().len(), 1, "nothing to wait for");

        gate.absorb(&mut step(2, true, true));
        let batch = gate.next_batch().unwrap();
        assert_eq!(batch.last, WriteId(2));
        gate.absorb(&mut step(3, false, true));
        gate.absorb(&mut step(4, true, true));
        gate.absorb(&mut step(5, true, false));
        assert!(gate.release().is_empty());
        assert_eq!(gate.next_batch(), None, "one batch at a time");

        assert_eq!(gate.on_durable(), Some(WriteId(2)));
        assert_eq!(gate.release().len(), 2, "those of steps 2 and 3");
        let batch = gate.next_batch().unwrap();
        assert_eq!((batch.last, batch.writes.len()), (WriteId(5), 2));
        assert!(gate.release().is_empty());
        gate.on_durable();
        assert_eq!(gate.release().len(), 1);
    }
}
