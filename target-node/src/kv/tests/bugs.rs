//! Each bug that lives in the state machine, beside the same story without it.

use serde_json::json;

use super::{super::Quirks, *};
use crate::bug::{Bug, BugSet};

fn with(bug: Option<Bug>, node: &str) -> Kv {
    let bugs: BugSet = bug.into_iter().collect();
    Kv::default().with_quirks(Quirks::new(bugs, node))
}

/// A request of a session that comes twice with a write in between: both answers, and what is there in the end.
fn twice(bug: Option<Bug>, between: fn(&Kv) -> Kv) -> (Applied, Applied, Value) {
    let mut kv = with(bug, "n1");
    let client = register(&mut kv, 1000);
    let add = |kv: &mut Kv| propose_once(kv, 0, stamp(client, 1, 1), single("k", MicroOp::Add(1)));
    let first = add(&mut kv);
    run(&mut kv, single("k", MicroOp::Add(10)));
    kv = between(&kv);
    let second = add(&mut kv);
    (first, second, read(&kv, "k"))
}

fn value(number: i64) -> Applied {
    Applied::Value(json(&json!(number)))
}

/// A node that starts from the snapshot of another one.
fn restarted(kv: &Kv) -> Kv {
    let mut image = Vec::new();
    kv.encode(&mut image).unwrap();
    Kv::decode(None, &mut image.as_slice()).unwrap()
}

#[test]
fn no_dedup_executes_twice() {
    let healthy = (value(1), value(1), json!(11));
    assert_eq!(twice(None, Kv::clone), healthy);
    let broken = (value(1), value(12), json!(12));
    assert_eq!(twice(Some(Bug::NoDedup), Kv::clone), broken);
}

#[test]
fn dedup_wrong_reply_executes_once_and_answers_as_if_it_were_now() {
    let broken = (value(1), value(12), json!(11));
    assert_eq!(twice(Some(Bug::DedupWrongReply), Kv::clone), broken);
}

#[test]
fn dedup_not_in_snapshot_executes_again_behind_a_snapshot_only() {
    let healthy = (value(1), value(1), json!(11));
    assert_eq!(twice(None, restarted), healthy);
    let bug = Some(Bug::DedupNotInSnapshot);
    assert_eq!(twice(bug, Kv::clone), healthy);
    assert_eq!(twice(bug, restarted), (value(1), value(12), json!(12)));
}

#[test]
fn apply_nondeterministic_makes_two_nodes_differ_and_one_agree_with_itself() {
    let state = |bug, node| {
        let mut kv = with(bug, node);
        for number in 0..100 {
            let key = format!("k{number}");
            assert_eq!(run(&mut kv, write(&key, &json!(number))), Applied::Done);
        }
        kv
    };
    assert_eq!(state(None, "n1"), state(None, "n2"));
    let bug = Some(Bug::ApplyNondeterministic);
    assert_ne!(state(bug, "n1"), state(bug, "n2"));
    assert_eq!(state(bug, "n1"), state(bug, "n1"));
    assert_ne!(state(bug, "n1"), state(None, "n1"), "something is left out");
}

#[test]
fn txn_not_atomic_shows_its_middle_and_ends_as_it_should() {
    let story = |bug| {
        let mut kv = with(bug, "n1");
        let both = transact(
            &[],
            &[
                ("a", MicroOp::Write(json(&json!(1)))),
                ("b", MicroOp::Write(json(&json!(1)))),
            ],
        );
        assert!(matches!(run(&mut kv, both), Applied::Values(_)));
        let seen = (read(&kv, "a"), read(&kv, "b"));
        apply_body(&mut kv, Body::Noop);
        (seen, (read(&kv, "a"), read(&kv, "b")))
    };
    let whole = (json!(1), json!(1));
    assert_eq!(story(None), (whole.clone(), whole.clone()));
    let middle = (json!(1), json!(null));
    assert_eq!(story(Some(Bug::TxnNotAtomic)), (middle, whole));
}
