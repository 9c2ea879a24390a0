//! Phrases that do something: `cut L | others`, `kill L`, `delay 300ms leader -> followers`, `clock-jump -2s L`.
//!
//! The first word is a kind of fault, what follows are its numbers, and then whom it hits.

mod between;

use super::goal::duration;
use super::nodes::{Nodes, Scene};
use super::words::{Words, Wrong, wrong};
use crate::NodeName;
use crate::clocks::ClockChange;
use crate::disk::Failing;
use crate::net::{Checksum, Disturbance, Permille};
use crate::partition::Shape;
use crate::process::Pace;
use crate::schedule::clock::ClockKind;
use crate::schedule::disk::{DiskFault, DiskKind};
use crate::schedule::{Fault, FaultKind, NetworkKind, ProcessKind, Target, of_packets};
use between::Between;
use rand::seq::SliceRandom;
use rand::{Rng, RngExt};
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A quarter of a large packet may pass a bottleneck at once.
const BURST_BYTES: u32 = 16_000;
/// How long a slowed node takes to run and to stand still once.
const SLOW_PERIOD_MS: u32 = 100;
/// How many lives a node in a crash loop has at most; after the last one it runs on.
const MOST_LIVES: usize = 300;
/// How long a node may take to end when it is asked to.
const GRACE_MS: u32 = 500;

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    deed: Deed,
    words: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Deed {
    Disturb(Disturbance, Between),
    Partition(Shape),
    Kill(Nodes),
    Pause(Nodes),
    SlowCpu(Pace, Nodes),
    CrashLoop(u32, Nodes),
    RollingRestart(Nodes),
    Wipe(Nodes),
    Remove(Nodes),
    Transfer(Nodes),
    /// The first is asked to have the second vote.
    Ask(Nodes, Nodes),
    Disk(DiskFault, Nodes),
    Clock(ClockChange, Nodes),
}

impl Act {
    pub(super) fn read(phrase: &str, cluster: &[NodeName]) -> Result<Act, Wrong> {
        let mut words = Words::new(phrase);
        let deed = Deed::read(&mut words, cluster)?;
        words.end()?;
        let words = phrase.split_whitespace().collect::<Vec<_>>().join(" ");
        Ok(Act { deed, words })
    }

    /// The kind of fault it is.
    pub fn kind(&self) -> FaultKind {
        match &self.deed {
            Deed::Disturb(disturbance, between) => {
                of_packets(disturbance, between.with(), between.seen_from_nodes())
            }
            Deed::Partition(_) => FaultKind::Partition,
            Deed::Kill(_) => FaultKind::Kill,
            Deed::Pause(_) => FaultKind::Pause,
            Deed::SlowCpu(..) => FaultKind::Process(ProcessKind::SlowCpu),
            Deed::CrashLoop(..) => FaultKind::Process(ProcessKind::CrashLoop),
            Deed::RollingRestart(_) => FaultKind::Process(ProcessKind::RollingRestart),
            Deed::Wipe(_) => FaultKind::Process(ProcessKind::Wipe),
            Deed::Remove(_) => FaultKind::Member,
            Deed::Transfer(_) => FaultKind::Transfer,
            Deed::Ask(..) => FaultKind::Reconfigure,
            Deed::Disk(fault, _) => FaultKind::Disk(fault.kind()),
            Deed::Clock(change, _) => FaultKind::Clock(change.kind()),
        }
    }

    /// Whether nothing of it has to be undone.
    pub(super) fn is_over_at_once(&self) -> bool {
        matches!(self.deed, Deed::Transfer(_))
    }

    pub(super) fn nodes(&self) -> Vec<&Nodes> {
        match &self.deed {
            Deed::Disturb(_, between) => between.nodes(),
            Deed::Partition(_) => Vec::new(),
            Deed::Kill(nodes)
            | Deed::Pause(nodes)
            | Deed::SlowCpu(_, nodes)
            | Deed::CrashLoop(_, nodes)
            | Deed::RollingRestart(nodes)
            | Deed::Wipe(nodes)
            | Deed::Remove(nodes)
            | Deed::Transfer(nodes)
            | Deed::Disk(_, nodes)
            | Deed::Clock(_, nodes) => vec![nodes],
            Deed::Ask(asked, voters) => vec![asked, voters],
        }
    }

