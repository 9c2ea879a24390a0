//! Histories of the length a run has, under a budget of steps instead of time.

use std::num::NonZero;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use checker::{
    Algorithm, AnomalyClass, Budget, CheckOptions, History, KeyResult, Limit, ModelName, ModelSpec,
    Value, Verdict, check, check_with,
};

use crate::notation;
use crate::simulate::{self, Run};
use crate::witness;

/// Ends the check when it has asked this often.
struct Polls {
    left: AtomicU64,
    limit: Limit,
}

/// A bound of work is given in looks at the budget that are about as far apart as a few thousand configurations.
const LOOKS: u64 = 64;

impl Polls {
    fn new(allowed: u64) -> Self {
        Self {
            left: AtomicU64::new(allowed * LOOKS),
            limit: Limit::Cancelled,
        }
    }
}

impl Budget for Polls {
    fn exceeded(&self, own_memory_estimate_bytes: u64) -> Option<Limit> {
        assert!(
            own_memory_estimate_bytes > 0,
            "a search that runs holds memory"
        );
        let none_left = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(1)
            })
            .is_err();
        none_left.then_some(self.limit)
    }
}

/// What a run of the harness records.
const USUAL: Run = Run {
    operations: 6000,
    clients: 10,
    operations_per_key: 100,
    values: 0,
    indeterminate: 30,
    stale: false,
    seed: 1,
};

/// One object, twenty clients, about thirty indeterminate operations.
const ONE_KEY: Run = Run {
    operations: 5000,
    clients: 20,
    operations_per_key: 5000,
    indeterminate: 6,
    ..USUAL
};

fn verify(history: &History, polls: u64) -> Verdict {
    let analysis = check(history, &history.default_model(), &Polls::new(polls)).expect("a store");
    for key in &analysis.keys {
        if let KeyResult::Valid { witness } = &key.result {
            let operations: Vec<_> = history
                .operations
                .iter()
                .filter(|one| one.key == key.key)
                .cloned()
                .collect();
            witness::verify(history, &operations, witness, ModelName::Kv, &Value::Int(0));
        }
    }
    analysis.outcome()
}

#[test]
fn valid_runs_are_confirmed() {
    for seed in 0..5 {
        for run in [
            USUAL,
            ONE_KEY,
            Run {
                values: 5,
                ..ONE_KEY
            },
            Run { values: 5, ..USUAL },
        ] {
            assert_eq!(
                verify(&simulate::history(Run { seed, ..run }), 100),
                Verdict::Valid,
                "seed {seed}"
            );
        }
    }
}

#[test]
fn one_stale_read_among_thousands_is_found_and_named() {
    for seed in 0..5 {
        let history = simulate::history(Run {
            stale: true,
            seed,
            ..USUAL
        });
        let analysis =
            check(&history, &history.default_model(), &Polls::new(100)).expect("a store");
        let (_, violation) = analysis
            .violations()
            .next()
            .unwrap_or_else(|| panic!("seed {seed} is invalid"));
        assert_eq!(
            violation.anomaly.class,
            AnomalyClass::StaleRead,
            "seed {seed}"
        );
        assert_eq!(analysis.violations().count(), 1);
        assert_eq!(
            verify(
                &simulate::history(Run {
                    stale: true,
                    seed,
                    ..ONE_KEY
                }),
                300
            ),
            Verdict::Invalid
        );
    }
}

/// Every write twice, all at once, and then two reads that disagree: depth first nothing but trying helps.
fn hopeless() -> History {
    let writes = (0..22).map(|process| format!("{process}: [w {}   ]\n", process % 11));
    let reads = "90:           [r 1]\n91:                 [r 2]";
    notation::history(&writes.chain([reads.to_owned()]).collect::<String>())
}

#[test]
fn a_limit_is_named_with_what_is_proven() {
    let limit = Limit::Time(Duration::from_secs(60));
    let budget = Polls {
        left: AtomicU64::new(1),
        limit,
    };
    let spec = ModelSpec {
        name: ModelName::Register,
        initial: Some(Value::Int(0)),
    };
    let options = CheckOptions {
        algorithm: Algorithm::Search,
        ..CheckOptions::default()
    };
    let analysis = check_with(&hopeless(), &spec, &options, &budget).expect("a register");
    assert_eq!(analysis.outcome(), Verdict::Unknown);
    let KeyResult::Unknown {
        limit: named,
        proven_until,
        peak_configurations,
    } = &analysis.keys[0].result
    else {
        panic!("unknown")
    };
    assert_eq!(*named, limit);
    assert!(proven_until.is_some() && *peak_configurations > 0);
    assert!(
        analysis.keys[0]
            .unknown_reason()
            .expect("a reason")
            .contains("the time limit of 60 s was reached")
    );
}

