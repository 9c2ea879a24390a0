//! Search and frontier side by side on one object: one confirms quickly, the other refutes quickly, and either can explode.
//!
//! The search begins. Where it gets stuck the frontier goes on, from a place that the search came through shortly before; a limit that
//! the search reaches until then ends the race, because the frontier would begin under the same one. Then they take turns, in slices
//! of work that double from round to round, so that the time is at most a small multiple of what the better of the two needs. With
//! two threads they run at once from then on, but the answer is still the one that taking turns would have given: whoever answers in the earliest
//! slice wins, and the other goes on only until it is past that slice. So the same object gets the same answer and the same witness
//! whatever threads there are and however fast they run.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crate::budget::{Budget, CheckProgress, Ledger, Limit};
use crate::engine::{Answer, Engine, Progress, Standing};
use crate::frontier;
use crate::models::machine::Problem;
use crate::search;

/// The least number of configurations in the first slice of the search.
const LEAST_SLICE: u64 = 100_000;

/// The first slices of the search are enough to confirm an easy history.
const SLICE_PER_OPERATION: u64 = 2;

/// The frontier begins so many returns before the furthest that the search came to: as far back as it may have to look again.
const RETURNS_BACK: u32 = 2_048;

/// Finds out about an object, on two threads if that is allowed and worthwhile.
pub(crate) fn race(problem: Problem, two_threads: bool, budget: &dyn Budget) -> Answer {
    let slice = LEAST_SLICE.max(SLICE_PER_OPERATION * problem.steps.len() as u64);
    race_in_slices(problem, [slice; 2], RETURNS_BACK, two_threads, budget)
}

/// With the first slices of search and frontier, and how far before the furthest the frontier begins.
fn race_in_slices(
    problem: Problem,
    slices: [u64; 2],
    returns_back: u32,
    two_threads: bool,
    budget: &dyn Budget,
) -> Answer {
    let finish = AtomicU64::new(u64::MAX);
    let ledger = Ledger::new(budget);
    let track = |slice| Track {
        finish: &finish,
        ledger: &ledger,
        slice,
    };
    let mut first = Runner::new(search::engine(problem), 0, slices[0]);
    first.run_slice(&track(0));
    let foothold = match &first.state {
        State::Answered(..) | State::Out(..) => None,
        State::Running(engine) => engine.foothold(returns_back),
    };
    let Some(foothold) = foothold else {
        return decide([Some(first), None]);
    };
    let mut second = Runner::new(frontier::engine_from(foothold), 1, slices[1]);
    second.run_slice(&track(1));
    if let State::Answered(_, answer) = second.state {
        return answer;
    }
    let both = if two_threads {
        at_once([first, second], &track)
    } else {
        in_turns([first, second], &track)
    };
    decide(both.map(Some))
}

/// An engine and how far it is in the race.
struct Runner {
    state: State,
    /// The number of its next slice; those of the two engines alternate.
    next: u64,
    slice: u64,
}

enum State {
    Running(Box<dyn Engine>),
    /// In the slice of this number.
    Answered(u64, Answer),
    /// Without an answer.
    Out(Limit, Standing),
}

impl Runner {
    fn new(engine: Result<Box<dyn Engine>, Limit>, next: u64, slice: u64) -> Self {
        Self {
            state: engine.map_or_else(
                |limit| State::Out(limit, Standing::default()),
                State::Running,
            ),
            next,
            slice,
        }
    }

    /// Works for one slice. An engine that reached a limit is dropped at once, for the sake of the other.
    fn run_slice(&mut self, track: &Track<'_, '_>) {
        let State::Running(engine) = &mut self.state else {
            return;
        };
        match engine.advance(self.slice, &track.ledger_share()) {
            Progress::Paused => {}
            Progress::Done(answer) => {
                track.finish.fetch_min(self.next, Ordering::Relaxed);
                self.state = State::Answered(self.next, answer);
            }
            Progress::Stopped(limit) => self.state = State::Out(limit, engine.standing()),
        }
        self.next += 2;
        self.slice = self.slice.saturating_mul(2);
    }

    fn is_running(&self) -> bool {
        matches!(self.state, State::Running(_))
    }
}

/// What the two engines share, as seen from one slice.
struct Track<'t, 'b> {
    /// The slice in which an answer was found.
    finish: &'t AtomicU64,
    ledger: &'t Ledger<'b>,
    slice: u64,
}

impl<'t, 'b> Track<'t, 'b> {
    fn is_lost(&self) -> bool {
        self.finish.load(Ordering::Relaxed) < self.slice
    }

