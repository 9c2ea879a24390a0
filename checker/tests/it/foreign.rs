//! Histories of others, as they are found in the wild.

use std::io::{Read, Write as _};

use checker::{Budget, Format, History, Limit, ModelName, Nanos, Outcome, Process, Value, formats};

fn read(text: &str) -> History {
    formats::read(text.as_bytes(), None, "h").unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn value_of(edn: &str) -> Value {
    let history = read(&format!(
        "{{:process 0 :type :invoke :f :write :value {edn}}}"
    ));
    history.operations[0].input.clone()
}

#[test]
fn all_of_edn_is_read() {
    let text = |text: &str| Value::from(text);
    let number = |digits: &str| Value::Number(digits.into());
    let cases = [
        ("1N", Value::Int(1)),
        ("99999999999999999999N", number("99999999999999999999")),
        ("-99999999999999999999", number("-99999999999999999999")),
        ("1.5M", Value::Float(checker::Float(1.5))),
        ("22/7", number("22/7")),
        ("##Inf", Value::Float(checker::Float(f64::INFINITY))),
        ("##NaN", Value::Float(checker::Float(f64::NAN))),
        (r"\u0041", text("A")),
        (r"\backspace", text("\u{8}")),
        (r"\}", text("}")),
        (r#""\u00e9 \b \f \" }""#, text("é \u{8} \u{c} \" }")),
        (r##"#"a\d}\"""##, text(r#"a\d}\""#)),
        ("^{:line 3} [1]", Value::from(vec![Value::Int(1)])),
        ("^:tag x", text("x")),
        ("#inst \"2026\"", text("2026")),
        ("#{2 1}", Value::from(vec![1.into(), 2.into()])),
        ("[1 #_ 2N #_[3] 4]", Value::from(vec![1.into(), 4.into()])),
    ];
    for (edn, expected) in cases {
        assert_eq!(value_of(edn), expected, "{edn}");
    }
}

#[test]
fn a_tagged_history_of_jepsen_is_read() {
    let history = read(
        "; test\n#jepsen.history.History [#jepsen.history.Op{:index -1 :time -1 :process 0 :type :invoke :f :txn :value [[:r 1 nil]]}\n\
         #jepsen.history.Op{:index 1 :time 9 :process 0 :type :info :f :txn :value [[:r 1 nil]] :error [:a #\"b\\d\" 1N]}\n\
         {:process :logger :type :info :f :note}]",
    );
    let operation = &history.operations[0];
    assert_eq!((operation.invoke_index, operation.call_time), (0, None));
    assert_eq!(operation.return_time, Some(Nanos(9)));
    assert_eq!(operation.error.as_deref(), Some("[\"a\" \"b\\\\d\" 1]"));
    assert_eq!(operation.line.map(std::num::NonZero::get), Some(2));
    assert_eq!(history.nemesis[0].process, Process::Nemesis);
    assert_eq!(history.nemesis[0].f, "note");
}

#[test]
fn errors_behind_a_repair_name_the_line_of_the_file() {
    let text = "{:process 0 :type :invoke :f :write :value ^{:a\n1}\n [1N \\a]}\n{:process 0}";
    let error = formats::read(text.as_bytes(), None, "h").expect_err("no type");
    assert_eq!(error.to_string(), "h:4: the operation has no :type");
}

#[test]
fn json_is_read_in_every_layout() {
    let invoke = r#"{"process":0,"type":"invoke","f":"write","value":[1,{"a":2}]}"#;
    let ok = r#"{"process":0,"type":"ok","f":"write","value":[1,{"a":2}]}"#;
    let pretty = |text: &str| {
        let value: serde_json::Value = serde_json::from_str(text).expect("JSON");
        serde_json::to_string_pretty(&value).expect("JSON")
    };
    for (text, format) in [
        (format!("{invoke}\n{ok}"), Format::Jsonl),
        (format!("[{invoke},{ok}]"), Format::Json),
        (format!("\n[\n {invoke} ,\n{ok}\n]\n"), Format::Json),
        (pretty(&format!("[{invoke},{ok}]")), Format::Json),
        (format!("{}\n{}", pretty(invoke), pretty(ok)), Format::Json),
        (invoke.to_owned(), Format::Jsonl),
    ] {
        let history = read(&text);
        assert_eq!(history.format, format, "{text}");
        assert_eq!(history.operations.len(), 1, "{text}");
        assert_eq!(history.operations[0].input.to_string(), "[1 {\"a\" 2}]");
    }
}

#[test]
fn keywords_that_were_exported_as_strings_are_read() {
    let history = read(
        r#"{"index":-1,"time":-1,"process":":nemesis","type":":info","f":":start"}
{"process":0,"type":":invoke","f":":read","value":null}
{"process":0,"type":":ok","f":":read","value":18446744073709551616}"#,
    );
    assert_eq!(history.nemesis.len(), 1);
    let operation = &history.operations[0];
    assert_eq!(
        (operation.f.as_str(), operation.outcome),
        ("read", Outcome::Ok)
    );
    assert_eq!(
        operation.output,
        Value::Number("18446744073709551616".into())
    );
}

#[test]
fn integers_of_json_stay_exact() {
    for digits in [
        "18446744073709551615",
        "-9223372036854775809",
        "10000000000000000000000001",
    ] {
        for text in [digits.to_owned(), format!("[{{\"a\":{digits}}}]")] {
            let value = Value::parse_literal(&text).expect("a value");
            assert_eq!(serde_json::to_string(&value).expect("JSON"), text);
            assert!(value.to_string().contains(digits));
        }
    }
    assert_eq!(
        Value::parse_literal("1e19").expect("a float"),
        Value::Float(checker::Float(1e19))
    );
}

#[test]
fn string_stores_are_recognised_behind_faults_and_reads() {
    let history = read(
        "{:process :nemesis, :type :info, :f :start}
{:process 9, :type :invoke, :f :get, :key \"0\", :value nil}",
    );
    assert_eq!(history.format, Format::PorcupineKv);
}

/// The example of Porcupine's README, with exported fields.
const README: &str = r#"[
 {"ClientId":0,"Input":{"Op":false,"Value":100},"Call":0,"Output":0,"Return":100},
 {"ClientId":1,"Input":{"Op":true,"Value":0},"Call":25,"Output":100,"Return":75},
 {"ClientId":2,"Input":{"Op":true,"Value":0},"Call":30,"Output":0,"Return":60}]"#;

#[test]
fn operations_of_porcupine_are_closed_intervals() {
    let history = read(README);
    assert_eq!(history.format, Format::PorcupineOperations);
    assert_eq!(history.default_model().name, ModelName::CasRegister);
    let spans: Vec<_> = history
        .operations
        .iter()
        .map(|one| (one.f.as_str(), one.output.to_string(), one.call, one.ret))
        .collect();
    assert_eq!(
        spans,
        [
            ("write", "100".to_owned(), 0, Some(5)),
            ("read", "100".to_owned(), 1, Some(4)),
            ("read", "0".to_owned(), 2, Some(3)),
        ]
    );
    let touching = read(
        r#"{"ClientId":0,"Input":{"op":"write","value":1},"Call":0,"Output":null,"Return":10}
{"ClientId":0,"Input":{"op":"read"},"Call":10,"Output":0,"Return":20}"#,
    );
    let [write, read] = &touching.operations[..] else {
        panic!("two operations")
    };
    assert!(write.ret > Some(read.call), "they overlap");
    assert_ne!(write.process, read.process, "one at a time");
}

#[test]
fn operations_of_porcupine_tell_what_is_unknown() {
    let history = read(
        r#"[{"ClientId":0,"Input":{"Op":2,"Arg1":1,"Arg2":2},"Call":-3,"Output":{"Ok":false},"Return":1},
{"ClientId":0,"Input":{"Op":1,"Arg1":7,"Arg2":0},"Call":2,"Output":{"Unknown":true},"Return":9},
{"ClientId":1,"Input":{"Op":0,"Arg1":0,"Arg2":0},"Call":3,"Output":{"Exists":false,"Value":0},"Return":4},
{"ClientId":1,"Input":{"Op":0,"Arg1":0},"Call":5,"Output":{"Exists":true,"Value":7},"Return":6},
{"ClientId":1,"Input":{"Op":"read"},"Call":7,"Output":null,"Return":8}]"#,
    );
    let told: Vec<_> = history
        .operations
        .iter()
        .map(|one| {
            format!(
                "{} {} -> {} {:?}",
                one.f, one.input, one.output, one.outcome
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "cas [1 2] -> [1 2] Fail",
            "write 7 -> 7 Info",
            "read nil -> nil Ok",
            "read nil -> 7 Ok",
            "read nil -> nil Info",
        ]
    );
    let strings = read(
        r#"[{"ClientId":0,"Input":{"Op":2,"Key":"k","Value":"x"},"Call":0,"Output":{"Value":""},"Return":1},
{"ClientId":0,"Input":{"Op":0,"Key":"k","Value":""},"Call":2,"Output":{"Value":"x"},"Return":3}]"#,
    );
    assert_eq!(strings.default_model().name, ModelName::KvAppend);
    assert_eq!(strings.operations[1].output, Value::from("x"));
}

#[test]
fn compressed_histories_are_read_as_they_are() {
    let text = README.as_bytes();
    let zstd = zstd::encode_all(text, 1).expect("memory");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text).expect("memory");
    let gzip = gzip.finish().expect("memory");
    let parts = [
        zstd::encode_all(&text[..60], 1).expect("memory"),
        zstd::encode_all(&text[60..], 1).expect("memory"),
    ];
    for packed in [zstd.clone(), gzip, parts.concat()] {
        let history = formats::read(&packed, None, "h").expect("a history");
        assert_eq!(history.operations, read(README).operations);
    }
    let error = formats::read(&zstd[..zstd.len() - 3], None, "h").expect_err("it is cut");
    assert!(
        error
            .to_string()
            .contains("reading failed behind this line"),
        "{error}"
    );
}

/// A reader of a few bytes at a time.
struct Trickle<'t>(&'t [u8], usize);

