//! `result.json` as others read it, and the lines that end a run.

use crate::fixture::runs;
use reports::{
    Availability, Consistency, Health, HealthEvent, Infrastructure, Liveness, MachineStall,
    NeedlessElection, Outage, ResultError, RunResult, Strength, terminal,
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
    let with_more = RunResult {
        availability: Some(availability()),
        ..healthy()
    };
    for result in [stale_read(), healthy(), with_more] {
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
            result.liveness = Liveness::Unavailable;
            result.availability = Some(availability());
        },
        "UNAVAILABLE  Linearizable, but the system did not serve while it could",
        "7.9 s from 1.000 s, beside fault 1 (limit 5.0 s). 1 needless election: the first at 12.000 s, from n1 to n2. The machine itself was held up 1 time, by up to 150 ms: that counts for no outage.",
    );
    row(
        |result| {
            result.liveness = Liveness::Disturbed;
            result.availability = Some(Availability {
                longest: None,
                outages: Vec::new(),
                ..availability()
            });
        },
        "DISTURBED  Linearizable, but leaders lost their office for nothing",
        "1 needless election: the first at 12.000 s, from n1 to n2. The machine itself was held up 1 time, by up to 150 ms: that counts for no outage.",
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

/// An outage, a needless election and a machine that was held up.
pub(crate) fn availability() -> Availability {
    let outage = Outage {
        from_ns: 1_000_000_000,
        to_ns: 8_900_000_000,
        majority: vec!["n2".to_owned(), "n3".to_owned()],
        asked: 20,
        fault: Some(1),
    };
    let election = NeedlessElection {
        at_ns: 12_000_000_000,
        old: "n1".to_owned(),
        new: "n2".to_owned(),
        term: 7,
        fault: None,
    };
    Availability {
        outage_limit_ns: 5_000_000_000,
        longest: Some(outage.clone()),
        outages: vec![outage],
        max_needless_elections: Some(0),
        needless_elections: vec![election],
        stalls: vec![MachineStall {
            from_ns: 14_000_000_000,
            to_ns: 14_250_000_000,
            longest_ns: 150_000_000,
        }],
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
