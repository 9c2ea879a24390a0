//! The rows both timelines share: faults by kind, leaders by node, and the axis.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::scale::{CHARACTER_WIDTH, GUTTER, Scale, WIDTH, px};
use crate::clip::{LABEL_CHARS, ROW_CHARS, clip, shorten};
use crate::finding::fault_sentence;
use crate::result::{Effect, FaultRecord, LeaderSpan};

/// Height of a row of faults or of a leader.
pub(crate) const TRACK_HEIGHT: f64 = 22.0;
const BAR_HEIGHT: f64 = 14.0;
const AXIS_HEIGHT: f64 = 26.0;

/// Rows from the top of a drawing downwards.
#[derive(Debug)]
pub(crate) struct Tracks {
    pub(crate) scale: Scale,
    pub(crate) y: f64,
}

impl Tracks {
    /// One row for each kind of fault within the scale.
    pub(crate) fn faults(&mut self, faults: &[FaultRecord]) -> Markup {
        let visible: Vec<&FaultRecord> = faults
            .iter()
            .filter(|fault| fault.overlaps(self.scale.from, self.scale.to))
            .collect();
        let kinds: BTreeSet<&str> = visible.iter().map(|fault| fault.name.as_str()).collect();
        self.rows(kinds, |tracks, kind| {
            let of_kind = visible.iter().copied().filter(|fault| fault.name == kind);
            let of_kind: Vec<&FaultRecord> = of_kind.collect();
            html! {
                (tracks.name(kind))
                @for (n, fault) in of_kind.iter().enumerate() {
                    (tracks.fault(fault, of_kind.get(n + 1).copied()))
                }
            }
        })
    }

    /// One row for each node that led within the scale: two bars above each other are two leaders at once.
    pub(crate) fn leaders(&mut self, spans: &[LeaderSpan]) -> Markup {
        let visible: Vec<&LeaderSpan> = spans
            .iter()
            .filter(|span| span.from_ns <= self.scale.to && span.to_ns >= self.scale.from)
            .collect();
        let nodes: BTreeSet<&str> = visible.iter().map(|span| span.node.as_str()).collect();
        self.rows(nodes, |tracks, node| {
            html! {
                (tracks.name(&format!("{node} leads")))
                @for span in visible.iter().filter(|span| span.node == node) {
                    (tracks.leader(span))
                }
            }
        })
    }

    /// Bands behind everything else, from `top` to `bottom`, one for each fault that was active.
    pub(crate) fn bands(&self, faults: &[FaultRecord], top: f64, bottom: f64) -> Markup {
        let active = faults
            .iter()
            .filter(|fault| fault.effect != Effect::Skipped);
        let visible = active.filter(|fault| fault.overlaps(self.scale.from, self.scale.to));
        html! {
            @for fault in visible {
                @let (left, width) = self.extent(fault.start_ns, fault.end_ns);
                rect.band.(fault_class(&fault.name)) x=(px(left)) y=(px(top)) width=(px(width)) height=(px(bottom - top)) {}
            }
        }
    }

    /// The axis with its grid from `top` down to here.
    pub(crate) fn axis(&mut self, top: f64) -> Markup {
        let bottom = self.y + 2.0;
        self.y += AXIS_HEIGHT;
        html! {
            @for (moment, label) in self.scale.marks() {
                @let x = self.scale.x(moment);
                @let width = label.chars().count() as f64 * CHARACTER_WIDTH;
                @let middle = x.min(WIDTH - width / 2.0);
                line.grid x1=(px(x)) x2=(px(x)) y1=(px(top)) y2=(px(bottom)) {}
                text.axis x=(px(middle)) y=(px(bottom + 15.0)) text-anchor="middle" { (label) }
            }
        }
    }

    /// The name of the row that starts here.
    pub(crate) fn name(&self, name: &str) -> Markup {
        html! { text.row x=(px(GUTTER - 10.0)) y=(px(self.y + 14.5)) text-anchor="end" { (shorten(name, ROW_CHARS)) } }
    }

