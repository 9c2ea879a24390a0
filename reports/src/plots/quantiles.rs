//! How the latency of each kind of operation was distributed over time: median, 95th and 99th percentile by outcome.

use std::collections::BTreeMap;

use checker::{Operation, Outcome};
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::canvas::{self, Curves, Drawn, Entry, Mark, Sheet};
use super::latency::{FLOOR_MS, functions};
use crate::clip::{LABEL_CHARS, shorten};
use crate::data::ReportData;
use crate::palette::INK;
use crate::quantity::{as_millis, as_seconds, duration, plain};

/// Most intervals the plot has.
const MAX_INTERVALS: u64 = 60;
/// Intervals are a multiple of this.
const LEAST_INTERVAL_NS: u64 = 500_000_000;
const PANEL_HEIGHT: u32 = 150;
const AXIS_HEIGHT: u32 = 28;
const OUTCOMES: [Outcome; 3] = [Outcome::Ok, Outcome::Fail, Outcome::Info];
/// Each with the width of its line: the commoner, the thicker.
const QUANTILES: [(&str, u64, u32); 3] = [("p50", 50, 3), ("p95", 95, 2), ("p99", 99, 1)];

/// Quantiles of the latency of each kind of operation, as SVG: a panel each, colours by outcome.
///
/// Latency counts from the moment an operation was due. An operation belongs to the interval it was due in; where an interval has none of an
/// outcome, its lines are broken.
#[must_use]
pub fn quantiles(data: &ReportData<'_>) -> String {
    let functions = functions(&data.history.operations);
    let width_ns = data.end_ns().div_ceil(MAX_INTERVALS).max(1);
    let width_ns = width_ns.div_ceil(LEAST_INTERVAL_NS) * LEAST_INTERVAL_NS;
    let end_s = as_seconds(data.end_ns());
    let panels = panels(&data.history.operations, &functions, (width_ns, end_s));
    let height = canvas::header_height(data.faults())
        + PANEL_HEIGHT * panels.len().max(1) as u32
        + AXIS_HEIGHT;
    canvas::draw_sized(height, "Quantiles of latency over time", |sheet| {
        paint(sheet, data, &panels, width_ns)
    })
}

/// The operations of one function.
struct Panel {
    function: String,
    /// By outcome, the stretches without a gap.
    lines: Vec<(Outcome, Vec<Stretch>)>,
}

/// Neighbouring intervals: the middle in seconds, and the quantiles in milliseconds.
type Stretch = Vec<(f64, [f64; 3])>;

/// Middles of intervals of this width lie no later than the end of the plot.
fn panels(
    operations: &[Operation],
    functions: &[String],
    (width_ns, end_s): (u64, f64),
) -> Vec<Panel> {
    let mut latencies: BTreeMap<(usize, usize), BTreeMap<u64, Vec<u64>>> = BTreeMap::new();
    for operation in operations {
        let due = operation.arrival_time.or(operation.call_time);
        let (Some(due), Some(returned)) = (due, operation.return_time) else {
            continue;
        };
        let function = functions.iter().position(|name| operation.f == *name);
        let outcome = OUTCOMES.iter().position(|one| *one == operation.outcome);
        if let (Some(function), Some(outcome)) = (function, outcome) {
            let intervals = latencies.entry((function, outcome)).or_default();
            let interval = intervals.entry(due.0 / width_ns).or_default();
            interval.push(returned.0.saturating_sub(due.0));
        }
    }
    let mut lines = latencies
        .into_iter()
        .map(|((function, outcome), intervals)| {
            (
                function,
                (OUTCOMES[outcome], stretches(intervals, width_ns, end_s)),
            )
        })
        .peekable();
    let panel = |(position, function): (usize, &String)| {
        let own = std::iter::from_fn(|| lines.next_if(|(function, _)| *function == position));
        Panel {
            function: function.clone(),
            lines: own.map(|(_, line)| line).collect(),
        }
    };
    functions.iter().enumerate().map(panel).collect()
}

fn stretches(intervals: BTreeMap<u64, Vec<u64>>, width_ns: u64, end_s: f64) -> Vec<Stretch> {
    let points: Vec<(u64, [f64; 3])> = intervals
        .into_iter()
        .map(|(interval, mut latencies)| {
            latencies.sort_unstable();
            (
                interval,
                QUANTILES.map(|(_, percent, _)| rank(&latencies, percent)),
            )
        })
        .collect();
    let middle = |interval: u64| ((interval as f64 + 0.5) * as_seconds(width_ns)).min(end_s);
    points
        .chunk_by(|before, after| before.0 + 1 == after.0)
        .map(|chunk| {
            chunk
                .iter()
                .map(|(interval, values)| (middle(*interval), *values))
                .collect()
        })
        .collect()
}

