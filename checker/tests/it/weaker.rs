//! Weaker models against their definition, by trying all orders.

use checker::{
    Budget, Event, EventType, History, Limit, ModelName, ModelSpec, Nanos, Operation, Outcome,
    Process, Unlimited, Value, Verdict, Weaker, WeakerModel, check, weaker,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::notation;
use crate::random;
use crate::simulate::{self, Run};

#[test]
fn weaker_models_agree_with_their_definition() {
    let mut counts = [[0; 3]; 5];
    for seed in 0..12_000 {
        let dice = &mut ChaCha8Rng::seed_from_u64(7 << 32 | seed);
        let history = draw(dice);
        let near = history.operations.last().map(|last| last.id);
        let near = near.filter(|_| dice.random_ratio(1, 2));
        let spec = ModelSpec {
            name: ModelName::Kv,
            initial: Some(Value::Int(0)),
        };
        for Weaker { model, verdict, .. } in weaker(&history, &spec, near, &Unlimited) {
            counts[model as usize][verdict as usize] += 1;
            let expected = match holds(&history.operations, model) {
                true => Verdict::Valid,
                false => Verdict::Invalid,
            };
            // Then nobody knows what the writes follow.
            let is_open = model == WeakerModel::WritesFollowReads
                && verdict == Verdict::Unknown
                && is_ambiguous(&history.operations);
            assert!(
                verdict == expected || is_open,
                "seed {seed}: {model:?} is {verdict}, not {expected}: {}",
                random::picture(&history.operations)
            );
        }
    }
    for [valid, unknown, invalid] in counts {
        assert!(
            valid > 500 && invalid > 500 && unknown < valid,
            "one-sided: {counts:?}"
        );
    }
}

/// Whether it is not certain who wrote what was observed.
fn is_ambiguous(operations: &[Operation]) -> bool {
    operations.iter().any(|observer| {
        let (Some(value), Outcome::Ok) = (effect(observer).0, observer.outcome) else {
            return false;
        };
        let writers = operations.iter().filter(|one| {
            let is_writer = effect(one).1 == Some(value) && one.key == observer.key;
            is_writer && one.outcome != Outcome::Fail
        });
        writers.count() + usize::from(*value == Value::Int(0)) > 1
    })
}

/// One operation after the other: real time plays no part.
fn draw(random: &mut ChaCha8Rng) -> History {
    let mut events = Vec::new();
    let unique = random.random_ratio(1, 2);
    let split = random.random_range(2..=4);
    for number in 1..=random.random_range(2..=6) {
        let process = random.random_range(0..3);
        let new = if unique {
            number
        } else {
            random.random_range(0..3)
        };
        let value = random.random_range(0..4).min(number);
        let (f, input, output) = match random.random_range(0..10) {
            0..5 => ("read", Value::Nil, Value::Int(value)),
            5..9 => ("write", Value::Int(new), Value::Int(new)),
            _ => {
                let pair = Value::from(vec![value.into(), new.into()]);
                ("cas", pair.clone(), pair)
            }
        };
        let end = [EventType::Ok, EventType::Info, EventType::Fail]
            [[0, 0, 0, 0, 0, 0, 1, 2][random.random_range(0..8)]];
        let key = random.random_range(0..5) / split;
        for (event_type, value) in [(EventType::Invoke, input), (end, output)] {
            events.push(Event {
                index: 0,
                time: Nanos(0),
                process: Process::Client(process),
                event_type,
                f: f.into(),
                key: Some(Value::Int(key)),
                value,
                node: None,
                error: None,
                arrival: None,
            });
        }
    }
    History::from_events(None, events).expect("well-formed events")
}

/// The value an operation needs, and the one it leaves.
fn effect(operation: &Operation) -> (Option<&Value>, Option<&Value>) {
    match operation.f.as_str() {
        "read" if operation.outcome == Outcome::Ok => (Some(&operation.output), None),
        "read" => (None, None),
        "write" => (None, Some(&operation.input)),
        _ => match operation.input.as_list() {
            Some([expected, new]) if expected == new => (Some(expected), None),
            Some([expected, new]) => (Some(expected), Some(new)),
            _ => panic!("a cas has two values"),
        },
    }
}

fn holds(operations: &[Operation], model: WeakerModel) -> bool {
    if model == WeakerModel::Sequential {
        return has_order(operations, model, None);
    }
    (0..3).all(|process| has_order(operations, model, Some(process)))
}

fn has_order(operations: &[Operation], model: WeakerModel, viewer: Option<i64>) -> bool {
    let seen: Vec<&Operation> = operations
        .iter()
        .filter(|one| one.outcome != Outcome::Fail && effect(one) != (None, None))
        .filter(|one| viewer.is_none_or(|viewer| one.process == viewer || effect(one).1.is_some()))
        .collect();
    let order = Order {
        operations,
        seen,
        model,
        viewer,
    };
    order.can_go_on(&mut Vec::new())
}

struct Order<'o> {
    operations: &'o [Operation],
    seen: Vec<&'o Operation>,
    model: WeakerModel,
    viewer: Option<i64>,
}

