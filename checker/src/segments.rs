//! One object, one segment after the other: splitting where nothing is pending and the state is known.
//!
//! A *cut* is a place in the history where every operation called before has returned; none of those is indeterminate. It is *forced*
//! if only one state is possible there. Every order has all operations before a cut first. The last of them that changes the state is
//! one that no other surely follows, that is, none that changes the state was called after its return; if all such operations leave
//! the same state behind whatever was before, that state is the only one. So the history is linearizable if and only if each segment
//! between two forced cuts is, from the forced state: orders of the segments, one after the other, are an order of the whole, and an
//! order of the whole is made of such orders. A return that is reached by no order of its segment is reached by no order of the whole,
//! and the first one of the first such segment is the first of the whole. ∎
//!
//! What it is good for: segments can be judged by several threads at once; the memory of a search is given back behind each segment, and
//! it never goes back over a cut. Long histories of few clients have a cut every few operations, so segments are cut to a useful length.

use std::num::NonZero;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::budget::Limit;
use crate::engine::{Answer, Standing};
use crate::history::OpId;
use crate::models::machine::{ActionId, Entry, Machine, Problem, StateId, Step};
use crate::pool;
use crate::value::Value;

/// How many operations a segment has at least, and into how many a history is cut at most: each has its own copy of the values.
const LEAST_LENGTH: usize = 10_000;
const MOST_SEGMENTS: usize = 16;

/// Finds out about an object by finding out about its segments, by several workers if there are several segments.
pub(crate) fn judge(
    problem: Problem,
    workers: NonZero<usize>,
    judge: impl Fn(Problem, NonZero<usize>) -> Answer + Sync,
) -> Answer {
    let least = LEAST_LENGTH.max(problem.steps.len().div_ceil(MOST_SEGMENTS));
    let segments = segments(&problem, least);
    if segments.len() == 1 {
        return judge(problem, workers);
    }
    judge_each(problem, &segments, workers, |part| {
        judge(part, NonZero::<usize>::MIN)
    })
}

/// Some operations one after the other, and the state before them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Segment {
    steps: Range<usize>,
    initial: StateId,
}

/// The whole history, in segments of at least so many operations.
fn segments(problem: &Problem, least: usize) -> Vec<Segment> {
    let Problem { steps, machine } = problem;
    let mut segments = Vec::new();
    let mut last = Segment {
        steps: 0..0,
        initial: machine.initial(),
    };
    let mut past = Past::new(&**machine);
    for (number, step) in steps.iter().enumerate() {
        if number - last.steps.start >= least
            && past.returned < step.call
            && let Some(state) = past.state()
        {
            let next = Segment {
                steps: number..number,
                initial: state,
            };
            last.steps.end = number;
            segments.push(std::mem::replace(&mut last, next));
        }
        if !step.is_mandatory() {
            break;
        }
        past.add(step);
    }
    last.steps.end = steps.len();
    segments.push(last);
    segments
}

/// What was called so far, all of it mandatory.
struct Past<'p> {
    machine: &'p dyn Machine,
    /// When the last of it returns.
    returned: u64,
    /// When the last operation that changes the state was called.
    changed: Option<u64>,
    /// Operations that change the state, with all that no other surely follows.
    last: Vec<Step>,
}

impl<'p> Past<'p> {
    fn new(machine: &'p dyn Machine) -> Self {
        Self {
            machine,
            returned: 0,
            changed: None,
            last: Vec::new(),
        }
    }

    fn add(&mut self, step: &Step) {
        self.returned = self.returned.max(step.ret);
        if !self.machine.is_pure(step.action) {
            self.changed = Some(step.call);
            self.last.retain(|earlier| earlier.ret >= step.call);
            self.last.push(*step);
        }
    }

    /// The state when all of it has returned, if only one is possible.
    fn state(&self) -> Option<StateId> {
        if self.changed.is_none() {
            return Some(self.machine.initial());
        }
        let mut states = self.last.iter().map(|step| self.left_behind(step.action));
        let state = states.next()??;
        states.all(|other| other == Some(state)).then_some(state)
    }

    fn left_behind(&self, action: ActionId) -> Option<StateId> {
        self.machine.left_behind(action)
    }
}

