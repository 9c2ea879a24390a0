//! The targets that were chosen for the faults of a run, kind by kind, and whether they fit it.
//!
//! As text, items are separated by commas: `leader,minority` for every kind that hits nodes, `kill=majority` for one kind
//! or group, and what follows it belongs to the same until the next `=`: `leader,kill=one,minority,pause=n1+n2`. Several
//! targets of a kind take turns.

use super::kind::Victims;
use super::selector::{Selector, UnknownSelector, minority};
use super::{FaultKind, UnknownFaultKind};
use crate::NodeName;
use crate::partition::Shape;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// What each kind of fault aims at; where nothing was chosen, at what it usually does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Targets {
    all: Vec<Selector>,
    of: BTreeMap<FaultKind, Vec<Aim>>,
    /// Whether faults that take nodes down may together take more than a minority.
    pub beyond_minority: bool,
}

/// One thing to aim at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Aim {
    /// Nodes; a partition cuts them off from the rest.
    Nodes(Selector),
    /// A shape of partition.
    Shape(Shape),
}

/// Why targets cannot be read, or do not fit a run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// It is for a kind of fault that there is not.
    #[error(transparent)]
    Kind(#[from] UnknownFaultKind),
    /// It says nobody.
    #[error(transparent)]
    Selector(#[from] UnknownSelector),
    /// It is for a fault that does not happen.
    #[error(
        "{0} has a target but is no fault of this run: ask for it as well, or leave the target out"
    )]
    NotAsked(FaultKind),
    /// It is for all kinds, and none aims at nodes.
    #[error("no fault of this run aims at nodes: leave the target out")]
    NobodyAims,
    /// It is for a kind that has no choice.
    #[error("{0} has nobody to choose: leave its target out")]
    NoChoice(FaultKind),
    /// A shape, for what is no partition.
    #[error("{kind}={shape} is a shape of partitions: choose nodes, such as {kind}=leader")]
    NoPartition {
        /// Of this fault.
        kind: FaultKind,
        /// This.
        shape: Shape,
    },
    /// A shape, for a cluster in which it cuts nothing.
    #[error("partition={shape} needs at least {} nodes", shape.min_nodes())]
    TooFewNodes {
        /// This.
        shape: Shape,
    },
    /// Several nodes, for what hits one at a time.
    #[error(
        "{kind}={selector}: {kind} takes one node at a time: choose {kind}=one, {kind}=leader or a node by name"
    )]
    OneAtATime {
        /// Of this fault.
        kind: FaultKind,
        /// These.
        selector: Selector,
    },
    /// All nodes, for a partition.
    #[error(
        "partition=all leaves nobody to be cut off from: choose fewer, or a shape such as partition=halves"
    )]
    NobodyElse,
    /// A name that no node has.
    #[error(
        "{kind}={selector}: {name} is no node of this cluster, and no target either: its nodes are {nodes}"
    )]
    NoNode {
        /// Of this fault.
        kind: FaultKind,
        /// Among these.
        selector: Selector,
        /// This.
        name: NodeName,
        /// Which there are.
        nodes: String,
    },
    /// More than the cluster can do without.
    #[error("{kind}={selector} takes down {taken} of {nodes} nodes, and they can do without {}: choose a smaller target, or allow it with --beyond-minority", minority(*nodes))]
    BeyondMinority {
        /// Of this fault.
        kind: FaultKind,
        /// These.
        selector: Selector,
        /// So many.
        taken: usize,
        /// Of so many.
        nodes: usize,
    },
}

impl Targets {
    /// What was chosen for `kind`; none where it aims at what it usually does.
    pub(super) fn of(&self, kind: FaultKind) -> Option<Vec<Aim>> {
        let own = self.of.get(&kind).cloned();
        own.or_else(|| self.of_all(kind))
    }

    /// The same for a kind that knows no shapes.
    pub(super) fn selectors(&self, kind: FaultKind) -> Option<Vec<Selector>> {
        let nodes = |aim: Aim| match aim {
            Aim::Nodes(selector) => Some(selector),
            Aim::Shape(_) => None,
        };
        let aims = self.of(kind)?;
        Some(aims.into_iter().filter_map(nodes).collect())
    }

    fn of_all(&self, kind: FaultKind) -> Option<Vec<Aim>> {
        let aims = match kind.victims() {
            Victims::Nobody => return None,
            Victims::Sides | Victims::One | Victims::Nodes | Victims::Down => self.all.iter(),
        };
        let aims: Vec<Aim> = aims.cloned().map(Aim::Nodes).collect();
        (!aims.is_empty()).then_some(aims)
    }

