//! A model of one's own: a lock that gives each holder a greater number, a fencing token.
//!
//! ```text
//! cargo run -p checker --example own_model
//! ```

use std::error::Error;

use checker::{Call, CheckOptions, Model, Unlimited, Value, Verdict, check_model, formats};

#[derive(Clone)]
struct FencedLock;

#[derive(Clone, PartialEq, Eq, Hash)]
enum Step {
    /// With the token, if the answer arrived.
    Acquire(Option<i64>),
    Release,
}

impl Model for FencedLock {
    /// The greatest token so far, and whether somebody holds the lock.
    type State = (i64, bool);
    type Action = Step;

    fn initial(&self) -> (i64, bool) {
        (0, false)
    }

    fn action(&self, call: &Call<'_>) -> Result<Option<Step>, String> {
        match (call.f, call.answer) {
            ("acquire", Some(Value::Int(token))) => Ok(Some(Step::Acquire(Some(*token)))),
            ("acquire", Some(other)) => Err(format!("a token is a number, not {other}")),
            ("acquire", None) => Ok(Some(Step::Acquire(None))),
            ("release", _) => Ok(Some(Step::Release)),
            _ => Err("a lock knows acquire and release".to_owned()),
        }
    }

    fn apply(&self, &(last, held): &(i64, bool), step: &Step) -> Option<(i64, bool)> {
        match *step {
            Step::Acquire(Some(token)) => (!held && token > last).then_some((token, true)),
            Step::Acquire(None) => (!held).then_some((last, true)),
            Step::Release => held.then_some((last, false)),
        }
    }

    fn value(&self, &(last, held): &(i64, bool)) -> Value {
        Value::from(vec![last.into(), Value::Bool(held)])
    }
}

const HANDED_ON: &str = r#"
{"process": 0, "type": "invoke", "f": "acquire"}
{"process": 0, "type": "ok", "f": "acquire", "value": 7}
{"process": 1, "type": "invoke", "f": "acquire"}
{"process": 0, "type": "invoke", "f": "release"}
{"process": 0, "type": "ok", "f": "release"}
{"process": 1, "type": "ok", "f": "acquire", "value": 8}
"#;

const TOKEN_TWICE: &str = r#"
{"process": 0, "type": "invoke", "f": "acquire"}
{"process": 0, "type": "ok", "f": "acquire", "value": 7}
{"process": 0, "type": "invoke", "f": "release"}
{"process": 0, "type": "ok", "f": "release"}
{"process": 1, "type": "invoke", "f": "acquire"}
{"process": 1, "type": "ok", "f": "acquire", "value": 7}
"#;

fn verdict(text: &str) -> Result<Verdict, Box<dyn Error>> {
    let history = formats::read(text.as_bytes(), None, "lock.jsonl")?;
    let analysis = check_model(&history, &FencedLock, &CheckOptions::default(), &Unlimited)?;
    for (_, violation) in analysis.violations() {
        println!("{}", violation.anomaly.explanation);
    }
    Ok(analysis.outcome())
}

fn main() -> Result<(), Box<dyn Error>> {
    println!("handed on: {}", verdict(HANDED_ON)?);
    println!("the same token twice: {}", verdict(TOKEN_TWICE)?);
    Ok(())
}

#[test]
fn a_token_is_given_once() {
    assert_eq!(verdict(HANDED_ON).unwrap(), Verdict::Valid);
    assert_eq!(verdict(TOKEN_TWICE).unwrap(), Verdict::Invalid);
}