    /// What is wrong with it whoever leads.
    pub(super) fn senseless(&self) -> Result<(), Wrong> {
        match &self.deed {
            Deed::Disturb(_, between) => between.senseless(),
            Deed::Partition(_)
            | Deed::Kill(_)
            | Deed::Pause(_)
            | Deed::SlowCpu(..)
            | Deed::CrashLoop(..)
            | Deed::RollingRestart(_)
            | Deed::Wipe(_)
            | Deed::Remove(_)
            | Deed::Transfer(_)
            | Deed::Ask(..)
            | Deed::Disk(..)
            | Deed::Clock(..) => Ok(()),
        }
    }

    /// The fault it is now, with names of nodes in place of roles.
    ///
    /// # Errors
    /// Who is not there, in words.
    pub fn fault(&self, scene: Scene<'_>, rng: &mut impl Rng) -> Result<Fault, String> {
        let target = |nodes: &Nodes, rng: &mut _| chosen(nodes, scene, rng).map(Target::Nodes);
        Ok(match &self.deed {
            Deed::Disturb(disturbance, between) => Fault::Links {
                disturbance: *disturbance,
                links: between.links(scene, rng)?,
            },
            Deed::Partition(shape) => Fault::Partition {
                shape: *shape,
                order: order(scene, rng),
            },
            Deed::Kill(nodes) => Fault::Kill {
                target: target(nodes, rng)?,
            },
            Deed::Pause(nodes) => Fault::Pause {
                target: target(nodes, rng)?,
            },
            Deed::SlowCpu(pace, nodes) => Fault::SlowCpu {
                target: target(nodes, rng)?,
                pace: *pace,
            },
            Deed::CrashLoop(life_ms, nodes) => Fault::CrashLoop {
                target: target(nodes, rng)?,
                lives_ms: vec![*life_ms; MOST_LIVES],
            },
            Deed::RollingRestart(nodes) => {
                let mut order = chosen(nodes, scene, rng)?;
                order.shuffle(rng);
                Fault::RollingRestart {
                    order,
                    grace_ms: GRACE_MS,
                }
            }
            Deed::Wipe(nodes) => Fault::Wipe {
                target: target(nodes, rng)?,
            },
            Deed::Remove(nodes) => Fault::Member {
                target: Target::Nodes(vec![one(nodes, scene, rng)?]),
            },
            Deed::Transfer(nodes) => Fault::Transfer {
                to: one(nodes, scene, rng)?,
            },
            Deed::Ask(asked, voters) => Fault::Voters {
                asked: one(asked, scene, rng)?,
                voters: chosen(voters, scene, rng)?,
            },
            Deed::Disk(fault, nodes) => Fault::Disk {
                target: target(nodes, rng)?,
                fault: reseeded(fault, rng),
            },
            Deed::Clock(change, nodes) => Fault::Clock {
                target: target(nodes, rng)?,
                change: *change,
            },
        })
    }
}

impl Deed {
    fn read(words: &mut Words, cluster: &[NodeName]) -> Result<Deed, Wrong> {
        if words.accept(&["cut"]) {
            return Ok(Deed::Disturb(
                Disturbance::Cut,
                Between::read(words, cluster)?,
            ));
        }
        if words.accept(&["remove"]) {
            return Nodes::read(words, cluster).map(Deed::Remove);
        }
        if words.accept(&["ask"]) {
            return Deed::ask(words, cluster);
        }
        let word = words.take("something to do", |word| Some(word.to_owned()))?;
        let Ok(kind) = FaultKind::from_str(&word) else {
            return wrong(format!(
                "{word:?} is nothing to do: write cut, remove, ask or the name of a fault (see: list nemeses)"
            ));
        };
        Deed::of_kind(kind, words, cluster)
    }

    /// `L for voters L A B`.
    fn ask(words: &mut Words, cluster: &[NodeName]) -> Result<Deed, Wrong> {
        let asked = Nodes::read(words, cluster)?;
        for expected in ["for", "voters"] {
            words.take("what is asked for, as in ask L for voters L A,", |word| {
                (word == expected).then_some(())
            })?;
        }
        Ok(Deed::Ask(asked, Nodes::read(words, cluster)?))
    }

