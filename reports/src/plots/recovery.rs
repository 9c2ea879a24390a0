//! How soon the system served again after each fault was healed.

use std::collections::BTreeMap;

use checker::{Operation, Outcome};
use plotters::prelude::*;
use plotters::style::RGBColor;
use plotters::style::text_anchor::HPos;

use super::canvas::{self, Drawn, Entry, Mark, Sheet};
use super::latency::{FLOOR_MS, color, functions};
use crate::clip::{ROW_CHARS, shorten};
use crate::data::ReportData;
use crate::palette::INK;
use crate::quantity::{as_millis, as_seconds, counted};
use crate::result::{Effect, FaultRecord};

/// What a fault's evidence calls the milliseconds from the heal until a node served, by node: its clients after a cut, anybody after a start.
const BY_NODE: [&str; 2] = ["served_again_after_ms", "serving_again_after_ms"];
/// Names of nodes that lie closer than this would cover each other.
const LABEL_GAP: i32 = 13;

/// From the heal of each fault to the first acknowledged operation of each kind, and until each node that was hit served again, as SVG.
///
/// `None` when no fault acted.
#[must_use]
pub fn recovery(data: &ReportData<'_>) -> Option<String> {
    let found = Recovery::of(data);
    found.heals.first()?;
    let title = "Time until served again after each fault";
    Some(canvas::draw(data.faults(), title, |sheet| {
        found.paint(sheet, data)
    }))
}

struct Recovery {
    functions: Vec<String>,
    heals: Vec<Heal>,
}

/// The end of a fault, and what followed.
struct Heal {
    at_ns: u64,
    /// By function; `None` when it was never served again.
    first_ms: Vec<Option<f64>>,
    nodes: Vec<(String, f64)>,
    silent: usize,
}

impl Recovery {
    fn of(data: &ReportData<'_>) -> Self {
        let functions = functions(&data.history.operations);
        let served: Vec<Served> = functions
            .iter()
            .map(|name| Served::of(&data.history.operations, name))
            .collect();
        let acting = data
            .faults()
            .iter()
            .filter(|fault| fault.effect != Effect::Skipped);
        let heals = acting.map(|fault| Heal::of(fault, &served)).collect();
        Recovery { functions, heals }
    }

    fn top_ms(&self) -> f64 {
        let first = self
            .heals
            .iter()
            .flat_map(|heal| heal.first_ms.iter().flatten());
        let nodes = self
            .heals
            .iter()
            .flat_map(|heal| heal.nodes.iter().map(|(_, ms)| ms));
        first
            .chain(nodes)
            .fold(FLOOR_MS * 1_000.0, |top, ms| top.max(ms * 2.0))
    }

    fn paint(&self, sheet: &Sheet<'_>, data: &ReportData<'_>) -> Drawn {
        let top = self.top_ms();
        let mut curves = canvas::milliseconds(sheet, data, (FLOOR_MS, top))?;
        for (position, name) in self.functions.iter().enumerate() {
            let points = self.heals.iter().filter_map(|heal| {
                Some((
                    as_seconds(heal.at_ns),
                    heal.first_ms[position]?.max(FLOOR_MS),
                ))
            });
            canvas::marks(&mut curves, points, Mark::Circle, color(position, name))?;
        }
        for heal in &self.heals {
            let at = |ms: &f64| (as_seconds(heal.at_ns), ms.max(FLOOR_MS));
            let points = heal.nodes.iter().map(|(_, ms)| at(ms));
            canvas::marks(&mut curves, points, Mark::Triangle, INK)?;
            let places = heal
                .nodes
                .iter()
                .map(|(node, ms)| (node, curves.backend_coord(&at(ms))));
            names(sheet, places.collect())?;
        }
        canvas::legend(sheet, &self.entries(), &self.remark())
    }

