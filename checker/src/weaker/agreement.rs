//! The quick algorithms agree with the search.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::program::{Action, Program};
use super::{Answer, Judge, WeakerModel};
use crate::budget::Unlimited;
use crate::history::OpId;

/// Operations one after the other, on a few registers.
fn draw(random: &mut ChaCha8Rng) -> Program {
    let registers = random.random_range(1..=3);
    let unique = random.random_ratio(2, 3);
    let processes = random.random_range(2..=4);
    let mut actions = Vec::new();
    for number in 0..random.random_range(4..=11) {
        let seen = random.random_range(0..=number.min(7) as u32);
        let new = match unique {
            true => number as u32 + 1,
            false => random.random_range(0..3),
        };
        let (observes, writes) = match random.random_range(0..10) {
            0..5 => (Some(seen), None),
            5..9 => (None, Some(new)),
            _ if seen == new => (Some(seen), None),
            _ => (Some(seen), Some(new)),
        };
        let mandatory = writes.is_none() || random.random_ratio(7, 8);
        actions.push(Action {
            id: OpId(number),
            process: random.random_range(0..processes),
            register: random.random_range(0..registers),
            mandatory,
            observes,
            writes,
            call: 2 * number as u64,
            ret: if mandatory {
                2 * number as u64 + 1
            } else {
                u64::MAX
            },
        });
    }
    // Most observations are of something that was written there.
    for one in 0..actions.len() {
        let register = actions[one].register;
        let written: Vec<u32> = actions
            .iter()
            .filter(|other| other.register == register)
            .filter_map(|other| other.writes)
            .collect();
        if actions[one].observes.is_some() && !written.is_empty() && random.random_ratio(4, 5) {
            let value = written[random.random_range(0..written.len())];
            if actions[one].writes != Some(value) {
                actions[one].observes = Some(value);
            }
        }
    }
    Program::of(actions, vec![0; registers])
}

#[test]
fn quick_answers_are_those_of_the_search() {
    let mut counts = [[0; 3]; 5];
    let factor = std::env::var("ADRASTEIA_DRAWS").map(|factor| factor.parse::<u64>());
    let draws = 20_000 * factor.map_or(1, |factor| factor.expect("ADRASTEIA_DRAWS is a number"));
    for seed in 0..draws {
        let program = draw(&mut ChaCha8Rng::seed_from_u64(11 << 32 | seed));
        let judge = Judge {
            program: &program,
            near: None,
            budget: &Unlimited,
        };
        for model in WeakerModel::ALL {
            let searched = judge.search(&program, model);
            let quick = judge.quickly(model);
            let count = &mut counts[model as usize];
            match (quick, searched) {
                (Answer::Holds, Answer::Holds) => count[0] += 1,
                (Answer::Broken, Answer::Broken) => count[1] += 1,
                (Answer::Open(_), _) => count[2] += 1,
                (Answer::Broken, Answer::Open(_)) => {}
                (Answer::Holds, Answer::Broken | Answer::Open(_))
                | (Answer::Broken, Answer::Holds) => {
                    panic!(
                        "seed {seed}: {model:?} is {quick:?}, not {searched:?}: {:#?}",
                        program.actions
                    )
                }
            }
        }
    }
    for [valid, invalid, open] in counts {
        assert!(
            valid > draws / 50 && invalid > draws / 10 && open < draws / 4,
            "one-sided: {counts:?}"
        );
    }
}
