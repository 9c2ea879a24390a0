//! Fewer points for the same picture.

/// One point of a scatter plot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Point {
    pub(super) time_ns: u64,
    pub(super) latency_ns: u64,
    /// Which series it belongs to.
    pub(super) series: usize,
}

/// Points kept of each slice of time: the extremes and seven evenly spaced ranks between them.
const RANKS: usize = 9;

/// At most about `budget` of the points.
///
/// Time is cut into equal slices; of each, the lowest, the highest and evenly spaced ranks of latency stay. Equal input
/// gives equal output, and the extremes of every slice survive.
pub(super) fn thin(mut points: Vec<Point>, budget: usize) -> Vec<Point> {
    points.sort_by_key(|point| (point.time_ns, point.latency_ns, point.series));
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return points;
    };
    if points.len() <= budget {
        return points;
    }
    let slices = (budget / RANKS).max(1) as u64;
    let width = (last.time_ns - first.time_ns) / slices + 1;
    let start = first.time_ns;
    let slice_of = |point: &Point| (point.time_ns - start) / width;
    points
        .chunk_by(|left, right| slice_of(left) == slice_of(right))
        .flat_map(ranks)
        .collect()
}

fn ranks(slice: &[Point]) -> Vec<Point> {
    let mut sorted = slice.to_vec();
    sorted.sort_by_key(|point| (point.latency_ns, point.time_ns, point.series));
    if sorted.len() <= RANKS {
        return sorted;
    }
    (0..RANKS)
        .map(|rank| sorted[rank * (sorted.len() - 1) / (RANKS - 1)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(count: u64) -> Vec<Point> {
        (0..count)
            .map(|i| Point {
                time_ns: i * 1000,
                latency_ns: i * 7919 % 10_007,
                series: 0,
            })
            .collect()
    }

    #[test]
    fn few_points_all_stay() {
        assert_eq!(thin(points(50), 50), points(50));
        assert_eq!(thin(Vec::new(), 50), Vec::new());
    }

    #[test]
    fn many_points_keep_their_extremes_within_the_budget() {
        let all = points(20_000);
        let kept = thin(all.clone(), 900);
        assert!(kept.len() <= 900, "{}", kept.len());
        for extreme in [
            all.iter()
                .max_by_key(|point| (point.latency_ns, point.time_ns)),
            all.iter()
                .min_by_key(|point| (point.latency_ns, point.time_ns)),
        ] {
            let latency_ns = extreme.expect("there are points").latency_ns;
            assert!(kept.iter().any(|point| point.latency_ns == latency_ns));
        }
        assert_eq!(
            kept,
            thin(all.into_iter().rev().collect(), 900),
            "the order of the input does not matter"
        );
    }

    #[test]
    fn points_at_one_moment_are_thinned_too() {
        let same = vec![
            Point {
                time_ns: u64::MAX,
                latency_ns: 5,
                series: 1
            };
            5_000
        ];
        assert_eq!(thin(same, 900).len(), RANKS);
    }
}
