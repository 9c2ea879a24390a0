//! `adrasteia summary`: what stored runs came to.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use reports::RunResult;
use reports::ci::{self, Stored, Suite};

use crate::cli::SummaryArgs;
use crate::exit::Exit;
use crate::say;

/// How deep below a folder runs are looked for.
const DEPTH: usize = 6;
/// Where GitHub wants the summary of a step.
const STEP_SUMMARY: &str = "GITHUB_STEP_SUMMARY";

/// A stored run; why its result cannot be read is a result, too.
pub(crate) struct Run {
    folder: String,
    result: Result<RunResult, String>,
}

/// Tells what came of every run below the folders.
pub(crate) fn command(args: &SummaryArgs) -> Result<Exit> {
    let mut results = Vec::new();
    for folder in &args.folders {
        if !folder.is_dir() {
            say::aside(format_args!(
                "adrasteia: {} is no folder: name the folder of a run, or one that holds some",
                folder.display()
            ));
            return Ok(Exit::Usage);
        }
        find(folder, DEPTH, &mut results);
    }
    let runs: Vec<Run> = results.iter().map(|folder| Run::read(folder)).collect();
    if runs.is_empty() {
        say::aside(
            "adrasteia: there is no result.json below these folders: no run has ended there",
        );
        return Ok(Exit::Usage);
    }
    for why in runs.iter().filter_map(|run| run.result.as_ref().err()) {
        say::aside(format_args!("adrasteia: {why}"));
    }
    tell(args, &runs)?;
    let exits = runs.iter().map(Run::exit);
    Ok(exits.fold(Exit::Valid, Exit::worst))
}

fn tell(args: &SummaryArgs, runs: &[Run]) -> Result<()> {
    let stored: Vec<Stored<'_>> = runs.iter().map(Run::stored).collect();
    for line in ci::table(&stored) {
        say::answer(line);
    }
    if let Some(path) = &args.junit {
        let suite = Suite {
            name: &args.title,
            runs: &stored,
        };
        write(path, &ci::junit(&[suite]))?;
    }
    let markdown = ci::summary(&args.title, &stored);
    if let Some(path) = &args.markdown {
        write(path, &markdown)?;
    }
    if args.github {
        to_github(&markdown, &stored)?;
    }
    Ok(())
}

/// Adds to the step summary of a workflow of GitHub, and annotates its page.
pub(crate) fn to_github(markdown: &str, runs: &[Stored<'_>]) -> Result<()> {
    for line in ci::annotations(runs) {
        say::answer(line);
    }
    let path = std::env::var_os(STEP_SUMMARY).with_context(|| {
        format!(
            "--github is for workflows of GitHub: {STEP_SUMMARY} is not set; leave it out elsewhere"
        )
    })?;
    append(Path::new(&path), markdown)
}

impl Run {
    /// What lies in the folder of a run.
    pub(crate) fn read(folder: &Path) -> Self {
        let path = folder.join("result.json");
        let read = || -> Result<RunResult> {
            let text = fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            RunResult::from_json(&text).with_context(|| path.display().to_string())
        };
        Self {
            folder: folder.display().to_string(),
            result: read().map_err(|error| format!("{error:#}")),
        }
    }

    /// A run without a result.
    pub(crate) const fn lost(folder: String, why: String) -> Self {
        Self {
            folder,
            result: Err(why),
        }
    }

    pub(crate) fn stored(&self) -> Stored<'_> {
        Stored {
            result: self.result.as_ref().map_err(String::as_str),
            folder: &self.folder,
        }
    }

    fn exit(&self) -> Exit {
        match &self.result {
            Ok(result) => Exit::of_code(result.exit_code),
            Err(_) => Exit::Harness,
        }
    }
}

/// Every folder at or below `folder` that has a `result.json`, in the order of their paths; links, such as `latest`, are not followed.
fn find(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    if folder.join("result.json").is_file() {
        return found.push(folder.to_owned());
    }
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_folder = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
    let mut below: Vec<PathBuf> = entries
        .filter(is_folder)
        .map(|entry| entry.path())
        .collect();
    below.sort();
    if depth > 0 {
        for folder in below {
            find(&folder, depth - 1, found);
        }
    }
}

pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn append(path: &Path, text: &str) -> Result<()> {
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .with_context(|| format!("cannot open {}", path.display()))?;
    file.write_all(text.as_bytes())
        .with_context(|| format!("cannot write {}", path.display()))
}
