//! How what lies on a link is arranged where its packets are sent. Pure.
//!
//! iptables picks the packets and counts them; queues of the kernel hold them up. A rule that hits packets by chance draws
//! them in the chain and sets a bit of their mark, each such rule of a link a bit of its own. What of the rules of a link a
//! packet has met is then told by its mark, and each combination that must wait, or is damaged, has a [`Lane`]: a queue with
//! one netem that does all of it. So what is left alone does not meet netem, and the counters are those of the rule that drew.
//!
//! Several rules on one link: delays add up, and so do the ranges of their jitter (evenly spread again, where the sum of two
//! even ranges would have a peak); of several bottlenecks the narrowest counts; who is held back waits on top of the delay.
//! A lane lies before the bottleneck, not behind it as in the switch: who arrives at the other end, and how late, is the same.
//!
//! Copies are made by iptables (`TEE`) and not by netem, because newer kernels (6.1.192 is one) refuse a netem that duplicates
//! beside any other of the same interface. A copy runs through the chain again, marked, so that it is not copied once more; it
//! is drawn like any other packet.
//!
//! netem damages a bit of the whole frame. Where that is in the address of the sender's card nobody notices: 6 of the 46 bytes
//! of a datagram of 4.

use super::chain::CHAIN;
use super::laid::{Counter, Ends, Laid, Lines, Side, draw};
use crate::net::disturbance::{Disturbance, RuleId};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// Our chain for packets that are sent twice; like that of a sender in the table `mangle`.
pub(super) const COPIES: &str = "ADRASTEIA-COPIES";

/// The mark of a copy.
const COPY: u32 = 1 << 28;

/// The mark of the first rule that draws; the others have the bits above.
const FIRST_DRAW: u32 = 1 << 24;

/// Each doubles the number of lanes.
const MOST_DRAWS: usize = 4;

/// netem counts half of it in nanoseconds with 31 bits.
const MOST_JITTER_MS: u64 = 4_294;

/// tc counts how long a burst takes in ticks of 64 ns with 32 bits.
const LONGEST_BURST_S: u32 = 274;

/// What a sender does to the packets of one link.
#[derive(Clone)]
pub(super) struct Shape {
    link: Ends,
    rules: Vec<(RuleId, Disturbance)>,
    layout: Layout,
}

/// What queues there are for a link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) bottleneck: Option<Bottleneck>,
    pub(super) lanes: Vec<Lane>,
}

/// What all lanes of a link have to pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Bottleneck {
    pub(super) bytes_per_s: u32,
    pub(super) burst_bytes: u32,
}

/// A queue for the packets that the same rules have drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lane {
    /// The bits of those rules.
    pub(super) drawn: u32,
    pub(super) delay_ms: u64,
    pub(super) jitter_ms: u64,
    pub(super) corrupts: bool,
}

/// What proves that a rule acted on a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Witness {
    /// The line of the chain: it acted itself.
    Line,
    /// The lanes for packets with these bits: so many went through them.
    Lanes(u32),
    /// The bottleneck: so often it was too narrow.
    Bottleneck,
    /// Nothing, since another rule is stronger.
    Nobody,
}

/// What these queues cannot do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unshapeable {
    #[error("{0} rules that hold back or corrupt packets by chance at once, of {MOST_DRAWS}")]
    Draws(usize),
    #[error("delays that vary by {0} ms, of {MOST_JITTER_MS} ms")]
    Jitter(u64),
    #[error(
        "a burst of {burst_bytes} bytes at {bytes_per_s} bytes a second, which takes longer than {LONGEST_BURST_S} s"
    )]
    Burst { bytes_per_s: u32, burst_bytes: u32 },
}

/// What a sender does to its links. The links are told in the order of their receivers.
pub(super) fn shapes(laid: &Laid, from: usize) -> Result<Vec<Shape>, (Ends, Unshapeable)> {
    let mut links: BTreeMap<Ends, Vec<(RuleId, Disturbance)>> = BTreeMap::new();
    for (rule, disturbance, link) in laid.at(Side::Sender) {
        if link.0 == from {
            links.entry(link).or_default().push((rule, disturbance));
        }
    }
    let shapes = links.into_iter().map(|(link, rules)| {
        let layout = Layout::of(&rules).map_err(|error| (link, error))?;
        Ok(Shape {
            link,
            rules,
            layout,
        })
    });
    shapes.collect()
}

impl Shape {
    pub(super) fn to(&self) -> usize {
        self.link.1
    }

