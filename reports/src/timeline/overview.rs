//! The whole run at a glance: which faults acted and who led, against time.

use maud::{Markup, html};

use super::scale::{Axis, Scale, WIDTH, px};
use super::tracks::Tracks;
use crate::data::ReportData;
use crate::finding::Finding;

const TOP: f64 = 6.0;

/// The picture of the whole run; `None` when there was neither a fault nor a known leader.
pub(crate) fn overview(data: &ReportData<'_>, findings: &[Finding]) -> Option<Markup> {
    if data.faults().is_empty() && data.leaders().is_empty() {
        return None;
    }
    let scale = Scale {
        axis: Axis::Time,
        from: 0,
        to: data.end_ns(),
    };
    let mut tracks = Tracks { scale, y: TOP };
    let faults = tracks.faults(data.faults());
    let leaders = tracks.leaders(data.leaders());
    let bottom = tracks.y;
    let axis = tracks.axis(TOP);
    Some(html! {
        svg.timeline viewBox={ "0 0 " (WIDTH) " " (px(tracks.y)) } width=(WIDTH) height=(px(tracks.y)) role="img"
            aria-label="Faults and leaders over the whole run" {
            (axis) (faults) (leaders)
            @for finding in findings {
                (mark(finding, data, scale, bottom))
            }
        }
    })
}

/// A line where a contradiction came to light.
fn mark(finding: &Finding, data: &ReportData<'_>, scale: Scale, bottom: f64) -> Markup {
    let last = finding
        .operations
        .last()
        .map(|id| &data.history.operations[id.0]);
    html! {
        @if let Some(time) = last.and_then(|operation| operation.return_time.or(operation.call_time)) {
            @let x = scale.x(time.0);
            g.violation {
                title { "contradiction at " (crate::quantity::moment(time.0)) }
                line x1=(px(x)) x2=(px(x)) y1=(px(TOP)) y2=(px(bottom)) {}
                path d={ "M" (px(x - 5.0)) " 0h10l-5 8z" } {}
            }
        }
    }
}
