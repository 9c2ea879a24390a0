//! Arguments of `adrasteia summary`.

use std::path::PathBuf;

use clap::Args;

pub(super) const ABOUT: &str = "\
A folder is that of one run, or one below which there are any number of runs. Each run that is no pass
is told apart: violation, infrastructure, crash, liveness, unknown, vacuous, weak. Only infrastructure is
worth trying again.

Exit codes are those of run; of several, the worst: a violation before everything.

Examples:
  adrasteia summary runs                        a line for each run that is no pass
  adrasteia summary nightly --junit junit.xml   for build servers that read JUnit XML
  adrasteia summary nightly --github            in a workflow of GitHub: step summary and annotations";

#[derive(Debug, Args)]
pub(crate) struct SummaryArgs {
    /// Folders of runs
    #[arg(value_name = "DIR", required = true)]
    pub folders: Vec<PathBuf>,

    /// Write JUnit XML: what the system did wrong is a failure, a test that came to nothing an error
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,

    /// Write Markdown
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<PathBuf>,

    /// Add the Markdown to the step summary that $GITHUB_STEP_SUMMARY names, and print annotations
    #[arg(long)]
    pub github: bool,

    /// What the runs are called together
    #[arg(long, value_name = "TEXT", default_value = "adrasteia")]
    pub title: String,
}
