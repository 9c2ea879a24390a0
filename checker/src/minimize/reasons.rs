//! Why a few operations on one register have no order: a cycle of *before*, or a value without a source.
//!
//! The rules are those of the reads-from order (Gibbons and Korach 1997, "Testing shared memories", section 4), as Elle tells them
//! (Kingsbury and Alvaro 2020, section 4). They find every contradiction where it is known who wrote what was seen; where a
//! value has several possible writers they may find none.

/// An operation on a register.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member<V> {
    pub(super) call: u64,
    /// The last position, if it has none.
    pub(super) ret: u64,
    pub(super) mandatory: bool,
    pub(super) observes: Option<V>,
    pub(super) writes: Option<V>,
}

/// Why one operation comes before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// It returned before the other was called.
    Time,
    /// The other saw what it wrote.
    Seen,
    /// It saw the first value.
    First,
    /// It saw the value of this operation, and the other comes after that one.
    Still(usize),
    /// It comes before this operation, which saw the value of the other.
    Past(usize),
    /// It comes before this one, and this one before the other.
    Through(usize),
}

/// What cannot be, by the places of the operations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Contradiction {
    /// Two operations that both come before the other.
    Cycle(usize, usize),
    /// An operation that observed a value that nobody can have left there. The operations that wrote it, each with the one that came
    /// after it and before the observer; none if it comes after the observer itself.
    NoSource {
        observer: usize,
        writers: Vec<(usize, Option<usize>)>,
    },
}

/// Where an observed value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Initial,
    Writer(usize),
}

pub(super) struct Reasons<'m, V> {
    members: &'m [Member<V>],
    initial: V,
    /// Why one comes before another, and how many reasons that rests on.
    before: Vec<Vec<Option<(Reason, u32)>>>,
    /// Whether it certainly took effect.
    present: Vec<bool>,
}

impl<'m, V: Copy + Eq> Reasons<'m, V> {
    /// Draws all conclusions until two contradict each other.
    pub(super) fn find(members: &'m [Member<V>], initial: V) -> (Self, Option<Contradiction>) {
        let mut reasons = Self {
            members,
            initial,
            before: vec![vec![None; members.len()]; members.len()],
            present: members.iter().map(|member| member.mandatory).collect(),
        };
        reasons.by_time();
        let found = loop {
            let known = reasons.known();
            let lone = reasons.by_sight();
            reasons.by_transitivity();
            if let Some(found) = reasons.cycle().or(lone) {
                break Some(found);
            }
            if reasons.known() == known {
                break None;
            }
        };
        (reasons, found)
    }

    /// Why one comes before another.
    pub(super) fn why(&self, one: usize, other: usize) -> Option<Reason> {
        self.before[one][other].map(|(reason, _)| reason)
    }

    fn is_before(&self, one: usize, other: usize) -> bool {
        self.before[one][other].is_some()
    }

    fn weight(&self, one: usize, other: usize) -> u32 {
        self.before[one][other].map_or(0, |(_, weight)| weight)
    }

    /// How much is known.
    fn known(&self) -> (usize, usize) {
        let pairs = self.before.iter().flatten();
        let present = self.present.iter().filter(|present| **present);
        (pairs.filter(|pair| pair.is_some()).count(), present.count())
    }

    fn conclude(&mut self, one: usize, other: usize, reason: Reason, premises: u32) {
        let pair = &mut self.before[one][other];
        if one != other && pair.is_none() {
            *pair = Some((reason, premises + 1));
        }
    }

    fn by_time(&mut self) {
        for one in 0..self.members.len() {
            for other in 0..self.members.len() {
                if self.members[one].ret < self.members[other].call {
                    self.conclude(one, other, Reason::Time, 0);
                }
            }
        }
    }

    /// What follows from what was observed. An observer without a source is returned.
    fn by_sight(&mut self) -> Option<Contradiction> {
        let mut lone = None;
        for observer in 0..self.members.len() {
            let Some(value) = self.members[observer].observes else {
                continue;
            };
            if !self.present[observer] {
                continue;
            }
            match self.source(observer, value) {
                Ok(Some(Source::Initial)) => self.saw_the_first(observer),
                Ok(Some(Source::Writer(writer))) => self.saw(observer, writer),
                Ok(None) => {}
                Err(contradiction) => lone = lone.or(Some(contradiction)),
            }
        }
        lone
    }

    /// The only possible source, if there is only one.
    fn source(&self, observer: usize, value: V) -> Result<Option<Source>, Contradiction> {
        let writers: Vec<usize> = (0..self.members.len())
            .filter(|&writer| writer != observer && self.members[writer].writes == Some(value))
            .collect();
        let initially = value == self.initial;
        match (&writers[..], initially) {
            ([writer], false) => return Ok(Some(Source::Writer(*writer))),
            ([], true) => return Ok(Some(Source::Initial)),
            _ => {}
        }
        let possible = writers.iter().copied().filter(|&writer| {
            !self.is_before(observer, writer) && self.between(writer, observer).is_none()
        });
        let mut sources: Vec<Source> = possible.map(Source::Writer).collect();
        let replaced = self.mutations().any(|one| self.is_before(one, observer));
        if initially && !replaced {
            sources.push(Source::Initial);
        }
        match sources[..] {
            [] => Err(Contradiction::NoSource {
                observer,
                writers: writers
                    .into_iter()
                    .map(|writer| (writer, self.between(writer, observer)))
                    .collect(),
            }),
            [source] => Ok(Some(source)),
            [_, _, ..] => Ok(None),
        }
    }

