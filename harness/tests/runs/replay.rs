//! `adrasteia replay` from outside: a stored run is made again, under the schedule it had.

use crate::program::{in_lab, text, told};

#[test]
fn a_violation_without_faults_comes_again_and_needs_none() {
    let Some(_alone) = in_lab("a violation without faults") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().display();
    let first = told(&format!(
        "--nemesis pause --bug follower-read-local --online --time-limit 6s --seed 3 --out {at}/runs"
    ));
    assert_eq!(first.status.code(), Some(1), "{}", text(&first.stderr));

    let summary = told(&format!(
        "summary {at}/runs --junit {at}/junit.xml --markdown {at}/summary.md"
    ));
    assert_eq!(summary.status.code(), Some(1), "{}", text(&summary.stderr));
    assert!(text(&summary.stdout).contains("1 run: 0 passed, 1 violation"));
    let junit = std::fs::read_to_string(folder.path().join("junit.xml")).unwrap();
    assert!(junit.contains("type=\"violation\""), "{junit}");
    let markdown = std::fs::read_to_string(folder.path().join("summary.md")).unwrap();
    assert!(markdown.contains("follower-read-local"), "{markdown}");

    let again = told(&format!(
        "replay {at}/runs/latest --times 2 --out {at}/again"
    ));
    assert_eq!(again.status.code(), Some(1), "{}", text(&again.stderr));
    assert!(text(&again.stdout).contains("a violation in 2 of 2 runs"));
    let schedule =
        |run: &str| std::fs::read(folder.path().join(run).join("schedule.json")).unwrap();
    assert_eq!(
        schedule("again/1/latest"),
        schedule("runs/latest"),
        "byte for byte"
    );

    let shrunk = told(&format!(
        "shrink {at}/runs/latest --times 1 --out {at}/shrunk"
    ));
    assert_eq!(shrunk.status.code(), Some(1), "{}", text(&shrunk.stderr));
    let said = text(&shrunk.stdout);
    assert!(said.contains("0 of 1 faults are left"), "{said}");
    assert!(said.contains("a violation in 1 of 1 runs"), "{said}");
    let again = said
        .lines()
        .find_map(|line| line.strip_prefix("run it again: "));
    assert!(again.unwrap().contains("--schedule"), "{said}");
}

#[test]
fn what_is_no_run_is_refused() {
    for folder in ["/no/such/runs", "/proc/self/task"] {
        let refused = told(&format!("summary {folder}"));
        assert_eq!(refused.status.code(), Some(254), "{folder}");
    }
    let refused = told("replay /no/such/run");
    assert_eq!(refused.status.code(), Some(254));
    assert!(
        text(&refused.stderr).contains("/no/such/run"),
        "{}",
        text(&refused.stderr)
    );
}