impl<'o> Order<'o> {
    fn can_go_on(&self, order: &mut Vec<&'o Operation>) -> bool {
        let left: Vec<&Operation> = self
            .seen
            .iter()
            .copied()
            .filter(|one| order.iter().all(|placed| placed.id != one.id))
            .collect();
        let complete = left.iter().all(|one| one.outcome == Outcome::Info);
        if complete && self.obeys(order) {
            return true;
        }
        left.into_iter().any(|one| {
            let fits = self
                .needs(one)
                .is_none_or(|value| *value == held(order, one));
            if !fits {
                return false;
            }
            order.push(one);
            let found = self.can_go_on(order);
            order.pop();
            found
        })
    }

    /// What the operation needs in this view.
    fn needs<'a>(&self, one: &'a Operation) -> Option<&'a Value> {
        let counts = self.viewer.is_none_or(|viewer| viewer == one.process);
        effect(one).0.filter(|_| counts)
    }

    fn obeys(&self, order: &[&Operation]) -> bool {
        let place = |one: &Operation| order.iter().position(|placed| placed.id == one.id);
        self.operations.iter().all(|later| {
            self.operations[..later.id.0].iter().all(|earlier| {
                let same = earlier.process == later.process && earlier.outcome == Outcome::Ok;
                let is_rule = same && self.is_rule(earlier, later);
                !is_rule
                    || match (place(earlier), place(later)) {
                        (Some(earlier), Some(later)) => earlier < later,
                        _ => true,
                    }
            })
        }) && (self.model != WeakerModel::WritesFollowReads || self.follows_up(order))
    }

    /// Whether two operations of a process, the first acknowledged, must be in this order.
    fn is_rule(&self, earlier: &Operation, later: &Operation) -> bool {
        let observe = self.needs(earlier).is_some() && self.needs(later).is_some();
        let own = self.viewer == Some(later.process);
        let (mutates, mutates_later) = (effect(earlier).1.is_some(), effect(later).1.is_some());
        match self.model {
            WeakerModel::Sequential => true,
            WeakerModel::MonotonicReads | WeakerModel::WritesFollowReads => own && observe,
            WeakerModel::ReadYourWrites => own && mutates && self.needs(later).is_some(),
            WeakerModel::MonotonicWrites => own && observe || mutates && mutates_later,
        }
    }

    /// Whether mutations come after what their process had observed, where only one operation can have written that.
    fn follows_up(&self, order: &[&Operation]) -> bool {
        let place = |one: &Operation| order.iter().position(|placed| placed.id == one.id);
        self.operations.iter().all(|observer| {
            let (Some(value), Outcome::Ok) = (effect(observer).0, observer.outcome) else {
                return true;
            };
            let mut sources = self.operations.iter().filter(|one| {
                one.outcome != Outcome::Fail
                    && one.key == observer.key
                    && effect(one).1 == Some(value)
            });
            let (Some(source), None) = (sources.next(), sources.next()) else {
                return true;
            };
            if *value == Value::Int(0) {
                return true;
            }
            let later = self.operations[observer.id.0..].iter();
            later
                .filter(|one| one.process == observer.process && effect(one).1.is_some())
                .all(|one| match (place(source), place(one)) {
                    (source, Some(one)) => source.is_some_and(|source| source < one),
                    (_, None) => true,
                })
        })
    }
}

fn held(order: &[&Operation], one: &Operation) -> Value {
    let mutations = order.iter().rev().filter(|placed| placed.key == one.key);
    mutations
        .filter_map(|placed| effect(placed).1)
        .next()
        .cloned()
        .unwrap_or(Value::Int(0))
}

