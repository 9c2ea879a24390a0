//! Many runs over time: how many of each verdict, and how long until a failure was known.

use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::RGBColor;
use plotters::style::text_anchor::HPos;

use super::canvas::{self, Entry, Mark, Sheet};
use crate::palette::{BLUE, GREEN, GRID, INK, ORANGE, PURPLE, SKY, VERMILLION};
use crate::quantity::{as_seconds, plain};

/// Most names of groups below an axis.
const MAX_NAMES: usize = 7;
/// Most points of one group; beyond, evenly spaced ranks are drawn.
const MAX_POINTS: usize = 120;

/// Runs that are drawn together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    /// What stands below them.
    pub(crate) name: String,
    counts: [u64; 5],
    /// Of the runs that failed: when that was known.
    pub(crate) detected_ns: Vec<u64>,
}

/// Verdicts that are drawn alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Pass,
    Violation,
    Unserved,
    Inconclusive,
    NoResult,
}

impl Kind {
    /// From below.
    pub(crate) const ALL: [Kind; 5] = [
        Kind::Pass,
        Kind::Violation,
        Kind::Unserved,
        Kind::Inconclusive,
        Kind::NoResult,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Pass => "pass",
            Kind::Violation => "violation",
            Kind::Unserved => "crash or liveness",
            Kind::Inconclusive => "inconclusive",
            Kind::NoResult => "no result",
        }
    }

    fn color(self) -> RGBColor {
        match self {
            Kind::Pass => GREEN,
            Kind::Violation => VERMILLION,
            Kind::Unserved => PURPLE,
            Kind::Inconclusive => ORANGE,
            Kind::NoResult => SKY,
        }
    }
}

