//! Drawing a schedule from a seed.
//!
//! Each kind of fault has its own ChaCha stream of the seed and its own lane in time, so adding a kind to a run does
//! not move the faults of the others; kinds that are too much alike to overlap share a lane and take turns. What takes
//! nodes down (processes that end and are paused, disks that fail) shares one
//! budget: together they are never more than a minority of the cluster (one, where the cluster is too small to have a
//! minority), but for a blackout, which is of all, and unless more was allowed. Where that leaves too little for a lane
//! each, they take turns in one, as they do where nodes were named, so that no two faults mean the same. A node with a
//! wrong clock or bad links serves like any other and is outside that budget.
//!
//! Where kinds have weights there is one lane for all of them.

mod aim;
mod clock;
mod disk;
mod members;
mod network;
mod process;

use super::lanes::{Window, lane};
use super::selector::{Selector, minority};
use super::targets::{Aim, Targets};
use super::{
    Direction, Fault, FaultKind, Links, Others, Ranges, SCHEDULE_VERSION, Schedule, Step, Target,
};
use crate::NodeName;
use crate::net::Disturbance;
use crate::partition::Shape;
use aim::USUAL;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

/// What a schedule is drawn for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanConfig {
    /// The cluster.
    pub nodes: Vec<NodeName>,
    /// The kinds of fault wanted; order and repetition do not matter.
    pub kinds: Vec<FaultKind>,
    /// Nothing goes wrong before this time.
    pub quiet_start_ns: u64,
    /// Length of the run: every fault ends before it, by [`Spans::quiet_end_ns`].
    pub time_limit_ns: u64,
    /// Lengths of faults and pauses between them.
    pub spans: Spans,
    /// What else was chosen.
    pub preferences: Preferences,
}

/// How faults shall differ from the usual.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preferences {
    /// Whom they hit.
    pub targets: Targets,
    /// How often each kind comes, in proportion to the others, on one timeline; kinds without a weight have 1. Where there
    /// are no weights at all, each kind has a timeline of its own.
    pub weights: BTreeMap<FaultKind, u32>,
    /// How strong they are.
    pub ranges: Ranges,
}

/// Lengths, in nanoseconds; each range includes both ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spans {
    /// Shortest fault.
    pub fault_min_ns: u64,
    /// Longest fault.
    pub fault_max_ns: u64,
    /// Shortest quiet time between two faults of a kind.
    pub quiet_min_ns: u64,
    /// Longest quiet time between two faults of a kind.
    pub quiet_max_ns: u64,
    /// Quiet time at the end of the run.
    pub quiet_end_ns: u64,
}

const MS: u64 = 1_000_000;

impl Default for Spans {
    /// Faults of 1.5 to 3 s, long enough for an election, and 1 to 1.5 s between them, long enough to recover: at
    /// least five partitions in a run of 30 s.
    fn default() -> Spans {
        Spans {
            fault_min_ns: 1_500 * MS,
            fault_max_ns: 3_000 * MS,
            quiet_min_ns: 1_000 * MS,
            quiet_max_ns: 1_500 * MS,
            quiet_end_ns: 500 * MS,
        }
    }
}

/// Draws the schedule of a run. The same arguments give the same schedule.
pub fn plan(seed: u64, config: &PlanConfig) -> Schedule {
    let mut planner = Planner {
        seed,
        config,
        timeline: timeline(seed, config),
        taken: Vec::new(),
    };
    let mut faults = planner.partitions();
    faults.extend(planner.node_faults());
    faults.extend(planner.blackouts());
    faults.extend(planner.transfers());
    faults.extend(planner.slow_nodes());
    faults.extend(planner.clock_faults());
    faults.extend(planner.network_faults());
    faults.sort_by_key(|(window, _)| (window.start_ns, window.kind));
    let steps = (1..).zip(faults).map(|(id, (window, fault))| Step {
        id,
        start_ns: window.start_ns,
        stop_ns: window.stop_ns,
        fault,
    });
    Schedule {
        version: SCHEDULE_VERSION,
        seed,
        steps: steps.collect(),
    }
}

struct Planner<'a> {
    seed: u64,
    config: &'a PlanConfig,
    /// The only lane there is, where kinds have weights.
    timeline: Option<Vec<Window>>,
    /// The process faults placed so far.
    taken: Vec<(Window, Target)>,
}

/// The stream that says when something happens on the only timeline, and the one that says what.
const TIMELINE: [u64; 2] = [90, 91];

