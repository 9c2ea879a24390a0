//! Whom faults hit: the selectors of a kind take turns, the chosen ones or the usual, and names are drawn for each.

use super::{Deck, Planner, shuffled};
use crate::NodeName;
use crate::schedule::lanes::Window;
use crate::schedule::selector::{Selector, majority, minority, minority_third};
use crate::schedule::{FaultKind, Target};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// What takes nodes down, or sets their clocks, usually aims at.
pub(super) const USUAL: [Selector; 3] = [Selector::Leader, Selector::One, Selector::Minority];

impl Planner<'_> {
    /// The selectors of a kind, in random order.
    pub(super) fn aims(
        &self,
        kind: FaultKind,
        usual: &[Selector],
        rng: &mut ChaCha8Rng,
    ) -> Deck<Selector> {
        let chosen = self.config.preferences.targets.selectors(kind);
        Deck::new(shuffled(chosen.unwrap_or_else(|| usual.to_vec()), rng))
    }

    /// The nodes of a fault that takes nobody down.
    pub(super) fn picked(&self, selector: &Selector, rng: &mut ChaCha8Rng) -> Target {
        let all = &self.config.nodes;
        let count = match selector {
            Selector::Leader => return Target::Leader,
            Selector::Followers => return Target::Followers(all.clone()),
            Selector::Named(names) => return Target::Nodes(names.clone()),
            Selector::One => 1,
            Selector::Minority => minority(all.len()),
            Selector::MinorityThird => minority_third(all.len()),
            Selector::Majority => majority(all.len()),
            Selector::All => all.len(),
            Selector::Random => rng.random_range(1..=all.len()),
        };
        some(shuffled(all.clone(), rng), count)
    }

    /// The nodes of a fault that takes nodes down: those that no overlapping fault takes already, as long as there are any.
    pub(super) fn target(
        &self,
        selector: &Selector,
        budget: usize,
        window: &Window,
        rng: &mut ChaCha8Rng,
    ) -> Target {
        let all = self.config.nodes.len();
        let busy: Vec<&NodeName> = self.overlapping(window).flat_map(Target::named).collect();
        let nodes = shuffled(self.config.nodes.clone(), rng);
        let (busy, mut free): (Vec<_>, Vec<_>) =
            nodes.into_iter().partition(|node| busy.contains(&node));
        if self.beyond_minority() {
            free.extend(busy);
        }
        let count = match selector {
            Selector::Leader => return Target::Leader,
            Selector::Followers => return Target::Followers(self.config.nodes.clone()),
            Selector::Named(names) => return Target::Nodes(names.clone()),
            Selector::One => 1,
            Selector::Minority => budget.min(minority(all)),
            Selector::MinorityThird => minority_third(all),
            Selector::Majority => majority(all),
            Selector::All => all,
            Selector::Random => rng.random_range(1..=budget.min(free.len()).max(1)),
        };
        some(free, count)
    }

    /// How many nodes the largest of a kind's faults takes where there is no room for more.
    pub(super) fn least(&self, kind: FaultKind) -> usize {
        let chosen = self.config.preferences.targets.selectors(kind);
        let least = |selector: &Selector| selector.least(self.config.nodes.len());
        let most = chosen.unwrap_or_default().iter().map(least).max();
        most.unwrap_or(1)
    }

    /// Whether a kind aims at nodes by name.
    pub(super) fn names_nodes(&self, kind: FaultKind) -> bool {
        let chosen = self.config.preferences.targets.selectors(kind);
        let is_named = |selector: &Selector| matches!(selector, Selector::Named(_));
        chosen.unwrap_or_default().iter().any(is_named)
    }

    pub(super) fn beyond_minority(&self) -> bool {
        self.config.preferences.targets.beyond_minority
    }

    fn overlapping<'s>(&'s self, window: &Window) -> impl Iterator<Item = &'s Target> {
        let window = *window;
        let hits = self.taken.iter();
        hits.filter(move |(other, _)| other.kind != window.kind && other.overlaps(&window))
            .map(|(_, target)| target)
    }
}

/// The first of these nodes, by name.
fn some(mut nodes: Vec<NodeName>, count: usize) -> Target {
    nodes.truncate(count);
    nodes.sort();
    Target::Nodes(nodes)
}

impl Target {
    fn named(&self) -> &[NodeName] {
        match self {
            Target::Leader => &[],
            Target::Nodes(nodes) | Target::Followers(nodes) => nodes,
        }
    }
}