    fn of_kind(kind: FaultKind, words: &mut Words, cluster: &[NodeName]) -> Result<Deed, Wrong> {
        Ok(match kind {
            FaultKind::Partition => Deed::Partition(words.take(
                "the shape of a partition, such as leader-alone or bridge (or: cut L | others),",
                |word| word.parse().ok(),
            )?),
            FaultKind::Kill => Deed::Kill(Nodes::read(words, cluster)?),
            FaultKind::Pause => Deed::Pause(Nodes::read(words, cluster)?),
            FaultKind::Member => Deed::Remove(Nodes::read(words, cluster)?),
            FaultKind::Transfer => Deed::Transfer(Nodes::read(words, cluster)?),
            FaultKind::Disk(kind) => {
                let fault = disk_fault(kind, words)?;
                Deed::Disk(fault, Nodes::read(words, cluster)?)
            }
            FaultKind::Clock(kind) => {
                let change = clock_change(kind, words)?;
                Deed::Clock(change, Nodes::read(words, cluster)?)
            }
            FaultKind::Network(kind) => {
                let disturbance = disturbance(kind, words)?;
                Deed::Disturb(disturbance, Between::read(words, cluster)?)
            }
            FaultKind::Process(ProcessKind::Wipe) => Deed::Wipe(Nodes::read(words, cluster)?),
            FaultKind::Process(ProcessKind::SlowCpu) => {
                Deed::SlowCpu(pace(words)?, Nodes::read(words, cluster)?)
            }
            FaultKind::Process(ProcessKind::CrashLoop) => {
                Deed::CrashLoop(millis(words)?, Nodes::read(words, cluster)?)
            }
            FaultKind::Process(ProcessKind::RollingRestart) => {
                Deed::RollingRestart(Nodes::read(words, cluster)?)
            }
            FaultKind::Reconfigure => {
                return wrong(
                    "say who is asked, and who is to vote then, as in: ask L for voters L A B",
                );
            }
        })
    }
}

fn disturbance(kind: NetworkKind, words: &mut Words) -> Result<Disturbance, Wrong> {
    Ok(match kind {
        NetworkKind::Delay => {
            let by_ms = millis(words)?;
            let jitter_ms = match words.peek().and_then(|word| word.strip_prefix('+')) {
                Some(_) => words.take("a time", |word| duration(&word[1..]).and_then(whole_ms))?,
                None => 0,
            };
            Disturbance::Delay { by_ms, jitter_ms }
        }
        NetworkKind::Loss => Disturbance::Loss {
            permille: percent(words)?,
        },
        NetworkKind::Reorder => Disturbance::Reorder {
            permille: percent(words)?,
            by_ms: millis(words)?,
        },
        NetworkKind::Duplicate => Disturbance::Duplicate {
            permille: percent(words)?,
        },
        NetworkKind::Corrupt => Disturbance::Corrupt {
            permille: percent(words)?,
            checksum: Checksum::Broken,
        },
        NetworkKind::CorruptUnnoticed => Disturbance::Corrupt {
            permille: percent(words)?,
            checksum: Checksum::Repaired,
        },
        NetworkKind::Rate => Disturbance::Rate {
            bytes_per_s: number("bytes a second, as in 20000,", words)?,
            burst_bytes: BURST_BYTES,
        },
        NetworkKind::Flap => Disturbance::Flap {
            down_ms: millis(words)?,
            up_ms: millis(words)?,
        },
        NetworkKind::ClientPartition | NetworkKind::LostReplies => {
            return wrong("write \"cut clients | L\", or \"cut L -> clients\" for lost replies");
        }
    })
}

fn disk_fault(kind: DiskKind, words: &mut Words) -> Result<DiskFault, Wrong> {
    Ok(match kind {
        DiskKind::PowerLoss => DiskFault::PowerLoss,
        DiskKind::TornWrite => DiskFault::TornWrite {
            kept_percent: words.take("how much is kept, as in 50%,", |word| {
                let percent = word.strip_suffix('%')?.parse().ok()?;
                (percent <= 100).then_some(percent)
            })?,
            seed: 0,
        },
        DiskKind::Blackout => DiskFault::Blackout,
        DiskKind::Errors => DiskFault::Errors {
            calls: words.take("reads, writes or syncs", |word| match word {
                "reads" => Some(Failing::Reads),
                "writes" => Some(Failing::Writes),
                "syncs" => Some(Failing::Syncs),
                _ => None,
            })?,
        },
        DiskKind::Full => DiskFault::Full,
        DiskKind::Slow => DiskFault::Slow {
            delay_ms: millis(words)?.into(),
        },
        DiskKind::Stuck => DiskFault::Stuck,
        DiskKind::Lie => DiskFault::Lie,
        DiskKind::Misread => DiskFault::Misread {
            one_in: number("one in how many reads, as in 3,", words)?,
        },
        DiskKind::BitFlip => DiskFault::BitFlip {
            bits: number("how many bits, as in 4,", words)?,
            seed: 0,
        },
        DiskKind::Truncate => DiskFault::Truncate { seed: 0 },
    })
}

