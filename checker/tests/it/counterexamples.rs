//! Pictures of histories, what is left of them, and how the contradiction is told.

use checker::{
    Counterexample, Effect, ModelName, ModelSpec, Presence, Unlimited, Value, certify, check,
    minimize,
};

use crate::notation::history;

fn counterexample(picture: &str, name: ModelName, initial: impl Into<Value>) -> Counterexample {
    let spec = ModelSpec {
        name,
        initial: Some(initial.into()),
    };
    let history = history(picture);
    let analysis = check(&history, &spec, &Unlimited).expect("operations of the model");
    let found =
        minimize(&history, &spec, &analysis.keys[0], &Unlimited).expect("an invalid object");
    assert!(found.minimal);
    certify(
        &history,
        &analysis,
        std::slice::from_ref(&found),
        &Unlimited,
    )
    .expect("a true counterexample");
    found
}

fn expect(picture: &str, left: &[usize], explanation: &str) {
    let found = counterexample(picture, ModelName::CasRegister, 0);
    let ids: Vec<usize> = found.operations.iter().map(|one| one.id.0).collect();
    assert_eq!((&ids[..], found.explanation.as_str()), (left, explanation));
}

#[test]
fn a_stale_read_is_left_with_both_writes() {
    expect(
        "4: [w 15] [w 16]   [w 17]      [r 17]
         9:                         [r 16]
         1:   [r 16   ]         [w 18     ]",
        &[2, 3, 5],
        "client 4's write of 16 comes before client 4's write of 17, because it was acknowledged at 0.130 s before the latter began at \
         0.170 s; client 4's write of 17 comes before client 9's read of 16, because it was acknowledged at 0.220 s before the latter \
         began at 0.250 s; but client 9's read of 16 comes before client 4's write of 17, because it still saw what client 4's write \
         of 16 left",
    );
}

#[test]
fn two_compare_and_sets_from_one_value() {
    expect(
        "0: [w 1] [r 1]
         1:       [c 1 2  ]
         2:        [c 1 3   ]
         3:                   [r 3]",
        &[0, 2, 3],
        "client 1's cas from 1 to 2 comes before client 2's cas from 1 to 3, because it still saw 1, which the latter replaced; but \
         client 2's cas from 1 to 3 comes before client 1's cas from 1 to 2, because it still saw 1, which the latter replaced",
    );
}

#[test]
fn a_value_nobody_wrote() {
    expect(
        "0: [w 1] [r 7] [r 1]",
        &[1],
        "client 0's read of 7 saw 7, but nobody had written it",
    );
}

#[test]
fn writes_that_are_replaced_by_the_same_one_are_counted() {
    expect(
        "0: [w 4  ]
         1:  [w 4  ]   [w 1]
         2:                    [r 4]",
        &[0, 1, 2, 3],
        "client 2's read of 4 saw 4, but what 2 operations left of it was replaced by client 1's write of 1 before",
    );
}

#[test]
fn a_first_value_that_comes_back() {
    expect(
        "0: [w 1] [r 1]
         1:           [r 0]",
        &[0, 2],
        "client 0's write of 1 comes before client 1's read of 0, because it was acknowledged at 0.050 s before the latter began at \
         0.110 s; but client 1's read of 0 comes before client 0's write of 1, because it still saw the first value, 0",
    );
}

#[test]
fn reads_that_go_back_and_forth_need_all_five() {
    let found = counterexample(
        "0: [w 1        ]
         1: [w 2        ]
         2:   [r 1]  [r 2]  [r 1]",
        ModelName::CasRegister,
        0,
    );
    assert_eq!(found.operations.len(), 5);
    let last = "but client 2's read of 1 comes before client 2's read of 2, because client 1's write of 2 comes between them";
    assert!(found.explanation.ends_with(last), "{}", found.explanation);
}

#[test]
fn a_lock_held_twice() {
    let found = counterexample(
        "0: [acquire] [release] [acquire]
         1:                                [acquire]",
        ModelName::Mutex,
        "free",
    );
    assert_eq!(
        found.explanation,
        "client 1's acquire needs \"free\", but what client 0's release left was replaced by client 0's acquire before, \
         and so was the first value"
    );
    let left: Vec<_> = found
        .operations
        .iter()
        .map(|one| (one.id.0, one.presence, one.effect))
        .collect();
    assert_eq!(
        left,
        [
            (1, Presence::Mandatory, Effect::WriteOnly),
            (2, Presence::Mandatory, Effect::WriteOnly),
            (3, Presence::Mandatory, Effect::Whole)
        ]
    );
}

#[test]
fn a_text_that_lost_a_piece() {
    let found = counterexample(
        r#"0: [append "a"] [append "b"]
           1:                             [get "b"]"#,
        ModelName::KvAppend,
        "",
    );
    assert_eq!(
        found.explanation,
        "no order of these operations allows their answers: client 0's append of \"a\", client 0's append of \"b\", \
         client 1's get of \"b\""
    );
}
