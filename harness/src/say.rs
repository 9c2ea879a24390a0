//! Lines for people. A reader who has gone away, or a full disk behind a pipe, is no reason to lose a run or its exit code.

use std::fmt::Display;
use std::io::Write as _;

/// A line of the answer.
pub(crate) fn answer(line: impl Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// A line beside the answer: what is going on, or what is wrong.
pub(crate) fn aside(line: impl Display) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
