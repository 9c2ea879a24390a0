//! What is read, and what is refused with which words.

use checker::{Format, History, ModelName, Outcome, Process, Unlimited, Value, check, formats};

fn read(text: &str) -> History {
    formats::read(text.as_bytes(), None, "h").unwrap_or_else(|error| panic!("{error}"))
}

/// Operations as `process f input -> output outcome`.
fn summary(history: &History) -> Vec<String> {
    let line = |one: &checker::Operation| {
        format!(
            "{} {} {} -> {} {:?}",
            one.process, one.f, one.input, one.output, one.outcome
        )
    };
    history.operations.iter().map(line).collect()
}

fn refusal(bytes: &[u8], format: Option<Format>) -> String {
    formats::read(bytes, format, "h")
        .expect_err("a malformed history")
        .to_string()
}

const HEADER: &str = r#"{"format":"adrasteia-history","version":1,"model":"kv","initial":0,"nodes":["n1","n2"],"seed":7,"later":[]}"#;

#[test]
fn an_own_history_is_read_with_its_header_and_its_faults() {
    let history = read(&format!(
        r#"{HEADER}
{{"index":0,"time":5,"process":3,"type":"invoke","f":"write","key":"k1","value":4,"node":"n1"}}
{{"index":1,"time":6,"process":"nemesis","type":"info","f":"partition","value":{{"id":1}}}}
{{"index":2,"time":9,"process":3,"type":"ok","f":"write","key":"k1","value":4,"node":"n2","more":1}}
"#
    ));
    assert_eq!(history.format, Format::Jsonl);
    assert_eq!(
        history.header.as_ref().and_then(|header| header.seed),
        Some(7)
    );
    assert_eq!(history.default_model().name, ModelName::Kv);
    assert_eq!(history.default_model().initial, Some(Value::Int(0)));
    assert_eq!(summary(&history), ["3 write 4 -> 4 Ok"]);
    assert_eq!(history.nemesis.len(), 1);
    assert_eq!(history.nemesis[0].process, Process::Nemesis);
    let operation = &history.operations[0];
    assert_eq!(
        (operation.invoke_index, operation.complete_index),
        (0, Some(2))
    );
    assert_eq!(operation.node.as_deref(), Some("n2"));
    assert_eq!(operation.key, Some(Value::from("k1")));
}

#[test]
fn jsonl_without_a_header_or_indexes_is_read() {
    let history = read(
        r#"{"process":0,"type":"invoke","f":"read","value":null,"error":["timeout",3]}
{"process":0,"type":"info","f":"read","value":9,"error":["timeout",3]}"#,
    );
    assert_eq!(summary(&history), ["0 read nil -> nil Info"]);
    assert_eq!(
        history.operations[0].error.as_deref(),
        Some("[\"timeout\" 3]")
    );
    assert_eq!(history.default_model().name, ModelName::CasRegister);
}

#[test]
fn a_history_that_a_crash_cut_is_read_up_to_the_cut() {
    let whole = format!(
        "{HEADER}\n{}\n{}",
        r#"{"index":0,"time":5,"process":3,"type":"invoke","f":"write","key":"k","value":"ü"}"#,
        r#"{"index":1,"time":9,"process":3,"type":"ok","f":"write","key":"k","value":"ü"}"#,
    );
    let last = whole.rfind('\n').expect("three lines") + 1;
    for end in last + 1..whole.len() {
        let history =
            formats::read(&whole.as_bytes()[..end], None, "h").expect("a cut history is readable");
        assert!(history.truncated, "cut at {end}");
        assert_eq!(history.operations[0].outcome, Outcome::Info);
    }
    let complete =
        formats::read(whole.as_bytes(), None, "h").expect("whole, though without a line end");
    assert!(!complete.truncated);
    assert_eq!(complete.operations[0].outcome, Outcome::Ok);
}

#[test]
fn jepsen_histories_are_read_in_every_layout() {
    let one = ":process 1, :type :invoke, :f :cas, :value [0 2], :time 7";
    let two = ":process 1, :type :ok,\n :f :cas ; changed\n, :value [0 2], :error {:a \"}\"}";
    let nemesis = "{:process :nemesis, :type :info, :f :start, :value \"[\"}";
    for text in [
        format!("{{{one}}}\n{nemesis}\n{{{two}}}\n"),
        format!("; a comment\n[{{{one}}}\n {nemesis} {{{two}}}]\n; the end"),
        format!("({{{one}}} #_{{:a 1}} {{{two}}} #_ignored)"),
        format!("#jepsen.history.Op{{{one}}}\n#jepsen.history.Op {{{two}}}"),
    ] {
        let history = read(&text);
        assert_eq!(history.format, Format::Edn, "{text}");
        assert_eq!(summary(&history), ["1 cas [0 2] -> [0 2] Ok"], "{text}");
    }
}

