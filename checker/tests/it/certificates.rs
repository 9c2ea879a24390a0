//! Certificates of random histories: the verifier accepts what the checker found, nothing else, and counterexamples are minimal.

use std::num::NonZero;

use checker::{
    Algorithm, Analysis, Anomaly, AnomalyClass, Budget, CertifyError, CheckOptions, Counterexample,
    History, KeyAnalysis, KeyResult, Limit, ModelName, ModelSpec, OpId, Operation, Outcome,
    Unlimited, Value, Verdict, Violation, Weakened, certify, check, check_with, minimize,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::draw::{self, Shape};
use crate::random::{self, OTHERS, can_be_unique};
use crate::simulate::{self, Run};
use crate::weakening::{as_it_was, stronger, weakened, weaker};
use crate::{notation, oracle, witness};

#[test]
fn certificates_of_small_registers_are_accepted_and_minimal() {
    each(0..70_000, ModelName::CasRegister, |random| Shape {
        model: ModelName::CasRegister,
        operations: random.random_range(2..=8),
        processes: random.random_range(2..=5),
        values: random.random_range(0..=3),
        indeterminate: [0, 20, 50][random.random_range(0..3)],
        wrong: [0, 5, 30][random.random_range(0..3)],
    });
}

#[test]
fn certificates_of_registers_of_thirteen_operations_are_accepted_and_minimal() {
    each(0..12_000, ModelName::CasRegister, |random| Shape {
        model: ModelName::CasRegister,
        operations: 13,
        processes: random.random_range(3..=7),
        values: random.random_range(0..=4),
        indeterminate: [0, 10, 40][random.random_range(0..3)],
        wrong: [0, 2, 10][random.random_range(0..3)],
    });
}

#[test]
fn certificates_of_other_models_are_accepted_and_minimal() {
    for model in OTHERS {
        each(0..5_000, model, |random| Shape {
            model,
            operations: random.random_range(2..=8),
            processes: random.random_range(2..=4),
            values: random.random_range(i64::from(!can_be_unique(model))..=3),
            indeterminate: [0, 20][random.random_range(0..2)],
            wrong: [0, 15][random.random_range(0..2)],
        });
    }
}

#[test]
fn certificates_of_other_models_of_thirteen_operations_are_accepted_and_minimal() {
    for model in OTHERS {
        each(0..400, model, |random| Shape {
            model,
            operations: 13,
            processes: random.random_range(3..=5),
            values: random.random_range(i64::from(!can_be_unique(model))..=3),
            indeterminate: [0, 20][random.random_range(0..2)],
            wrong: [0, 10][random.random_range(0..2)],
        });
    }
}

#[test]
fn certificates_of_several_lists_are_accepted_together() {
    each_together(ModelName::ListAppend);
}

#[test]
fn certificates_of_several_registers_are_accepted_together() {
    each_together(ModelName::Kv);
}

/// Draws histories of several objects and looks at their certificates as one.
fn each_together(model: ModelName) {
    let (mut valid, mut invalid) = (0, 0);
    for seed in 0..4_000 {
        let random = &mut ChaCha8Rng::seed_from_u64(6 << 32 | seed);
        let shape = Shape {
            model,
            operations: random.random_range(4..=13),
            processes: random.random_range(2..=4),
            values: 0,
            indeterminate: [0, 20][random.random_range(0..2)],
            wrong: [0, 15][random.random_range(0..2)],
        };
        let case = Case::new(&shape, random);
        if case.analysis.keys.len() < 2 {
            continue;
        }
        let found: Vec<Counterexample> = case
            .analysis
            .keys
            .iter()
            .filter_map(|key| minimize(&case.history, &case.spec, key, &Unlimited))
            .collect();
        let told = || format!("seed {seed}: {}", random::picture(&case.history.operations));
        let certified = certify(&case.history, &case.analysis, &found, &Unlimited)
            .unwrap_or_else(|error| panic!("{error}, {}", told()));
        assert_eq!(certified.invalid, found.len());
        for one in &found {
            assert!(one.minimal && !case.is_legal(&one.operations), "{}", told());
        }
        let mut exchanged = case.analysis.clone();
        exchanged.keys.swap(0, 1);
        assert!(certify(&case.history, &exchanged, &found, &Unlimited).is_err());
        match found.is_empty() {
            true => valid += 1,
            false => invalid += 1,
        }
    }
    assert!(
        valid > 100 && invalid > 100,
        "one-sided: {valid} valid, {invalid} invalid"
    );
}

/// Draws histories and looks at the certificate of each.
fn each(seeds: std::ops::Range<u64>, model: ModelName, shape: impl Fn(&mut ChaCha8Rng) -> Shape) {
    let (mut valid, mut invalid) = (0, 0);
    for seed in seeds {
        let random = &mut ChaCha8Rng::seed_from_u64(5 << 32 | seed);
        let shape = shape(random);
        let case = Case::new(&shape, random);
        if case.analysis.keys.len() > 1 {
            continue;
        }
        match case.analysis.outcome() {
            Verdict::Valid => {
                valid += 1;
                case.accepts_only_witnesses(seed, random);
                case.accepts_no_counterexample(seed, random);
            }
            Verdict::Invalid => {
                invalid += 1;
                case.has_a_minimal_counterexample(seed);
            }
            Verdict::Unknown => panic!("seed {seed}: unknown without a limit"),
        }
    }
    let least = (valid + invalid) / 20;
    assert!(
        valid > least && invalid > least,
        "the draw of {model} is one-sided: {valid} valid, {invalid} invalid"
    );
}

/// These histories are too small for threads.
const ONE_WORKER: CheckOptions = CheckOptions {
    algorithm: Algorithm::Auto,
    workers: NonZero::<usize>::MIN,
};

struct Case {
    history: History,
    spec: ModelSpec,
    analysis: Analysis,
}

impl Case {
    fn new(shape: &Shape, random: &mut ChaCha8Rng) -> Self {
        let initial = draw::initial(shape.model);
        let history = draw::history(shape, &initial, random);
        let spec = ModelSpec {
            name: shape.model,
            initial: Some(initial),
        };
        let analysis =
            check_with(&history, &spec, &ONE_WORKER, &Unlimited).expect("operations of the model");
        Self {
            history,
            spec,
            analysis,
        }
    }

    fn certify(&self, result: KeyResult, counterexample: &[Weakened]) -> Result<(), CertifyError> {
        let key = self.analysis.keys[0].key.clone();
        let counterexample = Counterexample {
            key: key.clone(),
            operations: counterexample.to_vec(),
            minimal: false,
            explanation: String::new(),
        };
        let analysis = Analysis {
            model: self.spec.clone(),
            keys: vec![KeyAnalysis {
                key,
                operations: self.history.operations.len(),
                result,
            }],
        };
        certify(&self.history, &analysis, &[counterexample], &Unlimited).map(|_| ())
    }

    fn certify_witness(&self, witness: Vec<OpId>) -> Result<(), CertifyError> {
        self.certify(KeyResult::Valid { witness }, &[])
    }

    fn certify_rest(&self, operations: &[Weakened]) -> Result<(), CertifyError> {
        self.certify(claimed_invalid(), operations)
    }

    fn accepts_only_witnesses(&self, seed: u64, random: &mut ChaCha8Rng) {
        let told = || format!("seed {seed}: {}", random::picture(&self.history.operations));
        let Some(KeyResult::Valid { witness }) = self.analysis.keys.first().map(|key| &key.result)
        else {
            return;
        };
        assert_eq!(self.certify_witness(witness.clone()), Ok(()), "{}", told());
        let foreign = OpId(self.history.operations.len());
        assert_eq!(
            self.certify_witness([&witness[..], &[foreign]].concat()),
            Err(CertifyError::Foreign { id: foreign }),
        );
        for failed in self.with(Outcome::Fail) {
            let id = failed.id;
            let with_failed = [&[id], &witness[..]].concat();
            assert_eq!(
                self.certify_witness(with_failed),
                Err(CertifyError::Failed { id })
            );
        }
        if witness.is_empty() {
            return;
        }
        let [one, other] = [0, 0].map(|_: i32| random.random_range(0..witness.len()));
        let mut doubled = witness.clone();
        doubled.insert(other, witness[one]);
        assert!(self.certify_witness(doubled).is_err(), "{}", told());
        let mut dropped = witness.clone();
        dropped.remove(one);
        let mut swapped = witness.clone();
        swapped.swap(one, other);
        for changed in [dropped, swapped] {
            assert_eq!(
                self.certify_witness(changed.clone()).is_ok(),
                self.is_witness(&changed),
                "{changed:?} {}",
                told()
            );
        }
    }

    fn is_witness(&self, order: &[OpId]) -> bool {
        let initial = self.spec.initial.clone().expect("set");
        let operations = &self.history.operations;
        witness::flaw(&self.history, operations, order, self.spec.name, &initial).is_none()
    }

    /// Whatever is left out and weakened of a linearizable history: it is no counterexample.
    fn accepts_no_counterexample(&self, seed: u64, random: &mut ChaCha8Rng) {
        if self.history.operations.is_empty() {
            return;
        }
        for _ in 0..3 {
            let left: Vec<Weakened> = self
                .history
                .operations
                .iter()
                .filter(|one| one.outcome != Outcome::Fail && random.random_ratio(2, 3))
                .map(as_it_was)
                .collect();
            assert!(
                self.certify_rest(&left).is_err(),
                "seed {seed}: {left:?} of {}",
                random::picture(&self.history.operations)
            );
        }
    }

    fn has_a_minimal_counterexample(&self, seed: u64) {
        let found = minimize(
            &self.history,
            &self.spec,
            &self.analysis.keys[0],
            &Unlimited,
        )
        .expect("an invalid object");
        let told = || {
            format!(
                "seed {seed}: {found:#?}\nof {}",
                random::picture(&self.history.operations)
            )
        };
        assert!(found.minimal, "{}", told());
        let left = &found.operations[..];
        assert_eq!(self.certify_rest(left), Ok(()), "{}", told());
        assert!(!self.is_legal(left), "legal, {}", told());
        for place in 0..left.len() {
            let mut fewer = left.to_vec();
            fewer.remove(place);
            match self.certify_rest(&fewer) {
                Err(CertifyError::Needed { .. }) => {}
                Err(CertifyError::Legal { .. }) => assert!(self.is_legal(&fewer), "{}", told()),
                other => panic!("{other:?} without {:?}, {}", left[place], told()),
            }
            for weaker in weaker(left, place, self.spec.name, &self.history) {
                let mut changed = left.to_vec();
                changed[place] = weaker;
                assert!(
                    self.is_legal(&changed),
                    "still illegal with {weaker:?}, {}",
                    told()
                );
                assert!(self.certify_rest(&changed).is_err(), "{}", told());
            }
            for stronger in stronger(self.history.operation(left[place].id)) {
                let mut changed = left.to_vec();
                changed[place] = stronger;
                let refused = self.certify_rest(&changed);
                assert!(
                    matches!(refused, Err(CertifyError::Stronger { .. })),
                    "{refused:?} for {stronger:?}"
                );
            }
            let doubled = [left, &left[place..=place]].concat();
            let id = left[place].id;
            assert_eq!(
                self.certify_rest(&doubled),
                Err(CertifyError::Duplicate { id })
            );
        }
    }

    fn is_legal(&self, left: &[Weakened]) -> bool {
        let (model, initial) = (self.spec.name, self.spec.initial.as_ref().expect("set"));
        let operations: Vec<Operation> = left
            .iter()
            .map(|one| weakened(self.history.operation(one.id), one, model))
            .collect();
        let model = if model == ModelName::Mutex {
            ModelName::CasRegister
        } else {
            model
        };
        oracle::is_linearizable(&operations, model, initial)
    }

    fn with(&self, outcome: Outcome) -> impl Iterator<Item = &Operation> {
        let all = self.history.operations.iter();
        all.filter(move |one| one.outcome == outcome)
    }
}

fn claimed_invalid() -> KeyResult {
    KeyResult::Invalid(Box::new(Violation {
        operation: OpId(0),
        states: Vec::new(),
        anomaly: Anomaly {
            class: AnomalyClass::Other,
            operations: Vec::new(),
            explanation: String::new(),
            staleness: None,
        },
    }))
}

#[test]
fn long_runs_shrink_to_a_few_operations() {
    let mut invalid = 0;
    for seed in 0..12 {
        let history = simulate::history(Run {
            operations: 5_000,
            clients: 10,
            operations_per_key: 5_000,
            values: if seed % 2 == 0 { 0 } else { 20 },
            indeterminate: 2,
            stale: true,
            seed,
        });
        let spec = history.default_model();
        let analysis = check(&history, &spec, &Unlimited).expect("a store");
        let found: Vec<Counterexample> = analysis
            .keys
            .iter()
            .filter_map(|key| minimize(&history, &spec, key, &Unlimited))
            .collect();
        certify(&history, &analysis, &found, &Unlimited)
            .expect("certificates that prove what they claim");
        for one in &found {
            invalid += 1;
            assert!(one.minimal && one.operations.len() <= 8, "{one:#?}");
        }
    }
    assert!(
        invalid >= 6,
        "only {invalid} of 12 runs show their stale read"
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
fn without_time_the_counterexample_is_whole_and_says_so() {
    let history = notation::history("0: [w 1] [w 2] [r 2]\n1:               [r 1]");
    let spec = ModelSpec::from(ModelName::Register);
    let analysis = check(&history, &spec, &Unlimited).expect("a register");
    let found = minimize(&history, &spec, &analysis.keys[0], &Nothing).expect("an invalid object");
    assert!(!found.minimal);
    assert_eq!(found.operations.len(), 4);
    assert!(certify(&history, &analysis, &[found], &Unlimited).is_ok());
}

#[test]
fn answers_for_other_objects_or_none_are_refused() {
    let history = notation::history("0: [w 1] [r 1]");
    let spec = ModelSpec::from(ModelName::Register);
    let mut analysis = check(&history, &spec, &Unlimited).expect("a register");
    analysis.keys[0].key = Some(Value::Int(3));
    let refused = certify(&history, &analysis, &[], &Unlimited).expect_err("another object");
    assert_eq!(
        refused.to_string(),
        "the answers are not one for each object of the history, see the one for object 3"
    );
    analysis.keys.clear();
    let refused = certify(&history, &analysis, &[], &Unlimited).expect_err("no object");
    assert_eq!(refused, CertifyError::Objects { key: None });
    let analysis = check(&notation::history("0: [r 1]"), &spec, &Unlimited).expect("a register");
    let refused =
        certify(&notation::history("0: [r 1]"), &analysis, &[], &Unlimited).expect_err("no proof");
    assert_eq!(refused, CertifyError::NoCounterexample { key: None });
}
