//! What a run folder says about how it was made.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use nemesis::schedule::Schedule;
use serde::Deserialize;

/// A run that can be made again.
#[derive(Debug)]
pub(super) struct Stored {
    /// The arguments of `run`, but for its faults and its folder.
    arguments: Vec<String>,
    pub schedule: Schedule,
}

#[derive(Debug, Deserialize)]
struct Config {
    version: u32,
    #[serde(default)]
    arguments: Vec<String>,
}

/// Options whose value is replaced.
const REPLACED: [&str; 7] = [
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
        let schedule = Schedule::from_json(&text("schedule.json")?)
            .with_context(|| format!("{}/schedule.json", folder.display()))?;
        Ok(Self {
            arguments: without_replaced(config.arguments),
            schedule,
        })
    }

    /// The arguments of a run under the schedule in a file, whatever strength it has.
    pub(super) fn arguments(&self, schedule: &Path) -> Vec<String> {
        let schedule = ["--schedule".to_owned(), schedule.display().to_string()];
        let require = ["--require".to_owned(), "nothing".to_owned()];
        let all = self.arguments.iter().cloned();
        all.chain(schedule).chain(require).collect()
    }

    /// The same, to be typed.
    pub(super) fn command(&self, schedule: &Path) -> String {
        crate::config::typed(&self.arguments(schedule))
    }
}

fn without_replaced(arguments: Vec<String>) -> Vec<String> {
    let mut kept = Vec::new();
    let mut words = arguments.into_iter();
    while let Some(word) = words.next() {
        if REPLACED.contains(&word.as_str()) {
            words.next();
        } else if word != DROPPED {
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
        let kept = without_replaced(words(
            "--nemesis kill=2,pause=1 --nodes 3 --target kill=all --beyond-minority --require strong --online",
        ));
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
