//! Where the words of arrows go: beside their arrow, and not upon other words.

use super::scale::{CHARACTER_WIDTH, GUTTER, WIDTH};

/// Height of a line of small type.
const LINE: f64 = 14.0;
/// How far words may be moved up or down from where they belong, nearest first.
const SHIFTS: [f64; 7] = [0.0, -15.0, 15.0, -30.0, 30.0, -45.0, 45.0];
/// How far along the arrow they may be moved.
const PLACES: [f64; 5] = [0.5, 0.35, 0.65, 0.2, 0.8];

/// What is written already, and between which heights there is room.
#[derive(Debug)]
pub(super) struct Labels {
    taken: Vec<Area>,
    top: f64,
    bottom: f64,
}

#[derive(Clone, Copy, Debug)]
struct Area {
    left: f64,
    right: f64,
    /// Where the type stands.
    baseline: f64,
}

impl Labels {
    pub(super) fn between(top: f64, bottom: f64) -> Self {
        Labels {
            taken: Vec::new(),
            top,
            bottom,
        }
    }

    /// Something is written here.
    pub(super) fn take(&mut self, left: f64, width: f64, baseline: f64) {
        self.taken.push(Area {
            left,
            right: left + width,
            baseline,
        });
    }

    /// The middle and the baseline for these words: near `at(part)` of their arrow, where nothing is written yet, if there is such a place.
    pub(super) fn place(&mut self, words: &str, at: impl Fn(f64) -> (f64, f64)) -> (f64, f64) {
        let width = words.chars().count() as f64 * CHARACTER_WIDTH + 6.0;
        let candidates = SHIFTS
            .iter()
            .flat_map(|shift| PLACES.iter().map(move |part| (*part, *shift)));
        let areas: Vec<Area> = candidates
            .map(|(part, shift)| {
                let (x, y) = at(part);
                let left = (x - width / 2.0).clamp(GUTTER, WIDTH - width);
                Area {
                    left,
                    right: left + width,
                    baseline: (y + shift).clamp(self.top + LINE, self.bottom),
                }
            })
            .collect();
        let free = |area: &&Area| self.taken.iter().all(|taken| !taken.covers(area));
        let chosen = *areas.iter().find(free).unwrap_or(&areas[0]);
        self.taken.push(chosen);
        (chosen.left + width / 2.0, chosen.baseline)
    }
}

impl Area {
    fn covers(&self, other: &Area) -> bool {
        let beside = self.right <= other.left || other.right <= self.left;
        !beside && (self.baseline - other.baseline).abs() < LINE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_belong_to_one_place_are_written_apart() {
        let mut labels = Labels::between(0.0, 200.0);
        labels.take(480.0, 60.0, 100.0);
        let places: Vec<(f64, f64)> = [
            "48 ms later",
            "saw 709, so it comes before",
            "2.00 ms later",
        ]
        .map(|words| labels.place(words, |_| (500.0, 100.0)))
        .into();
        for (number, (_, y)) in places.iter().enumerate() {
            assert!((y - 100.0).abs() >= LINE, "{places:?}");
            let others = places.iter().skip(number + 1);
            assert!(
                others
                    .into_iter()
                    .all(|(_, other)| (y - other).abs() >= LINE),
                "{places:?}"
            );
        }
    }

    #[test]
    fn words_stay_inside_the_drawing_and_near_their_arrow() {
        let mut labels = Labels::between(50.0, 120.0);
        assert_eq!(
            labels.place("x", |part| (500.0 * part, 80.0)),
            (250.0, 80.0),
            "nothing is in the way"
        );
        let (x, y) = labels.place("at the right edge", |_| (WIDTH, 500.0));
        assert!(x < WIDTH - 50.0 && y <= 120.0, "{x} {y}");
        let full: Vec<(f64, f64)> = (0..60)
            .map(|_| labels.place("many", |_| (300.0, 90.0)))
            .collect();
        assert!(
            full.iter().all(|(_, y)| (50.0..=120.0).contains(y)),
            "{full:?}"
        );
    }
}