/// The same, with a choice of its own.
fn reseeded(fault: &DiskFault, rng: &mut impl Rng) -> DiskFault {
    let drawn = rng.random();
    let mut fault = fault.clone();
    match &mut fault {
        DiskFault::TornWrite { seed, .. }
        | DiskFault::BitFlip { seed, .. }
        | DiskFault::Truncate { seed } => *seed = drawn,
        DiskFault::PowerLoss
        | DiskFault::Blackout
        | DiskFault::Errors { .. }
        | DiskFault::Full
        | DiskFault::Slow { .. }
        | DiskFault::Stuck
        | DiskFault::Lie
        | DiskFault::Misread { .. } => {}
    }
    fault
}

fn clock_change(kind: ClockKind, words: &mut Words) -> Result<ClockChange, Wrong> {
    Ok(match kind {
        ClockKind::Jump => ClockChange::Jump {
            offset_ns: offset(words)?,
        },
        ClockKind::Drift => ClockChange::Drift {
            rate_ppb: rate(words)?,
        },
        ClockKind::Strobe => ClockChange::Strobe {
            offset_ns: offset(words)?,
            period_ns: i64::from(millis(words)?) * 1_000_000,
        },
        ClockKind::Monotonic => ClockChange::Monotonic {
            rate_ppb: rate(words)?,
        },
    })
}

/// `30%`: that much of the time a node runs.
fn pace(words: &mut Words) -> Result<Pace, Wrong> {
    let read = |word: &str| {
        let percent: u32 = word.strip_suffix('%')?.parse().ok()?;
        (1..100).contains(&percent).then_some(percent)
    };
    let percent = words.take("how much of the time it runs, as in 30%,", read)?;
    let run_ms = SLOW_PERIOD_MS * percent / 100;
    Ok(Pace {
        run_ms,
        stop_ms: SLOW_PERIOD_MS - run_ms,
    })
}

fn millis(words: &mut Words) -> Result<u32, Wrong> {
    let read = |word: &str| duration(word).and_then(whole_ms).filter(|ms| *ms > 0);
    words.take("a time, as in 300ms,", read)
}

fn whole_ms(time: Duration) -> Option<u32> {
    u32::try_from(time.as_millis()).ok()
}

fn number(what: &str, words: &mut Words) -> Result<u32, Wrong> {
    words.take(what, |word| word.parse().ok().filter(|n: &u32| *n > 0))
}

fn percent(words: &mut Words) -> Result<Permille, Wrong> {
    words.take("a percentage, as in 20%,", |word| {
        let percent: f64 = word.strip_suffix('%')?.parse().ok()?;
        let sensible = percent > 0.0 && percent <= 100.0;
        let permille = sensible.then_some((percent * 10.0).round() as u16)?;
        Permille::new(permille).ok()
    })
}

/// `+2s`, `-300ms`.
fn offset(words: &mut Words) -> Result<i64, Wrong> {
    words.take("how far, as in +2s or -300ms,", |word| {
        let (sign, rest) = signed(word)?;
        let ns = i64::try_from(duration(rest)?.as_nanos()).ok()?;
        Some(sign * ns)
    })
}

/// `+25%`, `-10%`.
fn rate(words: &mut Words) -> Result<i64, Wrong> {
    words.take("how much faster or slower, as in +25% or -10%,", |word| {
        let (sign, rest) = signed(word)?;
        let percent: f64 = rest.strip_suffix('%')?.parse().ok()?;
        let sensible = percent > 0.0 && percent < 100.0;
        sensible.then_some(sign * (percent * 1e7) as i64)
    })
}

fn signed(word: &str) -> Option<(i64, &str)> {
    let positive = word.strip_prefix('+').map(|rest| (1, rest));
    positive.or_else(|| word.strip_prefix('-').map(|rest| (-1, rest)))
}

fn chosen(nodes: &Nodes, scene: Scene<'_>, rng: &mut impl Rng) -> Result<Vec<NodeName>, String> {
    let chosen = nodes.choose(scene, &BTreeSet::new(), rng)?;
    Ok(chosen.into_iter().collect())
}

fn one(nodes: &Nodes, scene: Scene<'_>, rng: &mut impl Rng) -> Result<NodeName, String> {
    let chosen = chosen(nodes, scene, rng)?;
    match <[NodeName; 1]>::try_from(chosen) {
        Ok([node]) => Ok(node),
        Err(several) => Err(format!("{nodes} means {} nodes, not one", several.len())),
    }
}

/// All nodes in a random order.
fn order(scene: Scene<'_>, rng: &mut impl Rng) -> Vec<NodeName> {
    let mut left: Vec<NodeName> = scene.view.nodes.keys().cloned().collect();
    let draw = |_| left.remove(rng.random_range(0..left.len()));
    (0..scene.view.nodes.len()).map(draw).collect()
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}
