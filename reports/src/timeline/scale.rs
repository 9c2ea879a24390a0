//! From moments to pixels.

use crate::quantity::{axis_label, axis_step_ns};

/// Width of every drawing; the page scales or scrolls it.
pub(crate) const WIDTH: f64 = 960.0;
/// Room for the names of rows.
pub(crate) const GUTTER: f64 = 92.0;
const RIGHT_MARGIN: f64 = 14.0;
/// Width of a character of the small type, rounded up.
pub(crate) const CHARACTER_WIDTH: f64 = 6.7;

/// What the horizontal axis counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Axis {
    /// Nanoseconds since the start of the run.
    Time,
    /// Events in the order they were observed, where a history has no times.
    Order,
}

/// A linear map of `from..=to` to the drawing's width.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    pub(crate) axis: Axis,
    pub(crate) from: u64,
    pub(crate) to: u64,
}

impl Scale {
    /// The pixel of a moment, clamped to the drawing.
    pub(crate) fn x(&self, moment: u64) -> f64 {
        let range = self.to.saturating_sub(self.from).max(1) as f64;
        let offset = moment.clamp(self.from, self.to.max(self.from)) - self.from;
        GUTTER + offset as f64 / range * (Self::right() - GUTTER)
    }

    /// The right edge of the drawing area.
    pub(crate) fn right() -> f64 {
        WIDTH - RIGHT_MARGIN
    }

    /// Round moments with their labels, at most eight.
    pub(crate) fn marks(&self) -> Vec<(u64, String)> {
        let step = axis_step_ns(self.to.saturating_sub(self.from), 8);
        let first = self.from.div_ceil(step).saturating_mul(step);
        let moments = std::iter::successors(Some(first), |moment| moment.checked_add(step));
        moments
            .take_while(|moment| *moment <= self.to)
            .map(|moment| (moment, self.mark(moment, step)))
            .collect()
    }

    fn mark(&self, moment: u64, step: u64) -> String {
        match self.axis {
            Axis::Time => axis_label(moment, step),
            Axis::Order => format!("event {moment}"),
        }
    }
}

/// A coordinate as SVG writes it, to a tenth of a pixel.
pub(crate) fn px(coordinate: f64) -> String {
    format!("{coordinate:.1}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_stay_inside_the_drawing() {
        let scale = Scale {
            axis: Axis::Time,
            from: 100,
            to: 200,
        };
        assert_eq!(scale.x(100), GUTTER);
        assert_eq!(scale.x(0), GUTTER);
        assert_eq!(scale.x(200), Scale::right());
        assert_eq!(scale.x(u64::MAX), Scale::right());
        assert!(scale.x(150) > GUTTER && scale.x(150) < Scale::right());
    }

    #[test]
    fn an_empty_range_has_finite_pixels_and_few_marks() {
        let scale = Scale {
            axis: Axis::Order,
            from: 5,
            to: 5,
        };
        assert!(scale.x(5).is_finite());
        assert_eq!(scale.marks(), [(5, "event 5".to_owned())]);
        let scale = Scale {
            axis: Axis::Time,
            from: 0,
            to: 30_000_000_000,
        };
        assert_eq!(scale.marks().first(), Some(&(0, "0 s".to_owned())));
        assert!(scale.marks().len() <= 9);
    }
}
