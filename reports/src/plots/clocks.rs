//! How wrong the clocks of the nodes were, and when.

use plotters::prelude::*;
use plotters::style::RGBColor;
use plotters::style::text_anchor::HPos;
use serde_json::Value;

use super::canvas::{self, Curves, Drawn, Entry, Mark, Sheet};
use crate::clip::{ROW_CHARS, shorten};
use crate::data::ReportData;
use crate::palette::{BLUE, GREEN, INK, ORANGE, PURPLE, VERMILLION};
use crate::quantity::{as_seconds, duration};
use crate::result::{Effect, FaultRecord};

const COLORS: [RGBColor; 5] = [BLUE, VERMILLION, GREEN, ORANGE, PURPLE];
const MARKS: [Mark; 3] = [Mark::Circle, Mark::Cross, Mark::Triangle];
/// Above this many flips a strobe is a filled stripe.
const MAX_FLIPS: u64 = 120;
const NANOS_PER_MILLI: f64 = 1e6;

/// How far the clock of each node was off while a fault had hold of it, as SVG: the line is what was asked for, the mark what the node's own
/// calls were told last.
///
/// `None` when no clock was wrong.
#[must_use]
pub fn clocks(data: &ReportData<'_>) -> Option<String> {
    let wrong: Vec<Wrong> = data.faults().iter().flat_map(wrong_clocks).collect();
    wrong.first()?;
    let mut names: Vec<String> = wrong.iter().map(|one| one.name.clone()).collect();
    names.sort();
    names.dedup();
    let title = "How far the clocks of nodes were off";
    Some(canvas::draw(data.faults(), title, |sheet| {
        paint(sheet, data, &wrong, &names)
    }))
}

/// The clock of a node under a fault.
#[derive(Debug)]
struct Wrong {
    /// The node, with the clock where it is not the wall clock.
    name: String,
    from_ns: u64,
    to_ns: u64,
    asked: Option<Asked>,
    /// What its own calls were told last; `None` when it never looked.
    told_ms: Option<f64>,
}

/// What a fault does to a clock.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Asked {
    Jump { offset_ms: f64 },
    Drift { rate_ppb: f64 },
    Strobe { offset_ms: f64, period_ns: u64 },
}

fn wrong_clocks(fault: &FaultRecord) -> Vec<Wrong> {
    let nodes = fault.evidence.get("nodes").and_then(Value::as_object);
    let acted = fault.name.starts_with("clock-") && fault.effect != Effect::Skipped;
    let wrong = |(node, evidence): (&String, &Value)| {
        let monotonic = fault
            .evidence
            .get("clock")
            .is_some_and(|clock| clock == "monotonic");
        let of = if monotonic { ", monotonic" } else { "" };
        Wrong {
            name: format!("{}{of}", shorten(node, ROW_CHARS)),
            from_ns: fault.start_ns,
            to_ns: fault.end_ns,
            asked: asked(fault),
            told_ms: evidence.get("last_told_offset_ms").and_then(Value::as_f64),
        }
    };
    let nodes = nodes.into_iter().flatten().filter(|_| acted);
    nodes.map(wrong).collect()
}

fn asked(fault: &FaultRecord) -> Option<Asked> {
    let number = |name: &str| fault.evidence.get(name).and_then(Value::as_f64);
    let offset_ms = number("asked_offset_ms");
    match (
        offset_ms,
        number("asked_period_ms"),
        number("asked_rate_ppb"),
    ) {
        (Some(offset_ms), Some(period_ms), _) => Some(Asked::Strobe {
            offset_ms,
            period_ns: ((period_ms * NANOS_PER_MILLI) as u64).max(1),
        }),
        (Some(offset_ms), None, _) => Some(Asked::Jump { offset_ms }),
        (None, _, Some(rate_ppb)) => Some(Asked::Drift { rate_ppb }),
        (None, _, None) => None,
    }
}