    /// True when nothing was chosen.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty() && self.of.is_empty()
    }

    /// Whether these targets fit a run with faults of these `kinds` on these `nodes`.
    ///
    /// # Errors
    /// [`TargetError`], with the first that does not and what to choose instead.
    pub fn check(&self, kinds: &[FaultKind], nodes: &[NodeName]) -> Result<(), TargetError> {
        if let Some(kind) = self.of.keys().find(|kind| !kinds.contains(kind)) {
            return Err(TargetError::NotAsked(*kind));
        }
        let mut aimed = kinds
            .iter()
            .filter(|kind| kind.victims() != Victims::Nobody);
        if !self.all.is_empty() && aimed.next().is_none() {
            return Err(TargetError::NobodyAims);
        }
        for kind in kinds {
            for aim in self.of(*kind).unwrap_or_default() {
                self.check_one(*kind, &aim, nodes)?;
            }
        }
        Ok(())
    }

    fn check_one(&self, kind: FaultKind, aim: &Aim, nodes: &[NodeName]) -> Result<(), TargetError> {
        let selector = match (aim, kind.victims()) {
            (_, Victims::Nobody) => return Err(TargetError::NoChoice(kind)),
            (Aim::Shape(shape), Victims::Sides) if shape.min_nodes() > nodes.len() => {
                return Err(TargetError::TooFewNodes { shape: *shape });
            }
            (Aim::Shape(_), Victims::Sides) => return Ok(()),
            (Aim::Shape(shape), Victims::One | Victims::Nodes | Victims::Down) => {
                let shape = *shape;
                return Err(TargetError::NoPartition { kind, shape });
            }
            (
                Aim::Nodes(selector),
                Victims::Sides | Victims::One | Victims::Nodes | Victims::Down,
            ) => selector,
        };
        check_names(kind, selector, nodes)?;
        let taken = selector.least(nodes.len());
        let selector = || selector.clone();
        match kind.victims() {
            Victims::Sides if taken >= nodes.len() => Err(TargetError::NobodyElse),
            Victims::One if !is_one(&selector()) => {
                let selector = selector();
                Err(TargetError::OneAtATime { kind, selector })
            }
            Victims::Down if taken > minority(nodes.len()) && !self.beyond_minority => {
                Err(TargetError::BeyondMinority {
                    kind,
                    selector: selector(),
                    taken,
                    nodes: nodes.len(),
                })
            }
            Victims::Nobody | Victims::Sides | Victims::One | Victims::Nodes | Victims::Down => {
                Ok(())
            }
        }
    }

    fn add(&mut self, kinds: Option<&[FaultKind]>, word: &str) -> Result<(), TargetError> {
        let Some(kinds) = kinds else {
            self.all.push(word.parse()?);
            return Ok(());
        };
        let aim = match word.parse() {
            Ok(shape) => Aim::Shape(shape),
            Err(_) => Aim::Nodes(word.parse()?),
        };
        for kind in kinds {
            self.of.entry(*kind).or_default().push(aim.clone());
        }
        Ok(())
    }
}

/// Whether it never selects more than one node, in a cluster of any size.
fn is_one(selector: &Selector) -> bool {
    match selector {
        Selector::One | Selector::Leader => true,
        Selector::Named(names) => names.len() == 1,
        Selector::Minority
        | Selector::MinorityThird
        | Selector::Majority
        | Selector::All
        | Selector::Random
        | Selector::Followers => false,
    }
}

fn check_names(
    kind: FaultKind,
    selector: &Selector,
    nodes: &[NodeName],
) -> Result<(), TargetError> {
    let names = match selector {
        Selector::Named(names) => names.as_slice(),
        Selector::One
        | Selector::Minority
        | Selector::MinorityThird
        | Selector::Majority
        | Selector::All
        | Selector::Random
        | Selector::Leader
        | Selector::Followers => &[],
    };
    match names.iter().find(|name| !nodes.contains(name)) {
        None => Ok(()),
        Some(name) => Err(TargetError::NoNode {
            kind,
            selector: selector.clone(),
            name: name.clone(),
            nodes: nodes
                .iter()
                .map(NodeName::as_str)
                .collect::<Vec<_>>()
                .join(" "),
        }),
    }
}

impl FromStr for Targets {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Targets, TargetError> {
        let mut targets = Targets::default();
        let mut kinds: Option<Vec<FaultKind>> = None;
        for item in text.split(',').map(str::trim) {
            let word = match item.split_once('=') {
                None => item,
                Some((name, word)) => {
                    kinds = Some(FaultKind::named(name.trim())?);
                    word.trim()
                }
            };
            targets.add(kinds.as_deref(), word)?;
        }
        Ok(targets)
    }
}

impl fmt::Display for Targets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.all.iter().map(Selector::to_string);
        let of = self.of.iter().map(|(kind, aims)| {
            let aims: Vec<String> = aims.iter().map(Aim::to_string).collect();
            format!("{kind}={}", aims.join(","))
        });
        f.write_str(&all.chain(of).collect::<Vec<_>>().join(","))
    }
}

impl fmt::Display for Aim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Aim::Nodes(selector) => selector.fmt(f),
            Aim::Shape(shape) => shape.fmt(f),
        }
    }
}
