//! Pictures of histories that are not linearizable, and what is said about them.

use checker::{
    Anomaly, AnomalyClass, Event, History, ModelName, ModelSpec, Unlimited, Value, Verdict, check,
};

use crate::notation::history;

/// The anomaly of a register that starts with 0.
fn anomaly(history: &History) -> Anomaly {
    let spec = ModelSpec {
        name: ModelName::CasRegister,
        initial: Some(Value::Int(0)),
    };
    let analysis = check(history, &spec, &Unlimited).expect("a register");
    assert_eq!(analysis.outcome(), Verdict::Invalid);
    let (_, violation) = analysis.violations().next().expect("an invalid object");
    violation.anomaly.clone()
}

fn expect(picture: &str, class: AnomalyClass, explanation: &str) {
    let anomaly = anomaly(&history(picture));
    assert_eq!(
        (anomaly.class, anomaly.explanation.as_str()),
        (class, explanation)
    );
}

#[test]
fn a_stale_read_names_both_operations_their_nodes_and_times() {
    expect(
        "4: [w 16]   [w 17]
         9:                         [r 16]
         1:                    [r 17]",
        AnomalyClass::StaleRead,
        "client 4 wrote 17 through n4, acknowledged at 0.150 s; \
         client 9's read began 100 ms later on n9 and returned 16 (1 write behind)",
    );
}

#[test]
fn a_stale_read_names_the_key_and_counts_the_writes_in_between() {
    let plain = history(
        "1: [w 1] [w 2] [w 3] [c 3 4]
         2:                            [r 1]
         3:                            [r 4]",
    );
    let keyed = |event: Event| Event {
        key: Some(Value::from("k3")),
        ..event
    };
    let events = plain
        .operations
        .iter()
        .flat_map(events_of)
        .map(keyed)
        .collect();
    let anomaly = anomaly(&History::from_events(None, sorted(events)).expect("well-formed"));
    assert_eq!(
        anomaly.explanation,
        "client 1 wrote 2 to k3 through n1, acknowledged at 0.110 s; \
         client 2's read began 170 ms later on n2 and returned 1 (3 writes behind)"
    );
    let staleness = anomaly.staleness.expect("a stale read is late");
    assert_eq!((staleness.late_ns, staleness.versions), (170_000_000, 3));
}

#[test]
fn a_read_of_the_first_value_can_be_stale() {
    expect(
        "1: [w 5]
         2:        [r 0]
         3:        [r 5]",
        AnomalyClass::StaleRead,
        "client 1 wrote 5 through n1, acknowledged at 0.050 s; \
         client 2's read began 30 ms later on n2 and returned 0 (1 write behind)",
    );
}

#[test]
fn one_old_answer_is_no_proof_of_a_loss() {
    let seen = anomaly(&history("1: [w 5]\n2:         [r 0]"));
    assert_eq!(seen.class, AnomalyClass::StaleRead);
}

#[test]
fn an_acknowledged_write_that_a_cas_ignores_is_lost() {
    expect(
        "0: [w 1]
         3:          [w 2]
         1:                   [c 1 3]
         2:                            [r 3]",
        AnomalyClass::LostUpdate,
        "client 3 wrote 2 through n3, acknowledged at 0.140 s, but nobody ever saw it; \
         client 1's cas from 1 to 3 began 50 ms later on n1 and succeeded",
    );
}

#[test]
fn an_acknowledged_write_that_most_nodes_never_have_is_lost() {
    expect(
        "0: [w 1]
         3:          [w 2]
         1:                  [r 1]
         2:                  [r 1]
         4:                       [r 1]",
        AnomalyClass::LostUpdate,
        "client 3 wrote 2 through n3, acknowledged at 0.140 s, but nobody ever saw it; \
         client 1's read began 40 ms later on n1 and returned 1",
    );
}

#[test]
fn a_write_that_most_nodes_show_late_is_not_lost() {
    let anomaly = anomaly(&history(
        "0: [w 1]
         3:          [w 2]
         1:                  [r 1]
         2:                  [r 1]
         4:                       [r 1]
         0:                              [w 5]
         5:                                     [r 5]",
    ));
    assert_eq!(anomaly.class, AnomalyClass::StaleRead);
}

#[test]
fn two_successors_of_one_value_lose_an_update() {
    expect(
        "0: [w 1]
         1:       [c 1 2  ]
         2:        [c 1 3   ]
         3:                   [r 3]",
        AnomalyClass::LostUpdate,
        "client 1's cas from 1 to 2 on n1 at 0.150 s and client 2's cas from 1 to 3 on n2 at 0.170 s both succeeded, \
         though 1 was there only once: one update is lost",
    );
}

#[test]
fn a_read_of_a_failed_write_is_dirty() {
    expect(
        "0: [w 7 !
         1:         [r 7]",
        AnomalyClass::DirtyRead,
        "client 0's write of 7 on n0 failed; client 1's read began at 0.090 s on n1 and returned 7",
    );
}