impl Wrong {
    /// The offsets asked for, by moment.
    fn asked_ms(&self) -> Vec<(u64, f64)> {
        let length_ns = self.to_ns.saturating_sub(self.from_ns);
        let mut points = vec![(self.from_ns, 0.0)];
        match self.asked {
            None => return Vec::new(),
            Some(Asked::Jump { offset_ms }) => {
                points.extend([(self.from_ns, offset_ms), (self.to_ns, offset_ms)]);
            }
            Some(Asked::Drift { rate_ppb }) => {
                let gained = |part: u64| {
                    let elapsed_ns = length_ns / 40 * part;
                    let offset_ms = elapsed_ns as f64 * rate_ppb / 1e9 / NANOS_PER_MILLI;
                    (self.from_ns + elapsed_ns, offset_ms)
                };
                points.extend((0..=40).map(gained));
            }
            Some(Asked::Strobe {
                offset_ms,
                period_ns,
            }) => {
                let shown = |flip: u64| {
                    if flip.is_multiple_of(2) {
                        0.0
                    } else {
                        offset_ms
                    }
                };
                for flip in 0..=length_ns / period_ns {
                    let at = self.from_ns + flip * period_ns;
                    points.extend([
                        (at, shown(flip)),
                        ((at + period_ns).min(self.to_ns), shown(flip)),
                    ]);
                }
            }
        }
        points.push((self.to_ns, 0.0));
        points
    }

    /// The offset of a strobe that flips too often to be drawn flip by flip.
    fn stripe_ms(&self) -> Option<f64> {
        match self.asked? {
            Asked::Strobe {
                offset_ms,
                period_ns,
            } => {
                let flips = self.to_ns.saturating_sub(self.from_ns) / period_ns;
                (flips > MAX_FLIPS).then_some(offset_ms)
            }
            Asked::Jump { .. } | Asked::Drift { .. } => None,
        }
    }

    /// Everything that has to fit on the axis.
    fn extremes_ms(&self) -> Vec<f64> {
        let asked: Vec<f64> = match self.stripe_ms() {
            Some(offset_ms) => vec![offset_ms],
            None => self
                .asked_ms()
                .into_iter()
                .map(|(_, offset_ms)| offset_ms)
                .collect(),
        };
        asked.into_iter().chain(self.told_ms).collect()
    }
}

/// An axis for offsets from milliseconds to minutes, both ways: each step is ten times the one before it.
fn height(offset_ms: f64) -> f64 {
    offset_ms.signum() * offset_ms.abs().max(1.0).log10()
}

fn height_label(height: f64) -> String {
    let offset_ms = 10_f64.powf(height.abs());
    if height.abs() < 0.01 {
        return "0".to_owned();
    }
    offset_text(offset_ms.copysign(height))
}

fn offset_text(offset_ms: f64) -> String {
    let offset_ns = (offset_ms.abs() * NANOS_PER_MILLI) as u64;
    let sign = match offset_ns {
        0 => "",
        _ if offset_ms < 0.0 => "−",
        _ => "+",
    };
    format!("{sign}{}", duration(offset_ns))
}

fn paint(sheet: &Sheet<'_>, data: &ReportData<'_>, wrong: &[Wrong], names: &[String]) -> Drawn {
    let heights = || wrong.iter().flat_map(Wrong::extremes_ms).map(height);
    let (bottom, top) = (
        heights().fold(0.0, f64::min).floor() - 0.5,
        heights().fold(0.0, f64::max).ceil() + 0.5,
    );
    let mut curves = ChartBuilder::on(sheet)
        .margin_top(canvas::header_height(data.faults()))
        .margin_right(16)
        .x_label_area_size(28)
        .y_label_area_size(canvas::LEFT)
        .build_cartesian_2d(0.0..as_seconds(data.end_ns()), bottom..top)?;
    canvas::faults(sheet, &mut curves, data.faults(), bottom, top)?;
    let marks = (top - bottom) as usize + 1;
    canvas::mesh(&mut curves, marks, &|at| height_label(*at))?;
    for one in wrong {
        let look = names.iter().position(|name| *name == one.name).unwrap_or(0);
        line(&mut curves, one, COLORS[look % COLORS.len()])?;
        told(sheet, &mut curves, one, look)?;
    }
    canvas::legend(
        sheet,
        &entries(names),
        "line: asked for; mark: what it was told",
    )
}