/// The nearest rank, in milliseconds, and no lower than the axis.
fn rank(sorted: &[u64], percent: u64) -> f64 {
    let rank = (sorted.len() as u64 * percent).div_ceil(100).max(1) as usize;
    as_millis(sorted[rank - 1]).max(FLOOR_MS)
}

fn paint(sheet: &Sheet<'_>, data: &ReportData<'_>, panels: &[Panel], width_ns: u64) -> Drawn {
    let (_, mut rest) = sheet.split_vertically(canvas::header_height(data.faults()));
    let top = top_ms(panels);
    for (position, panel) in panels.iter().enumerate() {
        let last = position + 1 == panels.len();
        let axis = if last { AXIS_HEIGHT } else { 0 };
        let (area, below) = rest.split_vertically(PANEL_HEIGHT + axis);
        rest = below;
        let mut curves = ChartBuilder::on(&area)
            .margin_top(6)
            .margin_right(16)
            .x_label_area_size(axis)
            .y_label_area_size(canvas::LEFT)
            .build_cartesian_2d(0.0..as_seconds(data.end_ns()), (FLOOR_MS..top).log_scale())?;
        if position == 0 {
            canvas::faults(sheet, &mut curves, data.faults(), FLOOR_MS, top)?;
        } else {
            canvas::bands(&mut curves, data.faults(), FLOOR_MS, top)?;
        }
        canvas::mesh(&mut curves, 6, &|millis| format!("{} ms", plain(*millis)))?;
        for (outcome, stretches) in &panel.lines {
            lines(&mut curves, *outcome, stretches)?;
        }
        let name = shorten(&panel.function, LABEL_CHARS);
        let at = (canvas::LEFT as i32 + 8, 16);
        area.draw(&Text::new(name, at, canvas::small(INK, HPos::Left)))?;
    }
    canvas::legend(
        sheet,
        &entries(panels),
        &format!("each {}", duration(width_ns)),
    )
}

fn lines<Y>(curves: &mut Curves<'_, '_, Y>, outcome: Outcome, stretches: &[Stretch]) -> Drawn
where
    Y: plotters::coord::ranged1d::Ranged<ValueType = f64>,
{
    let Entry { mark, color, .. } = Entry::of(outcome);
    for stretch in stretches {
        for (quantile, (_, _, width)) in QUANTILES.iter().enumerate() {
            let points = stretch.iter().map(|(at, values)| (*at, values[quantile]));
            curves.draw_series(LineSeries::new(points, color.stroke_width(*width)))?;
        }
    }
    let medians = stretches.iter().flatten();
    canvas::marks(
        curves,
        medians.map(|(at, values)| (*at, values[0])),
        mark,
        color,
    )
}

fn top_ms(panels: &[Panel]) -> f64 {
    let stretches = panels
        .iter()
        .flat_map(|panel| &panel.lines)
        .flat_map(|(_, line)| line);
    let highest = stretches
        .flatten()
        .map(|(_, values)| values[2])
        .fold(0.0, f64::max);
    (highest * 1.5).max(FLOOR_MS * 100.0)
}

fn entries(panels: &[Panel]) -> Vec<Entry> {
    let seen = |outcome: &Outcome| {
        let mut lines = panels.iter().flat_map(|panel| &panel.lines);
        lines.any(|(one, _)| one == outcome)
    };
    let outcomes = OUTCOMES.into_iter().filter(seen).map(Entry::of);
    let quantiles = QUANTILES.map(|(name, _, width)| Entry {
        name: name.to_owned(),
        mark: Mark::Line(width),
        color: INK,
    });
    outcomes.chain(quantiles).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_nearest_ranks() {
        let hundred: Vec<u64> = (1..=100).map(|ms| ms * 1_000_000).collect();
        assert_eq!(
            [50, 95, 99].map(|percent| rank(&hundred, percent)),
            [50.0, 95.0, 99.0]
        );
        assert_eq!(
            [50, 95, 99].map(|percent| rank(&[7_000_000], percent)),
            [7.0; 3]
        );
        assert_eq!(rank(&[1_000_000, 2_000_000], 50), 1.0);
        assert_eq!(rank(&[3], 50), FLOOR_MS, "the axis begins there");
    }

    #[test]
    fn a_gap_breaks_the_line() {
        let intervals = [0, 1, 4].map(|interval| (interval, vec![1_000_000]));
        let found = stretches(intervals.into(), 500_000_000, 2.3);
        let middles: Vec<Vec<f64>> = found
            .iter()
            .map(|stretch| stretch.iter().map(|(at, _)| *at).collect())
            .collect();
        assert_eq!(middles, [vec![0.25, 0.75], vec![2.25]]);
        let cut = stretches([(0, vec![5])].into(), 500_000_000, 0.1);
        assert_eq!(cut[0][0].0, 0.1);
    }
}
