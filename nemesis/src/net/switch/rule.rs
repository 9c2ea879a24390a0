//! One disturbance at work on one link: what becomes of each packet.
//!
//! **The bottleneck.** A token bucket of rate *R* and burst *B* that starts full, as a virtual clock (Turner's leaky bucket
//! as a meter; GCRA of ITU-T I.371): `busy_until` is the time at which the bucket would be full again. A packet of *L* bytes
//! that comes at *t* moves it to `max(busy_until, t) + L/R` and leaves at `max(t, busy_until - B/R)`. Between any two
//! departures *d* ≤ *e* then lie at most `max(B, L) + R·(e - d)` bytes, the first packet included: each packet moves
//! `busy_until` by at least *L/R*; after the last it is at most `e + B/R`; before the first, with *L* ≤ *B*, at least *d*.

use super::packet;
use crate::net::disturbance::{Checksum, Disturbance, LONGEST_QUEUE_MS, RuleId, Tally};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::time::Duration;

/// A disturbance on one link, with its own random numbers and its own counters.
pub(super) struct Rule {
    pub(super) id: RuleId,
    pub(super) disturbance: Disturbance,
    pub(super) tally: Tally,
    rng: ChaCha8Rng,
    since: Duration,
    /// For a delay: when the last packet arrives. For a bottleneck: when its bucket is full again.
    busy_until: Duration,
}

/// A packet on its way over a link.
pub(super) struct Passage {
    /// When it leaves the link.
    pub(super) due: Duration,
    /// How often it does.
    pub(super) copies: u8,
    /// What changed it or holds it up.
    pub(super) hit_by: Vec<RuleId>,
}

impl Passage {
    pub(super) fn starting(now: Duration) -> Passage {
        Passage {
            due: now,
            copies: 1,
            hit_by: Vec::new(),
        }
    }

    fn wait_until(&mut self, due: Duration) -> bool {
        let waits = due > self.due;
        self.due = self.due.max(due);
        waits
    }
}

impl Rule {
    /// Begins at `now`. The same seed and link number draw the same decisions for the same packets.
    pub(super) fn new(
        id: RuleId,
        disturbance: Disturbance,
        (seed, link): (u64, u32),
        now: Duration,
    ) -> Rule {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        // Streams below 2^32 belong to schedules.
        rng.set_stream((u64::from(id.0) + 1) << 32 | u64::from(link));
        Rule {
            id,
            disturbance,
            tally: Tally::default(),
            rng,
            since: now,
            busy_until: now,
        }
    }

    /// Whether nothing passes at this time.
    pub(super) fn cuts(&self, now: Duration) -> bool {
        match self.disturbance {
            Disturbance::Cut => true,
            Disturbance::Flap { down_ms, up_ms } => self.phase(now, down_ms, up_ms) < ms(down_ms),
            Disturbance::Loss { .. }
            | Disturbance::Duplicate { .. }
            | Disturbance::Corrupt { .. }
            | Disturbance::Rate { .. }
            | Disturbance::Delay { .. }
            | Disturbance::Reorder { .. } => false,
        }
    }

    /// When the link is up again, if it is down now and that can be told.
    pub(super) fn up_at(&self, now: Duration) -> Option<Duration> {
        let Disturbance::Flap { down_ms, up_ms } = self.disturbance else {
            return None;
        };
        let phase = self.phase(now, down_ms, up_ms);
        (phase < ms(down_ms)).then(|| now + ms(down_ms) - phase)
    }

    /// Whether packets may wait for it.
    pub(super) fn holds_up(&self) -> bool {
        match self.disturbance {
            Disturbance::Rate { .. } | Disturbance::Delay { .. } | Disturbance::Reorder { .. } => {
                true
            }
            Disturbance::Cut
            | Disturbance::Flap { .. }
            | Disturbance::Loss { .. }
            | Disturbance::Duplicate { .. }
            | Disturbance::Corrupt { .. } => false,
        }
    }

    /// Whether it is down for a packet that comes now, counted; false for what is never down.
    pub(super) fn stops(&mut self, now: Duration) -> bool {
        let down = self.cuts(now);
        self.tally.seen += u64::from(self.is_cut());
        self.tally.hit += u64::from(down);
        down
    }

