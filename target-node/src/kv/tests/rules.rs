//! One test a rule.

use serde_json::json;

use super::*;
use crate::raft::LogIndex;

const MISMATCH: Applied = Applied::Rejected(Rejection::Mismatch);
const WRONG_TYPE: Applied = Applied::Rejected(Rejection::WrongType);
const TOO_LARGE: Applied = Applied::Rejected(Rejection::TooLarge);

fn value(value: &Value) -> Applied {
    Applied::Value(json(value))
}

#[test]
fn cas_compares_values_not_spelling_and_null_means_absent() {
    let mut kv = Kv::default();
    assert_eq!(run(&mut kv, cas("k", &json!(1), &json!(2))), MISMATCH);
    assert_eq!(read(&kv, "k"), json!(null));
    let first = cas("k", &json!(null), &json!({"b": 1, "a": 2}));
    assert_eq!(run(&mut kv, first), Applied::Done);
    let reordered = serde_json::from_str(r#"{ "a":2, "b":1 }"#).unwrap();
    let second = cas("k", &reordered, &json!("x"));
    assert_eq!(run(&mut kv, second), Applied::Done);
    assert_eq!(read(&kv, "k"), json!("x"));
    assert_eq!(kv.applied(), LogIndex(3));
}

#[test]
fn an_entry_nobody_understands_changes_nothing_but_counts() {
    let mut kv = Kv::default();
    run(&mut kv, write("k", &json!(1)));
    let before = kv.clone();
    let mut cut = encoded(single("k", MicroOp::Delete));
    cut.pop();
    let mut long = encoded(single("k", MicroOp::Delete));
    long.push(0);
    for body in [
        gibberish(),
        Body::Command(Payload::new(&cut)),
        Body::Command(Payload::new(&long)),
        Body::Noop,
    ] {
        assert_eq!(apply_body(&mut kv, body), Applied::Done);
    }
    assert_eq!(kv.applied(), LogIndex(5));
    kv.applied = before.applied;
    assert_eq!(kv, before);
}

#[test]
fn deleting_and_writing_null_are_one_thing() {
    let mut kv = Kv::default();
    for command in [single("k", MicroOp::Delete), write("k", &json!(null))] {
        run(&mut kv, write("k", &json!(1)));
        assert_eq!(run(&mut kv, command), Applied::Done);
        assert_eq!(read(&kv, "k"), json!(null));
        assert_eq!(kv.values, Kv::default().values, "nothing is left behind");
    }
}

#[test]
fn a_read_through_the_log_gives_what_is_there_at_its_place() {
    let mut kv = Kv::default();
    assert_eq!(
        run(&mut kv, single("k", MicroOp::Read)),
        value(&json!(null))
    );
    run(&mut kv, write("k", &json!([1])));
    assert_eq!(run(&mut kv, single("k", MicroOp::Read)), value(&json!([1])));
}

#[test]
fn lists_grow_and_only_lists() {
    let mut kv = Kv::default();
    for number in 1..=3 {
        assert_eq!(run(&mut kv, append("k", &json!(number))), Applied::Done);
    }
    assert_eq!(read(&kv, "k"), json!([1, 2, 3]));
    run(&mut kv, write("n", &json!(1)));
    assert_eq!(run(&mut kv, append("n", &json!(1))), WRONG_TYPE);
    assert_eq!(read(&kv, "n"), json!(1));
}

#[test]
fn a_list_does_not_grow_without_end() {
    let mut kv = Kv::default();
    let half = json!("x".repeat(1 << 19));
    assert_eq!(run(&mut kv, append("k", &half)), Applied::Done);
    assert_eq!(run(&mut kv, append("k", &half)), TOO_LARGE);
    assert_eq!(read(&kv, "k"), json!([half]));
}

#[test]
fn sums_are_told_and_never_wrap() {
    let mut kv = Kv::default();
    let add = |amount| single("k", MicroOp::Add(amount));
    assert_eq!(run(&mut kv, add(5)), value(&json!(5)));
    assert_eq!(run(&mut kv, add(-7)), value(&json!(-2)));
    assert_eq!(run(&mut kv, add(i64::MIN)), TOO_LARGE);
    assert_eq!(read(&kv, "k"), json!(-2));
    run(&mut kv, write("k", &json!(1.5)));
    assert_eq!(run(&mut kv, add(1)), WRONG_TYPE);
}

#[test]
fn a_transaction_sees_itself_and_gives_what_each_part_gave() {
    let mut kv = Kv::default();
    run(&mut kv, write("a", &json!(1)));
    let transaction = transact(
        &[("a", json!(1)), ("b", json!(null))],
        &[
            ("a", MicroOp::Read),
            ("a", MicroOp::Add(2)),
            ("b", MicroOp::Append(json(&json!("x")))),
            ("b", MicroOp::Read),
            ("a", MicroOp::Delete),
            ("a", MicroOp::Read),
        ],
    );
    let given = [
        json!(1),
        json!(3),
        json!(null),
        json!(["x"]),
        json!(null),
        json!(null),
    ];
    let given = given.iter().map(json).collect();
    assert_eq!(run(&mut kv, transaction), Applied::Values(given));
    assert_eq!(
        (read(&kv, "a"), read(&kv, "b")),
        (json!(null), json!(["x"]))
    );
}

#[test]
fn a_transaction_takes_place_whole_or_not_at_all() {
    let mut kv = Kv::default();
    run(&mut kv, write("a", &json!("text")));
    let before = kv.clone();
    let write_b = ("b", MicroOp::Write(json(&json!(1))));
    for (transaction, rejection) in [
        (
            transact(&[("a", json!(0))], std::slice::from_ref(&write_b)),
            MISMATCH,
        ),
        (
            transact(&[], &[write_b, ("a", MicroOp::Add(1))]),
            WRONG_TYPE,
        ),
    ] {
        assert_eq!(run(&mut kv, transaction), rejection);
        assert_eq!(kv.values, before.values);
    }
}

#[test]
fn an_answer_does_not_grow_without_end() {
    let mut kv = Kv::default();
    run(&mut kv, write("k", &json!("x".repeat(1 << 20))));
    let reads = |count| transact(&[], &vec![("k", MicroOp::Read); count]);
    assert!(matches!(run(&mut kv, reads(3)), Applied::Values(_)));
    assert_eq!(run(&mut kv, reads(4)), TOO_LARGE);
}

#[test]
fn a_lock_has_one_owner_who_may_ask_again_and_tokens_grow() {
    let release = |owner: &str, token| Command::Release {
        lock: "l".into(),
        owner: owner.to_owned().into(),
        token,
    };
    let mut kv = Kv::default();
    let not_held = Applied::Rejected(Rejection::LockNotHeld);
    assert_eq!(run(&mut kv, release("ann", None)), not_held);
    let granted = run(&mut kv, acquire("l", "ann"));
    assert_eq!(granted, Applied::Granted(Fence(2)));
    assert_eq!(run(&mut kv, acquire("l", "ann")), granted, "asked again");
    assert_eq!(
        run(&mut kv, acquire("l", "bob")),
        Applied::Rejected(Rejection::LockHeld)
    );
    assert_eq!(run(&mut kv, release("bob", None)), not_held);
    assert_eq!(run(&mut kv, release("ann", Some(Fence(1)))), not_held);
    assert_eq!(run(&mut kv, release("ann", Some(Fence(2)))), Applied::Done);
    assert_eq!(
        run(&mut kv, acquire("l", "bob")),
        Applied::Granted(Fence(8)),
        "greater than any before"
    );
}

#[test]
fn the_time_never_goes_back() {
    let mut kv = Kv::default();
    propose(&mut kv, 7, write("k", &json!(1)));
    propose(&mut kv, 5, write("k", &json!(2)));
    assert_eq!(kv.time(), ClusterTime(7));
    propose(&mut kv, 9, write("k", &json!(3)));
    assert_eq!(kv.time(), ClusterTime(9));
}
