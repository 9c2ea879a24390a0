//! JUnit XML: suites of runs, a test case for each.
//!
//! There is no one schema. What is written here is valid by that of Jenkins' xUnit plugin (`junit-10.xsd`), the strictest that is in
//! use for files of several suites: no property and no further element stands in a test case.

use super::{Stored, nemesis};
use crate::answers::five;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use std::time::Duration;

/// Runs under a name.
#[derive(Clone, Copy, Debug)]
pub struct Suite<'a> {
    /// What they are called together.
    pub name: &'a str,
    /// The runs.
    pub runs: &'a [Stored<'a>],
}

/// JUnit XML of these suites. What the system did wrong is a `failure`, a test that came to nothing an `error`; the kind stands in
/// `type`. Characters that XML has no place for are left out.
#[must_use]
pub fn junit(suites: &[Suite<'_>]) -> String {
    let mut report = Report::new("adrasteia");
    report.add_test_suites(suites.iter().map(suite));
    let xml = report
        .to_string()
        .expect("XML of valid strings is written to memory");
    // Of the first element the schema knows no such attribute, and Jenkins refuses the file.
    let xml = xml.replacen(" skipped=\"0\"", "", 1);
    // The only two characters beside controls that XML has no place for.
    xml.replace(['\u{fffe}', '\u{ffff}'], "")
}

fn suite(suite: &Suite<'_>) -> TestSuite {
    let mut cases = TestSuite::new(suite.name);
    let times = suite.runs.iter().filter_map(|run| run.result.ok());
    cases.set_time(times.map(|run| Duration::from_nanos(run.duration_ns)).sum());
    cases.add_test_cases(suite.runs.iter().map(case));
    cases
}

fn case(run: &Stored<'_>) -> TestCase {
    let mut case = TestCase::new(run.name(), status(run));
    let (class, duration_ns) = match run.result {
        Ok(result) => {
            let class = format!("{}.{}", result.workload, nemesis(result, "+"));
            (class, result.duration_ns)
        }
        Err(_) => ("adrasteia".to_owned(), 0),
    };
    case.set_classname(class)
        .set_time(Duration::from_nanos(duration_ns))
        .set_system_out(said(run));
    case
}

fn status(run: &Stored<'_>) -> TestCaseStatus {
    let Some(class) = run.failure() else {
        return TestCaseStatus::success();
    };
    let kind = if class.is_of_the_system() {
        NonSuccessKind::Failure
    } else {
        NonSuccessKind::Error
    };
    let headline = run.headline();
    let mut status = TestCaseStatus::non_success(kind);
    status
        .set_type(class.name())
        .set_message(headline.title)
        .set_description(headline.reason);
    status
}

/// The five answers, and how to run it again.
fn said(run: &Stored<'_>) -> String {
    let mut lines = Vec::new();
    if let Ok(result) = run.result {
        let answer = five(result);
        let answers = answer.iter();
        lines.extend(
            answers
                .map(|answer| format!("{}: {}. {}", answer.question, answer.word, answer.detail)),
        );
        lines.push(format!("run it again: {}", result.command));
    }
    lines.push(format!("folder: {}", run.folder));
    lines.join("\n")
}