#[test]
fn a_value_out_of_nowhere_is_a_phantom() {
    expect(
        "0: [w 7]
         1:         [r 9]",
        AnomalyClass::PhantomValue,
        "client 1's read began at 0.090 s on n1 and returned 9, which nobody had written",
    );
}

#[test]
fn a_read_before_the_write_is_a_phantom() {
    let early = anomaly(&history("0:       [w 7]\n1: [r 7]"));
    assert_eq!(early.class, AnomalyClass::PhantomValue);
}

#[test]
fn a_value_that_comes_and_goes_is_not_monotonic() {
    expect(
        "0: [w 1]
         1:        [w 2                         ?
         2:          [r 1]
         3:                  [r 2]
         4:                         [r 1]",
        AnomalyClass::NonMonotonicRead,
        "client 2's read began at 0.100 s on n2 and returned 1; then client 3's read began at 0.180 s on n3 and returned 2; \
         then client 4's read began 30 ms later on n4 and returned 1 again",
    );
}

#[test]
fn nodes_that_disagree_at_rest_have_diverged() {
    expect(
        "0: [w 1     ]
         1:  [w 2     ]
         2:              [r 1]
         3:                     [r 2]",
        AnomalyClass::Divergence,
        "all writes of either value were complete, yet client 2's read began at 0.140 s on n2 and returned 1; \
         client 3's read began 30 ms later on n3 and returned 2",
    );
}

#[test]
fn a_cas_from_an_overwritten_value_that_others_saw_overwritten_is_a_mismatch() {
    expect(
        "0: [w 1]   [w 2]
         1:                 [r 2]
         2:                        [c 1 3]",
        AnomalyClass::CasMismatch,
        "client 0 wrote 2 through n0, acknowledged at 0.130 s; \
         client 2's cas from 1 to 3 began 110 ms later on n2 and succeeded (1 write behind)",
    );
}

#[test]
fn a_cas_from_a_value_that_another_cas_replaced_long_before_is_a_mismatch() {
    expect(
        "0: [c 0 1]
         1:       [c 1 2 ]
         2:                [r 2]
         3:                       [c 0 3]",
        AnomalyClass::CasMismatch,
        "client 0 changed 0 to 1 through n0, acknowledged at 0.070 s; \
         client 3's cas from 0 to 3 began 160 ms later on n3 and succeeded (2 writes behind)",
    );
}

#[test]
fn a_cas_from_a_value_that_someone_saw_replaced_is_a_mismatch() {
    expect(
        "0: [w 1]
         1:        [w 2                    ?
         2:          [r 2]
         3:                  [c 1 3]",
        AnomalyClass::CasMismatch,
        "client 2's read began at 0.100 s on n2 and returned 2; \
         client 3's cas from 1 to 3 began 40 ms later on n3 and succeeded, although that value was past",
    );
}

#[test]
fn what_fits_no_pattern_is_told_with_the_possible_states() {
    expect(
        "0: [w 1                              ]
         1: [w 1                              ]
         2: [w 2                              ]
         3: [w 2                              ]
         4:   [r 1] [r 2] [r 1] [r 2] [r 1]",
        AnomalyClass::Other,
        "client 4's read of 1 on n4, acknowledged at 0.310 s, fits no order: before it the value must have been 2",
    );
}

#[test]
fn a_lock_held_twice_names_both_holders() {
    let twice = history("0: [acquire]\n1:             [acquire]");
    let analysis = check(&twice, &ModelName::Mutex.into(), &Unlimited).expect("a lock");
    let (_, violation) = analysis.violations().next().expect("an invalid object");
    assert_eq!(violation.states, [Value::from("held")]);
    assert_eq!(violation.anomaly.class, AnomalyClass::CasMismatch);
    assert_eq!(
        violation.anomaly.explanation,
        "client 0 acquired the lock through n0, acknowledged at 0.090 s; client 1's acquire on n1 began 40 ms later and succeeded, \
         though nobody had let it go in between"
    );
}

fn events_of(operation: &checker::Operation) -> [Event; 2] {
    use checker::{EventType, Nanos, Process};
    let event = |index, time: Option<Nanos>, event_type, value: &Value| Event {
        index,
        time: time.expect("pictures have times"),
        process: Process::Client(operation.process),
        event_type,
        f: operation.f.clone(),
        key: None,
        arrival: None,
        value: value.clone(),
        node: operation.node.clone(),
        error: None,
    };
    [
        event(
            operation.call,
            operation.call_time,
            EventType::Invoke,
            &operation.input,
        ),
        event(
            operation.ret.expect("all return"),
            operation.return_time,
            EventType::Ok,
            &operation.output,
        ),
    ]
}

fn sorted(mut events: Vec<Event>) -> Vec<Event> {
    events.sort_by_key(|event| event.index);
    events
}
