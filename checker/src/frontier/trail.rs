//! What was placed on the way to each configuration, for the witness.
//!
//! Configurations share their past: it is a tree, of which only the branches that end in living configurations are kept.

use crate::engine::Placed;

/// A place in the tree.
pub(super) type TrailId = u32;

/// The tree is cleaned when it is so much larger than after the last cleaning.
const GROWTH: usize = 1 << 18;

#[derive(Clone, Copy)]
struct Node {
    parent: TrailId,
    placed: Placed,
}

pub(super) struct Trail {
    nodes: Vec<Node>,
    clean_at: usize,
    kept: bool,
}

impl Trail {
    /// Before anything was placed.
    pub(super) const ROOT: TrailId = u32::MAX;

    pub(super) fn new() -> Self {
        Self {
            nodes: Vec::new(),
            clean_at: GROWTH,
            kept: true,
        }
    }

    /// Where nobody asks for a witness: every path is empty.
    pub(super) fn none() -> Self {
        Self {
            kept: false,
            ..Self::new()
        }
    }

    pub(super) fn push(&mut self, parent: TrailId, placed: Placed) -> TrailId {
        if !self.kept {
            return Self::ROOT;
        }
        self.nodes.push(Node { parent, placed });
        u32::try_from(self.nodes.len() - 1).expect("memory ends before four billion placements")
    }

    /// Everything that was placed up to there, in order.
    pub(super) fn path(&self, mut to: TrailId) -> Vec<Placed> {
        let mut path = Vec::new();
        while to != Self::ROOT {
            let node = self.nodes[to as usize];
            path.push(node.placed);
            to = node.parent;
        }
        path.reverse();
        path
    }

    pub(super) fn bytes(&self) -> usize {
        self.nodes.capacity() * size_of::<Node>()
    }

    /// If the tree has grown, keeps only what leads to these ends, and gives them their new places.
    pub(super) fn clean<'t>(&mut self, ends: impl Iterator<Item = &'t mut TrailId>) {
        if self.nodes.len() < self.clean_at {
            return;
        }
        let ends: Vec<&mut TrailId> = ends.collect();
        let mut moved = vec![Self::ROOT; self.nodes.len()];
        for end in &ends {
            let mut at = **end;
            while at != Self::ROOT && moved[at as usize] == Self::ROOT {
                moved[at as usize] = 0;
                at = self.nodes[at as usize].parent;
            }
        }
        self.compact(&mut moved);
        for end in ends {
            *end = renamed(&moved, *end);
        }
        self.clean_at = 2 * self.nodes.len() + GROWTH;
    }

    /// A parent comes before its children, so that one pass is enough.
    fn compact(&mut self, moved: &mut [TrailId]) {
        let mut kept = 0;
        for at in 0..self.nodes.len() {
            if moved[at] == Self::ROOT {
                continue;
            }
            let Node { parent, placed } = self.nodes[at];
            let parent = renamed(moved, parent);
            self.nodes[kept as usize] = Node { parent, placed };
            moved[at] = kept;
            kept += 1;
        }
        self.nodes.truncate(kept as usize);
    }
}

fn renamed(moved: &[TrailId], old: TrailId) -> TrailId {
    if old == Trail::ROOT {
        Trail::ROOT
    } else {
        moved[old as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cleaning_keeps_the_paths_of_living_ends() {
        let mut trail = Trail::new();
        let placed = |step| Placed { step, before: step };
        let mut ends = [Trail::ROOT; 3];
        for step in 0..GROWTH as u32 {
            let end = (step % 3) as usize;
            let parent = if step % 7 == 0 {
                Trail::ROOT
            } else {
                ends[end]
            };
            ends[end] = trail.push(parent, placed(step));
        }
        let before = ends.map(|end| trail.path(end));
        let mut never_placed = Trail::ROOT;
        trail.clean(ends.iter_mut().chain([&mut never_placed]));
        assert_eq!(ends.map(|end| trail.path(end)), before);
        assert_eq!(never_placed, Trail::ROOT);
        assert!(trail.nodes.len() < 100, "{} are left", trail.nodes.len());
    }
}
