//! Latency of every operation against the moment it was due, on a logarithmic axis.

use checker::{Operation, Outcome};
use plotters::prelude::*;
use plotters::style::RGBColor;

use super::canvas::{self, Drawn, Entry, Mark, Sheet};
use super::thin::{Point, thin};
use crate::data::ReportData;
use crate::palette::{BLUE, GREEN, INK, ORANGE, PURPLE, VERMILLION};
use crate::quantity::{as_millis, as_seconds, count};

/// Most points of each outcome.
const MAX_OK: usize = 3_000;
const MAX_OTHER: usize = 900;
/// The least latency the axis shows.
pub(super) const FLOOR_MS: f64 = 0.1;

/// The latency of each operation by the moment it was due, as SVG; colour by function, shape by outcome.
///
/// Where arrivals do not wait for answers, latency counts from the arrival: the wait for a busy client is part of it.
///
/// Above some thousands of operations the plot is thinned to the extremes and ranks of each slice of time, and says so.
/// Operations without times, or that never returned, are left out.
#[must_use]
pub fn latency(data: &ReportData<'_>) -> String {
    let functions = functions(&data.history.operations);
    let scatter = Scatter::of(&data.history.operations, &functions);
    canvas::draw(data.faults(), "Latency of operations over time", |sheet| {
        scatter.paint(sheet, data, &functions)
    })
}

/// The functions of a history, commonest first; the last stands for all beyond the fifth.
pub(super) fn functions(operations: &[Operation]) -> Vec<String> {
    let mut counts: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    for operation in operations {
        *counts.entry(operation.f.as_str()).or_default() += 1;
    }
    let mut names: Vec<(&str, usize)> = counts.into_iter().collect();
    names.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), *name));
    names
        .into_iter()
        .take(5)
        .map(|(name, _)| name.to_owned())
        .collect()
}

pub(super) fn color(position: usize, name: &str) -> RGBColor {
    match name {
        "read" => BLUE,
        "write" => ORANGE,
        "cas" => GREEN,
        _ => [VERMILLION, PURPLE, BLUE, ORANGE, GREEN][position % 5],
    }
}

struct Scatter {
    ok: Vec<Point>,
    fail: Vec<Point>,
    info: Vec<Point>,
    total: usize,
}

impl Scatter {
    fn of(operations: &[Operation], functions: &[String]) -> Self {
        let of = |outcome| {
            operations
                .iter()
                .filter(move |operation| operation.outcome == outcome)
        };
        let points = |outcome| -> Vec<Point> {
            of(outcome)
                .filter_map(|operation| point(operation, functions))
                .collect()
        };
        let (ok, fail, info) = (
            points(Outcome::Ok),
            points(Outcome::Fail),
            points(Outcome::Info),
        );
        let total = ok.len() + fail.len() + info.len();
        Scatter {
            ok: thin(ok, MAX_OK),
            fail: thin(fail, MAX_OTHER),
            info: thin(info, MAX_OTHER),
            total,
        }
    }

    fn shown(&self) -> usize {
        self.ok.len() + self.fail.len() + self.info.len()
    }

    fn remark(&self) -> String {
        if self.shown() == self.total {
            return String::new();
        }
        format!(
            "{} of {} operations drawn, extremes kept",
            count(self.shown() as u64),
            count(self.total as u64)
        )
    }

    fn top_ms(&self) -> f64 {
        let highest = self
            .ok
            .iter()
            .chain(&self.fail)
            .chain(&self.info)
            .map(|point| point.latency_ns)
            .max();
        (as_millis(highest.unwrap_or(0)) * 1.5).max(FLOOR_MS * 100.0)
    }

    fn paint(&self, sheet: &Sheet<'_>, data: &ReportData<'_>, functions: &[String]) -> Drawn {
        let top = self.top_ms();
        let mut curves = canvas::milliseconds(sheet, data, (FLOOR_MS, top))?;
        let style = |point: &Point| {
            color(
                point.series,
                functions.get(point.series).map_or("", String::as_str),
            )
        };
        let at = |point: &Point| {
            (
                as_seconds(point.time_ns),
                as_millis(point.latency_ns).max(FLOOR_MS),
            )
        };
        curves.draw_series(
            self.ok
                .iter()
                .map(|point| Circle::new(at(point), 2, style(point).mix(0.7).filled())),
        )?;
        curves.draw_series(
            self.fail
                .iter()
                .map(|point| Cross::new(at(point), 3, style(point).stroke_width(1))),
        )?;
        curves.draw_series(
            self.info
                .iter()
                .map(|point| TriangleMarker::new(at(point), 5, style(point).filled())),
        )?;
        canvas::legend(sheet, &self.entries(functions), &self.remark())
    }

    fn entries(&self, functions: &[String]) -> Vec<Entry> {
        let by_function = functions.iter().enumerate().map(|(position, name)| Entry {
            name: name.clone(),
            mark: Mark::Circle,
            color: color(position, name),
        });
        let by_outcome = [
            (&self.fail, "failed", Mark::Cross),
            (&self.info, "indeterminate", Mark::Triangle),
        ];
        let by_outcome = by_outcome
            .into_iter()
            .filter(|(points, _, _)| !points.is_empty());
        by_function
            .chain(by_outcome.map(|(_, name, mark)| Entry {
                name: name.to_owned(),
                mark,
                color: INK,
            }))
            .collect()
    }
}

fn point(operation: &Operation, functions: &[String]) -> Option<Point> {
    let due = operation.arrival_time.or(operation.call_time)?.0;
    let latency_ns = operation.return_time?.0.saturating_sub(due);
    let series = functions
        .iter()
        .position(|name| operation.f == *name)
        .unwrap_or(functions.len());
    Some(Point {
        time_ns: due,
        latency_ns,
        series,
    })
}
