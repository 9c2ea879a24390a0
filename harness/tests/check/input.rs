//! Input that nobody should have written, and input that is merely unusual.

use super::{HEADER, adrasteia, check, event, history, valid};

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
