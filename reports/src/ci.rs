//! What build servers want of runs: which kind of failure each is, JUnit XML, and what GitHub shows on its pages.
//!
//! | file | idea |
//! |---|---|
//! | `class` | the kinds of failure, told apart by who has to act |
//! | `detected` | when it was known that the system does wrong |
//! | `junit` | JUnit XML, a test case for each run |
//! | `github` | a step summary in Markdown, and annotations |
//! | `markdown` | texts in which nothing is markup |
//! | `table` | the same for a terminal or a chat |
//! | `nights` | what nights of runs came to, cell by cell, and what failed before |

mod class;
mod detected;
mod github;
mod junit;
mod markdown;
mod nights;
mod table;

pub use class::FailureClass;
pub use detected::detected_ns;
pub use github::{annotations, summary};
pub use junit::{Suite, junit};
pub use nights::{Cell, KnownFailure, Nights, Tally};
pub use table::table;

use crate::answers::{Headline, Tone, headline};
use crate::result::RunResult;

/// A run and the place where its report is found.
#[derive(Clone, Copy, Debug)]
pub struct Stored<'a> {
    /// What came of it; or why nobody knows.
    pub result: Result<&'a RunResult, &'a str>,
    /// Its folder, as the reader finds it.
    pub folder: &'a str,
}

impl Stored<'_> {
    /// `register under partition + kill, seed 7`.
    fn name(&self) -> String {
        match self.result {
            Ok(run) => format!(
                "{}, seed {}",
                cell(&run.workload, &nemesis(run, " + ")),
                run.seed
            ),
            Err(_) => format!("the run in {}", self.folder),
        }
    }

    fn failure(&self) -> Option<FailureClass> {
        match self.result {
            Ok(run) => FailureClass::of(run),
            Err(_) => Some(FailureClass::Infrastructure),
        }
    }

    fn headline(&self) -> Headline {
        match self.result {
            Ok(run) => headline(run),
            Err(why) => Headline {
                tone: Tone::Bad,
                word: "infrastructure",
                title: "There is no result".to_owned(),
                reason: why.to_owned(),
            },
        }
    }
}

/// `register under partition + kill`.
fn cell(workload: &str, nemesis: &str) -> String {
    format!("{workload} under {nemesis}")
}

fn nemesis(run: &RunResult, separator: &str) -> String {
    match run.nemesis.as_slice() {
        [] => "no nemesis".to_owned(),
        kinds => kinds.join(separator),
    }
}