    pub(super) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// What proves the hits of one of the rules.
    pub(super) fn witness(&self, rule: RuleId) -> Witness {
        let laid = self.rules.iter().find(|(id, _)| *id == rule);
        let Some((_, disturbance)) = laid else {
            return Witness::Nobody;
        };
        let narrowest = Bottleneck::of(disturbance);
        match disturbance {
            Disturbance::Corrupt { .. } | Disturbance::Reorder { .. } => {
                Witness::Lanes(bit(&self.rules, rule))
            }
            Disturbance::Delay { .. } => Witness::Lanes(0),
            Disturbance::Rate { .. } if narrowest == self.layout.bottleneck => Witness::Bottleneck,
            Disturbance::Rate { .. } => Witness::Nobody,
            Disturbance::Cut
            | Disturbance::Flap { .. }
            | Disturbance::Loss { .. }
            | Disturbance::Duplicate { .. } => Witness::Line,
        }
    }

    /// The lines for this link in the chain of its sender; `class` has the number of a lane's queue.
    pub(super) fn lines(
        &self,
        address: &impl Fn(usize) -> Ipv4Addr,
        class: impl Fn(&Lane) -> Option<u16>,
    ) -> Lines {
        let [own, other] = [self.link.0, self.link.1].map(address);
        let line = |rest: String| format!("-A {CHAIN} -s {own} -d {other}{rest}");
        let mut lines = Lines::default();
        for (rule, disturbance) in &self.rules {
            let (seen, hit) = (
                Counter::seen(*rule, self.link),
                Counter::hit(*rule, self.link),
            );
            match disturbance {
                Disturbance::Duplicate { permille } => {
                    let original = format!(" -m mark ! --mark {COPY:#x}/{COPY:#x}");
                    lines.count(line(original.clone()), seen);
                    let drawn = draw(*permille);
                    lines.count(line(format!("{original}{drawn} -j {COPIES}")), hit);
                }
                Disturbance::Corrupt { permille, .. } | Disturbance::Reorder { permille, .. } => {
                    let bit = bit(&self.rules, *rule);
                    lines.count(line(String::new()), seen);
                    let marked =
                        format!("{} -j MARK --set-xmark {bit:#x}/{bit:#x}", draw(*permille));
                    lines.count(line(marked), hit);
                }
                Disturbance::Rate { .. } | Disturbance::Delay { .. } => {
                    lines.count(line(String::new()), Counter::both(*rule, self.link));
                }
                Disturbance::Cut | Disturbance::Flap { .. } | Disturbance::Loss { .. } => {}
            }
        }
        let all = self.all_bits();
        for lane in &self.layout.lanes {
            if let Some(class) = class(lane) {
                let drawn = match all {
                    0 => String::new(),
                    all => format!(" -m mark --mark {:#x}/{all:#x}", lane.drawn),
                };
                lines.act(line(format!("{drawn} -j CLASSIFY --set-class 1:{class:x}")));
            }
        }
        lines
    }

    fn all_bits(&self) -> u32 {
        draws(&self.rules)
            .map(|(rule, _)| bit(&self.rules, rule))
            .sum()
    }

    fn copies(&self) -> bool {
        self.rules
            .iter()
            .any(|(_, what)| matches!(what, Disturbance::Duplicate { .. }))
    }
}

/// The chain for copies: each is marked and sent to its receiver, and the original goes on without the mark.
pub(super) fn copying(shapes: &[Shape], address: impl Fn(usize) -> Ipv4Addr) -> String {
    let receivers = shapes.iter().filter(|shape| shape.copies());
    let sent = receivers.map(|shape| {
        let receiver = address(shape.to());
        format!("-A {COPIES} -d {receiver} -j TEE --gateway {receiver}\n")
    });
    let sent: String = sent.collect();
    if sent.is_empty() {
        return sent;
    }
    let mark = |value: u32| format!("-A {COPIES} -j MARK --set-xmark {value:#x}/{COPY:#x}\n");
    format!("{}{sent}{}", mark(COPY), mark(0))
}