    fn ledger_share(&self) -> WhileUseful<'_, 't, 'b> {
        WhileUseful {
            track: self,
            share: self.ledger.share(),
        }
    }
}

/// Ends the work of an engine that cannot win any more.
struct WhileUseful<'w, 't, 'b> {
    track: &'w Track<'t, 'b>,
    share: crate::budget::Share<'t, 'b>,
}

impl Budget for WhileUseful<'_, '_, '_> {
    fn exceeded(&self, own_memory_estimate_bytes: u64) -> Option<Limit> {
        if self.track.is_lost() {
            return Some(Limit::Cancelled);
        }
        self.share.exceeded(own_memory_estimate_bytes)
    }

    fn progress(&self, progress: &CheckProgress) {
        self.share.progress(progress);
    }
}

fn in_turns<'t, 'b: 't>(
    mut runners: [Runner; 2],
    track: &impl Fn(u64) -> Track<'t, 'b>,
) -> [Runner; 2] {
    while let Some(runner) = runners
        .iter_mut()
        .filter(|runner| runner.is_running() && !track(runner.next).is_lost())
        .min_by_key(|runner| runner.next)
    {
        runner.run_slice(&track(runner.next));
    }
    runners
}

fn at_once<'t, 'b: 't>(
    runners: [Runner; 2],
    track: &(impl Fn(u64) -> Track<'t, 'b> + Sync),
) -> [Runner; 2] {
    thread::scope(|scope| {
        let threads = runners.map(|mut runner| {
            scope.spawn(move || {
                while runner.is_running() && !track(runner.next).is_lost() {
                    runner.run_slice(&track(runner.next));
                }
                runner
            })
        });
        threads.map(|thread| {
            thread
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    })
}

/// The answer of the earliest slice; without one, what is known.
fn decide(runners: [Option<Runner>; 2]) -> Answer {
    let mut best: Option<(u64, Answer)> = None;
    let mut stopped: Option<Limit> = None;
    let mut standing = Standing::default();
    for runner in runners.into_iter().flatten() {
        match runner.state {
            State::Answered(slice, answer) => {
                if best.as_ref().is_none_or(|(earlier, _)| slice < *earlier) {
                    best = Some((slice, answer));
                }
            }
            State::Out(limit, at) => {
                stopped = stopped.or(Some(limit));
                standing = standing.further(at);
            }
            State::Running(_) => {}
        }
    }
    match (best, stopped) {
        (Some((_, answer)), _) => answer,
        (None, limit) => standing.unknown(limit.unwrap_or(Limit::Cancelled)),
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::budget::Unlimited;
    use crate::engine;
    use crate::explain::soundness::{draw, draw_sized};

    #[test]
    fn turns_and_threads_give_the_same_answer_and_the_right_one() {
        let (mut by_search, mut others) = (0, 0);
        for seed in 0..6_000 {
            let mut random = ChaCha8Rng::seed_from_u64(4 << 32 | seed);
            let register = match seed % 2 {
                0 => draw(&mut random, false),
                _ => draw_sized(&mut random, false, 8 + seed % 7),
            };
            let slices = [1 + seed % 5, 1 + seed % 50];
            let back = u32::try_from(seed % 3).expect("small");
            let race = |two_threads| {
                race_in_slices(register.problem(), slices, back, two_threads, &Unlimited)
            };
            let answer = race(false);
            assert_eq!(answer, race(true), "seed {seed}");
            let alone = engine::run(search::engine(register.problem()), &Unlimited);
            match (&answer, &alone) {
                (Answer::Valid(_), Answer::Valid(_)) if answer != alone => others += 1,
                (Answer::Valid(_), Answer::Valid(_)) => by_search += 1,
                _ => assert_eq!(answer, alone, "seed {seed}"),
            }
        }
        assert!(
            by_search > 300 && others > 100,
            "one always wins: {by_search} {others}"
        );
    }

    #[test]
    fn an_engine_out_of_the_race_leaves_it_to_the_other() {
        let register = draw(&mut ChaCha8Rng::seed_from_u64(0), false);
        let runners = [0, 1].map(|number| {
            let mut runner = Runner::new(frontier::engine(register.problem()), number, 1 << 20);
            if number == 0 {
                runner.state = State::Out(Limit::Memory(0), Standing::default());
            }
            runner
        });
        let finish = AtomicU64::new(u64::MAX);
        let ledger = Ledger::new(&Unlimited);
        let track = |slice| Track {
            finish: &finish,
            ledger: &ledger,
            slice,
        };
        let answer = decide(in_turns(runners, &track).map(Some));
        assert!(!matches!(answer, Answer::Unknown { .. }), "{answer:?}");
    }
}