fn verdicts(history: &History, budget: &dyn Budget) -> Vec<Verdict> {
    let spec = ModelSpec {
        name: ModelName::CasRegister,
        initial: Some(Value::Int(0)),
    };
    let analysis = check(history, &spec, &Unlimited).expect("a register");
    let near = analysis
        .violations()
        .next()
        .map(|(_, violation)| violation.operation);
    let found = weaker(history, &spec, near, budget);
    assert!(found.iter().map(|one| one.model).eq(WeakerModel::ALL));
    found.iter().map(|one| one.verdict).collect()
}

#[test]
fn pictures_of_weaker_models() {
    use Verdict::{Invalid, Valid};
    let check = |picture: &str, expected: [Verdict; 5]| {
        let found = verdicts(&notation::history(picture), &Unlimited);
        assert_eq!(found, expected, "{picture}");
    };
    // A client that is late, and consistently so.
    check("0: [w 1] [w 2]\n1:              [r 1] [r 2]", [Valid; 5]);
    // Reads back in time: the writes may have been in that order, but not if they come from one process.
    check(
        "0: [w 1] [w 2]\n1:              [r 2] [r 1]",
        [Invalid, Valid, Valid, Invalid, Valid],
    );
    check(
        "0: [w 1]\n1:       [r 1] [r 0]",
        [Invalid, Invalid, Valid, Invalid, Invalid],
    );
    check("0: [w 1] [r 0]", [Invalid, Valid, Invalid, Valid, Valid]);
    // Nobody saw the writes in the wrong order twice: each reader has its own order.
    check(
        "0: [w 1]\n1: [w 2]\n2:       [r 1] [r 2]\n3:       [r 2] [r 1]",
        [Invalid, Valid, Valid, Valid, Valid],
    );
    check(
        "0: [w 1]\n1:      [r 1] [w 2]\n2:                    [r 2] [r 1]",
        [Invalid, Valid, Valid, Valid, Invalid],
    );
}

/// No time at all.
struct Nothing;

impl Budget for Nothing {
    fn exceeded(&self, _own_memory_estimate_bytes: u64) -> Option<Limit> {
        Some(Limit::Cancelled)
    }
}

#[test]
fn long_runs_are_judged_within_limits() {
    for seed in 0..4 {
        let history = simulate::history(Run {
            operations: 400,
            clients: 6,
            operations_per_key: 400,
            values: 0,
            indeterminate: 2,
            stale: true,
            seed,
        });
        let spec = history.default_model();
        let analysis = check(&history, &spec, &Unlimited).expect("a store");
        let (_, violation) = analysis.violations().next().expect("a stale read");
        let found = weaker(&history, &spec, Some(violation.operation), &Unlimited);
        assert_eq!(found[0].verdict, Verdict::Invalid, "{found:?}");
        let hurried = weaker(&history, &spec, Some(violation.operation), &Nothing);
        for (with_time, without) in found.iter().zip(hurried) {
            assert!(
                without.verdict == Verdict::Unknown || without.verdict == with_time.verdict,
                "{without:?}, {with_time:?}"
            );
        }
    }
}

/// Runs as people record them: the stale read of one key in many.
#[test]
fn runs_over_many_keys_are_judged() {
    for seed in 0..2 {
        let run = Run {
            operations: 10_000,
            clients: 10,
            operations_per_key: 100,
            values: 0,
            indeterminate: 2,
            stale: true,
            seed,
        };
        let stale = simulate::history(run);
        let spec = stale.default_model();
        let analysis = check(&stale, &spec, &Unlimited).expect("a store");
        let (_, violation) = analysis.violations().next().expect("a stale read");
        let found = weaker(&stale, &spec, Some(violation.operation), &Unlimited);
        assert!(
            found.iter().all(|one| one.verdict != Verdict::Unknown),
            "{found:?}"
        );
        // All that a linearizable run lacks is something to complain of.
        let sound = simulate::history(Run {
            stale: false,
            ..run
        });
        let found = weaker(&sound, &spec, None, &Unlimited);
        assert!(
            found.iter().all(|one| one.verdict == Verdict::Valid),
            "{found:?}"
        );
    }
}

/// A client whose every answer is late by the same time sees a store that is sequentially consistent.
#[test]
fn a_client_that_lags_behind_is_sequentially_consistent() {
    let mut picture = String::from("0: ");
    let mut late = String::from("1:                ");
    for value in 1..=2_000 {
        picture.push_str(&format!("[w {value}] "));
        late.push_str(&format!("[r {value}] "));
    }
    let history = notation::history(&format!("{picture}\n{late}"));
    assert_eq!(verdicts(&history, &Unlimited), [Verdict::Valid; 5]);
}