#[test]
fn an_indeterminate_completion_keeps_the_value_of_its_invocation() {
    let history = read(
        "{:process 1 :type :invoke :f :write :value 5}
         {:process 1 :type :info :f :write :value :timed-out}
         {:process 1 :type :invoke :f :write :value 6}",
    );
    assert_eq!(
        summary(&history),
        ["1 write 5 -> 5 Info", "1 write 6 -> 6 Info"]
    );
}

#[test]
fn nil_reads_of_jepsen_are_unknown_where_nothing_can_be_nil() {
    let text =
        "{:process 1 :type :invoke :f :read :value nil} {:process 1 :type :ok :f :read :value nil}";
    let outcome = |initial: Value| {
        let spec = checker::ModelSpec {
            name: ModelName::CasRegister,
            initial: Some(initial),
        };
        check(&read(text), &spec, &Unlimited)
            .expect("a register")
            .outcome()
    };
    assert_eq!(outcome(Value::Int(0)), checker::Verdict::Valid);
    assert_eq!(outcome(Value::Nil), checker::Verdict::Valid);
    let jsonl = read(
        r#"{"process":1,"type":"invoke","f":"read"}
{"process":1,"type":"ok","f":"read","value":null}"#,
    );
    let spec = checker::ModelSpec {
        name: ModelName::CasRegister,
        initial: Some(Value::Int(0)),
    };
    assert_eq!(
        check(&jsonl, &spec, &Unlimited)
            .expect("a register")
            .outcome(),
        checker::Verdict::Invalid
    );
}

#[test]
fn independent_keys_are_read_from_tuples() {
    let history = read(
        "{:process 1 :type :invoke :f :write :value [:x 5]}
         {:process 1 :type :ok :f :write :value [:x 5]}
         {:process 1 :type :invoke :f :read :value [:y nil]}
         {:process 1 :type :ok :f :read :value [:y nil]}
         {:process 1 :type :invoke :f :cas :value [:x [5 6]]}
         {:process 1 :type :info :f :cas :value nil}",
    );
    let analysis = check(&history, &ModelName::Kv.into(), &Unlimited).expect("tuples");
    let keys: Vec<_> = analysis
        .keys
        .iter()
        .map(|key| (key.key.clone(), key.operations))
        .collect();
    assert_eq!(
        keys,
        [(Some(Value::from("x")), 2), (Some(Value::from("y")), 1)]
    );
}

#[test]
fn old_etcd_logs_are_read_with_tabs_and_with_spaces() {
    for space in ["\t", "   "] {
        let text = "INFO  jepsen.util - 3\t:invoke\t:cas\t[1 2]
INFO  jepsen.core - Worker 1 starting
INFO  jepsen.util - :nemesis\t:info\t:start\tnil
INFO  jepsen.util - 3\t:info\t:cas\t:timed-out
";
        let history = read(&text.replace('\t', space));
        assert_eq!(history.format, Format::EtcdLog);
        assert_eq!(summary(&history), ["3 cas [1 2] -> [1 2] Info"]);
        assert_eq!(history.operations[0].error.as_deref(), Some("timed-out"));
    }
}

