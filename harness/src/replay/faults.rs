//! The faults of a stored run, to be written down again and to be left out one by one: a schedule, or a file of steps.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use nemesis::NodeName;
use nemesis::schedule::steps::{Pieces, Story};
use nemesis::schedule::{Schedule, Step};

/// What a run is made with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Faults {
    /// Faults at their times.
    Schedule(Schedule),
    /// Steps that wait for the system.
    Steps(Pieces),
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Fault(Step),
    /// The text of a step.
    Step(String),
}

impl Faults {
    pub(super) fn of_steps(text: &str) -> Self {
        Self::Steps(Pieces::of(text))
    }

    pub(super) fn parts(&self) -> Vec<Part> {
        match self {
            Self::Schedule(schedule) => schedule.steps.iter().cloned().map(Part::Fault).collect(),
            Self::Steps(pieces) => pieces.steps.iter().cloned().map(Part::Step).collect(),
        }
    }

    /// The same with these parts alone.
    pub(super) fn of_parts(&self, parts: &[Part]) -> Self {
        match self {
            Self::Schedule(schedule) => {
                let faults = parts.iter().filter_map(Part::fault);
                Self::Schedule(Schedule {
                    steps: faults.cloned().collect(),
                    ..schedule.clone()
                })
            }
            Self::Steps(pieces) => Self::Steps(Pieces {
                head: pieces.head.clone(),
                steps: parts.iter().filter_map(Part::step).cloned().collect(),
            }),
        }
    }

    /// Whether a run can be made with them: a step may need another one that was left out.
    pub(super) fn is_whole(&self, cluster: &[NodeName]) -> bool {
        match self {
            Self::Schedule(_) => true,
            Self::Steps(pieces) => {
                pieces.steps.is_empty() || Story::parse(&pieces.text(), cluster).is_ok()
            }
        }
    }

    /// The option of `run` that takes their file; none when nothing is left to be told.
    pub(super) fn option(&self) -> Option<&'static str> {
        match self {
            Self::Schedule(_) => Some("--schedule"),
            Self::Steps(pieces) => (!pieces.steps.is_empty()).then_some("--steps"),
        }
    }

    /// Writes them into a folder; returns the file.
    pub(super) fn store(&self, folder: &Path) -> Result<PathBuf> {
        let (name, text) = match self {
            Self::Schedule(schedule) => {
                let json = serde_json::to_string_pretty(schedule).context("a schedule is JSON")?;
                ("schedule.json", json)
            }
            Self::Steps(pieces) => ("steps.toml", pieces.text()),
        };
        let path = folder.join(name);
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }

    /// A line for each.
    pub(super) fn told(&self, cluster: &[NodeName]) -> Vec<String> {
        match self {
            Self::Schedule(schedule) => {
                let line = |step: &Step| format!("fault {} {}", step.id, step.fault);
                schedule.steps.iter().map(line).collect()
            }
            Self::Steps(pieces) => {
                let story = Story::parse(&pieces.text(), cluster).map(|story| story.to_string());
                let lines = story.unwrap_or_default();
                lines.lines().map(str::to_owned).collect()
            }
        }
    }
}

impl Part {
    fn fault(&self) -> Option<&Step> {
        match self {
            Self::Fault(step) => Some(step),
            Self::Step(_) => None,
        }
    }

    fn step(&self) -> Option<&String> {
        match self {
            Self::Step(text) => Some(text),
            Self::Fault(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_another_one_needs_cannot_be_left_out_alone() {
        let steps = Faults::of_steps(
            "# About.\n\n[[step]]\nbind = \"L = leader\"\n\n# Why.\n[[step]]\ndo = \"kill L\"\nfor = \"1s\"\n",
        );
        let cluster = NodeName::first(3);
        let parts = steps.parts();
        assert_eq!(parts.len(), 2);
        assert_eq!(steps.of_parts(&parts), steps);
        assert!(steps.is_whole(&cluster));
        assert!(steps.of_parts(&parts[..1]).is_whole(&cluster));
        assert!(!steps.of_parts(&parts[1..]).is_whole(&cluster));
        let nothing = steps.of_parts(&[]);
        assert!(nothing.is_whole(&cluster));
        assert_eq!((steps.option(), nothing.option()), (Some("--steps"), None));
        assert_eq!(steps.told(&cluster).len(), 2);
    }
}