    fn rows(&mut self, names: BTreeSet<&str>, draw: impl Fn(&Tracks, &str) -> Markup) -> Markup {
        let mut drawn = Vec::with_capacity(names.len());
        for name in names {
            drawn.push(draw(self, name));
            self.y += TRACK_HEIGHT;
        }
        html! { @for row in drawn { (row) } }
    }

    /// Bars may overlap; words end where the next bar begins.
    fn fault(&self, fault: &FaultRecord, next: Option<&FaultRecord>) -> Markup {
        let (left, width) = self.extent(fault.start_ns, fault.end_ns);
        let next = next.filter(|next| next.start_ns >= fault.start_ns);
        let room = next.map_or(width, |next| {
            width.min(self.extent(next.start_ns, next.end_ns).0 - left)
        });
        let label = format!("#{} {}", fault.id, shorten(&fault.description, LABEL_CHARS));
        let short = format!("#{}", fault.id);
        html! {
            g.fault.(fault_class(&fault.name)).(fault.effect) {
                title { (fault_sentence(fault)) }
                (self.bar(left, width))
                (self.inside(left, room, &[&label, &short]))
            }
        }
    }

    fn leader(&self, span: &LeaderSpan) -> Markup {
        let (left, width) = self.extent(span.from_ns, span.to_ns);
        let label = format!("term {}", span.term);
        let short = span.term.to_string();
        html! {
            g.leader {
                title { (clip(&span.node, 40)) " led in " (label) }
                (self.bar(left, width))
                (self.inside(left, width, &[&label, &short]))
            }
        }
    }

    fn bar(&self, left: f64, width: f64) -> Markup {
        html! { rect x=(px(left)) y=(px(self.y + 3.0)) width=(px(width)) height=(px(BAR_HEIGHT)) rx="2" {} }
    }

    /// The longest of the labels that fits, if any.
    fn inside(&self, left: f64, width: f64, labels: &[&str]) -> Markup {
        let fits = |label: &&&str| label.chars().count() as f64 * CHARACTER_WIDTH + 6.0 <= width;
        html! {
            @if let Some(label) = labels.iter().find(fits) {
                text x=(px(left + 4.0)) y=(px(self.y + 13.8)) { (label) }
            }
        }
    }

    fn extent(&self, from: u64, to: u64) -> (f64, f64) {
        let left = self.scale.x(from);
        (left, (self.scale.x(to) - left).max(1.5))
    }
}

/// The style sheet's name for a kind of fault.
fn fault_class(kind: &str) -> &'static str {
    match kind {
        "partition" => "partition",
        "kill" => "kill",
        "pause" => "pause",
        "member" => "member",
        "transfer" => "transfer",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::super::scale::Axis;
    use super::*;

    fn fault(id: u32, from_s: u64, to_s: u64) -> FaultRecord {
        FaultRecord {
            id,
            name: "kill".to_owned(),
            effect: Effect::Installed,
            description: "of n1".to_owned(),
            evidence: serde_json::Map::new(),
            start_ns: from_s * 1_000_000_000,
            end_ns: to_s * 1_000_000_000,
        }
    }

    #[test]
    fn words_of_a_bar_end_where_the_next_bar_begins() {
        let words = |faults: &[FaultRecord]| {
            let mut tracks = Tracks {
                scale: Scale {
                    axis: Axis::Time,
                    from: 0,
                    to: 20_000_000_000,
                },
                y: 0.0,
            };
            let drawn = tracks.faults(faults).into_string();
            let whole = |id: u32| drawn.contains(&format!(">#{id} of n1<"));
            [whole(1), whole(2)]
        };
        assert_eq!(words(&[fault(1, 0, 10), fault(2, 10, 20)]), [true, true]);
        assert_eq!(words(&[fault(1, 0, 10), fault(2, 1, 20)]), [false, true]);
    }
}
