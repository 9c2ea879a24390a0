//! One test a rule of sessions.

use serde_json::json;

use super::{
    super::sessions::{ANSWERS_MAX, SESSIONS_MAX},
    *,
};

const EXPIRED: Applied = Applied::Rejected(Rejection::SessionExpired);

fn once(kv: &mut Kv, stamp: Stamp, command: Command) -> Applied {
    let time = kv.time().0;
    propose_once(kv, time, stamp, command)
}

#[test]
fn a_client_is_the_index_of_its_registration() {
    let mut kv = Kv::default();
    run(&mut kv, write("k", &json!(1)));
    assert_eq!(register(&mut kv, 10), ClientId(2));
    assert_eq!(register(&mut kv, 10), ClientId(3));
}

#[test]
fn a_request_that_comes_twice_is_answered_twice_and_executed_once() {
    let mut kv = Kv::default();
    let client = register(&mut kv, 10);
    let ask = |kv: &mut Kv| once(kv, stamp(client, 1, 1), single("k", MicroOp::Add(5)));
    assert_eq!(ask(&mut kv), Applied::Value(json(&json!(5))));
    run(&mut kv, single("k", MicroOp::Add(1)));
    assert_eq!(
        ask(&mut kv),
        Applied::Value(json(&json!(5))),
        "as it was then"
    );
    assert_eq!(read(&kv, "k"), json!(6));
}

#[test]
fn a_rejection_stays_one_although_it_would_now_succeed() {
    let mut kv = Kv::default();
    let client = register(&mut kv, 10);
    let ask = |kv: &mut Kv| once(kv, stamp(client, 1, 1), cas("k", &json!(1), &json!(2)));
    let mismatch = Applied::Rejected(Rejection::Mismatch);
    assert_eq!(ask(&mut kv), mismatch);
    run(&mut kv, write("k", &json!(1)));
    assert_eq!(ask(&mut kv), mismatch);
    assert_eq!(read(&kv, "k"), json!(1));
}

#[test]
fn an_unknown_client_executes_nothing() {
    let mut kv = Kv::default();
    let stranger = stamp(ClientId(9), 1, 1);
    assert_eq!(once(&mut kv, stranger, write("k", &json!(1))), EXPIRED);
    assert_eq!(read(&kv, "k"), json!(null));
}

#[test]
fn requests_under_way_may_come_in_any_order() {
    let mut kv = Kv::default();
    let client = register(&mut kv, 10);
    for sequence in [3, 1, 2, 3, 1, 2] {
        let stamp = stamp(client, sequence, 1);
        let done = once(&mut kv, stamp, append("k", &json!(sequence)));
        assert_eq!(done, Applied::Done);
    }
    assert_eq!(read(&kv, "k"), json!([3, 1, 2]));
}

#[test]
fn what_was_acknowledged_is_forgotten_and_never_executed_again() {
    let mut kv = Kv::default();
    let client = register(&mut kv, 10);
    let mut ask = |sequence, unanswered| {
        let stamp = stamp(client, sequence, unanswered);
        once(&mut kv, stamp, append("k", &json!(sequence)))
    };
    assert_eq!(ask(1, 1), Applied::Done);
    assert_eq!(ask(2, 1), Applied::Done);
    assert_eq!(ask(3, 2), Applied::Done, "acknowledges 1");
    assert_eq!(ask(2, 1), Applied::Done, "kept, and does not take it back");
    assert_eq!(ask(1, 1), EXPIRED, "a late repetition");
    assert_eq!(read(&kv, "k"), json!([1, 2, 3]));
}

#[test]
fn a_silent_client_loses_its_session_by_the_time_of_the_log() {
    let mut kv = Kv::default();
    let client = register(&mut kv, 10);
    let mut at = |time, sequence| {
        let stamp = stamp(client, sequence, 1);
        propose_once(&mut kv, time, stamp, append("k", &json!(sequence)))
    };
    assert_eq!(at(10, 1), Applied::Done, "not longer than 10 ms");
    assert_eq!(at(20, 2), Applied::Done, "each request is a sign of life");
    assert_eq!(at(31, 3), EXPIRED);
    assert_eq!(at(15, 1), EXPIRED, "an entry with an earlier time");
    assert_eq!(read(&kv, "k"), json!([1, 2]));
}

#[test]
fn a_session_can_be_kept_alive() {
    let mut kv = Kv::default();
    let client = register(&mut kv, 10);
    let keep = Command::KeepAlive { client };
    assert_eq!(propose(&mut kv, 9, keep.clone()), Applied::Done);
    assert_eq!(propose(&mut kv, 19, keep.clone()), Applied::Done);
    assert_eq!(propose(&mut kv, 30, keep), EXPIRED);
}

#[test]
fn when_there_are_too_many_the_one_closest_to_its_end_goes() {
    let mut kv = Kv::default();
    let first = register(&mut kv, 1000);
    let short = register(&mut kv, 10);
    for _ in 2..SESSIONS_MAX {
        register(&mut kv, 1000);
    }
    let alive = |kv: &mut Kv, client| run(kv, Command::KeepAlive { client });
    assert_eq!(alive(&mut kv, short), Applied::Done);
    register(&mut kv, 1000);
    assert_eq!(alive(&mut kv, short), EXPIRED);
    assert_eq!(alive(&mut kv, first), Applied::Done);
    assert_eq!(kv.sessions.iter().count(), SESSIONS_MAX);
}

#[test]
fn who_never_acknowledges_loses_the_oldest_answer() {
    let mut kv = Kv::default();
    let client = register(&mut kv, 10);
    let last = ANSWERS_MAX as u64 + 1;
    for sequence in 1..=last {
        let stamp = stamp(client, sequence, 1);
        once(&mut kv, stamp, single("k", MicroOp::Add(1)));
    }
    let again = |kv: &mut Kv, sequence| {
        let stamp = stamp(client, sequence, 1);
        once(kv, stamp, single("k", MicroOp::Add(1)))
    };
    assert_eq!(again(&mut kv, 1), EXPIRED);
    assert_eq!(again(&mut kv, 2), Applied::Value(json(&json!(2))));
    assert_eq!(read(&kv, "k"), json!(last));
}

#[test]
fn sessions_are_in_the_image() {
    let mut kv = Kv::default();
    let client = register(&mut kv, 10);
    let ask = |kv: &mut Kv, sequence| {
        let stamp = stamp(client, sequence, 2);
        once(kv, stamp, append("k", &json!(sequence)))
    };
    ask(&mut kv, 2);
    let mut image = Vec::new();
    kv.encode(&mut image).unwrap();
    let mut installed = Kv::decode(None, &mut image.as_slice()).unwrap();
    assert_eq!(ask(&mut installed, 2), Applied::Done);
    assert_eq!(ask(&mut installed, 1), EXPIRED);
    assert_eq!(read(&installed, "k"), json!([2]));
    let late = stamp(client, 3, 3);
    let late = propose_once(&mut installed, 11, late, append("k", &json!(3)));
    assert_eq!(late, EXPIRED, "it ends when it would have ended");
}
