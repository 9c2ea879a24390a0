//! The operations around a contradiction against real time, one lane for each client.

use checker::{History, OpId, Operation, Outcome};
use maud::{Markup, html};

use super::labels::Labels;
use super::scale::{CHARACTER_WIDTH, Scale, WIDTH, px};
use super::scene::{Bar, Denied, Lane, Scene};
use super::tracks::Tracks;
use crate::clip::{CELL_CHARS, clip};
use crate::data::ReportData;
use crate::quantity::{duration, moment};

const TOP: f64 = 6.0;
const LANE_HEIGHT: f64 = 36.0;
const BAR_TOP: f64 = 17.0;
const BAR_HEIGHT: f64 = 11.0;
const LEAST_BAR_WIDTH: f64 = 3.0;
/// How far an arrow of an order that cannot be hangs below the operations it joins.
const SAG: f64 = 30.0;
/// How far the open end of an operation reaches beyond the moment its client gave up.
const OPEN_END: f64 = 16.0;

/// The picture of a scene.
pub(crate) fn contradiction(scene: &Scene, data: &ReportData<'_>) -> Markup {
    let mut tracks = Tracks {
        scale: scene.scale,
        y: TOP,
    };
    let faults = tracks.faults(data.faults());
    let leaders = tracks.leaders(data.leaders());
    let lanes_top = tracks.y + 4.0;
    let bottom = lanes_top + LANE_HEIGHT * scene.lanes.len() as f64;
    tracks.y = bottom
        + if scene.denied.is_some() {
            SAG / 2.0
        } else {
            0.0
        };
    let bands = tracks.bands(data.faults(), lanes_top, bottom);
    let axis = tracks.axis(TOP);
    let mut labels = labels_of_bars(scene, lanes_top, bottom);
    html! {
        svg.timeline viewBox={ "0 0 " (WIDTH) " " (px(tracks.y)) } width=(WIDTH) height=(px(tracks.y)) role="img"
            aria-label="Operations around the contradiction, by client" {
            (bands) (axis) (faults) (leaders)
            (happened_before(scene, data.history, lanes_top, &mut labels))
            @for (row, lane) in scene.lanes.iter().enumerate() {
                (draw_lane(lane, scene.scale, lane_y(lanes_top, row), data.history))
            }
            @if let Some(denied) = &scene.denied { (demanded(denied, scene, lanes_top, &mut labels)) }
        }
    }
}

/// What is written beside the contradiction's own operations; words of arrows keep off it.
fn labels_of_bars(scene: &Scene, lanes_top: f64, bottom: f64) -> Labels {
    let mut labels = Labels::between(lanes_top, bottom + SAG / 2.0 - 4.0);
    for (row, lane) in scene.lanes.iter().enumerate() {
        let y = lane_y(lanes_top, row);
        for bar in lane.bars.iter().filter(|bar| bar.emphasised) {
            let (left, width) = extent(bar, scene.scale);
            labels.take(
                label_left(bar, scene.scale),
                label_width(bar),
                y + BAR_TOP - 4.0,
            );
            labels.take(left, width, y + BAR_TOP + BAR_HEIGHT);
        }
    }
    labels
}

fn lane_y(lanes_top: f64, row: usize) -> f64 {
    lanes_top + LANE_HEIGHT * row as f64
}

fn draw_lane(lane: &Lane, scale: Scale, y: f64, history: &History) -> Markup {
    let labelled = labelled(lane, scale);
    let baseline = px(y + LANE_HEIGHT - 1.0);
    html! {
        line.lane x1="0" x2=(WIDTH) y1=(baseline) y2=(baseline) {}
        text.row x="82" y=(px(y + BAR_TOP + 9.0)) text-anchor="end" { "client " (lane.process) }
        @for (bar, labelled) in lane.bars.iter().zip(labelled) {
            (draw_bar(bar, labelled, scale, y, history.operation(bar.operation)))
        }
    }
}

fn draw_bar(bar: &Bar, labelled: bool, scale: Scale, y: f64, operation: &Operation) -> Markup {
    let (left, width) = extent(bar, scale);
    let middle = y + BAR_TOP + BAR_HEIGHT / 2.0;
    html! {
        g.operation.(outcome_class(bar.outcome)).emphasised[bar.emphasised] {
            title { (tooltip(operation)) }
            rect x=(px(left)) y=(px(y + BAR_TOP)) width=(px(width)) height=(px(BAR_HEIGHT)) rx="2" {}
            @if bar.outcome == Outcome::Info {
                line x1=(px(left + width)) x2=(px(left + width + OPEN_END)) y1=(px(middle)) y2=(px(middle)) {}
            }
            @if labelled {
                text x=(px(label_left(bar, scale))) y=(px(y + BAR_TOP - 4.0)) { (bar.label) }
            }
        }
    }
}

/// Which bars of a lane get their label: the contradiction's own, then whatever still finds room.
fn labelled(lane: &Lane, scale: Scale) -> Vec<bool> {
    let mut taken: Vec<(f64, f64)> = Vec::new();
    let mut labelled = vec![false; lane.bars.len()];
    for emphasised in [true, false] {
        for (position, bar) in lane
            .bars
            .iter()
            .enumerate()
            .filter(|(_, bar)| bar.emphasised == emphasised)
        {
            let left = label_left(bar, scale);
            let right = left + label_width(bar);
            let free = taken.iter().all(|(from, to)| right < *from || left > *to);
            if free {
                taken.push((left, right));
                labelled[position] = true;
            }
        }
    }
    labelled
}

