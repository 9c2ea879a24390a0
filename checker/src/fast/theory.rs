//! What every theory has in common: it judges, and the first failing return is found by judging prefixes.

use crate::budget::{Budget, Limit, Watch};
use crate::engine::{Answer, Standing};
use crate::history::OpId;
use crate::models::machine::NEVER;

/// An operation and what it did.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timed<A> {
    pub(crate) id: OpId,
    pub(crate) call: u64,
    /// [`NEVER`] for an operation that may take effect at any time or never.
    pub(crate) ret: u64,
    pub(crate) action: A,
}

impl<A> Timed<A> {
    pub(super) fn is_mandatory(&self) -> bool {
        self.ret != NEVER
    }
}

/// Why a theory says nothing about a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Inapplicable(pub(crate) &'static str);

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Stop {
    Limit(Limit),
    Inapplicable(Inapplicable),
}

impl From<Inapplicable> for Stop {
    fn from(reason: Inapplicable) -> Self {
        Self::Inapplicable(reason)
    }
}

impl From<Limit> for Stop {
    fn from(limit: Limit) -> Self {
        Self::Limit(limit)
    }
}

/// What a theory says about operations.
#[derive(Debug)]
pub(crate) enum Judgement {
    /// An order.
    Legal(Vec<OpId>),
    /// There is none.
    Illegal(Failure),
}

/// The position of a return up to which operations are illegal already, with what is pending there optional.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The first such return.
    First(u64),
    /// One such return; there may be earlier ones.
    NoLaterThan(u64),
}

impl Failure {
    fn position(self) -> u64 {
        match self {
            Self::First(position) | Self::NoLaterThan(position) => position,
        }
    }
}

/// A way to judge operations of one object.
pub(crate) trait Theory {
    /// What an operation does.
    type Action: Copy;

    /// Judges operations in the order of their calls, all different positions from [`Theory::room`] on. Looks at the budget between
    /// passes: none takes longer than a sort.
    fn judge(
        &self,
        operations: &[Timed<Self::Action>],
        watch: &Watch<'_>,
    ) -> Result<Judgement, Stop>;

    /// How many positions are left free before the first operation, for what was there initially.
    fn room(&self) -> u64 {
        0
    }

    /// Why operations might be legal although they were judged illegal, if some optional ones were left out.
    fn doubt(&self, operations: &[Timed<Self::Action>]) -> Option<Inapplicable> {
        let _ = operations;
        None
    }
}

/// The answer of a theory about operations in the order of their calls.
pub(crate) fn solve<T: Theory>(
    theory: &T,
    mut operations: Vec<Timed<T::Action>>,
    budget: &dyn Budget,
) -> Result<Answer, Inapplicable> {
    let room = theory.room();
    for operation in &mut operations {
        operation.call += room;
        operation.ret = operation.ret.saturating_add(room);
    }
    let case = Case {
        theory,
        operations,
        budget,
    };
    match case.answer() {
        Ok(answer) => Ok(answer),
        Err(Stop::Limit(limit)) => Ok(Standing::default().unknown(limit)),
        Err(Stop::Inapplicable(reason)) => Err(reason),
    }
}

/// How often a guess may be followed by an earlier one, before it takes halving.
const GUESSES: usize = 4;

/// Operations before a judge.
struct Case<'c, T: Theory> {
    theory: &'c T,
    operations: Vec<Timed<T::Action>>,
    budget: &'c dyn Budget,
}

impl<T: Theory> Case<'_, T> {
    fn answer(&self) -> Result<Answer, Stop> {
        let failure = match self.judge(&self.operations)? {
            Judgement::Legal(order) => return Ok(Answer::Valid(order)),
            Judgement::Illegal(failure) => failure,
        };
        let position = self.first_failure(failure)?;
        if let Some(doubt) = self.theory.doubt(&self.prefix(position + 1)) {
            return Err(doubt.into());
        }
        let stuck = self.operations.iter().find(|one| one.ret == position);
        let stuck = stuck.expect("a failure is the position of a return").id;
        Ok(Answer::Invalid {
            stuck,
            states: Vec::new(),
        })
    }

    fn judge(&self, operations: &[Timed<T::Action>]) -> Result<Judgement, Stop> {
        let watch = Watch::new(self.budget, 4 * size_of_val(operations) as u64);
        watch.look()?;
        self.theory.judge(operations, &watch)
    }

    /// Whatever is illegal up to some return stays so.
    fn first_failure(&self, mut failure: Failure) -> Result<u64, Stop> {
        for _ in 0..GUESSES {
            let position = match failure {
                Failure::First(position) => return Ok(position),
                Failure::NoLaterThan(position) => position,
            };
            match self.judge(&self.prefix(position))? {
                Judgement::Legal(_) => return Ok(position),
                Judgement::Illegal(earlier) => failure = earlier,
            }
        }
        self.halve(failure.position())
    }

    fn halve(&self, illegal: u64) -> Result<u64, Stop> {
        let returns = self.operations.iter().map(|one| one.ret);
        let mut returns: Vec<u64> = returns.filter(|ret| *ret <= illegal).collect();
        returns.sort_unstable();
        let (mut legal, mut illegal) = (0, returns.len() - 1);
        while legal < illegal {
            let middle = legal.midpoint(illegal);
            match self.judge(&self.prefix(returns[middle] + 1))? {
                Judgement::Legal(_) => legal = middle + 1,
                Judgement::Illegal(_) => illegal = middle,
            }
        }
        Ok(returns[illegal])
    }

    /// What is known before a position: what is pending there is optional.
    fn prefix(&self, end: u64) -> Vec<Timed<T::Action>> {
        let called = self.operations.iter().take_while(|one| one.call < end);
        called
            .map(|one| Timed {
                ret: if one.ret < end { one.ret } else { NEVER },
                ..*one
            })
            .collect()
    }
}
