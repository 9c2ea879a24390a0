//! What all plots share: the sheet, the legend, the faults above and behind the curves, the dark style.

use std::collections::BTreeSet;

use checker::Outcome;
use plotters::chart::ChartContext;
use plotters::coord::Shift;
use plotters::coord::combinators::LogCoord;
use plotters::coord::ranged1d::{Ranged, ValueFormatter};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::RGBColor;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::clip::{LABEL_CHARS, ROW_CHARS, shorten};
use crate::data::ReportData;
use crate::palette::{self, BLUE, GRID, INK, ORANGE, PURPLE};
use crate::quantity::{as_seconds, plain};
use crate::result::{Effect, FaultRecord};

pub(super) const WIDTH: u32 = 960;
const CURVES_HEIGHT: u32 = 270;
const LEGEND_HEIGHT: u32 = 30;
const ROW_HEIGHT: u32 = 18;
/// Room between the faults and the curves.
const GAP: u32 = 8;
/// Room left of the curves for numbers and names of faults.
pub(super) const LEFT: u32 = 84;
const BAND_OPACITY: f64 = 0.16;
const CHARACTER_WIDTH: i32 = 7;

/// Drawing onto a string cannot fail, except by a mistake of this crate.
pub(super) type Drawn = Result<(), Box<dyn std::error::Error>>;
pub(super) type Sheet<'a> = DrawingArea<SVGBackend<'a>, Shift>;
pub(super) type Curves<'a, 'b, Y> =
    ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, Y>>;

/// The mark of a series in the legend and among the curves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Circle,
    Cross,
    Triangle,
    /// A line of this width.
    Line(u32),
}

/// An entry of the legend.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) mark: Mark,
    pub(super) color: RGBColor,
}

impl Entry {
    /// How an outcome looks wherever series are outcomes.
    pub(super) fn of(outcome: Outcome) -> Self {
        let (name, mark, color) = match outcome {
            Outcome::Ok => ("ok", Mark::Circle, BLUE),
            Outcome::Fail => ("failed", Mark::Cross, ORANGE),
            Outcome::Info => ("indeterminate", Mark::Triangle, PURPLE),
        };
        Entry {
            name: name.to_owned(),
            mark,
            color,
        }
    }
}

/// Height of a plot with rows for these faults and one panel of curves.
fn height(faults: &[FaultRecord]) -> u32 {
    header_height(faults) + CURVES_HEIGHT
}

/// Height of the legend and the rows of faults.
pub(super) fn header_height(faults: &[FaultRecord]) -> u32 {
    LEGEND_HEIGHT + ROW_HEIGHT * kinds(faults).len() as u32 + GAP
}