#[test]
fn a_verdict_is_the_same_every_time() {
    let history = simulate::history(Run {
        stale: true,
        ..USUAL
    });
    let json = || {
        let analysis =
            check(&history, &history.default_model(), &checker::Unlimited).expect("a store");
        serde_json::to_string(&analysis).expect("a verdict is JSON")
    };
    assert_eq!(json(), json());
}

/// A register of five values under fifty clients: the shape on which depth first alone explodes.
const CROWDED: Run = Run {
    operations: 20_000,
    clients: 50,
    operations_per_key: 20_000,
    values: 5,
    indeterminate: 1,
    ..USUAL
};

fn options(algorithm: Algorithm, workers: usize) -> CheckOptions {
    CheckOptions {
        algorithm,
        workers: NonZero::new(workers).expect("a worker"),
    }
}

#[test]
fn a_hundred_thousand_operations_of_one_register_are_confirmed_by_each_algorithm() {
    let history = simulate::history(Run {
        operations: 100_000,
        operations_per_key: 100_000,
        clients: 10,
        values: 5,
        indeterminate: 0,
        ..USUAL
    });
    for algorithm in [Algorithm::Search, Algorithm::Frontier] {
        let analysis = check_with(
            &history,
            &history.default_model(),
            &options(algorithm, 1),
            &Polls::new(2_000),
        )
        .expect("a store");
        let KeyResult::Valid { witness } = &analysis.keys[0].result else {
            panic!("{algorithm}: {:?}", analysis.outcome())
        };
        witness::verify(
            &history,
            &history.operations,
            witness,
            ModelName::Kv,
            &Value::Int(0),
        );
    }
}

#[test]
fn a_crowded_register_with_lost_answers_is_confirmed_and_refuted() {
    for (stale, expected) in [(false, Verdict::Valid), (true, Verdict::Invalid)] {
        let run = Run {
            stale,
            clients: 20,
            operations: 5_000,
            operations_per_key: 5_000,
            // The answer of the stale read is one that nobody writes any more only if all values are different.
            values: if stale { 0 } else { 5 },
            ..CROWDED
        };
        assert_eq!(verify(&simulate::history(run), 2_000), expected);
    }
    assert_eq!(verify(&simulate::history(CROWDED), 4_000), Verdict::Valid);
}

#[test]
fn a_verdict_is_the_same_with_one_and_with_two_workers() {
    let runs = [
        USUAL,
        CROWDED,
        Run {
            stale: true,
            ..USUAL
        },
        Run {
            stale: true,
            values: 5,
            ..USUAL
        },
    ];
    for run in runs {
        let history = simulate::history(run);
        let json = |workers| {
            let options = options(Algorithm::Auto, workers);
            let analysis = check_with(
                &history,
                &history.default_model(),
                &options,
                &checker::Unlimited,
            );
            serde_json::to_string(&analysis.expect("a store")).expect("a verdict is JSON")
        };
        assert_eq!(json(1), json(2));
        assert_eq!(json(2), json(5));
    }
}

/// Writes of three registers that are all pending together, a read in between, and an end that none of their orders explains.
fn hopeless_transactions() -> History {
    let write = |process: usize| {
        let (x, y, z) = (process % 5, process % 7, process % 3);
        let pause = " ".repeat(process % 4);
        format!("{process}:     {pause}[w {{\"x\":{x},\"y\":{y},\"z\":{z}}}         ]\n")
    };
    let one: String = (0..30).map(write).collect();
    let read = |from: usize, x: usize| format!("9{x}:{}[r {{\"x\":{x}}}]\n", " ".repeat(from));
    notation::history(&(read(0, 0) + &one + &read(60, 9)))
}

#[test]
fn every_algorithm_obeys_its_limit_on_a_history_that_explodes() {
    let history = hopeless_transactions();
    for algorithm in [Algorithm::Auto, Algorithm::Search, Algorithm::Frontier] {
        for workers in [1, 2] {
            let budget = Polls::new(100);
            let spec = ModelSpec {
                name: ModelName::MultiRegister,
                initial: Some(Value::Int(0)),
            };
            let analysis = check_with(&history, &spec, &options(algorithm, workers), &budget)
                .expect("transactions");
            let reason = analysis.keys[0].unknown_reason().expect("a limit");
            assert!(
                reason.contains("cancelled") && reason.contains("linearizable up to operation"),
                "{algorithm}: {reason}"
            );
        }
    }
}