    fn entries(&self) -> Vec<Entry> {
        let entry = |name: &str, mark, color: RGBColor| Entry {
            name: name.to_owned(),
            mark,
            color,
        };
        let functions = self.functions.iter().enumerate();
        let mut entries: Vec<Entry> = functions
            .map(|(position, name)| {
                entry(
                    &format!("first {name}"),
                    Mark::Circle,
                    color(position, name),
                )
            })
            .collect();
        if self.heals.iter().any(|heal| !heal.nodes.is_empty()) {
            entries.push(entry("node it had hit", Mark::Triangle, INK));
        }
        entries
    }

    fn remark(&self) -> String {
        let silent: usize = self.heals.iter().map(|heal| heal.silent).sum();
        match silent {
            0 => String::new(),
            some => format!("{} never served again", counted(some as u64, "node")),
        }
    }
}

/// The nodes' names beside their marks, but for those that others would cover.
fn names(sheet: &Sheet<'_>, mut places: Vec<(&String, (i32, i32))>) -> Drawn {
    places.sort_by_key(|(_, (_, y))| *y);
    let mut last = i32::MIN;
    for (node, (x, y)) in places {
        if y.saturating_sub(last) >= LABEL_GAP {
            let name = shorten(node, ROW_CHARS);
            let room = canvas::WIDTH as i32 - x > 60;
            let (x, anchor) = if room {
                (x + 8, HPos::Left)
            } else {
                (x - 8, HPos::Right)
            };
            sheet.draw(&Text::new(name, (x, y), canvas::small(INK, anchor)))?;
            last = y;
        }
    }
    Ok(())
}

impl Heal {
    fn of(fault: &FaultRecord, served: &[Served]) -> Self {
        let mut by_node: BTreeMap<&String, Option<f64>> = BTreeMap::new();
        let maps = BY_NODE
            .iter()
            .filter_map(|name| fault.evidence.get(*name)?.as_object());
        for (node, after_ms) in maps.flatten() {
            by_node.insert(node, after_ms.as_f64());
        }
        let nodes = by_node
            .iter()
            .filter_map(|(node, ms)| Some(((*node).clone(), (*ms)?)));
        Heal {
            at_ns: fault.end_ns,
            first_ms: served
                .iter()
                .map(|served| served.first_after_ms(fault.end_ns))
                .collect(),
            nodes: nodes.collect(),
            silent: by_node.values().filter(|ms| ms.is_none()).count(),
        }
    }
}

/// The acknowledged operations of a function, by their calls: each with the earliest answer of it and all after it.
struct Served(Vec<(u64, u64)>);

impl Served {
    fn of(operations: &[Operation], function: &str) -> Self {
        let ok = operations
            .iter()
            .filter(|operation| operation.outcome == Outcome::Ok && operation.f == function);
        let mut times: Vec<(u64, u64)> = ok
            .filter_map(|operation| Some((operation.call_time?.0, operation.return_time?.0)))
            .collect();
        times.sort_unstable();
        let mut earliest = u64::MAX;
        for (_, returned) in times.iter_mut().rev() {
            earliest = earliest.min(*returned);
            *returned = earliest;
        }
        Served(times)
    }

    /// Until the first answer to an operation that was called after this moment.
    fn first_after_ms(&self, moment_ns: u64) -> Option<f64> {
        let place = self.0.partition_point(|(called, _)| *called < moment_ns);
        let (_, returned) = self.0.get(place)?;
        Some(as_millis(returned - moment_ns))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_answer_need_not_be_to_the_first_call() {
        let served = |mut times: Vec<(u64, u64)>| {
            let mut earliest = u64::MAX;
            for (_, returned) in times.iter_mut().rev() {
                earliest = earliest.min(*returned);
                *returned = earliest;
            }
            Served(times)
        };
        let served = served(vec![
            (1, 2),
            (10_000_000, 90_000_000),
            (20_000_000, 30_000_000),
        ]);
        assert_eq!(served.first_after_ms(5_000_000), Some(25.0));
        assert_eq!(served.first_after_ms(0), Some(0.000_002));
        assert_eq!(served.first_after_ms(20_000_001), None);
    }
}