impl Layout {
    fn of(rules: &[(RuleId, Disturbance)]) -> Result<Layout, Unshapeable> {
        let drawing: Vec<_> = draws(rules).collect();
        if drawing.len() > MOST_DRAWS {
            return Err(Unshapeable::Draws(drawing.len()));
        }
        let bottlenecks = rules.iter().filter_map(|(_, what)| Bottleneck::of(what));
        let bottleneck = bottlenecks.min();
        if let Some(Bottleneck {
            bytes_per_s,
            burst_bytes,
        }) = bottleneck
            && burst_bytes / bytes_per_s.max(1) >= LONGEST_BURST_S
        {
            return Err(Unshapeable::Burst {
                bytes_per_s,
                burst_bytes,
            });
        }
        let everybody = Lane::of_everybody(rules);
        if everybody.jitter_ms > MOST_JITTER_MS {
            return Err(Unshapeable::Jitter(everybody.jitter_ms));
        }
        let lanes = (0..1_u32 << drawing.len()).map(|drawn| {
            let drawn = drawn * FIRST_DRAW;
            drawing
                .iter()
                .filter(|(rule, _)| drawn & bit(rules, *rule) != 0)
                .fold(Lane { drawn, ..everybody }, |lane, (_, what)| {
                    lane.and(what)
                })
        });
        let lanes = lanes.filter(|lane| bottleneck.is_some() || lane.acts());
        Ok(Layout {
            lanes: lanes.collect(),
            bottleneck,
        })
    }

    /// How late a packet can be.
    pub(super) fn longest_ms(&self) -> u64 {
        let lanes = self.lanes.iter();
        lanes
            .map(|lane| lane.delay_ms + lane.jitter_ms)
            .max()
            .unwrap_or_default()
    }

    /// Whether there is a queue at all.
    pub(super) fn is_empty(&self) -> bool {
        self.lanes.is_empty()
    }
}

impl Lane {
    /// Of packets that no rule has drawn.
    fn of_everybody(rules: &[(RuleId, Disturbance)]) -> Lane {
        let straight = Lane {
            drawn: 0,
            delay_ms: 0,
            jitter_ms: 0,
            corrupts: false,
        };
        rules.iter().fold(straight, |lane, (_, what)| match what {
            Disturbance::Delay { by_ms, jitter_ms } => Lane {
                delay_ms: lane.delay_ms + u64::from(*by_ms),
                jitter_ms: lane.jitter_ms + u64::from(*jitter_ms),
                ..lane
            },
            Disturbance::Cut
            | Disturbance::Flap { .. }
            | Disturbance::Loss { .. }
            | Disturbance::Duplicate { .. }
            | Disturbance::Corrupt { .. }
            | Disturbance::Rate { .. }
            | Disturbance::Reorder { .. } => lane,
        })
    }

    /// The lane of those that this rule has drawn as well.
    fn and(self, what: &Disturbance) -> Lane {
        match what {
            Disturbance::Corrupt { .. } => Lane {
                corrupts: true,
                ..self
            },
            Disturbance::Reorder { by_ms, .. } => Lane {
                delay_ms: self.delay_ms + u64::from(*by_ms),
                ..self
            },
            Disturbance::Cut
            | Disturbance::Flap { .. }
            | Disturbance::Loss { .. }
            | Disturbance::Duplicate { .. }
            | Disturbance::Rate { .. }
            | Disturbance::Delay { .. } => self,
        }
    }

    /// Whether it takes a netem.
    pub(super) fn acts(&self) -> bool {
        self.waits() || self.corrupts
    }

    /// Whether packets are late in it.
    pub(super) fn waits(&self) -> bool {
        self.delay_ms + self.jitter_ms > 0
    }
}

impl Bottleneck {
    fn of(what: &Disturbance) -> Option<Bottleneck> {
        match *what {
            Disturbance::Rate {
                bytes_per_s,
                burst_bytes,
            } => Some(Bottleneck {
                bytes_per_s,
                burst_bytes,
            }),
            Disturbance::Cut
            | Disturbance::Flap { .. }
            | Disturbance::Loss { .. }
            | Disturbance::Duplicate { .. }
            | Disturbance::Corrupt { .. }
            | Disturbance::Delay { .. }
            | Disturbance::Reorder { .. } => None,
        }
    }
}

/// The rules that draw packets for a lane.
fn draws(rules: &[(RuleId, Disturbance)]) -> impl Iterator<Item = (RuleId, &Disturbance)> {
    let drawing = rules.iter().filter(|(_, what)| {
        matches!(
            what,
            Disturbance::Corrupt { .. } | Disturbance::Reorder { .. }
        )
    });
    drawing.map(|(rule, what)| (*rule, what))
}

/// The bit of a rule that draws.
fn bit(rules: &[(RuleId, Disturbance)], rule: RuleId) -> u32 {
    let before = draws(rules).take_while(|(other, _)| *other != rule);
    FIRST_DRAW << before.count()
}

#[cfg(test)]
mod tests;
