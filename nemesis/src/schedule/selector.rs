//! Whom a fault hits, as people choose it: a rule by which nodes are drawn, or nodes by name.

use crate::NodeName;
use std::fmt;
use std::str::FromStr;

/// A rule by which the nodes that a fault hits are chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    /// One node that is drawn.
    One,
    /// As many drawn nodes as a majority can do without.
    Minority,
    /// Drawn nodes, fewer than a third: what a system that survives lying nodes can do without.
    MinorityThird,
    /// The smallest majority, drawn.
    Majority,
    /// All nodes.
    All,
    /// Some drawn nodes, at least one; how many is drawn as well.
    Random,
    /// Who leads when the fault begins.
    Leader,
    /// All who do not lead when the fault begins.
    Followers,
    /// These nodes.
    Named(Vec<NodeName>),
}

/// A text that selects nobody.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "target {text:?} is not known: use one of {}, or nodes such as n1+n3",
    words()
)]
pub struct UnknownSelector {
    text: String,
}

impl Selector {
    /// Every selector that has a word of its own.
    pub const WORDS: [Selector; 8] = [
        Selector::One,
        Selector::Minority,
        Selector::MinorityThird,
        Selector::Majority,
        Selector::All,
        Selector::Random,
        Selector::Leader,
        Selector::Followers,
    ];

    /// One sentence for people.
    pub fn describe(&self) -> &'static str {
        match self {
            Selector::One => "one node that is drawn",
            Selector::Minority => "as many drawn nodes as a majority can do without: 2 of 5",
            Selector::MinorityThird => {
                "drawn nodes, fewer than a third, but one at least: 2 of 7, 1 of 5"
            }
            Selector::Majority => "the smallest majority, drawn: 3 of 5",
            Selector::All => "all nodes",
            Selector::Random => {
                "some drawn nodes, at least one; of faults that take nodes down at most a minority, unless more is allowed"
            }
            Selector::Leader => "who leads when the fault begins",
            Selector::Followers => "all who do not lead when the fault begins",
            Selector::Named(_) => "nodes by name, joined by +",
        }
    }

    /// How many of `nodes` it takes at least, where there is no room for more.
    pub(super) fn least(&self, nodes: usize) -> usize {
        match self {
            Selector::One | Selector::Leader | Selector::Minority | Selector::Random => 1,
            Selector::MinorityThird => minority_third(nodes),
            Selector::Majority => majority(nodes),
            Selector::All => nodes,
            Selector::Followers => nodes.saturating_sub(1),
            Selector::Named(names) => names.len(),
        }
    }

    fn is_word(&self, text: &str) -> bool {
        self.to_string() == text
    }
}

/// What a majority of so many can do without; one, where they are too few to do without any.
pub(super) fn minority(nodes: usize) -> usize {
    (nodes.saturating_sub(1) / 2).max(1)
}

/// Fewer than a third; one, where that would be nobody.
pub(super) fn minority_third(nodes: usize) -> usize {
    (nodes.saturating_sub(1) / 3).max(1)
}

pub(super) fn majority(nodes: usize) -> usize {
    nodes / 2 + 1
}

fn words() -> String {
    Selector::WORDS
        .map(|selector| selector.to_string())
        .join(", ")
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Selector::One => f.pad("one"),
            Selector::Minority => f.pad("minority"),
            Selector::MinorityThird => f.pad("minority-third"),
            Selector::Majority => f.pad("majority"),
            Selector::All => f.pad("all"),
            Selector::Random => f.pad("random"),
            Selector::Leader => f.pad("leader"),
            Selector::Followers => f.pad("followers"),
            Selector::Named(names) => {
                let names: Vec<&str> = names.iter().map(NodeName::as_str).collect();
                f.pad(&names.join("+"))
            }
        }
    }
}

impl FromStr for Selector {
    type Err = UnknownSelector;

    fn from_str(text: &str) -> Result<Selector, UnknownSelector> {
        let mut words = Selector::WORDS.into_iter();
        if let Some(selector) = words.find(|selector| selector.is_word(text)) {
            return Ok(selector);
        }
        let unknown = || UnknownSelector {
            text: text.to_owned(),
        };
        let names = text.split('+').map(|name| name.trim().parse());
        let mut names: Vec<NodeName> = names.collect::<Result<_, _>>().map_err(|_| unknown())?;
        names.sort();
        names.dedup();
        Ok(Selector::Named(names))
    }
}