    /// A mutation after one operation and before another.
    fn between(&self, one: usize, other: usize) -> Option<usize> {
        self.mutations()
            .find(|&middle| self.is_before(one, middle) && self.is_before(middle, other))
    }

    fn mutations(&self) -> impl Iterator<Item = usize> {
        let present = |one: &usize| self.present[*one] && self.members[*one].writes.is_some();
        (0..self.members.len()).filter(present)
    }

    fn saw_the_first(&mut self, observer: usize) {
        for mutation in self.mutations().collect::<Vec<_>>() {
            self.conclude(observer, mutation, Reason::First, 0);
        }
    }

    fn saw(&mut self, observer: usize, writer: usize) {
        self.present[writer] = true;
        self.conclude(writer, observer, Reason::Seen, 0);
        for mutation in self.mutations().collect::<Vec<_>>() {
            if mutation == writer || mutation == observer {
                continue;
            }
            if self.is_before(writer, mutation) {
                let premise = self.weight(writer, mutation);
                self.conclude(observer, mutation, Reason::Still(writer), premise);
            }
            if self.is_before(mutation, observer) {
                let premise = self.weight(mutation, observer);
                // Harder to follow than the others, so it counts twice.
                self.conclude(mutation, writer, Reason::Past(observer), premise + 1);
            }
        }
    }

    /// Only what certainly took effect links others.
    fn by_transitivity(&mut self) {
        let count = self.members.len();
        for middle in (0..count)
            .filter(|&one| self.present[one])
            .collect::<Vec<_>>()
        {
            for one in 0..count {
                for other in 0..count {
                    if self.is_before(one, middle) && self.is_before(middle, other) {
                        let premises = self.weight(one, middle) + self.weight(middle, other);
                        self.conclude(one, other, Reason::Through(middle), premises);
                    }
                }
            }
        }
    }

    /// The cycle that rests on the fewest reasons.
    fn cycle(&self) -> Option<Contradiction> {
        let all = 0..self.members.len();
        all.clone()
            .flat_map(|one| all.clone().map(move |other| (one, other)))
            .filter(|&(one, other)| self.present[one] && self.present[other])
            .filter(|&(one, other)| self.is_before(one, other) && self.is_before(other, one))
            .min_by_key(|&(one, other)| {
                let first_by_time = self.why(one, other) == Some(Reason::Time);
                let weight = self.weight(one, other) + self.weight(other, one);
                (weight, !first_by_time, one, other)
            })
            .map(|(one, other)| Contradiction::Cycle(one, other))
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::explain::soundness::draw;
    use crate::history::Outcome;

    /// Whether an order exists, by trying all.
    fn has_order(members: &[Member<u32>], placed: u32, value: u32) -> bool {
        let open = |one: &usize| placed >> one & 1 == 0;
        let deadline = (0..members.len())
            .filter(|one| open(one) && members[*one].mandatory)
            .map(|one| members[one].ret)
            .min();
        let Some(deadline) = deadline else {
            return true;
        };
        (0..members.len()).filter(open).any(|one| {
            let Member {
                call,
                observes,
                writes,
                ..
            } = members[one];
            call <= deadline
                && observes.is_none_or(|seen| seen == value)
                && has_order(members, placed | 1 << one, writes.unwrap_or(value))
        })
    }

    fn are_unique(members: &[Member<u32>]) -> bool {
        let mut written: Vec<u32> = members.iter().filter_map(|one| one.writes).collect();
        written.push(0);
        written.sort_unstable();
        written.windows(2).all(|pair| pair[0] != pair[1])
    }

    #[test]
    fn contradictions_are_never_claimed_of_what_has_an_order_and_always_found_where_values_differ()
    {
        let (mut legal, mut illegal, mut told) = (0, 0, 0);
        for seed in 0..40_000 {
            let unique = seed % 2 == 0;
            let register = draw(&mut ChaCha8Rng::seed_from_u64(seed), unique);
            let operations = register.operations.iter();
            let members: Vec<Member<u32>> = operations
                .filter(|one| one.outcome != Outcome::Fail)
                .map(|one| Member {
                    call: one.call,
                    ret: one.ret,
                    mandatory: one.outcome == Outcome::Ok,
                    observes: one.action.observes(),
                    writes: one.action.writes(),
                })
                .collect();
            let (_, found) = Reasons::find(&members, register.initial);
            if has_order(&members, 0, register.initial) {
                legal += 1;
                assert_eq!(found, None, "seed {seed}: {members:#?}");
            } else {
                illegal += 1;
                told += usize::from(found.is_some());
                assert!(
                    found.is_some() || !are_unique(&members),
                    "seed {seed}: {members:#?}"
                );
            }
        }
        assert!(
            legal > 5_000 && illegal > 5_000,
            "one-sided: {legal} {illegal}"
        );
        assert!(
            told * 100 > illegal * 95,
            "only {told} of {illegal} are told"
        );
    }
}