fn timeline(seed: u64, config: &PlanConfig) -> Option<Vec<Window>> {
    let weights = &config.preferences.weights;
    let fits = |kind: &&FaultKind| kind.min_nodes() <= config.nodes.len();
    let mut kinds: Vec<FaultKind> = config.kinds.iter().filter(fits).copied().collect();
    kinds.sort_unstable();
    kinds.dedup();
    if weights.is_empty() || kinds.is_empty() {
        return (!weights.is_empty()).then(Vec::new);
    }
    let weight = |kind: &FaultKind| weights.get(kind).map_or(1, |weight| *weight as usize);
    let cards = kinds
        .iter()
        .flat_map(|kind| std::iter::repeat_n(*kind, weight(kind)));
    let [mut when, mut what] = TIMELINE.map(|number| stream(seed, number));
    let mut deck = Deck::new(shuffled(cards.collect(), &mut what));
    Some(lane(&mut when, config, || deck.draw(&mut what)))
}

fn stream(seed: u64, number: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(number);
    rng
}

impl Planner<'_> {
    /// The windows of `kinds`, which take turns in a lane of their own, or those that they have on the only timeline.
    fn lane(&self, rng: &mut ChaCha8Rng, kinds: &[FaultKind]) -> Vec<Window> {
        let mut turns = kinds.iter().copied().cycle();
        match &self.timeline {
            Some(windows) => {
                let own = windows.iter().filter(|window| kinds.contains(&window.kind));
                own.copied().collect()
            }
            None => lane(rng, self.config, || {
                turns.next().expect("a lane is asked for with its kinds")
            }),
        }
    }

    fn partitions(&self) -> Vec<(Window, Fault)> {
        if !self.wants(FaultKind::Partition) || self.config.nodes.len() < 2 {
            return Vec::new();
        }
        let mut rng = self.rng(FaultKind::Partition);
        let mut deck = Deck::new(self.sides(&mut rng));
        let windows = self.lane(&mut rng, &[FaultKind::Partition]);
        let draw = |window| {
            let fault = match deck.draw(&mut rng) {
                Aim::Shape(shape) => {
                    let order = shuffled(self.config.nodes.clone(), &mut rng);
                    Fault::Partition { shape, order }
                }
                Aim::Nodes(selector) => self.cut_off(&selector, &mut rng),
            };
            (window, fault)
        };
        windows.into_iter().map(draw).collect()
    }

    fn cut_off(&self, selector: &Selector, rng: &mut ChaCha8Rng) -> Fault {
        // Somebody has to be left to be cut off from.
        let of = match (selector, self.picked(selector, rng)) {
            (Selector::Random, Target::Nodes(mut nodes)) => {
                nodes.truncate(self.config.nodes.len() - 1);
                Target::Nodes(nodes)
            }
            (_, of) => of,
        };
        Fault::Network {
            disturbance: Disturbance::Cut,
            links: Links {
                of,
                with: Others::Rest,
                direction: Direction::Both,
            },
        }
    }

    /// What partitions aim at, in random order.
    fn sides(&self, rng: &mut ChaCha8Rng) -> Vec<Aim> {
        match self.config.preferences.targets.of(FaultKind::Partition) {
            Some(chosen) => shuffled(chosen, rng),
            None => self.shapes(rng).into_iter().map(Aim::Shape).collect(),
        }
    }

    /// The shapes that fit the cluster, shuffled, with the leader cut off among the first three: a short run must not
    /// miss the shape that forces an election.
    fn shapes(&self, rng: &mut ChaCha8Rng) -> Vec<Shape> {
        let mut shapes: Vec<Shape> = Shape::USUAL.to_vec();
        shapes.retain(|shape| shape.min_nodes() <= self.config.nodes.len());
        shapes.shuffle(rng);
        let early = rng.random_range(0..3);
        let seat = shapes
            .iter()
            .position(|shape| *shape == Shape::LeaderAlone)
            .expect("every cluster of two nodes or more can have its leader cut off");
        if seat >= 3 {
            shapes.swap(seat, early);
        }
        shapes
    }

    /// Processes that end and are paused, disks that fail, and members that change.
    fn node_faults(&mut self) -> Vec<(Window, Fault)> {
        let mut kinds = self.ending_kinds();
        if self.wants(FaultKind::Pause) && !self.config.nodes.is_empty() {
            kinds.push(FaultKind::Pause);
        }
        let with_rng = |kind: &FaultKind| (*kind, self.rng(*kind));
        let mut rngs: Vec<_> = kinds.iter().map(with_rng).collect();
        let windows = self.node_windows(&mut rngs);
        let mut faults = self.process_faults(&windows, &mut rngs);
        faults.extend(self.disk_faults(&windows));
        faults.extend(self.changes(&windows));
        faults
    }

    /// Gives each of the `windows` of `kind` its target.
    fn aimed(
        &mut self,
        kind: FaultKind,
        windows: &[Window],
        rng: &mut ChaCha8Rng,
        fault: fn(Target, &Window, &mut ChaCha8Rng) -> Fault,
    ) -> Vec<(Window, Fault)> {
        let mut deck = self.aims(kind, &USUAL, rng);
        let mut faults = Vec::new();
        for window in windows.iter().filter(|window| window.kind == kind) {
            let budget = self.budget(window, windows);
            let target = self.target(&deck.draw(rng), budget, window, rng);
            self.taken.push((*window, target.clone()));
            faults.push((*window, fault(target, window, rng)));
        }
        faults
    }

    /// One lane for what ends processes, one for pauses and one for disks; a single lane in which they take turns where the
    /// budget has no room for a node of each.
    fn node_windows(&self, rngs: &mut [(FaultKind, ChaCha8Rng)]) -> Vec<Window> {
        let disks = self.disk_kinds();
        let of_processes = rngs.iter().map(|(kind, _)| *kind);
        let all: Vec<FaultKind> = of_processes.chain(disks).collect();
        if self.must_take_turns(&all)
            && let Some((_, rng)) = rngs.first_mut()
        {
            return self.lane(rng, &all);
        }
        let mut windows = Vec::new();
        for number in [0, 1] {
            let kinds = all.iter().copied().filter(|kind| kind.lane() == number);
            let kinds: Vec<FaultKind> = kinds.collect();
            // The first of them says when.
            if let Some((_, rng)) = rngs
                .iter_mut()
                .find(|(kind, _)| kinds.first() == Some(kind))
            {
                windows.extend(self.lane(rng, &kinds));
            }
        }
        windows.into_iter().chain(self.disk_lane()).collect()
    }

    /// Whether one lane is all there is room for: where the largest faults of a lane each are more than a minority together,
    /// or could be of the same nodes.
    fn must_take_turns(&self, kinds: &[FaultKind]) -> bool {
        let of_lane = |number: u8| kinds.iter().filter(move |kind| kind.lane() == number);
        let largest = |number| of_lane(number).map(|kind| self.least(*kind)).max();
        let sizes: Vec<usize> = (0..LANES).filter_map(largest).collect();
        let named = kinds.iter().any(|kind| self.names_nodes(*kind));
        let crowded = sizes.iter().sum::<usize>() > self.minority() || named && sizes.len() > 1;
        crowded && !self.beyond_minority()
    }

    /// How many processes `window` may take: the minority, less what overlapping faults of each other lane have taken, or less
    /// the least they need where these are still to be drawn.
    fn budget(&self, window: &Window, all: &[Window]) -> usize {
        if self.beyond_minority() {
            return self.config.nodes.len();
        }
        let in_lane = |number: u8| {
            let of_lane = move |other: &Window| other.kind.lane() == number;
            let taken = self.taken.iter().filter(move |(other, _)| of_lane(other));
            let placed = taken.filter(|(other, _)| other.overlaps(window));
            let size = placed.map(|(_, target)| target.size()).max();
            let open = all.iter().filter(|other| of_lane(other));
            let open = open.filter(|other| other.overlaps(window));
            let least = open.map(|other| self.least(other.kind)).max();
            size.or(least).unwrap_or(0)
        };
        let others = (0..LANES).filter(|number| *number != window.kind.lane());
        let spent: usize = others.map(in_lane).sum();
        // Where three overlap in pairs only, each may have the least it needs.
        let left = self.minority().saturating_sub(spent);
        left.max(self.least(window.kind))
    }

    fn minority(&self) -> usize {
        minority(self.config.nodes.len())
    }

    fn wants(&self, kind: FaultKind) -> bool {
        self.config.kinds.contains(&kind)
    }

    fn rng(&self, kind: FaultKind) -> ChaCha8Rng {
        stream(self.seed, kind.stream())
    }
}