/// Draws on a fresh sheet of the usual height and returns the SVG.
pub(super) fn draw(
    faults: &[FaultRecord],
    label: &str,
    paint: impl FnOnce(&Sheet<'_>) -> Drawn,
) -> String {
    draw_sized(height(faults), label, paint)
}

/// Draws on a fresh sheet of some height and returns the SVG.
pub(super) fn draw_sized(
    height: u32,
    label: &str,
    paint: impl FnOnce(&Sheet<'_>) -> Drawn,
) -> String {
    let mut svg = String::new();
    let sheet = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
    paint(&sheet)
        .and_then(|()| Ok(sheet.present()?))
        .expect("a string takes every drawing");
    drop(sheet);
    styled(&svg, label)
}

/// Adds a name for screen readers, and the style sheet that follows the reader's preference for a dark page.
fn styled(svg: &str, label: &str) -> String {
    let rule = |property: &str, color: RGBColor, dark: &str| {
        format!(
            "[{property}=\"{}\"]{{{property}:{dark}}}",
            palette::css(color)
        )
    };
    let rules = [
        rule("fill", INK, "#c4c9d1"),
        rule("stroke", INK, "#c4c9d1"),
        rule("stroke", GRID, "#33383f"),
        rule("fill", BLUE, "#4fa8e0"),
        rule("stroke", BLUE, "#4fa8e0"),
    ];
    let style = format!(
        "<style>@media (prefers-color-scheme:dark){{{}}}</style>",
        rules.concat()
    );
    let named = svg.replacen(
        "<svg ",
        &format!("<svg role=\"img\" aria-label=\"{label}\" "),
        1,
    );
    named.replacen('>', &format!(">{style}"), 1)
}

/// The legend from the left; a remark, if any, at the right.
pub(super) fn legend<'e>(
    sheet: &Sheet<'_>,
    entries: impl IntoIterator<Item = &'e Entry>,
    remark: &str,
) -> Drawn {
    let mut x = LEFT as i32;
    let y = 14;
    for entry in entries {
        let name = shorten(&entry.name, LABEL_CHARS);
        mark(sheet, entry.mark, entry.color, (x + 4, y))?;
        sheet.draw(&Text::new(
            name.clone(),
            (x + 13, y),
            small(INK, HPos::Left),
        ))?;
        x += 34 + name.chars().count() as i32 * CHARACTER_WIDTH;
    }
    sheet.draw(&Text::new(
        remark.to_owned(),
        (WIDTH as i32 - 16, y),
        small(INK, HPos::Right),
    ))?;
    Ok(())
}

fn mark(sheet: &Sheet<'_>, mark: Mark, color: RGBColor, at: (i32, i32)) -> Drawn {
    match mark {
        Mark::Circle => sheet.draw(&Circle::new(at, 4, color.filled()))?,
        Mark::Cross => sheet.draw(&Cross::new(at, 4, color.stroke_width(2)))?,
        Mark::Triangle => sheet.draw(&TriangleMarker::new(at, 5, color.filled()))?,
        Mark::Line(width) => {
            let ends = vec![(at.0 - 6, at.1), (at.0 + 6, at.1)];
            sheet.draw(&PathElement::new(ends, color.stroke_width(width)))?;
        }
    }
    Ok(())
}

/// One mark at each of these points among the curves; none for a line.
pub(super) fn marks<Y>(
    curves: &mut Curves<'_, '_, Y>,
    points: impl IntoIterator<Item = (f64, f64)>,
    mark: Mark,
    color: RGBColor,
) -> Drawn
where
    Y: Ranged<ValueType = f64>,
{
    let points = points.into_iter();
    match mark {
        Mark::Circle => {
            curves.draw_series(points.map(|at| Circle::new(at, 3, color.filled())))?;
        }
        Mark::Cross => {
            curves.draw_series(points.map(|at| Cross::new(at, 4, color.stroke_width(2))))?;
        }
        Mark::Triangle => {
            curves.draw_series(points.map(|at| TriangleMarker::new(at, 5, color.filled())))?;
        }
        Mark::Line(_) => {}
    }
    Ok(())
}

/// The grid, with seconds below and `y_label` at the left.
pub(super) fn mesh<Y>(
    curves: &mut Curves<'_, '_, Y>,
    y_marks: usize,
    y_label: &dyn Fn(&f64) -> String,
) -> Drawn
where
    Y: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    curves
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(GRID)
        .label_style(small(INK, HPos::Center))
        .y_labels(y_marks)
        .x_label_formatter(&|seconds| format!("{} s", plain(*seconds)))
        .y_label_formatter(&y_label)
        .draw()?;
    Ok(())
}

/// Milliseconds over the time of the run, logarithmic from `bottom` to `top`, below the rows of the faults.
pub(super) fn milliseconds<'a, 'b>(
    sheet: &'a Sheet<'b>,
    data: &ReportData<'_>,
    (bottom, top): (f64, f64),
) -> Result<Curves<'a, 'b, LogCoord<f64>>, Box<dyn std::error::Error>> {
    let mut curves = ChartBuilder::on(sheet)
        .margin_top(header_height(data.faults()))
        .margin_right(16)
        .x_label_area_size(28)
        .y_label_area_size(LEFT)
        .build_cartesian_2d(0.0..as_seconds(data.end_ns()), (bottom..top).log_scale())?;
    faults(sheet, &mut curves, data.faults(), bottom, top)?;
    mesh(&mut curves, 10, &|millis| format!("{} ms", plain(*millis)))?;
    Ok(curves)
}

