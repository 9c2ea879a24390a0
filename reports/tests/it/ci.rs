//! What build servers are given, also of texts that mean something to them.

use crate::fixture::runs;
use quick_junit::{NonSuccessKind, Report, TestCaseStatus, XmlString};
use reports::ci::{FailureClass, Stored, Suite, annotations, junit, summary, table};
use reports::{Consistency, Health, Infrastructure, Liveness, RunResult, Strength};

fn healthy() -> RunResult {
    runs::healthy().result.expect("a run has one")
}

/// A run of each kind of failure.
fn failures() -> Vec<(FailureClass, RunResult)> {
    let failed = |exit_code, change: fn(&mut RunResult)| {
        let mut result = healthy();
        result.exit_code = exit_code;
        change(&mut result);
        result
    };
    vec![
        (
            FailureClass::Violation,
            failed(1, |run| run.consistency = Consistency::Violation),
        ),
        (
            FailureClass::Infrastructure,
            failed(255, |run| run.infrastructure = Infrastructure::Failed),
        ),
        (
            FailureClass::Crash,
            failed(4, |run| run.health = Health::Unhealthy),
        ),
        (
            FailureClass::Liveness,
            failed(4, |run| run.liveness = Liveness::NotRecovered),
        ),
        (
            FailureClass::Unknown,
            failed(2, |run| run.consistency = Consistency::Unknown),
        ),
        (
            FailureClass::Vacuous,
            failed(3, |run| run.strength = Strength::Vacuous),
        ),
        (
            FailureClass::Weak,
            failed(3, |run| run.strength = Strength::Weak),
        ),
    ]
}

/// One run that passed, and one of each kind of failure.
pub(crate) fn all_kinds() -> Vec<RunResult> {
    let failed = failures().into_iter().map(|(_, result)| result);
    std::iter::once(healthy()).chain(failed).collect()
}

pub(crate) fn stored(results: &[RunResult]) -> Vec<Stored<'_>> {
    let stored = |result| Stored {
        result: Ok(result),
        folder: "runs/latest",
    };
    results.iter().map(stored).collect()
}

fn written(name: &str, runs: &[Stored<'_>]) -> String {
    junit(&[Suite { name, runs }])
}

fn parsed(xml: &str) -> Report {
    Report::deserialize_from_str(xml).unwrap_or_else(|error| panic!("{error}\n{xml}"))
}

#[test]
fn each_kind_of_failure_is_told_apart() {
    assert_eq!(FailureClass::of(&healthy()), None);
    for (class, result) in failures() {
        assert_eq!(FailureClass::of(&result), Some(class));
    }
    let mut weak_and_enough = healthy();
    weak_and_enough.strength = Strength::Weak;
    assert_eq!(FailureClass::of(&weak_and_enough), None);
}

#[test]
fn a_violation_hides_behind_nothing() {
    let mut worst = healthy();
    for (_, result) in failures() {
        worst.consistency = Consistency::Violation;
        worst.health = result.health;
        worst.liveness = result.liveness;
        worst.infrastructure = result.infrastructure;
        assert_eq!(FailureClass::of(&worst), Some(FailureClass::Violation));
    }
}

#[test]
fn junit_has_a_case_for_each_run_and_its_kind_of_failure() {
    let results = all_kinds();
    let report = parsed(&written("nightly", &stored(&results)));
    let suite = &report.test_suites[0];
    assert_eq!((suite.tests, suite.failures, suite.errors), (8, 3, 4));
    let case = &suite.test_cases[0];
    assert!(matches!(case.status, TestCaseStatus::Success { .. }));
    assert_eq!(
        case.name.as_str(),
        "register under partition + kill + pause, seed 42"
    );
    assert!(case.time.is_some_and(|time| time.as_secs() == 32));
    for (case, (class, _)) in suite.test_cases[1..].iter().zip(failures()) {
        let TestCaseStatus::NonSuccess { kind, ty, .. } = &case.status else {
            panic!("{class} passed");
        };
        assert_eq!(ty.as_ref().map(XmlString::as_str), Some(class.name()));
        assert_eq!(*kind == NonSuccessKind::Failure, class.is_of_the_system());
    }
}

const HOSTILE: &str = "<b>\u{0}\u{1b}[31m]]>&amp;`|*_\r\n::error::x %0A \"'";

pub(crate) fn hostile() -> RunResult {
    let mut result = runs::hostile(HOSTILE).result.expect("a run has one");
    result.exit_code = 1;
    result.consistency = Consistency::Violation;
    result.workload = HOSTILE.to_owned();
    result
}

#[test]
fn hostile_texts_stay_texts() {
    let results = [hostile()];
    let runs = stored(&results);
    let report = parsed(&written(HOSTILE, &runs));
    assert_eq!(report.test_suites[0].test_cases.len(), 1);

    for line in annotations(&runs) {
        assert!(!line.contains(['\n', '\r']), "{line:?}");
        assert_eq!(
            line.matches("::error").count(),
            1 + line.matches("::error::x").count()
        );
        assert!(line.starts_with("::error title="), "{line:?}");
    }
    let summary = summary(HOSTILE, &runs);
    let outside_fences: Vec<&str> = summary.split("```").step_by(2).collect();
    assert_eq!(outside_fences.len(), 2, "one block, which ends: {summary}");
    assert!(!outside_fences.concat().contains("<b>"), "{summary}");
    let rows = summary
        .lines()
        .filter(|line| line.starts_with("| ❌"))
        .count();
    assert_eq!(rows, 1, "{summary}");
    let plain: Vec<String> = table(&runs);
    assert!(
        plain.iter().all(|line| !line.contains(char::is_control)),
        "{plain:?}"
    );
}

#[test]
fn many_runs_fit_on_a_page() {
    let results: Vec<RunResult> = failures()
        .into_iter()
        .map(|(_, result)| result)
        .cycle()
        .take(3_000)
        .collect();
    let runs = stored(&results);
    assert!(summary("nightly", &runs).len() < 1 << 20);
    assert_eq!(annotations(&runs).len(), 10);
    let counts = table(&runs).pop().unwrap();
    assert!(counts.contains("runs: 0 passed, 429 violation"), "{counts}");
}
