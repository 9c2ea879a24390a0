//! Plans for bugs that chance alone hardly ever brings to light: the order of events is that of the bug's story,
//! the times are drawn, so that in some of the worlds they meet the moment that matters.
//!
//! Nodes are numbered from 0, as are the bits of a split; who joins has the next free number.

use std::{ops::Range, time::Duration};

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::super::trouble::{Planned, Rearrange, Trouble, Who};

/// A plan that is being written.
struct Plan {
    rng: ChaCha8Rng,
    at: Duration,
    planned: Vec<Planned>,
}

impl Plan {
    /// A cluster has a leader by then.
    fn new(seed: u64) -> Self {
        Self {
            rng: ChaCha8Rng::seed_from_u64(seed),
            at: Duration::from_millis(500),
            planned: Vec::new(),
        }
    }

    fn ms(&mut self, range: Range<u64>) -> Duration {
        Duration::from_millis(self.rng.random_range(range))
    }

    fn then(&mut self, trouble: Trouble) -> &mut Self {
        self.planned.push((self.at, trouble));
        self
    }

    fn on_election(&mut self, after_ms: Range<u64>, trouble: Trouble) -> &mut Self {
        let after = self.ms(after_ms);
        self.then(Trouble::OnElection(after, Box::new(trouble)))
    }

    fn wait(&mut self, ms: Range<u64>) -> &mut Self {
        let wait = self.ms(ms);
        self.at += wait;
        self
    }

    /// Node 0 leads, if it is well.
    fn led_by_the_first(&mut self) -> &mut Self {
        self.then(Trouble::Transfer(Some(0))).wait(150..250)
    }

    /// All is well for as long as it takes to elect somebody.
    fn calm_down(&mut self) -> &mut Self {
        self.then(Trouble::Mend).wait(500..700)
    }

    fn written(&mut self) -> Vec<Planned> {
        self.then(Trouble::Mend);
        std::mem::take(&mut self.planned)
    }
}

/// Figure 8 of the paper. A leader and one other have entries that the rest lacks; the next leader dies with an
/// entry of its own that nobody else has; one of the first two leads again, and is cut off with the other
/// while it spreads the old entries; then the second comes back and wins.
pub(super) fn figure_8(seed: u64) -> Vec<Planned> {
    let mut plan = Plan::new(seed);
    for _ in 0..3 {
        plan.led_by_the_first().then(Trouble::Split(0b00011));
        let downtime = plan.ms(700..800);
        plan.on_election(15..25, Trouble::Crash(Who::Leader, downtime))
            .wait(430..470)
            .then(Trouble::Mend)
            .on_election(28..65, Trouble::Split(0b00011))
            .wait(900..1_000)
            .calm_down();
    }
    plan.written()
}

/// Single-server changes by two leaders in turn (Ongaro, raft-dev, July 2015). Of four, the first adds a fifth and
/// is cut off with it, so that nobody else knows; the next leader is elected by the other three, of whom one
/// goes down before it has anything of the new term, and removes the first. Then the two who know of
/// five are a majority with the one that went down.
pub(super) fn changes_of_two_leaders(seed: u64) -> Vec<Planned> {
    let mut plan = Plan::new(seed);
    plan.led_by_the_first()
        .then(Trouble::Rearrange(Rearrange::Add))
        .wait(5..45)
        .then(Trouble::Split(0b10001));
    let downtime = Duration::from_millis(350);
    plan.on_election(2..14, Trouble::Crash(Who::Node(3), downtime))
        .wait(140..150);
    for _ in 0..20 {
        let removal = Rearrange::Remove(Who::Node(0));
        plan.then(Trouble::Rearrange(removal)).wait(12..18);
    }
    plan.then(Trouble::Split(0b11001)).wait(900..1_000);
    plan.written()
}

/// A leader that is cut off with one of five removes two of the others, one right after the other: what it
/// then takes for a majority has no node in common with the one on the other side.
pub(super) fn two_removals_at_once(seed: u64) -> Vec<Planned> {
    let mut plan = Plan::new(seed);
    plan.led_by_the_first()
        .then(Trouble::Split(0b00011))
        .wait(1..10);
    for node in [2, 3] {
        let removal = Rearrange::Remove(Who::Node(node));
        plan.then(Trouble::Rearrange(removal)).wait(1..30);
    }
    plan.wait(900..1_000);
    plan.written()
}

/// Of three, two are replaced, and cut off before they know.
pub(super) fn replaced_unawares(seed: u64) -> Vec<Planned> {
    let mut plan = Plan::new(seed);
    plan.then(Trouble::Transfer(Some(2)))
        .wait(150..250)
        .then(Trouble::Rearrange(Rearrange::Replace(2)))
        .wait(5..60)
        .then(Trouble::Split(0b11100))
        .wait(900..1_000);
    plan.written()
}

/// The leader and one other of five are cut off, again and again.
pub(super) fn leader_in_a_minority_of_two(seed: u64) -> Vec<Planned> {
    let mut plan = Plan::new(seed);
    for _ in 0..4 {
        plan.led_by_the_first()
            .then(Trouble::Split(0b00011))
            .wait(500..700)
            .calm_down();
    }
    plan.written()
}

/// A leader is not heard any more, and what is said to it comes so late that it takes old answers for new ones.
pub(super) fn late_answers(seed: u64) -> Vec<Planned> {
    let mut plan = Plan::new(seed);
    for _ in 0..5 {
        let late = plan.ms(450..600);
        plan.then(Trouble::SlowTo(Who::Leader, late))
            .then(Trouble::Mute(Who::Leader))
            .wait(900..1_000)
            .calm_down();
    }
    plan.written()
}

/// A leader sleeps until there is another one, and clients have found that one.
pub(super) fn long_naps(seed: u64) -> Vec<Planned> {
    let mut plan = Plan::new(seed);
    for _ in 0..4 {
        let nap = plan.ms(900..1_600);
        plan.then(Trouble::Nap(Who::Leader, nap)).wait(1_700..1_900);
    }
    plan.written()
}

/// Nobody hears a leader and it hears nobody, and then its wall clock is set back.
pub(super) fn cut_off_and_set_back(seed: u64) -> Vec<Planned> {
    let mut plan = Plan::new(seed);
    for _ in 0..4 {
        let back = plan.ms(500..5_000);
        plan.led_by_the_first()
            .then(Trouble::Isolate(Who::Node(0)))
            .wait(10..200)
            .then(Trouble::WallBack(Who::Node(0), back))
            .wait(600..800)
            .calm_down();
    }
    plan.written()
}

/// What a leader says arrives so late that there is another one by then.
pub(super) fn late_orders(seed: u64) -> Vec<Planned> {
    let mut plan = Plan::new(seed);
    for _ in 0..5 {
        let late = plan.ms(350..600);
        plan.then(Trouble::SlowFrom(Who::Leader, late))
            .wait(700..900)
            .calm_down();
    }
    plan.written()
}