impl Read for Trickle<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let length = self.1.min(self.0.len()).min(out.len());
        out[..length].copy_from_slice(&self.0[..length]);
        self.0 = &self.0[length..];
        Ok(length)
    }
}

#[test]
fn where_the_blocks_end_does_not_matter() {
    let mut lines = String::new();
    for number in 0..9000 {
        for kind in ["invoke", "ok"] {
            lines += &format!(
                "{{\"process\":{},\"type\":\"{kind}\",\"f\":\"write\",\"value\":\"ü{number}\"}}\n",
                number % 7
            );
        }
    }
    let array = format!("[{}]", lines.trim_end().replace('\n', ",\n"));
    let edn = lines
        .replace("\"process\":", ":process ")
        .replace("\"type\":\"", ":type :")
        .replace("\",\"f\":\"write\",\"value\":", " :f :write :value ");
    assert!(lines.len() > 3 * (256 << 10), "several blocks");
    for text in [lines, array, edn.clone(), format!("[{edn}]")] {
        let whole = read(&text);
        assert_eq!(whole.operations.len(), 9000);
        let trickle = Trickle(text.as_bytes(), 1013);
        let pieces = formats::read_from(trickle, None, "h", &checker::Unlimited).expect("the same");
        assert_eq!(pieces.operations, whole.operations);
        let last = whole.operations.last().and_then(|one| one.line);
        assert_eq!(last.map(std::num::NonZero::get), Some(17_999));
    }
}

