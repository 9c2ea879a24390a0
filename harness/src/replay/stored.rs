//! What a run folder says about how it was made.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use nemesis::NodeName;
use nemesis::schedule::Schedule;
use serde::Deserialize;

use super::faults::Faults;

/// A run that can be made again.
#[derive(Debug)]
pub(super) struct Stored {
    /// The arguments of `run`, but for what is made of `faults`, and its folder.
    arguments: Vec<String>,
    pub faults: Faults,
    /// The nodes of its cluster.
    pub nodes: Vec<NodeName>,
}

#[derive(Debug, Deserialize)]
struct Config {
    version: u32,
    #[serde(default)]
    arguments: Vec<String>,
    #[serde(default)]
    nodes: Vec<NodeName>,
}

/// Options whose value is replaced, where the faults of a run are those of its schedule.
const OF_SCHEDULES: [&str; 7] = [
    "--nemesis",
    "--schedule",
    "--require",
    "--target",
    "--fault-length",
    "--fault-interval",
    "--range",
];
/// An option without a value that a schedule from a file has no use for.
const DROPPED: &str = "--beyond-minority";
/// What is replaced where it followed steps: what it drew beside them is drawn again.
const OF_STEPS: [&str; 2] = ["--steps", "--require"];

impl Stored {
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let text = |name: &str| {
            let path = folder.join(name);
            std::fs::read_to_string(&path).with_context(|| {
                format!(
                    "cannot read {}; name the folder of a run, such as runs/latest",
                    path.display()
                )
            })
        };
        let config: Config = serde_json::from_str(&text("config.json")?)
            .with_context(|| format!("{}/config.json is damaged", folder.display()))?;
        if config.version != 1 || config.arguments.is_empty() {
            bail!(
                "{}/config.json was written by another release: use that one",
                folder.display()
            );
        }
        let (faults, replaced) = match config.arguments.iter().any(|word| word == "--steps") {
            true => (Faults::of_steps(&text("steps.toml")?), &OF_STEPS[..]),
            false => {
                let schedule = Schedule::from_json(&text("schedule.json")?)
                    .with_context(|| format!("{}/schedule.json", folder.display()))?;
                (Faults::Schedule(schedule), &OF_SCHEDULES[..])
            }
        };
        Ok(Self {
            arguments: without(config.arguments, replaced),
            faults,
            nodes: config.nodes,
        })
    }

    /// The arguments of a run under these faults, which are in a file there, whatever strength it has.
    pub(super) fn arguments(&self, faults: &Faults, file: &Path) -> Vec<String> {
        let mut words = self.arguments.clone();
        if let Some(option) = faults.option() {
            words.extend([option.to_owned(), file.display().to_string()]);
        }
        words.extend(["--require".to_owned(), "nothing".to_owned()]);
        words
    }
}

fn without(arguments: Vec<String>, replaced: &[&str]) -> Vec<String> {
    let mut kept = Vec::new();
    let mut words = arguments.into_iter();
    while let Some(word) = words.next() {
        if replaced.contains(&word.as_str()) {
            words.next();
        } else if word != DROPPED || replaced == OF_STEPS {
            kept.push(word);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_replaced_and_everything_else_stays() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let stored = "--nemesis kill=2,pause=1 --nodes 3 --target kill=all --beyond-minority --steps figure-8 --require strong --online";
        let kept = without(words(stored), &OF_STEPS);
        let drawn =
            "--nemesis kill=2,pause=1 --nodes 3 --target kill=all --beyond-minority --online";
        assert_eq!(kept, words(drawn));
        let kept = without(kept, &OF_SCHEDULES);
        assert_eq!(kept, words("--nodes 3 --online"));
    }

    #[test]
    fn a_folder_that_is_no_run_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = format!("{:#}", Stored::read(folder.path()).unwrap_err());
        assert!(
            error.contains("config.json") && error.contains("runs/latest"),
            "{error}"
        );
        std::fs::write(folder.path().join("config.json"), r#"{"version":1}"#).unwrap();
        let error = format!("{:#}", Stored::read(folder.path()).unwrap_err());
        assert!(error.contains("another release"), "{error}");
    }
}