fn label_width(bar: &Bar) -> f64 {
    bar.label.chars().count() as f64 * CHARACTER_WIDTH + 4.0
}

/// Labels start with their bar, and end before the drawing does.
fn label_left(bar: &Bar, scale: Scale) -> f64 {
    extent(bar, scale).0.min(Scale::right() - label_width(bar))
}

fn extent(bar: &Bar, scale: Scale) -> (f64, f64) {
    let left = scale.x(bar.from);
    let right = scale.x(bar.to.unwrap_or(scale.to));
    (left, (right - left).max(LEAST_BAR_WIDTH))
}

/// Arrows between the contradiction's operations: each began only after the one before it had returned.
fn happened_before(
    scene: &Scene,
    history: &History,
    lanes_top: f64,
    labels: &mut Labels,
) -> Markup {
    let place = |id| place(scene, id, lanes_top);
    html! {
        @for pair in scene.emphasised.windows(2) {
            @if let (Some((before, from_y)), Some((after, to_y))) = (place(pair[0]), place(pair[1])) {
                @if before.to.is_some_and(|returned| returned < after.from) && before.outcome == Outcome::Ok {
                    (arrow((before, from_y), (after, to_y), scene.scale, history, labels))
                }
            }
        }
    }
}

/// The bar of an operation, and the height of its middle.
fn place(scene: &Scene, id: OpId, lanes_top: f64) -> Option<(&Bar, f64)> {
    scene.lanes.iter().enumerate().find_map(|(row, lane)| {
        let bar = lane.bars.iter().find(|bar| bar.operation == id)?;
        Some((bar, lane_y(lanes_top, row) + BAR_TOP + BAR_HEIGHT / 2.0))
    })
}

/// An arrow back in time: what the reader saw was gone by then.
fn demanded(denied: &Denied, scene: &Scene, lanes_top: f64, labels: &mut Labels) -> Markup {
    let place = |id| place(scene, id, lanes_top);
    let (Some((reader, from_y)), Some((overwriter, to_y))) =
        (place(denied.reader), place(denied.overwriter))
    else {
        return html! {};
    };
    let (from_y, to_y) = (from_y + BAR_HEIGHT / 2.0, to_y + BAR_HEIGHT / 2.0);
    let from_x = extent(reader, scene.scale).0 + 2.0;
    let (left, width) = extent(overwriter, scene.scale);
    let to_x = left + width / 2.0;
    let bend = (from_x - to_x) / 3.0;
    let path = format!(
        "M{} {}C{} {} {} {} {} {}",
        px(from_x),
        px(from_y),
        px(from_x - bend),
        px(from_y + SAG),
        px(to_x),
        px(to_y + SAG),
        px(to_x),
        px(to_y + 7.0)
    );
    let words = format!("saw {}, so it comes before", denied.value);
    let hanging = (from_y + to_y) / 2.0 + SAG * 0.75 + 4.0;
    let (x, y) = labels.place(&words, |part| (to_x + (from_x - to_x) * part, hanging));
    html! {
        g.before.demanded {
            path d=(path) {}
            path.head d={ "M" (px(to_x)) " " (px(to_y + 1.0)) "l-4 7h8z" } {}
            text x=(px(x)) y=(px(y)) text-anchor="middle" { (words) }
        }
    }
}

fn arrow(
    (before, from_y): (&Bar, f64),
    (after, to_y): (&Bar, f64),
    scale: Scale,
    history: &History,
    labels: &mut Labels,
) -> Markup {
    let (left, width) = extent(before, scale);
    let from_x = left + width;
    let to_x = scale.x(after.from) - 2.0;
    let bend = ((to_x - from_x) / 2.0).max(8.0);
    let path = format!(
        "M{} {}C{} {} {} {} {} {}",
        px(from_x),
        px(from_y),
        px(from_x + bend),
        px(from_y),
        px(to_x - bend),
        px(to_y),
        px(to_x),
        px(to_y)
    );
    let head = format!("M{} {}l-7 -4v8z", px(to_x), px(to_y));
    let gap = gap(
        history.operation(before.operation),
        history.operation(after.operation),
    );
    html! {
        g.before {
            path d=(path) {}
            path.head d=(head) {}
            @if let Some(gap) = gap {
                @let (x, y) = labels.place(&gap, |part| (from_x + (to_x - from_x) * part, from_y + (to_y - from_y) * part + 4.0));
                text x=(px(x)) y=(px(y)) text-anchor="middle" { (gap) }
            }
        }
    }
}

fn gap(before: &Operation, after: &Operation) -> Option<String> {
    let gap_ns = after.call_time?.0.checked_sub(before.return_time?.0)?;
    Some(format!("{} later", duration(gap_ns)))
}

fn outcome_class(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Ok => "ok",
        Outcome::Fail => "failed",
        Outcome::Info => "info",
    }
}

fn tooltip(operation: &Operation) -> String {
    let node = operation
        .node
        .as_deref()
        .map_or(String::new(), |node| format!(" on {}", clip(node, 40)));
    let called = operation
        .call_time
        .map_or(String::new(), |time| format!(", called {}", moment(time.0)));
    let returned = operation.return_time.map_or(String::new(), |time| {
        format!(", returned {}", moment(time.0))
    });
    let value = clip(
        &format!("{} → {}", operation.input, operation.output),
        CELL_CHARS,
    );
    format!(
        "client {}{node}: {} {value}{called}{returned}",
        operation.process,
        clip(&operation.f, 40)
    )
}
