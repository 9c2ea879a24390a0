//! Fewer faults that still do it: delta debugging (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing
//! Input", TSE 2002), as a machine that is asked for the next steps to try and told what came of them.

/// On the way to fewer steps.
///
/// * `steps` did it whenever they were tried last, or are what was given.
/// * Left out are always `length` steps from `from` on, and each place is tried once for each length.
#[derive(Clone, Debug)]
pub struct Shrinking<T> {
    steps: Vec<T>,
    from: usize,
    length: usize,
}

impl<T: Clone> Shrinking<T> {
    /// Begins with steps under which it happened.
    pub fn new(steps: Vec<T>) -> Shrinking<T> {
        let length = steps.len();
        Shrinking {
            steps,
            from: 0,
            length,
        }
    }

    /// The next steps to try; none when no step can be left out alone any more.
    pub fn next(&self) -> Option<Vec<T>> {
        if self.length == 0 {
            return None;
        }
        let last = self.from + self.length;
        let behind = self.steps.get(last..).unwrap_or_default();
        Some([&self.steps[..self.from], behind].concat())
    }

    /// Takes what came of the steps that [`Shrinking::next`] gave: whether it still happens.
    pub fn tell(&mut self, still_happens: bool) {
        if self.length == 0 {
            return;
        }
        let count = self.steps.len();
        if still_happens {
            let last = (self.from + self.length).min(count);
            self.steps.drain(self.from..last);
        } else {
            self.from += self.length;
        }
        let count = self.steps.len();
        if self.from >= count {
            self.from = 0;
            self.length = match (self.length, count) {
                (_, 0) | (1, _) => 0,
                (length, count) => length.min(count).div_ceil(2).min(length - 1),
            };
        }
    }

    /// The fewest steps so far.
    pub fn least(&self) -> &[T] {
        &self.steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// Tries everything that is asked for; the least that is left, and how many tries it took.
    fn shrunk(steps: u32, happens: impl Fn(&BTreeSet<u32>) -> bool) -> (BTreeSet<u32>, usize) {
        let mut shrinking = Shrinking::new((1..=steps).collect());
        let mut tries = 0;
        while let Some(candidate) = shrinking.next() {
            shrinking.tell(happens(&candidate.into_iter().collect()));
            tries += 1;
        }
        (shrinking.least().iter().copied().collect(), tries)
    }

    proptest! {
        /// Where all of some steps are needed and nothing else matters, exactly those are left.
        #[test]
        fn what_is_needed_stays_and_nothing_else(
            steps in 0_u32..40,
            needed in prop::collection::btree_set(1_u32..40, 0..5),
        ) {
            let needed: BTreeSet<u32> = needed.into_iter().filter(|id| *id <= steps).collect();
            let (left, tries) = shrunk(steps, |ids| needed.is_subset(ids));
            prop_assert_eq!(left, needed);
            prop_assert!(tries <= 4 * steps as usize + 1, "{} tries", tries);
        }

        /// Whatever makes it happen: in the end it happens, unless it never did, and every step is needed by itself
        /// where more steps never do harm.
        #[test]
        fn no_step_is_left_that_is_not_needed(
            steps in 1_u32..16,
            ways in prop::collection::vec(prop::collection::btree_set(1_u32..16, 1..4), 1..4),
        ) {
            let happens = |ids: &BTreeSet<u32>| ways.iter().any(|way| way.is_subset(ids));
            let all: BTreeSet<u32> = (1..=steps).collect();
            let (left, _) = shrunk(steps, happens);
            if happens(&all) {
                prop_assert!(happens(&left));
                for id in &left {
                    let fewer: BTreeSet<u32> = left.iter().copied().filter(|other| other != id).collect();
                    prop_assert!(!happens(&fewer), "{} is not needed in {:?}", id, left);
                }
            } else {
                prop_assert_eq!(left, all);
            }
        }
    }
}
