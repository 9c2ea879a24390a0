//! Which runs failed and have to be made again, by the lines.
//!
//! - A run is known as failed from its first failure on, and settled once it passed [`ENOUGH`] times in a row since it failed last. A
//!   later failure opens it again.
//! - Only a failure of the system counts as one, and only a pass as a pass: a run that came to nothing says neither.
//! - Runs are the same if they are the same test, whatever program they were made with (see [`super::program`]).

use std::collections::BTreeMap;

use super::program::parted;
use super::record::Record;

/// How often in a row a run has to pass until it is settled.
pub(super) const ENOUGH: u64 = 5;

/// How many runs of a cell are made again in a night: those that have waited longest. A system that fails in every run would
/// else have no night left for fresh seeds.
const MOST_OF_A_CELL: usize = 10;

/// A run that failed, and what became of it since.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Known<'a> {
    /// Where it failed first.
    pub first: &'a Record,
    /// How often it was made again and failed or passed.
    pub made_again: u64,
    /// How often it failed then.
    pub failed_again: u64,
    /// How often it passed since it failed last.
    pub passed_since: u64,
    /// The number of the last line about it, and its night.
    last: (usize, u32),
}

impl Known<'_> {
    pub(super) fn is_settled(&self) -> bool {
        self.passed_since >= ENOUGH
    }

    /// Whether it was made in this night, for the first time or again.
    pub(super) const fn is_of(&self, night: u32) -> bool {
        self.last.1 == night
    }

    fn note(&mut self, number: usize, record: &Record) {
        self.last = (number, record.night);
        if record.is_failure() {
            self.made_again += 1;
            self.failed_again += 1;
            self.passed_since = 0;
        } else if record.failure.is_none() {
            self.made_again += 1;
            self.passed_since += 1;
        }
    }
}

/// Every run that ever failed, in the order in which they failed first.
pub(super) fn known(records: &[Record]) -> Vec<Known<'_>> {
    let mut known: Vec<Known<'_>> = Vec::new();
    let mut places: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    for (number, record) in records.iter().enumerate() {
        let (test, _) = parted(&record.arguments);
        if let Some(place) = places.get(&test) {
            known[*place].note(number, record);
        } else if record.is_failure() {
            places.insert(test, known.len());
            known.push(Known {
                first: record,
                made_again: 0,
                failed_again: 0,
                passed_since: 0,
                last: (number, record.night),
            });
        }
    }
    known
}

/// Those that are to be made again in a night, first those that have waited longest; and how many have to wait for another night.
pub(super) fn due(records: &[Record]) -> (Vec<Known<'_>>, usize) {
    let mut open = known(records);
    open.retain(|known| !known.is_settled());
    open.sort_by_key(|known| known.last);
    let all = open.len();
    let mut of_cell: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    open.retain(|known| {
        let cell = (known.first.workload.as_str(), known.first.nemesis.as_str());
        let taken = of_cell.entry(cell).or_default();
        *taken += 1;
        *taken <= MOST_OF_A_CELL
    });
    let waiting = all - open.len();
    (open, waiting)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use reports::ci::FailureClass;

    use super::*;
    use crate::campaign::record::tests::ended;

    /// `F` fails, `P` passes, and anything else comes to nothing, in four ways.
    fn class(letter: char) -> Option<FailureClass> {
        match letter {
            'F' => Some(FailureClass::Violation),
            'L' => Some(FailureClass::Liveness),
            'P' => None,
            'U' => Some(FailureClass::Unknown),
            'V' => Some(FailureClass::Vacuous),
            'I' => Some(FailureClass::Infrastructure),
            _ => Some(FailureClass::Weak),
        }
    }

    fn records(seed: u64, letters: &str) -> Vec<Record> {
        letters
            .chars()
            .map(|letter| ended("kill", seed, class(letter)))
            .collect()
    }

    /// Failed again, made again, passed since; and whether it is settled.
    fn check(letters: &str, expected: Option<(u64, u64, u64, bool)>) {
        let records = records(7, letters);
        let known = known(&records);
        let found = known.first().map(|one| {
            let Known {
                failed_again,
                made_again,
                passed_since,
                ..
            } = *one;
            (failed_again, made_again, passed_since, one.is_settled())
        });
        assert_eq!(found, expected, "{letters}");
        let (due, waiting) = due(&records);
        assert_eq!(waiting, 0);
        assert_eq!(
            due.len(),
            usize::from(expected.is_some_and(|(.., settled)| !settled))
        );
    }

    #[test]
    fn a_run_that_failed_is_made_again_until_it_passed_often_enough() {
        check("", None);
        check("PPUVIW", None);
        check("F", Some((0, 0, 0, false)));
        check("PPF", Some((0, 0, 0, false)));
        check("FFFPF", Some((3, 4, 0, false)));
        check("FPPPP", Some((0, 4, 4, false)));
        check("FPPPPP", Some((0, 5, 5, true)));
        check("FPPPPFP", Some((1, 6, 1, false)));
        check("FPPPPPF", Some((1, 6, 0, false)));
        check("LFUVIWPPPPP", Some((1, 6, 5, true)));
        check("FPPUVIWPPP", Some((0, 5, 5, true)));
    }

    proptest! {
        #[test]
        fn counts_are_those_of_the_letters(
            letters in proptest::collection::vec((0..3_u64, "[FLPUVIW]"), 0..60)
        ) {
            let records: Vec<Record> = letters
                .iter()
                .flat_map(|(seed, letter)| records(*seed, letter))
                .collect();
            let found = known(&records);
            for seed in 0..3 {
                let of_seed = letters.iter().filter(|(of, _)| *of == seed);
                let text: String = of_seed.map(|(_, letter)| letter.replace('L', "F")).collect();
                let own: Vec<&Known<'_>> = found.iter().filter(|one| one.first.seed == seed).collect();
                let Some((_, after)) = text.split_once('F') else {
                    prop_assert!(own.is_empty());
                    continue;
                };
                prop_assert_eq!(own.len(), 1);
                let counts = |text: &str, letter| text.matches(letter).count() as u64;
                let since = text.rsplit('F').next().unwrap_or_default();
                prop_assert_eq!(own[0].failed_again, counts(after, 'F'));
                prop_assert_eq!(own[0].made_again, counts(after, 'F') + counts(after, 'P'));
                prop_assert_eq!(own[0].passed_since, counts(since, 'P'));
                prop_assert_eq!(own[0].is_settled(), counts(since, 'P') >= 5);
            }
        }
    }

    #[test]
    fn another_program_is_the_same_test_and_another_option_is_not() {
        let mut records = records(7, "FPP");
        records[1]
            .arguments
            .extend(["--bug".to_owned(), "no-dedup".to_owned()]);
        records[2].arguments.push("--retry".to_owned());
        assert_eq!(known(&records)[0].made_again, 1);
    }

    #[test]
    fn those_that_waited_longest_come_first_and_a_cell_does_not_fill_the_night() {
        let mut records: Vec<Record> = (1..=14).flat_map(|seed| records(seed, "F")).collect();
        records.push(ended("pause", 1, class('F')));
        records.extend((1..=3).map(|seed| ended("kill", seed, class('P'))));
        let (due, waiting) = due(&records);
        let seeds: Vec<u64> = due.iter().map(|known| known.first.seed).collect();
        assert_eq!(seeds, [4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 1]);
        assert_eq!(due.last().unwrap().first.nemesis, "pause");
        assert_eq!(waiting, 4);
    }
}
