//! Steps that wait for what the system says of itself: "when this node leads and has committed 100 more, cut it off until
//! the others are 200 ahead, then kill it".
//!
//! A [`Story`] is read from a small TOML file; every phrase in it is one [`Condition`], one [`Act`] or some
//! [`Nodes`]. All of it is pure: whoever follows a story looks at the system, makes a [`View`] of what was seen, and asks
//! whether the conditions hold and what an act is now, with the names of nodes in place of roles.

mod act;
mod check;
mod condition;
mod file;
mod goal;
mod nodes;
mod view;
mod words;

pub use act::Act;
pub use condition::Condition;
pub use file::{Pieces, StepsError};
pub use goal::{Field, Span};
pub use nodes::{Bound, Nodes, Scene};
pub use view::{Moment, Said, Seen, View};

use super::FaultKind;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

/// The first stream of random numbers that stories draw from; each step has its own from here on.
const STREAM: u64 = 1_000;

/// What a file of steps says.
///
/// Invariants, kept by [`Story::parse`]:
/// * there is a step, and no two have one name;
/// * every node is one of the cluster, every name of nodes is given in a step before, and every step that is waited for exists;
/// * no step waits for itself, and nothing is asked that can never hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// How often it is told.
    pub repeat: u32,
    /// Its steps, in the order of the file.
    pub steps: Vec<StoryStep>,
}

/// One step: it waits, then acts, then undoes what it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoryStep {
    /// What others call it.
    pub name: String,
    /// It begins to watch once all of these have come.
    pub after: Vec<Moment>,
    /// It acts once all of these hold at once …
    pub when: Vec<Condition>,
    /// … and so much time has passed.
    pub wait: Span,
    /// Names it gives to nodes as it acts.
    pub bind: Vec<(String, Nodes)>,
    /// What it does, all at once.
    pub acts: Vec<Act>,
    /// How long that lasts.
    pub end: End,
    /// How long it waits for its conditions, and for its end.
    pub limit: Duration,
}

/// When what a step did is undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// After so much time.
    After(Span),
    /// Once all of these hold.
    Until(Vec<Condition>),
}

impl Story {
    /// The kinds of fault in it, each once.
    pub fn kinds(&self) -> Vec<FaultKind> {
        let acts = self.steps.iter().flat_map(|step| &step.acts);
        let kinds: BTreeSet<FaultKind> = acts.map(Act::kind).collect();
        kinds.into_iter().collect()
    }

    /// The random numbers of one step in one telling, both counted from 0.
    pub fn rng(&self, seed: u64, telling: u32, step: usize) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let before = u64::from(telling) * self.steps.len() as u64;
        rng.set_stream(STREAM + before + step as u64);
        rng
    }
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.repeat > 1 {
            writeln!(f, "{} times:", self.repeat)?;
        }
        for (number, step) in self.steps.iter().enumerate() {
            let before = number.checked_sub(1).map(|before| &self.steps[before].name);
            writeln!(f, "step {}: {}", step.name, step.told(before))?;
        }
        Ok(())
    }
}

impl StoryStep {
    fn told(&self, before: Option<&String>) -> String {
        let mut parts = Vec::new();
        let usual = before.map(|name| Moment::Ended(name.clone()));
        if self.after.iter().collect::<Vec<_>>() != usual.iter().collect::<Vec<_>>() {
            parts.push(match self.after.is_empty() {
                true => "from the start".to_owned(),
                false => format!("after {}", listed(&self.after)),
            });
        }
        if !self.when.is_empty() {
            let within = humantime::format_duration(self.limit);
            parts.push(format!("once {} (within {within})", listed(&self.when)));
        }
        if !self.wait.is_none() {
            parts.push(format!("{} later", self.wait));
        }
        for (name, nodes) in &self.bind {
            parts.push(format!("call {nodes} {name}"));
        }
        parts.extend(self.acts.iter().map(ToString::to_string));
        match &self.end {
            End::After(span) if span.is_none() => {}
            End::After(span) => parts.push(format!("for {span}")),
            End::Until(conditions) => {
                let limit = humantime::format_duration(self.limit);
                parts.push(format!("until {} (at most {limit})", listed(conditions)));
            }
        }
        parts.join("; ")
    }
}

fn listed<T: ToString>(items: &[T]) -> String {
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    items.join(" and ")
}
