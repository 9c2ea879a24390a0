//! What is written is read again, but for what the format has no place for.

use checker::{Format, History, ModelName, Operation, Outcome, Unlimited, check, formats};

fn read(text: &str) -> History {
    formats::read(text.as_bytes(), None, "h").unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn written(history: &History, format: Format) -> Result<String, String> {
    let mut out = Vec::new();
    formats::write(history, format, &mut out).map_err(|error| error.to_string())?;
    Ok(String::from_utf8(out).expect("text"))
}

fn again(history: &History, format: Format) -> History {
    let text = written(history, format).unwrap_or_else(|error| panic!("{error}"));
    let read = formats::read(text.as_bytes(), Some(format), "again");
    read.unwrap_or_else(|error| panic!("{error}:\n{text}"))
}

const REGISTER: &str = r#"{"format":"adrasteia-history","version":1,"model":"cas-register","initial":0,"nodes":["n1"]}
{"index":0,"time":5,"process":3,"type":"invoke","f":"write","value":4,"node":"n2","arrival":4}
{"index":1,"time":6,"process":"nemesis","type":"info","f":"partition","value":{"id":1}}
{"index":2,"time":7,"process":4,"type":"invoke","f":"cas","value":[4,5],"node":"n2"}
{"index":3,"time":8,"process":4,"type":"info","f":"cas","value":[4,5],"node":"n2","error":"timed-out"}
{"index":4,"time":9,"process":3,"type":"ok","f":"write","value":4,"node":"n2"}
{"index":5,"time":10,"process":4,"type":"invoke","f":"read","value":null,"node":"n2"}
{"index":6,"time":11,"process":4,"type":"ok","f":"read","value":5,"node":"n2"}
{"index":7,"time":12,"process":5,"type":"invoke","f":"cas","value":[1,2],"node":"n2"}
{"index":8,"time":13,"process":5,"type":"fail","f":"cas","value":[1,2],"node":"n2"}
{"index":9,"time":14,"process":6,"type":"invoke","f":"read","value":null,"node":"n2"}
"#;

#[test]
fn an_own_history_is_written_as_it_was() {
    assert_eq!(
        written(&read(REGISTER), Format::Jsonl).as_deref(),
        Ok(REGISTER)
    );
}

#[test]
fn a_history_looks_as_others_expect_it() {
    let cases = [
        (
            Format::Json,
            "[\n{\"index\":0,\"time\":5,\"process\":3,\"type\":\"invoke\",\"f\":\"write\",\"value\":4,",
        ),
        (
            Format::Edn,
            "{:index 0, :time 5, :process 3, :type :invoke, :f :write, :value 4, :node \"n2\"}\n{:index 1, :time 6, :process :nemesis, :type :info, :f :partition, :value {\"id\" 1}}\n",
        ),
        (
            Format::EtcdLog,
            "INFO  jepsen.util - 3\t:invoke\t:write\t4\nINFO  jepsen.util - 4\t:invoke\t:cas\t[4 5]\nINFO  jepsen.util - 4\t:info\t:cas\t:timed-out\n",
        ),
        (
            Format::PorcupineOperations,
            "[\n{\"ClientId\":3,\"Input\":{\"Op\":\"write\",\"Value\":4},\"Call\":0,\"Output\":{\"Ok\":true,\"Exists\":false,\"Value\":null,\"Unknown\":false},\"Return\":4},\n",
        ),
    ];
    for (format, beginning) in cases {
        let text = written(&read(REGISTER), format).expect("a register");
        assert!(text.starts_with(beginning), "{text}");
        assert_eq!(
            formats::read(text.as_bytes(), None, "h")
                .expect("found out")
                .format,
            format
        );
    }
}

#[test]
fn a_verdict_survives_every_format() {
    let stale = REGISTER.replace(r#""f":"read","value":5"#, r#""f":"read","value":0"#);
    let mut seen = std::collections::BTreeSet::new();
    for text in [REGISTER, &stale] {
        let history = read(text);
        let verdict = |history: &History| {
            let mut spec = read(REGISTER).default_model();
            spec.name = ModelName::CasRegister;
            check(history, &spec, &Unlimited)
                .expect("a register")
                .outcome()
        };
        for format in Format::ALL
            .into_iter()
            .filter(|format| *format != Format::PorcupineKv)
        {
            assert_eq!(
                verdict(&again(&history, format)),
                verdict(&history),
                "{format}"
            );
        }
        seen.insert(verdict(&history).to_string());
    }
    assert_eq!(seen.len(), 2);
}

/// What no format may lose.
fn core(one: &Operation) -> String {
    format!(
        "{} {:?} {} {} {:?}",
        one.f, one.key, one.input, one.output, one.outcome
    )
}

#[test]
fn strings_survive_the_formats_of_porcupine() {
    let history = read(
        "{:process 9, :type :invoke, :f :append, :key \"0\", :value \"x\\n9\"}
{:process 9, :type :ok, :f :append, :key \"0\", :value \"x\\n9\"}
{:process 1, :type :invoke, :f :get, :key \"0\", :value nil}
{:process 1, :type :ok, :f :get, :key \"0\", :value \"x\\n9\"}",
    );
    let expected: Vec<_> = history.operations.iter().map(core).collect();
    for format in [
        Format::PorcupineKv,
        Format::PorcupineOperations,
        Format::Jsonl,
        Format::Edn,
    ] {
        let again = again(&history, format);
        assert_eq!(
            again.operations.iter().map(core).collect::<Vec<_>>(),
            expected
        );
        assert_eq!(again.operations[1].outcome, Outcome::Ok);
        if format != Format::Edn {
            assert_eq!(again.default_model().name, ModelName::KvAppend, "{format}");
        }
    }
}

#[test]
fn what_a_format_cannot_express_is_named() {
    let one = |fields: &str| {
        read(&format!(
            "{{\"index\":4,\"process\":2,\"type\":\"invoke\",{fields}}}"
        ))
    };
    let edn = |value: &str| {
        read(&format!(
            "{{:index 4 :process 2 :type :invoke :f :write :value {value}}}"
        ))
    };
    let cases = [
        (
            one(r#""f":"write","key":"k","value":1"#),
            Format::EtcdLog,
            "write",
            "the log is of one register, without keys",
        ),
        (
            one(r#""f":"write it","value":1"#),
            Format::EtcdLog,
            "write it",
            "its function is not one word",
        ),
        (
            one(r#""f":"write","key":"k","value":1"#),
            Format::PorcupineKv,
            "write",
            "it is none of put, get and append",
        ),
        (
            one(r#""f":"put","value":"x""#),
            Format::PorcupineKv,
            "put",
            "it has no key",
        ),
        (
            one(r#""f":"put","key":"k","value":1"#),
            Format::PorcupineKv,
            "put",
            "1 is no text",
        ),
        (
            one(r#""f":"txn","value":[]"#),
            Format::PorcupineOperations,
            "txn",
            "it is none of read, write, cas, get, put and append",
        ),
        (
            one(r#""f":"get""#),
            Format::PorcupineOperations,
            "get",
            "it has no key",
        ),
        (
            one(r#""f":"cas","value":7"#),
            Format::PorcupineOperations,
            "cas",
            "its value is 7, not [expected new]",
        ),
        (
            edn("##NaN"),
            Format::Jsonl,
            "write",
            "JSON has no number NaN",
        ),
        (
            edn("22/7"),
            Format::Json,
            "write",
            "JSON has no exact number 22/7",
        ),
        (
            edn("[{1 2}]"),
            Format::Jsonl,
            "write",
            "JSON has no map with the key 1",
        ),
    ];
    for (history, format, f, reason) in cases {
        assert_eq!(
            written(&history, format),
            Err(format!(
                "operation 4 (`{f}` of process 2) cannot be written as {format}: {reason}"
            ))
        );
    }
}

#[test]
fn indexes_that_are_no_order_do_not_change_the_order() {
    let history = read(
        "{:index 7 :process 0 :type :invoke :f :write :value 1}
{:index 3 :process 0 :type :info :f :write :value 1}
{:index 7 :process 0 :type :invoke :f :write :value 2}
{:index 7 :process 1 :type :invoke :f :read}
{:index 1 :process :nemesis :type :info :f :start}
{:index 2 :process 0 :type :ok :f :write :value 2}
{:index 2 :process 1 :type :ok :f :read :value 1}",
    );
    for format in [Format::Jsonl, Format::Edn, Format::PorcupineOperations] {
        let again = again(&history, format);
        let cores = |history: &History| history.operations.iter().map(core).collect::<Vec<_>>();
        assert_eq!(cores(&again), cores(&history), "{format}");
        let precedes = |history: &History| {
            let all = &history.operations;
            let pairs = all
                .iter()
                .flat_map(|one| all.iter().map(move |two| (one, two)));
            pairs
                .map(|(one, two)| one.ret.is_some_and(|ret| ret < two.call))
                .collect::<Vec<_>>()
        };
        assert_eq!(precedes(&again), precedes(&history), "{format}");
    }
}
