//! `result.json` as others read it, and the lines that end a run.

use crate::fixture::runs;
use reports::{
    Consistency, Health, HealthEvent, Infrastructure, Liveness, ResultError, RunResult, Strength,
    terminal,
};

fn stale_read() -> RunResult {
    runs::stale_read().result.expect("the fixture is a run")
}

fn healthy() -> RunResult {
    runs::healthy().result.expect("the fixture is a run")
}

#[test]
fn json() {
    insta::assert_snapshot!(stale_read().to_json());
}

#[test]
fn json_round_trip() {
    for result in [stale_read(), healthy()] {
        let read = RunResult::from_json(&result.to_json()).expect("it was written by this release");
        assert_eq!(read, result);
    }
}

#[test]
fn unknown_fields_are_ignored() {
    let text = healthy().to_json().replacen('{', "{\"later\": [1],", 1);
    assert_eq!(
        RunResult::from_json(&text).expect("a field more does no harm"),
        healthy()
    );
}

#[test]
fn other_versions_and_broken_files_are_refused() {
    let newer = RunResult::from_json("{\"version\": 2, \"verdict\": \"of another shape\"}");
    assert!(matches!(newer, Err(ResultError::Version(2))), "{newer:?}");
    for broken in ["", "{", "[]", "{\"version\":1}", "{\"version\":-1}"] {
        let error = RunResult::from_json(broken)
            .expect_err("not a result")
            .to_string();
        assert!(error.starts_with("result.json cannot be read: "), "{error}");
    }
}

#[test]
fn the_violation_names_its_fault() {
    let anomaly = &stale_read().anomalies[0];
    assert_eq!(
        (anomaly.class.as_str(), anomaly.fault),
        ("stale-read", Some(3))
    );
}

#[test]
fn the_last_lines_say_verdict_and_reason() {
    let mut rows: Vec<(RunResult, &str, &str)> = vec![
        (
            stale_read(),
            "VIOLATION  Not linearizable: stale-read on k3",
            "(1 write behind).",
        ),
        (
            healthy(),
            "VALID  Linearizable",
            "the leader changed 3 times.",
        ),
    ];
    let mut row = |change: fn(&mut RunResult), first, second_ends| {
        let mut result = healthy();
        change(&mut result);
        rows.push((result, first, second_ends));
    };
    row(
        |result| result.strength = Strength::Weak,
        "VALID, WEAKLY TESTED  Linearizable, but the test was weak",
        "completed while a fault was active.",
    );
    row(
        |result| {
            result.strength = Strength::Vacuous;
            result.strength_reasons = vec!["no fault acted".to_owned()];
        },
        "VACUOUS  Nothing was tested",
        "No fault acted.",
    );
    row(
        |result| {
            result.consistency = Consistency::Unknown;
            result.unknown = Some("the memory limit of 2048 MiB was reached".to_owned());
        },
        "UNKNOWN  Undecided: the check reached a limit",
        "This is neither a pass nor a violation.",
    );
    row(
        |result| result.liveness = Liveness::NotRecovered,
        "NOT RECOVERED  Linearizable, but the system did not recover",
        "after the last fault was healed.",
    );
    row(
        |result| {
            result.health = Health::Unhealthy;
            let message = "exited with code 101 (log: n2.log)".to_owned();
            result.health_events = vec![HealthEvent {
                node: "n2".to_owned(),
                time_ns: 4_100_000_000,
                message,
            }];
        },
        "UNHEALTHY  Linearizable, but a node did not stay up",
        "n2 at 4.100 s: exited with code 101 (log: n2.log).",
    );
    row(
        |result| {
            result.infrastructure = Infrastructure::Failed;
            result.infrastructure_error =
                Some("node n2 did not answer /health within 5 s".to_owned());
        },
        "HARNESS FAILURE  The harness failed, so the run proves nothing",
        "Node n2 did not answer /health within 5 s.",
    );
    for (result, first, second_ends) in rows {
        let lines = terminal::verdict_lines(&result);
        assert_eq!(lines[0], first);
        assert!(lines[1].ends_with(second_ends), "{}", lines[1]);
    }
}

#[test]
fn a_violation_dominates_every_other_answer() {
    let mut result = stale_read();
    result.infrastructure = Infrastructure::Failed;
    result.health = Health::Unhealthy;
    result.strength = Strength::Vacuous;
    assert!(terminal::verdict_lines(&result)[0].starts_with("VIOLATION"));
}