fn judge_each(
    problem: Problem,
    segments: &[Segment],
    workers: NonZero<usize>,
    judge: impl Fn(Problem) -> Answer + Sync,
) -> Answer {
    let Problem { steps, machine } = problem;
    let machine = Mutex::new(machine);
    // What comes behind a segment that is not linearizable does not matter.
    let failed = AtomicUsize::new(usize::MAX);
    let numbers: Vec<usize> = (0..segments.len()).collect();
    let answers = pool::map(&numbers, workers, |&number| {
        if failed.load(Ordering::Relaxed) < number {
            return None;
        }
        let Segment {
            steps: range,
            initial,
        } = segments[number].clone();
        let whole = machine.lock().ok()?.clone();
        let answer = judge(Problem {
            steps: steps[range].to_vec(),
            machine: Box::new(From { whole, initial }),
        });
        if !matches!(answer, Answer::Valid(_)) {
            failed.fetch_min(number, Ordering::Relaxed);
        }
        Some(answer)
    });
    let last_of = |number: usize| {
        let before = &steps[..segments[number].steps.start];
        before
            .iter()
            .max_by_key(|step| step.ret)
            .map(|step| step.id)
    };
    join(answers, last_of)
}

/// The answer of the first segment that is not valid, or all orders one after the other.
fn join(answers: Vec<Option<Answer>>, last_before: impl Fn(usize) -> Option<OpId>) -> Answer {
    let mut witness = Vec::new();
    for (number, answer) in answers.into_iter().enumerate() {
        match answer {
            Some(Answer::Valid(order)) => witness.extend(order),
            Some(Answer::Unknown {
                limit,
                proven_until,
                peak_configurations,
            }) => {
                return Answer::Unknown {
                    limit,
                    proven_until: proven_until.or_else(|| last_before(number)),
                    peak_configurations,
                };
            }
            Some(answer @ Answer::Invalid { .. }) => return answer,
            None => return Standing::default().unknown(Limit::Cancelled),
        }
    }
    Answer::Valid(witness)
}

/// An object that does not start as the whole one does.
struct From {
    whole: Box<dyn Machine>,
    initial: StateId,
}

impl Machine for From {
    fn initial(&self) -> StateId {
        self.initial
    }

    fn learn(&mut self, entry: &Entry<'_>) -> Result<Option<ActionId>, String> {
        self.whole.learn(entry)
    }

    fn apply(&mut self, state: StateId, action: ActionId) -> Option<StateId> {
        self.whole.apply(state, action)
    }

    fn is_pure(&self, action: ActionId) -> bool {
        self.whole.is_pure(action)
    }

    fn is_blind(&self, action: ActionId) -> bool {
        self.whole.is_blind(action)
    }

    fn observes(&self, action: ActionId) -> Option<StateId> {
        self.whole.observes(action)
    }

    fn left_behind(&self, action: ActionId) -> Option<StateId> {
        self.whole.left_behind(action)
    }

    fn value(&self, state: StateId) -> Value {
        self.whole.value(state)
    }

    fn boxed_clone(&self) -> Box<dyn Machine> {
        Box::new(Self {
            whole: self.whole.clone(),
            initial: self.initial,
        })
    }

    fn bytes(&self) -> u64 {
        self.whole.bytes()
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::budget::Unlimited;
    use crate::engine;
    use crate::explain::soundness::draw_sized;
    use crate::search;

    #[test]
    fn segments_tell_what_the_whole_tells() {
        let (mut valid, mut invalid, mut cut) = (0, 0, 0);
        for seed in 0..60_000 {
            let mut random = ChaCha8Rng::seed_from_u64(7 << 32 | seed);
            let register = draw_sized(&mut random, seed % 4 == 0, 2 + seed % 9);
            let alone = |problem| engine::run(search::engine(problem), &Unlimited);
            let problem = register.problem();
            let parts = segments(&problem, 1);
            cut += u32::from(parts.len() > 1);
            for workers in [1, 2] {
                let workers = NonZero::new(workers).expect("a worker");
                let answer = judge_each(problem.clone(), &parts, workers, alone);
                match (answer, alone(problem.clone())) {
                    (Answer::Valid(order), Answer::Valid(_)) => {
                        valid += 1;
                        replay(&problem, &order);
                    }
                    (answer, whole) => {
                        invalid += 1;
                        assert_eq!(answer, whole, "seed {seed}: {:#?}", register.operations);
                    }
                }
            }
        }
        assert!(
            valid > 20_000 && invalid > 20_000 && cut > 5_000,
            "one-sided: {valid} {invalid} {cut}"
        );
    }

    /// That real time is respected and nothing is missing is seen in the tests of the whole checker.
    fn replay(problem: &Problem, order: &[OpId]) {
        let Problem { steps, mut machine } = problem.clone();
        let mut state = machine.initial();
        for id in order {
            let step = steps.iter().find(|step| step.id == *id);
            let action = step.expect("an operation of the history").action;
            state = machine.apply(state, action).expect("a witness");
        }
    }
}
