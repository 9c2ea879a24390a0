//! No contradiction is ever claimed of a history that is linearizable.

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::budget::{Unlimited, Watch};
use crate::engine::{self, Answer};
use crate::explain::facts::Facts;
use crate::explain::find;
use crate::formats::Format;
use crate::history::{History, OpId, Outcome};
use crate::interner::Interner;
use crate::models::machine::NEVER;
use crate::models::register::{Action, Register, RegisterOp};
use crate::search;
use crate::value::Value;

/// Operations at random places with random answers. With `unique` each value is written once at most.
pub(crate) fn draw(random: &mut ChaCha8Rng, unique: bool) -> Register {
    let count = random.random_range(2..=7);
    draw_sized(random, unique, count)
}

/// As many operations as are asked for.
pub(crate) fn draw_sized(random: &mut ChaCha8Rng, unique: bool, count: u64) -> Register {
    let mut values = Interner::new();
    for value in 0..6 {
        values.intern(&Value::Int(value));
    }
    let mut positions: Vec<u64> = (0..2 * count).collect();
    positions.shuffle(random);
    let mut places: Vec<(u64, u64)> = positions
        .chunks(2)
        .map(|pair| (pair[0].min(pair[1]), pair[0].max(pair[1])))
        .collect();
    places.sort_unstable();
    let mut fresh = 0;
    let operations = places.into_iter().enumerate().map(|(number, (call, ret))| {
        let mut new = |random: &mut ChaCha8Rng| {
            fresh += 1;
            if unique {
                fresh.min(5)
            } else {
                random.random_range(0..3)
            }
        };
        let action = match random.random_range(0..5) {
            0..=1 => Action::Read(random.random_range(0..4)),
            2..=3 => Action::Write(new(random)),
            _ => Action::Cas {
                expected: random.random_range(0..3),
                new: new(random),
            },
        };
        let outcome = [
            Outcome::Ok,
            Outcome::Ok,
            Outcome::Ok,
            Outcome::Ok,
            Outcome::Info,
            Outcome::Fail,
        ][random.random_range(0..6)];
        let ret = if outcome == Outcome::Info { NEVER } else { ret };
        RegisterOp {
            id: OpId(number),
            outcome,
            call,
            ret,
            action: plain(action),
        }
    });
    Register {
        values,
        initial: 0,
        model: crate::models::ModelName::CasRegister,
        operations: operations.collect(),
    }
}

fn plain(action: Action) -> Action {
    match action {
        Action::Cas { expected, new } if expected == new => Action::Read(expected),
        other @ (Action::Cas { .. } | Action::ReadAny | Action::Read(_) | Action::Write(_)) => {
            other
        }
    }
}

#[test]
fn no_contradiction_is_found_in_a_linearizable_register() {
    let history = History {
        header: None,
        operations: Vec::new(),
        nemesis: Vec::new(),
        format: Format::Jsonl,
        truncated: false,
    };
    let (mut valid, mut invalid, mut named) = (0, 0, 0);
    for seed in 0..60_000 {
        let register = draw(&mut ChaCha8Rng::seed_from_u64(seed), seed % 2 == 0);
        let facts = Facts::new(&register);
        let found = find::find(&facts, &history, &Watch::new(&Unlimited, 1));
        match engine::run(search::engine(register.problem()), &Unlimited) {
            Answer::Valid(_) => {
                valid += 1;
                assert!(
                    found.is_none(),
                    "seed {seed}: {found:?} in {:#?}",
                    register.operations
                );
            }
            Answer::Invalid { .. } => {
                invalid += 1;
                named += usize::from(found.is_some());
            }
            Answer::Unknown { .. } => panic!("unknown without a limit"),
        }
    }
    assert!(
        valid > 5_000 && invalid > 5_000,
        "the draw is one-sided: {valid} valid, {invalid} invalid"
    );
    assert!(
        named * 100 > invalid * 98,
        "only {named} of {invalid} contradictions have a name"
    );
}
