//! What build servers want of runs: which kind of failure each is, JUnit XML, and what GitHub shows on its pages.
//!
//! | file | idea |
//! |---|---|
//! | `class` | the kinds of failure, told apart by who has to act |
//! | `junit` | JUnit XML, a test case for each run |
//! | `github` | a step summary in Markdown, and annotations |
//! | `table` | the same for a terminal or a chat |

mod class;
mod github;
mod junit;
mod table;

pub use class::FailureClass;
pub use github::{annotations, summary};
pub use junit::junit;
pub use table::table;

use crate::result::RunResult;

/// A run and the place where its report is found.
#[derive(Clone, Copy, Debug)]
pub struct Stored<'a> {
    /// What came of it.
    pub result: &'a RunResult,
    /// Its folder, as the reader finds it.
    pub folder: &'a str,
}

impl Stored<'_> {
    /// `register under partition + kill, seed 7`.
    fn name(&self) -> String {
        let RunResult { workload, seed, .. } = self.result;
        format!("{workload} under {}, seed {seed}", self.nemesis(" + "))
    }

    fn nemesis(&self, separator: &str) -> String {
        match self.result.nemesis.as_slice() {
            [] => "no nemesis".to_owned(),
            kinds => kinds.join(separator),
        }
    }

    fn failure(&self) -> Option<FailureClass> {
        FailureClass::of(self.result)
    }
}
