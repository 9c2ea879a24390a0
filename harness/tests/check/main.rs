//! The `check` command from outside: lines, exit codes, and what it makes of its input.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod input;

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const HEADER: &str = r#"{"format":"adrasteia-history","version":1,"model":"kv"}"#;

fn adrasteia(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_adrasteia"))
        .args(arguments)
        .output()
        .unwrap()
}

fn check(name: &str, contents: &[u8], options: &[&str]) -> (i32, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    std::fs::write(&file, contents).unwrap();
    let output = adrasteia(&[&["check", file.to_str().unwrap()], options].concat());
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn event(index: u64, process: &str, event_type: &str, f: &str, value: &str) -> String {
    format!(
        r#"{{"index":{index},"time":{},"process":{process},"type":"{event_type}","f":"{f}","key":"k1","value":{value},"node":"n1"}}"#,
        index * 1_000_000
    )
}

fn history(events: &[String]) -> Vec<u8> {
    let mut text = format!("{HEADER}\n");
    for event in events {
        text.push_str(event);
        text.push('\n');
    }
    text.into_bytes()
}

fn stale_read() -> Vec<u8> {
    history(&[
        event(0, "1", "invoke", "write", "16"),
        event(1, "1", "ok", "write", "16"),
        event(2, "1", "invoke", "write", "17"),
        event(3, "1", "ok", "write", "17"),
        event(4, "2", "invoke", "read", "null"),
        event(5, "2", "ok", "read", "17"),
        event(6, "3", "invoke", "read", "null"),
        event(7, "3", "ok", "read", "16"),
    ])
}

fn valid() -> Vec<u8> {
    history(&[
        event(0, "1", "invoke", "write", "16"),
        event(1, "1", "ok", "write", "16"),
        event(2, "2", "invoke", "read", "null"),
        event(3, "2", "ok", "read", "16"),
    ])
}

#[test]
fn a_valid_history_is_one_line_and_exit_0() {
    let (code, stdout, stderr) = check("h.jsonl", &valid(), &[]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert!(stdout.trim_end().ends_with("h.jsonl\tvalid"), "{stdout}");
}

#[test]
fn a_stale_read_is_exit_1_and_says_who_read_what() {
    let (code, stdout, _) = check("h.jsonl", &stale_read(), &[]);
    assert_eq!(code, 1);
    assert_eq!(stdout.lines().count(), 1);
    assert!(stdout.contains("\tinvalid\tstale-read: "), "{stdout}");
    assert!(stdout.contains("16") && stdout.contains("17"), "{stdout}");
}

#[test]
fn json_is_one_object_a_file() {
    let (code, stdout, _) = check("h.jsonl", &stale_read(), &["--json"]);
    assert_eq!(code, 1);
    let answer: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(answer["verdict"], "invalid");
    assert_eq!(answer["operations"], 4);
    assert_eq!(
        answer["analysis"]["keys"][0]["result"]["anomaly"]["class"],
        "stale-read"
    );
}

#[test]
fn a_certified_answer_says_so_and_carries_its_proof() {
    let (code, stdout, _) = check("h.jsonl", &valid(), &["--certify"]);
    assert_eq!(code, 0);
    assert!(
        stdout.contains("accepted 1 witness order and 0 counterexamples"),
        "{stdout}"
    );
    let (code, stdout, _) = check("h.jsonl", &stale_read(), &["--certify", "--json"]);
    assert_eq!(code, 1);
    let answer: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    let counterexample = &answer["counterexamples"][0];
    assert_eq!(counterexample["minimal"], true);
    assert!(
        counterexample["operations"].as_array().unwrap().len() < 4,
        "{stdout}"
    );
}

#[test]
fn every_algorithm_gives_the_same_answer() {
    for algorithm in ["auto", "search", "fast", "frontier"] {
        for (contents, expected) in [(valid(), 0), (stale_read(), 1)] {
            let (code, stdout, _) = check(
                "h.jsonl",
                &contents,
                &["--algorithm", algorithm, "--workers", "1"],
            );
            assert_eq!(code, expected, "{algorithm}: {stdout}");
        }
    }
}

#[test]
fn a_report_is_written_where_it_was_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.html");
    let (code, ..) = check(
        "h.jsonl",
        &stale_read(),
        &["--report", report.to_str().unwrap()],
    );
    assert_eq!(code, 1);
    let page = std::fs::read_to_string(&report).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("stale-read"));
}

