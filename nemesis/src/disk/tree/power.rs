//! Losing power, and calling everything durable.

use std::fs;
use std::io;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Tree, remove_any};
use crate::disk::evidence::Lost;
use crate::disk::names::{Change, NodeId, Place};
use crate::disk::node::Reach;
use crate::disk::unsynced::Survival;

/// What the kernel must forget because it changed behind its back.
#[derive(Debug, Default)]
pub(in crate::disk) struct Stale {
    pub(in crate::disk) names: Vec<Place>,
    pub(in crate::disk) nodes: Vec<NodeId>,
}

impl Tree {
    /// Everything that was done so far is durable.
    pub(in crate::disk) fn settle(&mut self) -> io::Result<()> {
        for id in self.nodes.ids() {
            self.nodes.get(id)?.unsynced.synced();
        }
        let durable = self.names.sync_all();
        self.let_go(&durable)
    }

    /// Takes away what was not synced. Each sector of it is on the disk all the same with a likelihood of
    /// `kept_percent`, and unless that is 0, so are some of the changes of names, up to one that is drawn.
    pub(in crate::disk) fn lose_power(
        &mut self,
        kept_percent: u8,
        seed: u64,
    ) -> io::Result<(Lost, Stale)> {
        let mut survival = Survival {
            kept_percent,
            rng: ChaCha8Rng::seed_from_u64(seed),
        };
        let (mut lost, mut stale) = (Lost::default(), Stale::default());
        for id in self.nodes.ids() {
            if !self.nodes.get(id)?.unsynced.is_empty() {
                stale.nodes.push(id);
                lost.add(self.lose_data(id, &mut survival)?);
            }
        }
        let reached = match kept_percent {
            0 => 0,
            _ => survival.rng.random_range(0..=self.names.pending()),
        };
        let (durable, undone) = self.names.lose(reached);
        self.let_go(&durable)?;
        lost.names = undone.len() as u64;
        for change in undone {
            self.undo(change, &mut stale)?;
        }
        Ok((lost, stale))
    }

    fn lose_data(&mut self, id: NodeId, survival: &mut Survival) -> io::Result<Lost> {
        let mut content = self.nodes.content(id)?;
        let unsynced = std::mem::take(&mut self.nodes.get(id)?.unsynced);
        unsynced.lose(&mut content, survival)
    }

    fn undo(&mut self, change: Change, stale: &mut Stale) -> io::Result<()> {
        match change {
            Change::Make { place, .. } => {
                let reach = Reach::Named(place.clone());
                let id = self.nodes.known(&reach);
                remove_any(&self.nodes.path_to(&reach)?)?;
                self.nodes.moved(id, &reach, None);
                stale.names.push(place);
            }
            Change::Remove { place, kept, .. } => {
                self.bring_back(kept, &place)?;
                stale.names.push(place);
            }
            Change::Rename { from, to, replaced } => {
                let (there, back) = (Reach::Named(to.clone()), Reach::Named(from.clone()));
                let id = self.nodes.known(&there);
                fs::rename(self.nodes.path_to(&there)?, self.nodes.path_to(&back)?)?;
                self.nodes.moved(id, &there, Some(back));
                if let Some(slot) = replaced {
                    self.bring_back(slot, &to)?;
                }
                stale.names.extend([from, to]);
            }
        }
        Ok(())
    }
}
