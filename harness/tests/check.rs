//! The `check` command from outside: lines, exit codes, and input that nobody should have written.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

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
fn input_that_cannot_be_a_history_is_named_with_its_line_and_never_a_panic() {
    let megabyte = format!("\"{}\"", "x".repeat(1 << 20));
    let invoked = event(0, "1", "invoke", "write", "16");
    let rows: Vec<(&str, Vec<u8>, &str)> = vec![
        ("empty", Vec::new(), "empty"),
        ("blank", b"\n\n".to_vec(), "empty"),
        ("not a history", b"hello there\n".to_vec(), ":1:"),
        (
            "cut in the middle",
            history(&[invoked[..30].to_owned(), event(1, "1", "ok", "write", "16")]),
            ":2:",
        ),
        (
            "return without call",
            history(&[event(0, "1", "ok", "write", "16")]),
            ":2:",
        ),
        (
            "two open calls",
            history(&[invoked.clone(), event(1, "1", "invoke", "read", "null")]),
            ":3:",
        ),
        (
            "wrong type of time",
            history(&[invoked.replace(r#""time":0"#, r#""time":"soon""#)]),
            ":2:",
        ),
        (
            "unknown kind of event",
            history(&[event(0, "1", "maybe", "write", "16")]),
            ":2:",
        ),
        (
            "unknown function",
            history(&[event(0, "1", "invoke", "frobnicate", "1")]),
            "line 2: operation 0 (`frobnicate`",
        ),
        (
            "an answer for another key",
            history(&[
                invoked.clone(),
                event(1, "1", "ok", "write", "16").replace("k1", "k2"),
            ]),
            ":3:",
        ),
        (
            "a model nobody knows",
            String::from_utf8(valid())
                .unwrap()
                .replace(r#""model":"kv""#, r#""model":"mutexx""#)
                .into_bytes(),
            "mutexx",
        ),
        (
            "cas without a pair",
            history(&[
                event(0, "1", "invoke", "cas", "5"),
                event(1, "1", "ok", "cas", "5"),
            ]),
            "cas",
        ),
        (
            "invalid UTF-8",
            [HEADER.as_bytes(), b"\n{\"index\":0,\"f\":\"\xff\xfe\"}\n"].concat(),
            ":2:",
        ),
        (
            "a value of a megabyte where none belongs",
            history(&[invoked.replace(r#""type":"invoke""#, &format!(r#""type":{megabyte}"#))]),
            ":2:",
        ),
        (
            "newer version",
            format!("{}\n", HEADER.replace(r#""version":1"#, r#""version":99"#)).into_bytes(),
            ":1:",
        ),
    ];
    for (what, contents, part) in rows {
        let (code, stdout, stderr) = check("h.jsonl", &contents, &["--format", "jsonl"]);
        assert_eq!(code, 254, "{what}: {stdout}{stderr}");
        assert_eq!(stdout, "", "{what}");
        assert!(stderr.contains("h.jsonl"), "{what}: {stderr}");
        assert!(stderr.contains(part), "{what}: {stderr}");
        assert!(!stderr.contains("panicked"), "{what}: {stderr}");
        assert!(
            stderr.len() < 2_000,
            "{what}: a message of {} bytes",
            stderr.len()
        );
    }
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
fn an_initial_value_that_the_model_cannot_have_is_refused() {
    for (model, initial) in [
        ("mutex", "5"),
        ("kv-append", "5"),
        ("multi-register", "5"),
        ("set", "5"),
        ("queue", "{}"),
        ("stack", "5"),
        ("counter", "[]"),
        ("list-append", "{\"x\": 5}"),
    ] {
        let (code, _, stderr) = check(
            "h.jsonl",
            &valid(),
            &["--model", model, "--initial", initial],
        );
        assert_eq!(code, 254, "{model}: {stderr}");
        assert!(
            stderr.contains(&format!("initial value of {model}")),
            "{stderr}"
        );
    }
}

#[test]
fn in_edn_only_keywords_are_not_clients() {
    let text = "{:process :nemesis :type :info :f :start}\n{:process \"1\" :type :invoke :f :read :value nil}\n";
    let (code, _, stderr) = check("h.edn", text.as_bytes(), &[]);
    assert_eq!(code, 254);
    assert!(stderr.contains("h.edn:2:"), "{stderr}");
}

#[test]
fn in_edn_a_read_of_nil_may_be_an_unrecorded_one_and_a_cas_from_nil_is_what_it_says() {
    let written = "{:process 0 :type :invoke :f :write :value 1}\n{:process 0 :type :ok :f :write :value 1}\n";
    for (f, value, expected) in [
        (":read", "nil", 0),
        (":cas", "[nil nil]", 1),
        (":cas", "[nil 5]", 1),
    ] {
        let of = |kind: &str| format!("{{:process 0 :type {kind} :f {f} :value {value}}}\n");
        let contents = format!("{written}{}{}", of(":invoke"), of(":ok"));
        let (code, stdout, _) = check(
            "h.edn",
            contents.as_bytes(),
            &["--initial", "0", "--certify"],
        );
        assert_eq!(code, expected, "{f} {value}: {stdout}");
        assert!(!stdout.contains("refutes"), "{f} {value}: {stdout}");
    }
}

#[test]
fn in_edn_a_failed_write_of_nil_leaves_unrecorded_reads_unrecorded() {
    let of = |kind: &str, f: &str, value: &str| {
        format!("{{:process 0 :type {kind} :f {f} :value {value}}}\n")
    };
    for (model, initial, write, read) in [
        ("cas-register", "0", ":write", "nil"),
        ("multi-register", "{:x 0}", ":txn", "[[:r :x nil]]"),
    ] {
        let nil = if model == "cas-register" {
            "nil"
        } else {
            "[[:w :x nil]]"
        };
        let f = if model == "cas-register" {
            ":read"
        } else {
            ":txn"
        };
        for (end, expected) in [(":fail", 0), (":ok", 1)] {
            let last = if end == ":ok" {
                read.replace("nil", "0")
            } else {
                read.to_owned()
            };
            let contents = [
                of(":invoke", write, nil),
                of(end, write, nil),
                of(":invoke", f, read),
                of(":ok", f, &last),
            ];
            let options = ["--model", model, "--initial", initial, "--certify"];
            let (code, stdout, stderr) = check("h.edn", contents.concat().as_bytes(), &options);
            assert_eq!(code, expected, "{model} {end}: {stdout}{stderr}");
            assert!(!stdout.contains("refutes"), "{model} {end}: {stdout}");
        }
    }
}

#[test]
fn a_value_of_a_megabyte_is_a_value_like_any_other() {
    let megabyte = format!("\"{}\"", "x".repeat(1 << 20));
    let contents = history(&[
        event(0, "1", "invoke", "write", &megabyte),
        event(1, "1", "ok", "write", &megabyte),
        event(2, "2", "invoke", "read", "null"),
        event(3, "2", "ok", "read", &megabyte),
    ]);
    assert_eq!(check("h.jsonl", &contents, &[]).0, 0);
}

#[test]
fn large_integers_are_told_apart() {
    let read = |digits: &str| {
        let write = |kind| event(0, "1", kind, "write", "18446744073709551615");
        let read = event(2, "2", "ok", "read", digits);
        let asked = event(2, "2", "invoke", "read", "null");
        check(
            "h.jsonl",
            &history(&[write("invoke"), write("ok"), asked, read]),
            &[],
        )
        .0
    };
    assert_eq!(read("18446744073709551615"), 0);
    assert_eq!(read("18446744073709551616"), 1);
}

#[test]
fn a_limit_ends_the_reading_too() {
    let pair = |index| {
        let [invoke, ok] = ["invoke", "ok"].map(|kind| event(index, "1", kind, "write", "16"));
        format!("{invoke}\n{ok}\n")
    };
    let contents: String = (0..20_000).map(pair).collect();
    let options = ["--memory-limit", "1MiB"];
    let (code, stdout, stderr) = check("h.jsonl", contents.as_bytes(), &options);
    assert_eq!((code, stderr.as_str()), (2, ""));
    assert!(
        stdout.contains("\tunknown\tnothing was judged: "),
        "{stdout}"
    );
    assert!(stdout.contains("while reading"), "{stdout}");
    let (_, json, _) = check(
        "h.jsonl",
        contents.as_bytes(),
        &["--memory-limit", "1MiB", "--json"],
    );
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["verdict"], "unknown");
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
fn a_last_line_cut_by_a_crash_is_said_and_the_rest_is_judged() {
    let mut contents = valid();
    contents.extend_from_slice(br#"{"index":4,"time":4000000,"pro"#);
    let (code, stdout, _) = check("h.jsonl", &contents, &[]);
    assert_eq!(code, 0);
    assert!(stdout.contains("cut off"), "{stdout}");
}

#[test]
fn a_file_that_is_not_there_and_names_that_do_not_exist_are_usage_errors() {
    for (arguments, part) in [
        (vec!["check", "/no/such/file"], "/no/such/file"),
        (vec!["check", "x", "--model", "spreadsheet"], "spreadsheet"),
        (vec!["check", "x", "--format", "csv"], "csv"),
        (vec!["check", "x", "--initial", "{"], "--initial"),
        (vec!["check", "x", "--algorithm", "guess"], "frontier"),
        (vec!["check", "x", "--time-limit", "0s"], "--time-limit"),
        (vec!["check"], "FILE"),
        (vec!["check", "x", "--time-limit", "soon"], "30s"),
    ] {
        let output = adrasteia(&arguments);
        assert_eq!(output.status.code(), Some(254), "{arguments:?}");
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.contains(part), "{arguments:?}: {stderr}");
    }
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