/// Lanes of faults that take nodes down.
const LANES: u8 = 3;

impl FaultKind {
    /// The lane in which faults of this kind come one after another; only of those that take nodes down it is asked.
    fn lane(self) -> u8 {
        match self {
            FaultKind::Disk(_) => 2,
            FaultKind::Pause => 1,
            FaultKind::Kill
            | FaultKind::Process(_)
            | FaultKind::Partition
            | FaultKind::Member
            | FaultKind::Reconfigure
            | FaultKind::Transfer
            | FaultKind::Clock(_)
            | FaultKind::Network(_) => 0,
        }
    }
}

/// Cards dealt one by one; each comes once before any comes again.
struct Deck<T> {
    cards: Vec<T>,
    dealt: usize,
}

impl<T: Clone> Deck<T> {
    fn new(cards: Vec<T>) -> Deck<T> {
        Deck { cards, dealt: 0 }
    }

    fn draw(&mut self, rng: &mut ChaCha8Rng) -> T {
        if self.dealt == self.cards.len() {
            self.cards.shuffle(rng);
            self.dealt = 0;
        }
        self.dealt += 1;
        self.cards[self.dealt - 1].clone()
    }
}

fn shuffled<T>(mut items: Vec<T>, rng: &mut ChaCha8Rng) -> Vec<T> {
    items.shuffle(rng);
    items
}
