//! `adrasteia summary`: what stored runs came to.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use reports::RunResult;
use reports::ci::{self, Stored};

use crate::cli::SummaryArgs;
use crate::exit::Exit;
use crate::say;

/// How deep below a folder runs are looked for.
const DEPTH: usize = 6;
/// Where GitHub wants the summary of a step.
const STEP_SUMMARY: &str = "GITHUB_STEP_SUMMARY";

/// A stored run.
struct Run {
    folder: String,
    result: RunResult,
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
    let mut exit = Exit::Valid;
    let mut runs = Vec::new();
    for path in &results {
        match read(path) {
            Ok(run) => {
                exit = exit.worst(Exit::of_code(run.result.exit_code));
                runs.push(run);
            }
            Err(error) => {
                say::aside(format_args!("adrasteia: {error:#}"));
                exit = exit.worst(Exit::Harness);
            }
        }
    }
    if results.is_empty() {
        say::aside(
            "adrasteia: there is no result.json below these folders: no run has ended there",
        );
        return Ok(Exit::Usage);
    }
    tell(args, &runs)?;
    Ok(exit)
}

fn tell(args: &SummaryArgs, runs: &[Run]) -> Result<()> {
    let stored: Vec<Stored<'_>> = runs.iter().map(Run::stored).collect();
    for line in ci::table(&stored) {
        say::answer(line);
    }
    if let Some(path) = &args.junit {
        write(path, &ci::junit(&args.title, &stored))?;
    }
    let markdown = ci::summary(&args.title, &stored);
    if let Some(path) = &args.markdown {
        write(path, &markdown)?;
    }
    if args.github {
        for line in ci::annotations(&stored) {
            say::answer(line);
        }
        let path = std::env::var_os(STEP_SUMMARY).with_context(|| {
            format!("--github is for workflows of GitHub: {STEP_SUMMARY} is not set; use --markdown FILE elsewhere")
        })?;
        append(Path::new(&path), &markdown)?;
    }
    Ok(())
}

impl Run {
    fn stored(&self) -> Stored<'_> {
        Stored {
            result: &self.result,
            folder: &self.folder,
        }
    }
}

/// Every `result.json` at or below `folder`, in the order of their paths; links, such as `latest`, are not followed.
fn find(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    let result = folder.join("result.json");
    if result.is_file() {
        return found.push(result);
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

fn read(path: &Path) -> Result<Run> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let result = RunResult::from_json(&text).with_context(|| path.display().to_string())?;
    let folder = path.parent().unwrap_or(path).display().to_string();
    Ok(Run { folder, result })
}

fn write(path: &Path, text: &str) -> Result<()> {
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
