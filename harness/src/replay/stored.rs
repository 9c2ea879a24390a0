//! What a run folder says about how it was made.

use std::path::{Path, PathBuf};

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

/// What faults from a file take the place of.
struct Replaced {
    /// Options with a value.
    options: &'static [&'static str],
    /// Options without one.
    flags: &'static [&'static str],
}

/// Where the faults of a run are those of its schedule.
const BY_SCHEDULE: Replaced = Replaced {
    options: &[
        "--nemesis",
        "--schedule",
        "--target",
        "--fault-length",
        "--fault-interval",
        "--range",
    ],
    flags: &["--beyond-minority"],
};
/// Where it followed steps: what it drew beside them is drawn again.
const BY_STEPS: Replaced = Replaced {
    options: &["--steps"],
    flags: &[],
};
/// How hard a run must try.
const STRENGTH: Replaced = Replaced {
    options: &["--require"],
    flags: &[],
};

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
            true => (Faults::of_steps(&text("steps.toml")?), BY_STEPS),
            false => {
                let schedule = Schedule::from_json(&text("schedule.json")?)
                    .with_context(|| format!("{}/schedule.json", folder.display()))?;
                (Faults::Schedule(schedule), BY_SCHEDULE)
            }
        };
        Ok(Self {
            arguments: without(without(config.arguments, &replaced), &STRENGTH),
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

/// These arguments of `run` under the faults of a file: of steps by its name, else of a schedule.
pub(crate) fn under_faults(arguments: &[String], file: &Path) -> Vec<String> {
    let (option, replaced) = match file.extension().is_some_and(|kind| kind == "toml") {
        true => ("--steps", BY_STEPS),
        false => ("--schedule", BY_SCHEDULE),
    };
    let mut arguments = without(arguments.to_owned(), &replaced);
    arguments.extend([option.to_owned(), file.display().to_string()]);
    arguments
}

/// The file in a run's folder that tells its faults.
pub(crate) fn faults_file(folder: &Path) -> PathBuf {
    let steps = folder.join("steps.toml");
    match steps.exists() {
        true => steps,
        false => folder.join("schedule.json"),
    }
}

fn without(arguments: Vec<String>, replaced: &Replaced) -> Vec<String> {
    let mut kept = Vec::new();
    let mut words = arguments.into_iter();
    while let Some(word) = words.next() {
        if replaced.options.contains(&word.as_str()) {
            words.next();
        } else if !replaced.flags.contains(&word.as_str()) {
            kept.push(word);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn faults_are_replaced_and_everything_else_stays() {
        let stored = "--nemesis kill=2,pause=1 --nodes 3 --target kill=all --beyond-minority --steps figure-8 --require strong --online";
        let steps = under_faults(&words(stored), Path::new("kept/steps.toml"));
        let drawn = "--nemesis kill=2,pause=1 --nodes 3 --target kill=all --beyond-minority --require strong --online";
        assert_eq!(steps, words(&format!("{drawn} --steps kept/steps.toml")));
        let schedule = under_faults(&words(drawn), Path::new("kept/a.json"));
        let expected = "--nodes 3 --require strong --online --schedule kept/a.json";
        assert_eq!(schedule, words(expected));
        let again = under_faults(&schedule, Path::new("b.json"));
        assert_eq!(again, words(&expected.replace("kept/a.json", "b.json")));
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