/// Allows so many bytes.
struct AtMost(u64);

impl Budget for AtMost {
    fn exceeded(&self, own_memory_estimate_bytes: u64) -> Option<Limit> {
        (own_memory_estimate_bytes > self.0).then_some(Limit::Memory(self.0))
    }
}

#[test]
fn a_budget_ends_the_reading() {
    let line = "{\"process\":0,\"type\":\"invoke\",\"f\":\"write\",\"value\":1}\n{\"process\":0,\"type\":\"ok\",\"f\":\"write\",\"value\":1}\n";
    let many = line.repeat(100_000);
    let error = formats::read_from(many.as_bytes(), None, "h", &AtMost(4 << 20));
    let error = error.expect_err("too many operations");
    assert_eq!(error.limit, Some(Limit::Memory(4 << 20)));
    assert!(
        error
            .to_string()
            .ends_with("the memory limit of 4 MiB was reached while reading")
    );
    assert!(error.line > Some(10_000), "{error}");
}

#[test]
fn a_small_file_of_endless_blanks_ends_within_its_budget() {
    let blanks = zstd::encode_all(std::io::repeat(b' ').take(1 << 28), 1).expect("memory");
    assert!(blanks.len() < 1 << 16);
    let error = formats::read(&blanks, None, "h").expect_err("nothing is there");
    assert_eq!(error.to_string(), "h: the file is empty");
    let quote = std::io::repeat(b'x').take(1 << 28);
    let string = zstd::encode_all(b"{\"process\":\"".chain(quote), 1).expect("memory");
    let error = formats::read_from(&string[..], None, "h", &AtMost(8 << 20));
    let error = error.expect_err("a string that does not end");
    assert_eq!(error.limit, Some(Limit::Memory(8 << 20)), "{error}");
}