fn line<Y>(curves: &mut Curves<'_, '_, Y>, wrong: &Wrong, color: RGBColor) -> Drawn
where
    Y: plotters::coord::ranged1d::Ranged<ValueType = f64>,
{
    if let Some(offset_ms) = wrong.stripe_ms() {
        let corners = [
            (as_seconds(wrong.from_ns), 0.0),
            (as_seconds(wrong.to_ns), height(offset_ms)),
        ];
        curves.draw_series([Rectangle::new(corners, color.mix(0.45).filled())])?;
        return Ok(());
    }
    let points = wrong.asked_ms().into_iter();
    let points = points.map(|(at_ns, offset_ms)| (as_seconds(at_ns), height(offset_ms)));
    curves.draw_series(LineSeries::new(points, color.stroke_width(2)))?;
    Ok(())
}

fn told<Y>(sheet: &Sheet<'_>, curves: &mut Curves<'_, '_, Y>, wrong: &Wrong, look: usize) -> Drawn
where
    Y: plotters::coord::ranged1d::Ranged<ValueType = f64>,
{
    let Some(told_ms) = wrong.told_ms else {
        return Ok(());
    };
    let at = (as_seconds(wrong.to_ns), height(told_ms));
    canvas::marks(
        curves,
        [at],
        MARKS[look % MARKS.len()],
        COLORS[look % COLORS.len()],
    )?;
    let (x, y) = curves.backend_coord(&at);
    let room = canvas::WIDTH as i32 - x > 90;
    let (x, anchor) = if room {
        (x + 8, HPos::Left)
    } else {
        (x - 8, HPos::Right)
    };
    let text = offset_text(told_ms);
    sheet.draw(&Text::new(text, (x, y - 9), canvas::small(INK, anchor)))?;
    Ok(())
}

fn entries(names: &[String]) -> Vec<Entry> {
    let entry = |(look, name): (usize, &String)| Entry {
        name: name.clone(),
        mark: MARKS[look % MARKS.len()],
        color: COLORS[look % COLORS.len()],
    };
    names.iter().enumerate().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(asked: Asked) -> Wrong {
        Wrong {
            name: "n1".to_owned(),
            from_ns: 1_000,
            to_ns: 5_000,
            asked: Some(asked),
            told_ms: None,
        }
    }

    #[test]
    fn clocks_are_true_before_and_after_a_fault() {
        let jump = wrong(Asked::Jump { offset_ms: -7.0 });
        assert_eq!(
            jump.asked_ms(),
            [(1_000, 0.0), (1_000, -7.0), (5_000, -7.0), (5_000, 0.0)]
        );
        let drift = wrong(Asked::Drift { rate_ppb: 5e14 });
        let points = drift.asked_ms();
        assert_eq!((points[0], points[41]), ((1_000, 0.0), (5_000, 2_000.0)));
        let strobe = wrong(Asked::Strobe {
            offset_ms: 3.0,
            period_ns: 2_000,
        });
        let high: Vec<(u64, f64)> = strobe
            .asked_ms()
            .into_iter()
            .filter(|(_, ms)| *ms > 0.0)
            .collect();
        assert_eq!(high, [(3_000, 3.0), (5_000, 3.0)]);
        assert_eq!(strobe.stripe_ms(), None);
        let fast = wrong(Asked::Strobe {
            offset_ms: 3.0,
            period_ns: 1,
        });
        assert_eq!(fast.stripe_ms(), Some(3.0));
    }

    #[test]
    fn the_axis_has_room_for_milliseconds_and_minutes() {
        let rows = [
            (0.0, "0"),
            (1.0, "+10 ms"),
            (-3.0, "−1.0 s"),
            (5.0, "+100 s"),
        ];
        for (at, label) in rows {
            assert_eq!(height_label(at), label);
        }
        assert_eq!(
            [height(0.0), height(0.5), height(1_000.0), height(-10.0)],
            [0.0, 0.0, 3.0, -1.0]
        );
    }
}
