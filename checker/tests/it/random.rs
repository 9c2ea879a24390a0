//! Random small histories, most of them nearly right, against the oracle.

use std::num::NonZero;

use checker::{
    Algorithm, Analysis, CheckOptions, History, KeyAnalysis, KeyResult, Limit, ModelName,
    ModelSpec, Operation, Unlimited, Value, Verdict, check_with,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::draw::{self, Shape, initial};
use crate::{oracle, witness};

/// `ADRASTEIA_DRAWS` makes all draws so many times longer.
pub(crate) fn draws(usual: u64) -> u64 {
    let factor = std::env::var("ADRASTEIA_DRAWS").map(|factor| factor.parse::<u64>());
    usual * factor.map_or(1, |factor| factor.expect("a number"))
}

#[test]
fn small_registers_agree_with_the_oracle() {
    let mut invalid = 0;
    for seed in 0..draws(100_000) {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let shape = Shape {
            model: ModelName::CasRegister,
            operations: random.random_range(2..=8),
            processes: random.random_range(2..=5),
            values: random.random_range(0..=3),
            indeterminate: [0, 20, 50][random.random_range(0..3)],
            wrong: [0, 5, 30][random.random_range(0..3)],
        };
        invalid += u64::from(agrees(&shape, seed, &mut random) == Verdict::Invalid);
    }
    assert_halved("registers", invalid, draws(100_000));
}

#[test]
fn registers_of_thirteen_operations_and_more_agree_with_the_oracle() {
    let mut invalid = 0;
    for seed in 0..draws(40_000) {
        let mut random = ChaCha8Rng::seed_from_u64(1 << 32 | seed);
        let shape = Shape {
            model: ModelName::CasRegister,
            operations: random.random_range(13..=15),
            processes: random.random_range(3..=7),
            values: random.random_range(0..=4),
            indeterminate: [0, 10, 40][random.random_range(0..3)],
            wrong: [0, 5, 15][random.random_range(0..3)],
        };
        invalid += u64::from(agrees(&shape, seed, &mut random) == Verdict::Invalid);
    }
    assert_halved("registers", invalid, draws(40_000));
}

/// All but the registers that everything else is a variation of, and maps of them.
pub(crate) const OTHERS: [ModelName; 10] = [
    ModelName::Register,
    ModelName::Mutex,
    ModelName::KvAppend,
    ModelName::MultiRegister,
    ModelName::Set,
    ModelName::Queue,
    ModelName::UnorderedQueue,
    ModelName::Stack,
    ModelName::Counter,
    ModelName::ListAppend,
];

/// Whether the values can be the numbers of the operations.
pub(crate) fn can_be_unique(model: ModelName) -> bool {
    !matches!(model, ModelName::KvAppend | ModelName::MultiRegister)
}

#[test]
fn other_models_of_thirteen_operations_and_more_agree_with_the_oracle() {
    for model in OTHERS.into_iter().chain([ModelName::Kv]) {
        let mut invalid = 0;
        for seed in 0..draws(600) {
            let mut random = ChaCha8Rng::seed_from_u64(3 << 32 | seed);
            let shape = Shape {
                model,
                operations: random.random_range(13..=15),
                processes: random.random_range(3..=6),
                values: random.random_range(i64::from(!can_be_unique(model))..=3),
                indeterminate: [0, 10, 40][random.random_range(0..3)],
                wrong: [0, 5, 10][random.random_range(0..3)],
            };
            invalid += u64::from(agrees(&shape, seed, &mut random) == Verdict::Invalid);
        }
        assert_halved(model, invalid, draws(600));
    }
}

#[test]
fn other_models_agree_with_the_oracle() {
    for model in OTHERS.into_iter().chain([ModelName::Kv]) {
        let mut invalid = 0;
        for seed in 0..draws(8_000) {
            let mut random = ChaCha8Rng::seed_from_u64(2 << 32 | seed);
            let shape = Shape {
                model,
                operations: random.random_range(2..=8),
                processes: random.random_range(2..=4),
                values: random.random_range(i64::from(!can_be_unique(model))..=3),
                indeterminate: [0, 20, 50][random.random_range(0..3)],
                wrong: [0, 15, 30][random.random_range(0..3)],
            };
            invalid += u64::from(agrees(&shape, seed, &mut random) == Verdict::Invalid);
        }
        assert_halved(model, invalid, draws(8_000));
    }
}

/// About half of the histories are to be wrong. Shown where the test's output is.
fn assert_halved(what: impl std::fmt::Display, invalid: u64, drawn: u64) {
    let percent = invalid * 100 / drawn;
    println!("{what}: {invalid} of {drawn} invalid, {percent} %");
    assert!(
        (33..=67).contains(&percent),
        "the draw of {what} is one-sided: {invalid} of {drawn} invalid"
    );
}

/// Compares verdict, witness and the first operation that cannot be placed, of each algorithm.
fn agrees(shape: &Shape, seed: u64, random: &mut ChaCha8Rng) -> Verdict {
    let initial = initial(shape.model);
    let history = draw::history(shape, &initial, random);
    let spec = ModelSpec {
        name: shape.model,
        initial: Some(initial.clone()),
    };
    let expected = oracle::is_linearizable(&history.operations, shape.model, &initial);
    let told = |algorithm| {
        format!(
            "{algorithm} on seed {seed}: {}",
            picture(&history.operations)
        )
    };
    let mut violations = Vec::new();
    for algorithm in Algorithm::ALL {
        let options = CheckOptions {
            algorithm,
            workers: NonZero::<usize>::MIN,
        };
        let analysis =
            check_with(&history, &spec, &options, &Unlimited).expect("operations of the model");
        if let Err(wrong) = is_right(&history, &analysis, algorithm, expected, &initial) {
            panic!("{wrong}, {}", told(algorithm));
        }
        if analysis.outcome() == Verdict::Invalid {
            violations.push(serde_json::to_string(&analysis).expect("a verdict is JSON"));
        }
    }
    if !tells_all(shape.model) {
        violations.clear();
    }
    violations.dedup();
    assert!(
        violations.len() <= 1,
        "algorithms tell different things: {violations:?}, {}",
        told(Algorithm::Auto)
    );
    if expected {
        Verdict::Valid
    } else {
        Verdict::Invalid
    }
}

/// The fast algorithms may know fewer of the states that were possible, but for registers.
fn tells_all(model: ModelName) -> bool {
    matches!(
        model,
        ModelName::Register | ModelName::CasRegister | ModelName::Mutex
    )
}

fn is_right(
    history: &History,
    analysis: &Analysis,
    algorithm: Algorithm,
    expected: bool,
    initial: &Value,
) -> Result<(), String> {
    let mut valid = true;
    for answer in &analysis.keys {
        let operations = oracle::object(&history.operations, answer.key.as_ref());
        let expected = oracle::is_linearizable(&operations, analysis.model.name, initial);
        valid &= expected;
        is_right_for_object(
            history,
            &operations,
            answer,
            algorithm,
            expected,
            analysis.model.name,
            initial,
        )?;
    }
    if valid == expected {
        Ok(())
    } else {
        Err("the oracle is not of one mind".to_owned())
    }
}

fn is_right_for_object(
    history: &History,
    operations: &[Operation],
    answer: &KeyAnalysis,
    algorithm: Algorithm,
    expected: bool,
    model: ModelName,
    initial: &Value,
) -> Result<(), String> {
    match &answer.result {
        KeyResult::Valid { witness } if expected => {
            witness::verify(history, operations, witness, model, initial);
            Ok(())
        }
        KeyResult::Invalid(violation) if !expected => {
            let returned = history.operation(violation.operation).ret;
            let ret = returned.ok_or("the operation never returned")?;
            let legal = |end| oracle::is_linearizable(&prefix(operations, end), model, initial);
            if legal(ret) && !legal(ret + 1) {
                Ok(())
            } else {
                Err(format!("{:?} is not the first", violation.operation))
            }
        }
        KeyResult::Unknown { limit, .. }
            if algorithm == Algorithm::Fast && matches!(limit, Limit::NotFast(_)) =>
        {
            Ok(())
        }
        KeyResult::Valid { .. } | KeyResult::Invalid(_) | KeyResult::Unknown { .. } => {
            Err(format!("{:?} against the oracle", answer.result))
        }
    }
}

/// The history for a failed assertion, one operation a line.
pub(crate) fn picture(operations: &[Operation]) -> String {
    let line = |one: &Operation| {
        let Operation {
            process,
            f,
            input,
            output,
            outcome,
            call,
            ret,
            ..
        } = one;
        format!("\n{process}: {f} {input} -> {output} {outcome:?} {call}..{ret:?}")
    };
    operations.iter().map(line).collect()
}

/// What was observed before a position. What is still open there is optional, but answers as it later did.
fn prefix(operations: &[Operation], end: u64) -> Vec<Operation> {
    let called = operations.iter().filter(|operation| operation.call < end);
    called
        .map(|operation| Operation {
            ret: operation.ret.filter(|&ret| ret < end),
            ..operation.clone()
        })
        .collect()
}
