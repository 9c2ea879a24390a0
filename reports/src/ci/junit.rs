//! JUnit XML: a suite of runs, a test case for each.

use super::Stored;
use crate::answers::{five, headline};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite, XmlString};
use std::time::Duration;

/// JUnit XML of these runs, as a suite of that name. What the system did wrong is a `failure`, a test that came to nothing an
/// `error`; the kind stands in `type`. Characters that XML has no place for are left out.
#[must_use]
pub fn junit(suite: &str, runs: &[Stored<'_>]) -> String {
    let mut cases = TestSuite::new(suite);
    cases.add_test_cases(runs.iter().map(case));
    let mut report = Report::new("adrasteia");
    report.add_test_suite(cases);
    report
        .to_string()
        .expect("XML of valid strings is written to memory")
}

fn case(run: &Stored<'_>) -> TestCase {
    let headline = headline(run.result);
    let status = match run.failure() {
        None => TestCaseStatus::success(),
        Some(class) => {
            let kind = if class.is_of_the_system() {
                NonSuccessKind::Failure
            } else {
                NonSuccessKind::Error
            };
            let mut status = TestCaseStatus::non_success(kind);
            status
                .set_type(class.name())
                .set_message(headline.title.as_str())
                .set_description(headline.reason.as_str());
            status
        }
    };
    let mut case = TestCase::new(run.name(), status);
    let class = format!("{}.{}", run.result.workload, run.nemesis("+"));
    case.set_classname(class)
        .set_time(Duration::from_nanos(run.result.duration_ns))
        .set_system_out(said(run));
    for (name, value) in [
        ("seed", run.result.seed.to_string()),
        ("command", run.result.command.clone()),
        ("folder", run.folder.to_owned()),
    ] {
        case.add_property((XmlString::from(name), XmlString::from(value)));
    }
    case
}

/// The five answers, and how to run it again.
fn said(run: &Stored<'_>) -> String {
    let answers = five(run.result);
    let mut lines: Vec<String> = answers
        .iter()
        .map(|answer| format!("{}: {}. {}", answer.question, answer.word, answer.detail))
        .collect();
    lines.push(format!("run it again: {}", run.result.command));
    lines.push(format!("report: {}/report.html", run.folder));
    lines.join("\n")
}
