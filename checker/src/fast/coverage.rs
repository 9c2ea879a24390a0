//! Two trees over places in a row, for the [`stack`](super::stack): every question and every change takes logarithmic time.

/// For each place how many cover it; places can be taken out.
pub(super) struct Coverage {
    /// A power of two.
    width: usize,
    /// At each node the least count below it, without what is added at the nodes above. The root is 1, the places are the last half.
    least: Vec<i32>,
    /// What is added to all places below a node.
    added: Vec<i32>,
}

/// More than any place is covered.
const OUT: i32 = i32::MAX / 4;

impl Coverage {
    pub(super) fn new(counts: &[i32]) -> Self {
        let width = counts.len().next_power_of_two();
        let mut least = vec![OUT; 2 * width];
        least[width..width + counts.len()].copy_from_slice(counts);
        for node in (1..width).rev() {
            least[node] = least[2 * node].min(least[2 * node + 1]);
        }
        Self {
            width,
            least,
            added: vec![0; 2 * width],
        }
    }

    /// Covers the places \[from, to) once less.
    pub(super) fn uncover(&mut self, from: usize, to: usize) {
        if from < to {
            self.add(1, [0, self.width], [from, to], -1);
        }
    }

    /// Takes a place out.
    pub(super) fn take_out(&mut self, place: usize) {
        self.add(1, [0, self.width], [place, place + 1], OUT);
    }

    fn add(&mut self, node: usize, [low, high]: [usize; 2], range: [usize; 2], amount: i32) {
        let [from, to] = range;
        if from <= low && high <= to {
            self.least[node] += amount;
            self.added[node] += amount;
            return;
        }
        let middle = low.midpoint(high);
        if from < middle {
            self.add(2 * node, [low, middle], range, amount);
        }
        if middle < to {
            self.add(2 * node + 1, [middle, high], range, amount);
        }
        self.least[node] = self.least[2 * node].min(self.least[2 * node + 1]) + self.added[node];
    }

    /// The first place of \[from, to) that nothing covers.
    pub(super) fn first_free(&self, from: usize, to: usize) -> Option<usize> {
        self.search(1, [0, self.width], [from, to], 0)
    }

    fn search(
        &self,
        node: usize,
        [low, high]: [usize; 2],
        range: [usize; 2],
        above: i32,
    ) -> Option<usize> {
        let [from, to] = range;
        if high <= from || to <= low || self.least[node] + above > 0 {
            return None;
        }
        if high - low == 1 {
            return Some(low);
        }
        let (middle, above) = (low.midpoint(high), above + self.added[node]);
        self.search(2 * node, [low, middle], range, above)
            .or_else(|| self.search(2 * node + 1, [middle, high], range, above))
    }
}

/// Places with values, 0 at first, of which the largest is asked.
pub(super) struct Largest {
    width: usize,
    /// The root is 1, the places are the last half.
    largest: Vec<u64>,
}

impl Largest {
    pub(super) fn new(places: usize) -> Self {
        let width = places.next_power_of_two();
        Self {
            width,
            largest: vec![0; 2 * width],
        }
    }

    pub(super) fn set(&mut self, place: usize, value: u64) {
        let mut node = self.width + place;
        self.largest[node] = value;
        while node > 1 {
            node /= 2;
            let largest = self.largest[2 * node].max(self.largest[2 * node + 1]);
            if self.largest[node] == largest {
                break;
            }
            self.largest[node] = largest;
        }
    }

    /// A place of \[from, to) with the largest value of those, and the value.
    pub(super) fn within(&self, from: usize, to: usize) -> (usize, u64) {
        let (mut low, mut high) = (self.width + from, self.width + to);
        let mut best = low;
        while low < high {
            if low % 2 == 1 {
                best = self.larger(best, low);
                low += 1;
            }
            if high % 2 == 1 {
                high -= 1;
                best = self.larger(best, high);
            }
            (low, high) = (low / 2, high / 2);
        }
        let value = self.largest[best];
        while best < self.width {
            best = self.larger(2 * best, 2 * best + 1);
        }
        (best - self.width, value)
    }

    fn larger(&self, one: usize, other: usize) -> usize {
        if self.largest[other] > self.largest[one] {
            other
        } else {
            one
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn coverage_is_what_counting_says() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        for _ in 0..500 {
            let mut counts: Vec<i32> = (0..random.random_range(1..20))
                .map(|_| random.random_range(0..4))
                .collect();
            let mut coverage = Coverage::new(&counts);
            for _ in 0..30 {
                let from = random.random_range(0..counts.len());
                let to = random.random_range(from..=counts.len());
                let found = coverage.first_free(from, to);
                assert_eq!(found, (from..to).find(|place| counts[*place] == 0));
                if random.random_ratio(1, 5) && counts[from] < OUT / 2 {
                    coverage.take_out(from);
                    counts[from] += OUT;
                } else if counts[from..to].iter().all(|count| *count > 0) {
                    coverage.uncover(from, to);
                    counts[from..to].iter_mut().for_each(|count| *count -= 1);
                }
            }
        }
    }

    #[test]
    fn the_largest_is_what_a_scan_finds() {
        let mut random = ChaCha8Rng::seed_from_u64(2);
        for _ in 0..500 {
            let mut values = vec![0; random.random_range(1..20)];
            let mut tree = Largest::new(values.len());
            for _ in 0..30 {
                let place = random.random_range(0..values.len());
                values[place] = random.random_range(0..9);
                tree.set(place, values[place]);
                let from = random.random_range(0..values.len());
                let to = random.random_range(from + 1..=values.len());
                let (at, value) = tree.within(from, to);
                assert!((from..to).contains(&at));
                assert_eq!(values[at], value);
                assert_eq!(values[from..to].iter().max(), Some(&value));
            }
        }
    }
}