#[test]
fn a_report_that_cannot_be_written_is_refused_before_anything_is_judged() {
    let (code, stdout, stderr) = check(
        "h.jsonl",
        &stale_read(),
        &["--report", "/nowhere/at/all/report.html"],
    );
    assert_eq!((code, stdout.as_str()), (254, ""));
    assert!(
        stderr.contains("--report /nowhere/at/all/report.html cannot be written"),
        "{stderr}"
    );
}

#[test]
fn the_functions_tell_the_model_unless_another_is_asked_for() {
    let history = [
        event(0, "1", "invoke", "enqueue", "16"),
        event(0, "1", "ok", "enqueue", "16"),
        event(0, "1", "invoke", "dequeue", "null"),
        event(0, "1", "ok", "dequeue", "null"),
    ]
    .join("\n");
    let (code, stdout, stderr) = check("h.jsonl", history.as_bytes(), &[]);
    assert_eq!(code, 1, "{stdout}");
    assert!(
        stderr.contains("is judged as queue, because its functions are enqueue, dequeue"),
        "{stderr}"
    );
    let asked = ["--model", "unordered-queue"];
    let (_, _, stderr) = check("h.jsonl", history.as_bytes(), &asked);
    assert_eq!(stderr, "");
    let unknown = [
        event(0, "1", "invoke", "transfer", "16"),
        event(0, "1", "ok", "transfer", "16"),
    ];
    let (code, _, stderr) = check("h.jsonl", unknown.join("\n").as_bytes(), &[]);
    assert_eq!(code, 254);
    assert!(
        stderr.contains("that is the usual model of jsonl") && stderr.contains("see --model"),
        "{stderr}"
    );
}

#[test]
fn the_worst_file_decides_and_every_file_has_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, contents: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, contents).unwrap();
        path.display().to_string()
    };
    let files = [
        write("bad.jsonl", &stale_read()),
        write("good.jsonl", &valid()),
        write("broken.jsonl", b"what is this"),
    ];
    let arguments: Vec<&str> = std::iter::once("check")
        .chain(files.iter().map(String::as_str))
        .collect();
    let output = adrasteia(&arguments);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 2);
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("broken.jsonl")
    );
}

#[test]
fn a_reader_that_has_gone_away_does_not_change_the_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("h.jsonl");
    std::fs::write(&file, stale_read()).unwrap();
    let full = || {
        std::fs::File::options()
            .write(true)
            .open("/dev/full")
            .unwrap()
    };
    let status = Command::new(env!("CARGO_BIN_EXE_adrasteia"))
        .arg("check")
        .arg(&file)
        .stdout(full())
        .stderr(full())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(1));
}

#[test]
fn standard_input_is_a_file_called_dash() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_adrasteia"))
        .args(["check", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let packed = zstd::encode_all(&valid()[..], 1).unwrap();
    child.stdin.take().unwrap().write_all(&packed).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.stdout, b"-\tvalid\n");
}

#[test]
fn every_history_of_the_corpus_gets_its_true_verdict() {
    let Some(corpus) = std::env::var_os("ADRASTEIA_CORPUS") else {
        eprintln!("SKIPPED: ADRASTEIA_CORPUS is not set, so no corpus was checked");
        return;
    };
    let corpus = Path::new(&corpus);
    let verdicts = std::fs::read_to_string(corpus.join("verdicts.tsv")).unwrap();
    let mut checked = 0;
    for line in verdicts.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let file = corpus.join(columns[0]);
        let mut arguments = vec!["check", file.to_str().unwrap(), "--model", columns[2]];
        if !matches!(columns[3], "nil" | "empty") {
            arguments.extend(["--initial", columns[3]]);
        }
        let output = adrasteia(&arguments);
        let stdout = String::from_utf8(output.stdout).unwrap();
        let verdict = stdout.trim_end().split('\t').nth(1);
        assert_eq!(verdict, Some(columns[4]), "{line}\n{stdout}");
        checked += 1;
    }
    assert!(checked > 0, "the corpus is empty");
}
