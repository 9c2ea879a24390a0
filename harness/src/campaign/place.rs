//! Where things lie in the folder of a campaign, and what of a run stays.
//!
//! | path | what |
//! |---|---|
//! | `campaign.jsonl` | a line for each run |
//! | `<workload>-<nemesis>-<seed>/<time>/` | a run, as `run --out` lays it down |
//! | `failing/` | the schedule, or the steps, of each run that failed: with the lines all that later nights need |
//! | `making/` | runs under way; what a crash left there is removed |
//! | `junit.xml`, `summary.md` | the last night |

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::replay;

/// What stays of a run that passed.
const SMALL: [&str; 4] = ["config.json", "schedule.json", "steps.toml", "result.json"];

/// The folder of a campaign.
#[derive(Debug, Clone)]
pub(super) struct Place(PathBuf);

impl Place {
    pub(super) fn new(out: &Path) -> Self {
        Self(out.to_owned())
    }

    pub(super) fn journal(&self) -> PathBuf {
        self.0.join("campaign.jsonl")
    }

    /// What lies there under this name.
    pub(super) fn file(&self, below: &str) -> PathBuf {
        self.0.join(below)
    }

    /// The folder for the run under way with this number.
    pub(super) fn making(&self, number: u64) -> PathBuf {
        self.0.join("making").join(number.to_string())
    }

    /// Removes what is under way: what a crash left, or nothing any more.
    pub(super) fn clear(&self) -> Result<()> {
        remove(&self.0.join("making"))
    }

    /// Takes the run that was made in `making` to where it belongs, if it came so far as to have a folder; returns the path
    /// below this one.
    pub(super) fn take(&self, making: &Path) -> Result<Option<String>> {
        let Ok(below) = fs::read_link(making.join("latest")) else {
            return remove(making).map(|()| None);
        };
        let (from, to) = (making.join(&below), self.0.join(&below));
        let moved = || -> std::io::Result<()> {
            fs::create_dir_all(to.parent().unwrap_or(&self.0))?;
            fs::rename(&from, &to)?;
            fs::rename(making.join("said.log"), to.join("said.log"))
        };
        moved().with_context(|| format!("cannot move {} to {}", from.display(), to.display()))?;
        remove(making)?;
        Ok(Some(below.to_string_lossy().into_owned()))
    }

    /// Keeps the faults of a run that failed; returns the path below this one.
    pub(super) fn keep_faults(&self, run: &str) -> Result<String> {
        let from = replay::faults_file(&self.0.join(run));
        let kind = from.extension().unwrap_or_default().to_string_lossy();
        let below = format!("failing/{}.{kind}", run.replace('/', "-"));
        let to = self.0.join(&below);
        fs::create_dir_all(self.0.join("failing"))
            .and_then(|()| fs::copy(&from, &to))
            .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
        Ok(below)
    }

    /// Removes all of a run but what is small.
    pub(super) fn thin(&self, run: &str) -> Result<()> {
        let folder = self.0.join(run);
        let entries = || -> std::io::Result<Vec<fs::DirEntry>> { fs::read_dir(&folder)?.collect() };
        let entries = entries().with_context(|| format!("cannot read {}", folder.display()))?;
        for entry in entries {
            if !SMALL.iter().any(|kept| entry.file_name() == *kept) {
                remove(&entry.path())?;
            }
        }
        Ok(())
    }
}

/// Removes a file, or a folder with everything in it, if it is there.
fn remove(path: &Path) -> Result<()> {
    let removed = match path.is_dir() && !path.is_symlink() {
        true => fs::remove_dir_all(path),
        false => fs::remove_file(path),
    };
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    const RUN: &str = "register-kill-7/20261122T010203.004Z";

    fn made(place: &Place, files: &[&str]) -> PathBuf {
        let making = place.making(3);
        let run = making.join(RUN);
        fs::create_dir_all(run.join("data/n1")).unwrap();
        for file in files {
            fs::write(run.join(file), *file).unwrap();
        }
        fs::write(making.join("said.log"), "said").unwrap();
        symlink(RUN, making.join("latest")).unwrap();
        making
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_run_is_taken_to_its_place_and_thinned_there() {
        let out = tempfile::tempdir().unwrap();
        let place = Place::new(out.path());
        let files = [
            "config.json",
            "history.jsonl",
            "result.json",
            "schedule.json",
        ];
        let making = made(&place, &files);
        assert_eq!(place.take(&making).unwrap().as_deref(), Some(RUN));
        assert!(!making.exists());
        let folder = place.file(RUN);
        assert_eq!(
            names(&folder),
            [
                "config.json",
                "data",
                "history.jsonl",
                "result.json",
                "said.log",
                "schedule.json"
            ]
        );
        let faults = place.keep_faults(RUN).unwrap();
        assert_eq!(faults, "failing/register-kill-7-20261122T010203.004Z.json");
        assert_eq!(
            fs::read_to_string(place.file(&faults)).unwrap(),
            "schedule.json"
        );
        place.thin(RUN).unwrap();
        assert_eq!(
            names(&folder),
            ["config.json", "result.json", "schedule.json"]
        );
    }

    #[test]
    fn steps_are_kept_as_steps() {
        let out = tempfile::tempdir().unwrap();
        let place = Place::new(out.path());
        let making = made(&place, &["schedule.json", "steps.toml"]);
        place.take(&making).unwrap();
        let faults = place.keep_faults(RUN).unwrap();
        assert!(faults.ends_with(".toml"), "{faults}");
        assert_eq!(
            fs::read_to_string(place.file(&faults)).unwrap(),
            "steps.toml"
        );
    }

    #[test]
    fn what_never_became_a_run_leaves_nothing() {
        let out = tempfile::tempdir().unwrap();
        let place = Place::new(out.path());
        let making = place.making(1);
        fs::create_dir_all(&making).unwrap();
        fs::write(making.join("said.log"), "refused").unwrap();
        assert_eq!(place.take(&making).unwrap(), None);
        assert!(!making.exists());
        place.clear().unwrap();
        assert_eq!(names(out.path()), Vec::<String>::new());
    }
}