#[test]
fn string_stores_of_porcupine_are_recognised() {
    let history = read(
        "{:process 9, :type :invoke, :f :append, :key \"0\", :value \"x 9 0 y\"}
{:process 9, :type :ok, :f :append, :key \"0\", :value \"x 9 0 y\"}",
    );
    assert_eq!(history.format, Format::PorcupineKv);
    assert_eq!(history.default_model().name, ModelName::KvAppend);
}

#[test]
fn values_of_a_megabyte_are_read() {
    let long = "x".repeat(1 << 20);
    let json = format!(r#"{{"process":0,"type":"invoke","f":"write","value":"{long}"}}"#);
    let edn = format!("{{:process 0 :type :invoke :f :write :value \"{long}\"}}");
    for text in [json, edn] {
        assert_eq!(read(&text).operations[0].input, Value::from(long.as_str()));
    }
}

#[test]
fn malformed_histories_are_refused_with_file_line_and_reason() {
    let invoke = r#"{"process":0,"type":"invoke","f":"read"}"#;
    let cases: &[(&str, &str)] = &[
        ("", "h: the file is empty"),
        (" \n\n", "h: the file is empty"),
        (
            "hello",
            "h:1: the format is none of jsonl, json, edn, etcd-log, porcupine-kv, porcupine-operations; name it with --format",
        ),
        (
            &format!("{invoke}\n{{\"process\":0,\"type\":\"ok\"\n{invoke}\n"),
            "h:2: EOF while parsing an object",
        ),
        (
            &format!("{invoke}\n[1]\n"),
            "h:2: the line is not a JSON object; each line holds one event, such as {\"process\":0,\"type\":\"invoke\",\"f\":\"read\"}",
        ),
        (
            r#"{"process":"p","type":"ok","f":"read"}"#,
            "h:1: the process is \"p\", neither the number of a client nor \"nemesis\"",
        ),
        (
            r#"{"process":0,"type":"done","f":"read"}"#,
            "h:1: unknown variant `done`, expected one of `invoke`, `ok`, `fail`, `info`",
        ),
        (
            r#"{"process":0,"type":"ok","f":7}"#,
            "h:1: invalid type: integer `7`, expected a string at column 30",
        ),
        (
            r#"{"process":0,"type":"ok"}"#,
            "h:1: missing field `f` at column 25",
        ),
        (
            r#"{"process":0,"type":"ok","f":"read"}"#,
            "h:1: process 0 completes `read` but has no open invocation",
        ),
        (
            &format!("{invoke}\n\n{invoke}"),
            "h:3: process 0 invokes `read` while its `read` of line 1 is still open",
        ),
        (
            &format!("{invoke}\n{}", r#"{"process":0,"type":"ok","f":"write"}"#),
            "h:2: process 0 completes `write` but its open invocation of line 1 is `read`",
        ),
        (
            r#"{"format":"adrasteia-history","version":2}"#,
            "h:1: the history has version 2, this release reads up to 1; use a newer one",
        ),
        (
            r#"{"format":"adrasteia-history","version":"x"}"#,
            "h:1: header: invalid type: string \"x\", expected u32 at column 43",
        ),
        ("[]", "h: no operation was found; is it a history?"),
        (
            "[{:process 0 :type :invoke :f :read}",
            "h:1: the file ends before the `]` that closes the history",
        ),
        (
            "[{:process 0\n:type :invoke :f",
            "h:2: the file ends in the middle of a form",
        ),
        (
            "{:process 0 :type :invoke :f :read}\n)",
            "h:2: `)` closes nothing",
        ),
        (
            "\n{:type :invoke :f :read}",
            "h:2: the operation has no :process",
        ),
        ("{:process 0 :f :read}", "h:1: the operation has no :type"),
        ("{:process 0 :type :invoke}", "h:1: the operation has no :f"),
        (
            "{:process 0 :type 3 :f :read}",
            "h:1: :type is `3`, not a keyword",
        ),
        (
            "{:process 0 :type :done :f :read}",
            "h:1: unknown variant `done`, expected one of `invoke`, `ok`, `fail`, `info`",
        ),
        (
            "{:process 0 :type :invoke :f :read :time 0.5}",
            "h:1: :time is `0.5`, not a whole number",
        ),
        (
            r#"{"process":0,"type":"invoke","f":"read","time":0.5}"#,
            "h:1: invalid type: floating point `0.5`, expected a whole number at column 50",
        ),
        (
            "{:process 0 :type :invoke :f :write :value 12:30}",
            "h:1: what begins like a number is none; put text in quotes",
        ),
        (
            "[1]",
            "h:1: `1` is not an operation map, such as {:process 0 :type :invoke :f :read}",
        ),
        (
            "{:process 0\n:value # x}",
            "h:2: `#` begins no tag; a tag is a name before a value, such as #inst \"2026-01-01\"",
        ),
        (
            "{:process 0\n:value \"\\q\"}",
            "h:2: an escape in a string that is not one of \\n \\r \\t \\b \\f \\\\ \\\" \\u0041",
        ),
        (
            &format!("[{invoke}\n{invoke}]"),
            "h:2: a comma is missing before `{`",
        ),
        (
            &format!("[{invoke},\n17]"),
            "h:2: `17]` where an event should be, an object in { and }",
        ),
        (
            &format!("[{invoke},\n{invoke}"),
            "h:2: process 0 invokes `read` while its `read` of line 1 is still open",
        ),
        (
            &format!("\n[{invoke}"),
            "h:2: the file ends before the `]` that closes the history",
        ),
        (
            &format!("[{invoke}]\n{invoke}"),
            "h:2: something follows the history",
        ),
        (
            r#"[{"ClientId":0,"Input":{},"Call":0,"Output":1,"Return":1}]"#,
            "h:1: Input is {}: Go's encoder leaves out fields that begin with a small letter; export them as Op, Key, Value",
        ),
        (
            r#"[{"ClientId":0,"Input":{"Op":1},"Call":0,"Output":1,"Return":1}]"#,
            "h:1: Op is 1, which says nothing without Key (0 get, 1 put, 2 append) or Arg1 and Arg2 (0 read, 1 write, 2 cas)",
        ),
        (
            r#"[{"ClientId":0,"Input":{"Op":"write"},"Call":0,"Output":1,"Return":1}]"#,
            "h:1: write needs Value, and Input {\"Op\" \"write\"} has not",
        ),
        (
            r#"[{"ClientId":0,"Input":{"Op":"pop"},"Call":0,"Output":1,"Return":1}]"#,
            "h:1: Op is \"pop\", none of read, write, cas, get, put, append",
        ),
        (
            r#"[{"ClientId":0,"Input":{"Op":"read"},"Call":5,"Output":1,"Return":1}]"#,
            "h:1: it returns at 1, before its call at 5",
        ),
        (
            r#"[{"ClientId":0,"Input":{"Op":"read"},"Call":5}]"#,
            "h:1: the operation has no Return; it needs ClientId, Input, Call, Output and Return",
        ),
        ("[] 7", "h:1: something follows the history"),
        (
            "{:process 0 :process 1}",
            "h:1: a map has the same key twice",
        ),
        ("x jepsen.util - 3", "h:1: the line ends before the type"),
        (
            "x jepsen.util - x :invoke :read nil",
            "h:1: `x` is not the number of a process",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(refusal(text.as_bytes(), None), *expected, "{text}");
    }
}

#[test]
fn bytes_that_are_no_text_are_refused_with_their_line() {
    let bytes = b"{\"process\":0,\"type\":\"invoke\",\"f\":\"read\"}\n\xff\xfe\n";
    assert_eq!(refusal(bytes, None), "h:2: not UTF-8; a history is text");
}

#[test]
fn deep_nesting_is_refused_not_overflowed() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let edn = format!("{{:process 0 :type :invoke :f :write :value {deep}}}");
    assert_eq!(
        refusal(edn.as_bytes(), None),
        "h:1: a value is nested deeper than 128 levels"
    );
    let json = format!("{{\"process\":0,\"type\":\"invoke\",\"f\":\"w\",\"value\":{deep}}}");
    assert_eq!(
        refusal(json.as_bytes(), None),
        "h:1: a value is nested deeper than 128 levels"
    );
    assert!(Value::parse_literal(&deep).is_err());
}

#[test]
fn operations_that_a_model_does_not_know_are_named() {
    let history = read(r#"{"index":4,"process":2,"type":"invoke","f":"enqueue","value":1}"#);
    let told = |model: ModelName| {
        check(&history, &model.into(), &Unlimited)
            .expect_err("an unknown operation")
            .to_string()
    };
    assert_eq!(
        told(ModelName::CasRegister),
        "line 1: operation 4 (`enqueue` of process 2): cas-register knows read, write and cas"
    );
    assert_eq!(
        told(ModelName::Register),
        "line 1: operation 4 (`enqueue` of process 2): register knows read and write"
    );
    assert_eq!(
        told(ModelName::Mutex),
        "line 1: operation 4 (`enqueue` of process 2): mutex knows acquire and release"
    );
    assert_eq!(
        told(ModelName::KvAppend),
        "line 1: operation 4 (`enqueue` of process 2): kv-append knows put, get and append"
    );
    assert_eq!(
        told(ModelName::Kv),
        "line 1: operation 4 (`enqueue` of process 2): has neither a key nor a [key value] tuple, its value is 1"
    );
    assert_eq!(
        told(ModelName::MultiRegister),
        "line 1: operation 4 (`enqueue` of process 2): multi-register knows txn with [[:read k v] [:write k v] …], not 1"
    );
}

#[test]
fn literals_are_json_or_edn() {
    let map = Value::from_iter([(Value::from("x"), Value::Int(0))]);
    for (text, value) in [
        ("nil", Value::Nil),
        ("null", Value::Nil),
        ("7", Value::Int(7)),
        ("\"\"", Value::from("")),
        ("{:x 0}", map.clone()),
        ("{\"x\": 0}", map),
        ("[1 2]", Value::from(vec![1.into(), 2.into()])),
    ] {
        assert_eq!(
            Value::parse_literal(text).expect("a literal"),
            value,
            "{text}"
        );
    }
    let error = Value::parse_literal("1 2")
        .expect_err("two values")
        .to_string();
    assert_eq!(
        error,
        "`1 2` is neither a JSON nor an EDN value: something follows the value: `2`"
    );
}

#[test]
fn names_of_models_and_formats_are_read_as_they_are_written() {
    for model in ModelName::ALL {
        assert_eq!(
            model
                .to_string()
                .parse::<ModelName>()
                .expect("its own name"),
            model
        );
    }
    for format in Format::ALL {
        assert_eq!(
            format.to_string().parse::<Format>().expect("its own name"),
            format
        );
    }
    let error = "casregister"
        .parse::<ModelName>()
        .expect_err("no model")
        .to_string();
    for model in ModelName::ALL {
        assert!(error.contains(&model.to_string()), "{error}");
    }
}