/// Faults as bars in rows above the curves and as bands behind them.
///
/// `bottom` and `top` are the ends of the vertical axis.
pub(super) fn faults<Y>(
    sheet: &Sheet<'_>,
    curves: &mut Curves<'_, '_, Y>,
    faults: &[FaultRecord],
    bottom: f64,
    top: f64,
) -> Drawn
where
    Y: Ranged<ValueType = f64>,
{
    bands(curves, faults, bottom, top)?;
    let x = |time_ns| curves.backend_coord(&(as_seconds(time_ns), bottom)).0;
    rows(sheet, faults, x)
}

/// Bands behind the curves alone, for a panel below the one that has the rows.
pub(super) fn bands<Y>(
    curves: &mut Curves<'_, '_, Y>,
    faults: &[FaultRecord],
    bottom: f64,
    top: f64,
) -> Drawn
where
    Y: Ranged<ValueType = f64>,
{
    curves.draw_series(acting(faults).map(|fault| {
        let (from, to) = (as_seconds(fault.start_ns), as_seconds(fault.end_ns));
        Rectangle::new(
            [(from, bottom), (to, top)],
            palette::fault(&fault.name).mix(BAND_OPACITY).filled(),
        )
    }))?;
    Ok(())
}

fn rows(sheet: &Sheet<'_>, faults: &[FaultRecord], x: impl Fn(u64) -> i32) -> Drawn {
    for (row, kind) in kinds(faults).into_iter().enumerate() {
        let y = (LEGEND_HEIGHT + ROW_HEIGHT * row as u32 + ROW_HEIGHT / 2) as i32 - 3;
        sheet.draw(&Text::new(
            shorten(kind, ROW_CHARS),
            (LEFT as i32 - 8, y),
            small(INK, HPos::Right),
        ))?;
        for fault in acting(faults).filter(|fault| fault.name == kind) {
            bar(sheet, fault, x(fault.start_ns), x(fault.end_ns), y)?;
        }
    }
    Ok(())
}

fn bar(sheet: &Sheet<'_>, fault: &FaultRecord, left: i32, right: i32, y: i32) -> Drawn {
    let right = right.max(left + 2);
    let style = palette::fault(&fault.name)
        .mix(bar_opacity(fault.effect))
        .filled();
    sheet.draw(&Rectangle::new([(left, y - 6), (right, y + 6)], style))?;
    let label = format!("#{}", fault.id);
    if label.len() as i32 * CHARACTER_WIDTH + 4 <= right - left {
        sheet.draw(&Text::new(
            label,
            (left + 3, y),
            small(palette::ON_FAULT, HPos::Left),
        ))?;
    }
    Ok(())
}

/// A fault that was not proven to act is drawn paler.
fn bar_opacity(effect: Effect) -> f64 {
    match effect {
        Effect::Installed => 1.0,
        Effect::Skipped | Effect::Indeterminate => 0.4,
    }
}

fn kinds(faults: &[FaultRecord]) -> BTreeSet<&str> {
    acting(faults).map(|fault| fault.name.as_str()).collect()
}

fn acting(faults: &[FaultRecord]) -> impl Iterator<Item = &FaultRecord> {
    faults
        .iter()
        .filter(|fault| fault.effect != Effect::Skipped)
}

/// The type of labels and axes.
pub(super) fn small(color: RGBColor, anchor: HPos) -> TextStyle<'static> {
    let mut style =
        TextStyle::from(("sans-serif", 15).into_font()).pos(Pos::new(anchor, VPos::Center));
    style.color = color.to_backend_color();
    style
}
