//! Histories of the length a run has, under a budget of steps instead of time.

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

impl Polls {
    fn new(allowed: u64) -> Self {
        Self {
            left: AtomicU64::new(allowed),
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