    /// Lets a packet through, changed or later, or (false) not. Whether it is down is not asked here.
    pub(super) fn pass(&mut self, packet: &mut [u8], passage: &mut Passage) -> bool {
        if self.is_cut() {
            return true;
        }
        self.tally.seen += 1;
        let lost = self.swallows(passage.due);
        let hit = lost || self.acts(packet, passage);
        if hit {
            passage.hit_by.push(self.id);
        }
        // Who was really overtaken is only known when it arrives.
        let known = !matches!(self.disturbance, Disturbance::Reorder { .. });
        self.tally.hit += u64::from(known && hit);
        !lost
    }

    /// A packet it held up has arrived.
    pub(super) fn arrived(&mut self, waited: Duration) {
        self.tally.waited_us += u64::try_from(waited.as_micros()).unwrap_or(u64::MAX);
    }

    /// A packet has arrived that one behind it had overtaken.
    pub(super) fn was_overtaken(&mut self) {
        let reorders = matches!(self.disturbance, Disturbance::Reorder { .. });
        self.tally.hit += u64::from(reorders);
    }

    fn is_cut(&self) -> bool {
        matches!(
            self.disturbance,
            Disturbance::Cut | Disturbance::Flap { .. }
        )
    }

    fn swallows(&mut self, now: Duration) -> bool {
        match self.disturbance {
            Disturbance::Loss { permille } => permille.happens(&mut self.rng),
            Disturbance::Rate {
                bytes_per_s,
                burst_bytes,
            } => {
                let full_for = self.busy_until.saturating_sub(now);
                let queue = full_for.saturating_sub(time_of(burst_bytes.into(), bytes_per_s));
                queue > Duration::from_millis(LONGEST_QUEUE_MS)
            }
            Disturbance::Cut
            | Disturbance::Flap { .. }
            | Disturbance::Duplicate { .. }
            | Disturbance::Corrupt { .. }
            | Disturbance::Delay { .. }
            | Disturbance::Reorder { .. } => false,
        }
    }

    fn acts(&mut self, packet: &mut [u8], passage: &mut Passage) -> bool {
        match self.disturbance {
            Disturbance::Cut | Disturbance::Flap { .. } | Disturbance::Loss { .. } => false,
            Disturbance::Duplicate { permille } => {
                let twice = permille.happens(&mut self.rng);
                passage.copies += u8::from(twice);
                twice
            }
            Disturbance::Corrupt { permille, checksum } => {
                let chosen = permille.happens(&mut self.rng);
                let bit = self.rng.random();
                chosen
                    && match checksum {
                        Checksum::Broken => packet::flip_bit(packet, bit),
                        Checksum::Repaired => packet::flip_bit_unnoticed(packet, bit),
                    }
            }
            Disturbance::Rate {
                bytes_per_s,
                burst_bytes,
            } => {
                let busy_from = self.busy_until.max(passage.due);
                self.busy_until = busy_from + time_of(packet.len() as u64, bytes_per_s);
                let burst = time_of(burst_bytes.into(), bytes_per_s);
                let leaves = self.busy_until.saturating_sub(burst);
                passage.wait_until(leaves)
            }
            Disturbance::Delay { by_ms, jitter_ms } => {
                let extra = self.rng.random_range(0..=u64::from(jitter_ms) * 1_000_000);
                let arrives = passage.due + ms(by_ms) + Duration::from_nanos(extra);
                self.busy_until = self.busy_until.max(arrives);
                passage.wait_until(self.busy_until)
            }
            Disturbance::Reorder { permille, by_ms } => {
                permille.happens(&mut self.rng) && passage.wait_until(passage.due + ms(by_ms))
            }
        }
    }

    fn phase(&self, now: Duration, down_ms: u32, up_ms: u32) -> Duration {
        let period = (ms(down_ms) + ms(up_ms)).max(Duration::from_millis(1));
        let phase = now.saturating_sub(self.since).as_nanos() % period.as_nanos();
        Duration::from_nanos(u64::try_from(phase).expect("a period is at most 2^33 ms"))
    }
}

fn ms(count: u32) -> Duration {
    Duration::from_millis(u64::from(count))
}

fn time_of(bytes: u64, bytes_per_s: u32) -> Duration {
    Duration::from_nanos(bytes * 1_000_000_000 / u64::from(bytes_per_s.max(1)))
}
