//! Of all things that begin before a position, the one that goes on longest.
//!
//! Most contradictions are of the form "something was there that certainly came before, and was certainly not undone by then". Whether
//! there is such a thing among a million is told by the one that reaches furthest.

use super::call;
use crate::certify::meaning::Item;

/// Things in the order in which they begin.
pub(super) struct Reach<T> {
    begins: Vec<u64>,
    /// For each thing the one that reaches furthest of it and those before it, and how far.
    furthest: Vec<(u64, T)>,
}

impl<T: Copy> Reach<T> {
    /// From where each thing begins, how far it reaches, and what it is. Of several that reach as far the first one counts.
    pub(super) fn new(things: impl Iterator<Item = (u64, u64, T)>) -> Self {
        let mut sorted: Vec<_> = things.collect();
        sorted.sort_by_key(|(begin, ..)| *begin);
        let mut reach = Self {
            begins: Vec::with_capacity(sorted.len()),
            furthest: Vec::with_capacity(sorted.len()),
        };
        for (begin, end, thing) in sorted {
            let before = reach.furthest.last().copied();
            let longer = before.filter(|(furthest, _)| *furthest >= end);
            reach.begins.push(begin);
            reach.furthest.push(longer.unwrap_or((end, thing)));
        }
        reach
    }

    /// How far things reach that begin before a position, and which of them reaches furthest.
    pub(super) fn before(&self, position: u64) -> Option<(u64, T)> {
        let count = self.begins.partition_point(|begin| *begin < position);
        Some(self.furthest[count.checked_sub(1)?])
    }
}

/// Operations from their calls to their returns.
pub(super) fn in_flight<'o, 'h: 'o>(
    items: impl Iterator<Item = &'o Item<'h>>,
) -> Reach<&'o Item<'h>> {
    Reach::new(items.map(|item| (call(item), item.ret(), item)))
}

/// Operations from their returns on, by their calls: of those that have returned the one called last.
pub(super) fn returned<'o, 'h: 'o>(
    items: impl Iterator<Item = &'o Item<'h>>,
) -> Reach<&'o Item<'h>> {
    Reach::new(items.map(|item| (item.ret(), call(item), item)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_that_reaches_furthest_counts_from_where_it_begins() {
        let reach = Reach::new([(5, 6, 'c'), (1, 4, 'a'), (3, 9, 'b'), (4, 9, 'd')].into_iter());
        let found: Vec<_> = [1, 2, 4, 5, 9].map(|at| reach.before(at)).into();
        assert_eq!(
            found,
            [
                None,
                Some((4, 'a')),
                Some((9, 'b')),
                Some((9, 'b')),
                Some((9, 'b'))
            ]
        );
    }
}
