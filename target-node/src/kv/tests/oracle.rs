//! The state machine against the plainest oracle: one map of JSON values, changed in place.

use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json};

use super::*;

/// What the state machine should be, without sharing, texts or images.
#[derive(Debug, Default, Clone, PartialEq)]
struct Plain(BTreeMap<String, Value>);

impl Plain {
    fn read(&self, key: &str) -> Value {
        self.0.get(key).cloned().unwrap_or(Value::Null)
    }

    fn act(&mut self, key: &str, act: &Act) -> Result<Value, Rejection> {
        let before = self.read(key);
        let after = match act {
            Act::Read => return Ok(before),
            Act::Write(value) => value.clone(),
            Act::Delete => Value::Null,
            Act::Append(value) => {
                let mut list = if before.is_null() { json!([]) } else { before };
                let items = list.as_array_mut().ok_or(Rejection::WrongType)?;
                items.push(value.clone());
                list
            }
            Act::Add(amount) => {
                let number = if before.is_null() { json!(0) } else { before };
                json!(number.as_i64().ok_or(Rejection::WrongType)? + amount)
            }
        };
        self.0.insert(key.into(), after.clone());
        Ok(match act {
            Act::Add(_) => after,
            Act::Read | Act::Write(_) | Act::Delete | Act::Append(_) => Value::Null,
        })
    }

    fn all(&mut self, asked: &Asked) -> Result<Vec<Value>, Rejection> {
        let before = self.clone();
        let met = |(key, expected): &(String, Value)| self.read(key) == *expected;
        if !asked.conditions.iter().all(met) {
            return Err(Rejection::Mismatch);
        }
        let acts = asked.acts.iter();
        let given: Result<_, _> = acts.map(|(key, act)| self.act(key, act)).collect();
        if given.is_err() {
            *self = before;
        }
        given
    }
}

#[derive(Debug, Clone)]
enum Act {
    Read,
    Write(Value),
    Delete,
    Append(Value),
    Add(i64),
}

/// A transaction, or with one act and no condition a command of its own.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    conditions: Vec<(String, Value)>,
    acts: Vec<(String, Act)>,
}

impl Asked {
    pub(super) fn command(&self) -> Command {
        let micro_op = |act: &Act| match act {
            Act::Read => MicroOp::Read,
            Act::Write(value) => MicroOp::Write(json(value)),
            Act::Delete => MicroOp::Delete,
            Act::Append(value) => MicroOp::Append(json(value)),
            Act::Add(amount) => MicroOp::Add(*amount),
        };
        match (self.conditions.as_slice(), self.acts.as_slice()) {
            ([], [(key, act)]) => single(key, micro_op(act)),
            ([(key, expected)], [(changed, Act::Write(value))]) if key == changed => {
                cas(key, expected, value)
            }
            (conditions, acts) => Command::Transact(Transaction {
                conditions: conditions.iter().map(condition).collect(),
                micro_ops: acts
                    .iter()
                    .map(|(key, act)| (key.as_str().into(), micro_op(act)))
                    .collect(),
            }),
        }
    }
}

fn condition((key, expected): &(String, Value)) -> Condition {
    Condition {
        key: key.as_str().into(),
        expected: json(expected),
    }
}

/// What a result means, whichever command gave it.
fn meaning(applied: Applied, acts: usize) -> Result<Vec<Value>, Rejection> {
    let parse = |text: &JsonText| serde_json::from_str(text.as_str()).unwrap();
    match applied {
        Applied::Done => Ok(vec![Value::Null; acts]),
        Applied::Value(value) => Ok(vec![parse(&value)]),
        Applied::Values(values) => Ok(values.iter().map(parse).collect()),
        Applied::Rejected(rejection) => Err(rejection),
        Applied::Granted(_) | Applied::Registered(_) => panic!("that was not asked for"),
    }
}

fn key() -> impl Strategy<Value = String> {
    "[abc]"
}

fn small() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(null)),
        (0..3).prop_map(|n| json!(n)),
        Just(json!("x")),
        (0..2).prop_map(|n| json!([n])),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        Just(Act::Read),
        small().prop_map(Act::Write),
        Just(Act::Delete),
        small().prop_map(Act::Append),
        (-3..3_i64).prop_map(Act::Add),
    ]
}

pub(super) fn asked() -> impl Strategy<Value = Asked> {
    let alone = (key(), act()).prop_map(|act| (Vec::new(), vec![act]));
    let cas = (key(), small(), small()).prop_map(|(key, expected, value)| {
        let act = (key.clone(), Act::Write(value));
        (vec![(key, expected)], vec![act])
    });
    let transaction = (vec((key(), small()), 0..3), vec((key(), act()), 1..5));
    prop_oneof![alone, cas, transaction].prop_map(|(conditions, acts)| Asked { conditions, acts })
}

proptest! {
    #[test]
    fn states_and_results_are_those_of_the_plain_map(log in vec(asked(), 1..60)) {
        let mut kv = Kv::default();
        let mut plain = Plain::default();
        for (number, asked) in log.iter().enumerate() {
            if number == log.len() / 2 {
                let mut image = Vec::new();
                kv.encode(&mut image).unwrap();
                kv = Kv::decode(None, &mut image.as_slice()).unwrap();
            }
            let given = meaning(run(&mut kv, asked.command()), asked.acts.len());
            prop_assert_eq!(given, plain.all(asked));
            for key in ["a", "b", "c"] {
                prop_assert_eq!(read(&kv, key), plain.read(key));
            }
        }
    }
}

/// The draws above are worth something only if they reach both ends of each rule.
#[test]
fn draws_reach_success_and_each_rejection() {
    use proptest::{strategy::ValueTree as _, test_runner::TestRunner};

    let mut runner = TestRunner::deterministic();
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    let mut plain = Plain::default();
    for _ in 0..2000 {
        let asked = asked().new_tree(&mut runner).unwrap().current();
        let end = match plain.all(&asked) {
            Ok(_) => "ok".to_owned(),
            Err(rejection) => format!("{rejection:?}"),
        };
        let kind = match asked.command() {
            Command::Single { .. } => "single",
            Command::Cas { .. } => "cas",
            Command::Transact(_) => "transaction",
            Command::Acquire { .. }
            | Command::Release { .. }
            | Command::Register { .. }
            | Command::KeepAlive { .. } => unreachable!("never drawn"),
        };
        *seen.entry(format!("{kind} {end}")).or_default() += 1;
    }
    for kind in [
        "single ok",
        "single WrongType",
        "cas ok",
        "cas Mismatch",
        "transaction ok",
        "transaction Mismatch",
        "transaction WrongType",
    ] {
        assert!(
            seen.get(kind).is_some_and(|&count| count > 5),
            "{kind}: {seen:?}"
        );
    }
}