impl Group {
    pub(crate) fn named(name: String) -> Self {
        Group {
            name,
            counts: [0; 5],
            detected_ns: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, kind: Kind) {
        self.counts[kind as usize] += 1;
    }

    pub(crate) fn count(&self, kind: Kind) -> u64 {
        self.counts[kind as usize]
    }

    /// The middle of the times to detection; of an even number, the lower of the two.
    pub(crate) fn median_ns(&self) -> Option<u64> {
        let mut sorted = self.detected_ns.clone();
        sorted.sort_unstable();
        sorted.get(sorted.len().saturating_sub(1) / 2).copied()
    }
}

/// How many runs of each group came to what, as SVG: bars stacked in the order of the legend, from below.
pub(crate) fn verdicts(groups: &[Group]) -> String {
    canvas::draw(&[], "Runs by verdict over time", |sheet| {
        let total = |group: &Group| group.counts.iter().sum::<u64>();
        let most = groups.iter().map(total).max().unwrap_or(0).max(1);
        let mut curves = axes(sheet, groups, most as f64 * 1.05, |runs| plain(*runs))?;
        for (place, group) in groups.iter().enumerate() {
            let mut below = 0;
            for kind in Kind::ALL {
                let top = below + group.count(kind);
                let corners = [
                    (place as f64 + 0.1, below as f64),
                    (place as f64 + 0.9, top as f64),
                ];
                if top > below {
                    curves.draw_series([Rectangle::new(corners, kind.color().filled())])?;
                }
                below = top;
            }
        }
        let used = Kind::ALL
            .into_iter()
            .filter(|kind| groups.iter().any(|group| group.count(*kind) > 0));
        let entries: Vec<Entry> = used
            .map(|kind| entry(kind.name(), Mark::Circle, kind.color()))
            .collect();
        canvas::legend(sheet, &entries, "")
    })
}

/// Time to detection, as SVG: a point a run, and the median of each group.
pub(crate) fn detection(groups: &[Group]) -> String {
    canvas::draw(&[], "Time to detection over time", |sheet| {
        let longest = groups.iter().flat_map(|group| &group.detected_ns).max();
        let top = as_seconds(longest.copied().unwrap_or(0)).max(1.0) * 1.1;
        let mut curves = axes(sheet, groups, top, |seconds| {
            format!("{} s", plain(*seconds))
        })?;
        for (place, group) in groups.iter().enumerate() {
            let points = points(place, &group.detected_ns);
            curves.draw_series(points.map(|at| Circle::new(at, 3, BLUE.mix(0.6).filled())))?;
            if let Some(median) = group.median_ns() {
                let at = |edge: f64| (place as f64 + edge, as_seconds(median));
                curves.draw_series([PathElement::new(
                    [at(0.1), at(0.9)],
                    VERMILLION.stroke_width(3),
                )])?;
            }
        }
        let entries = [
            entry("one run", Mark::Circle, BLUE),
            entry("median", Mark::Line(3), VERMILLION),
        ];
        canvas::legend(sheet, &entries, "")
    })
}

fn entry(name: &str, mark: Mark, color: RGBColor) -> Entry {
    Entry {
        name: name.to_owned(),
        mark,
        color,
    }
}

/// The points of a group, side by side in its width.
fn points(place: usize, detected_ns: &[u64]) -> impl Iterator<Item = (f64, f64)> {
    let drawn = detected_ns.len().min(MAX_POINTS);
    let all = detected_ns.len();
    (0..drawn).map(move |number| {
        let run = number * all / drawn;
        let x = place as f64 + 0.15 + 0.7 * (number as f64 + 0.5) / drawn as f64;
        (x, as_seconds(detected_ns[run]))
    })
}

fn axes<'a, 'b>(
    sheet: &'a Sheet<'b>,
    groups: &[Group],
    top: f64,
    y_name: fn(&f64) -> String,
) -> Result<canvas::Curves<'a, 'b, RangedCoordf64>, Box<dyn std::error::Error>> {
    let mut curves = ChartBuilder::on(sheet)
        .margin_top(canvas::header_height(&[]))
        .margin_right(16)
        .x_label_area_size(28)
        .y_label_area_size(canvas::LEFT)
        .build_cartesian_2d(0.0..groups.len() as f64, 0.0..top)?;
    curves
        .configure_mesh()
        .disable_x_mesh()
        .x_labels(0)
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(GRID)
        .label_style(canvas::small(INK, HPos::Center))
        .y_label_formatter(&y_name)
        .draw()?;
    let step = groups.len().div_ceil(MAX_NAMES).max(1);
    for (place, group) in groups.iter().enumerate().step_by(step) {
        let (x, y) = curves.backend_coord(&(place as f64 + 0.1, 0.0));
        let name: String = group.name.chars().take(16).collect();
        sheet.draw(&Text::new(
            name,
            (x, y + 14),
            canvas::small(INK, HPos::Left),
        ))?;
    }
    Ok(curves)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(detected_ns: &[u64]) -> Group {
        Group {
            detected_ns: detected_ns.to_vec(),
            ..Group::named("2026-11-01".to_owned())
        }
    }

    #[test]
    fn the_median_is_a_time_that_was_seen() {
        let rows: [(&[u64], Option<u64>); 4] = [
            (&[], None),
            (&[7], Some(7)),
            (&[9, 1], Some(1)),
            (&[3, 9, 1], Some(3)),
        ];
        for (detected_ns, expected) in rows {
            assert_eq!(group(detected_ns).median_ns(), expected, "{detected_ns:?}");
        }
    }

    #[test]
    fn a_bar_is_drawn_for_each_verdict_that_occurs() {
        let mut group = group(&[]);
        group.add(Kind::Pass);
        group.add(Kind::Violation);
        let svg = verdicts(&[group.clone(), group]);
        let bars = |color| {
            svg.matches(&format!("fill=\"{}\"", crate::palette::css(color)))
                .count()
        };
        assert_eq!(
            (bars(GREEN), bars(VERMILLION), bars(PURPLE)),
            (3, 3, 0),
            "two bars and the legend"
        );
    }

    #[test]
    fn very_many_points_are_thinned() {
        let many: Vec<u64> = (0..5_000).map(|second| second * 1_000_000_000).collect();
        assert_eq!(points(0, &many).count(), MAX_POINTS);
        assert_eq!(points(3, &many[..2]).count(), 2);
        assert!(points(3, &many[..2]).all(|(x, _)| (3.0..4.0).contains(&x)));
    }
}
