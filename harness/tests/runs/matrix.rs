//! `adrasteia matrix` from outside: a bug is found, the healthy node is left alone, and nothing is run twice.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::program::{in_lab, text, told};

fn matrix(options: &str, out: &Path) -> Output {
    told(&format!("matrix {options} --out {}", out.display()))
}

#[test]
fn a_bug_is_found_once_and_then_known() {
    let Some(_alone) = in_lab("a_bug_is_found_once_and_then_known") else {
        return;
    };
    let out = tempfile::tempdir().unwrap();
    let options = "--bugs follower-read-local --seeds 1 --healthy 1 --time-limit 4s";
    let first = matrix(options, out.path());
    assert_eq!(first.status.code(), Some(0), "{}", text(&first.stderr));
    let said = text(&first.stdout);
    assert!(said.contains("1 of 1 bugs found"), "{said}");
    assert!(said.contains("healthy node: 1 runs, 0 findings"), "{said}");

    let written = std::fs::read_to_string(out.path().join("matrix.json")).unwrap();
    let written: Value = serde_json::from_str(&written).unwrap();
    let row = &written["bugs"][0];
    assert_eq!((&row["found"], &row["runs"]), (&1.into(), &1.into()));
    assert!(row["median_ms"].as_u64().unwrap() < 4_000, "{row}");
    let report = "follower-read-local/none-1/latest/report.html";
    assert!(
        out.path().join(report).exists(),
        "the run that found it is kept"
    );
    assert!(
        !out.path().join("healthy/none-1").exists(),
        "a silent one is not"
    );

    let again = matrix(options, out.path());
    assert!(text(&again.stderr).contains("2 of 2 runs are there already"));
    assert_eq!(text(&again.stdout), said);
    let more = matrix(&format!("{options} --require-found 2"), out.path());
    assert_eq!(more.status.code(), Some(3));
}

#[test]
fn what_cannot_be_run_is_refused_at_once() {
    let out = tempfile::tempdir().unwrap();
    let refused = matrix("--bugs no-such-bug", out.path());
    assert_eq!(refused.status.code(), Some(254));
    assert!(text(&refused.stderr).contains("no-such-bug"));
    assert_eq!(std::fs::read_dir(out.path()).unwrap().count(), 0);
}
