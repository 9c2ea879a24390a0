//! Completed operations per second, by outcome.

use checker::{Operation, Outcome};
use plotters::prelude::*;
use plotters::style::RGBColor;

use super::canvas::{self, Drawn, Entry, Sheet};
use crate::data::ReportData;
use crate::quantity::{as_seconds, plain};

/// Most intervals the plot counts in.
const MAX_INTERVALS: u64 = 240;
const SECOND_NS: u64 = 1_000_000_000;
/// Above this many intervals marks would hide the line.
const MAX_MARKS: usize = 80;

/// Operations completed per second by outcome, as SVG. Intervals are one second, or longer in a long run.
#[must_use]
pub fn rate(data: &ReportData<'_>) -> String {
    let series: Vec<Series> = [Outcome::Ok, Outcome::Fail, Outcome::Info]
        .map(|outcome| Series::of(data, outcome))
        .into();
    canvas::draw(data.faults(), "Operations per second over time", |sheet| {
        paint(sheet, data, &series)
    })
}

struct Series {
    entry: Entry,
    /// Middle of the interval in seconds, completions per second.
    points: Vec<(f64, f64)>,
}

impl Series {
    fn of(data: &ReportData<'_>, outcome: Outcome) -> Self {
        let operations = data
            .history
            .operations
            .iter()
            .filter(|operation| operation.outcome == outcome);
        let points = per_second(operations, data.end_ns());
        Series {
            entry: Entry::of(outcome),
            points,
        }
    }
}

fn per_second<'a>(operations: impl Iterator<Item = &'a Operation>, end_ns: u64) -> Vec<(f64, f64)> {
    let width_ns = end_ns.div_ceil(MAX_INTERVALS).max(1).div_ceil(SECOND_NS) * SECOND_NS;
    let mut counts = vec![0_u64; usize::try_from(end_ns / width_ns).map_or(1, |last| last + 1)];
    for returned in operations.filter_map(|operation| operation.return_time) {
        let interval = usize::try_from(returned.0 / width_ns).unwrap_or(usize::MAX);
        if let Some(count) = counts.get_mut(interval) {
            *count += 1;
        }
    }
    let middle =
        |interval: usize| ((interval as f64 + 0.5) * as_seconds(width_ns)).min(as_seconds(end_ns));
    counts
        .into_iter()
        .enumerate()
        .map(|(interval, count)| (middle(interval), count as f64 / as_seconds(width_ns)))
        .collect()
}

fn paint(sheet: &Sheet<'_>, data: &ReportData<'_>, series: &[Series]) -> Drawn {
    let highest = series
        .iter()
        .flat_map(|series| &series.points)
        .map(|(_, rate)| *rate)
        .fold(1.0, f64::max);
    let top = highest * 1.1;
    let mut curves = ChartBuilder::on(sheet)
        .margin_top(canvas::header_height(data.faults()))
        .margin_right(16)
        .x_label_area_size(28)
        .y_label_area_size(canvas::LEFT)
        .build_cartesian_2d(0.0..as_seconds(data.end_ns()), 0.0..top)?;
    canvas::faults(sheet, &mut curves, data.faults(), 0.0, top)?;
    canvas::mesh(&mut curves, 10, &|rate| format!("{} /s", plain(*rate)))?;
    for series in series {
        let color: RGBColor = series.entry.color;
        curves.draw_series(LineSeries::new(
            series.points.iter().copied(),
            color.stroke_width(2),
        ))?;
        if series.points.len() > MAX_MARKS {
            continue;
        }
        let points = series.points.iter().copied();
        canvas::marks(&mut curves, points, series.entry.mark, color)?;
    }
    canvas::legend(sheet, series.iter().map(|series| &series.entry), "")
}
