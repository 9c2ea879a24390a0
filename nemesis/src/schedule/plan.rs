//! Drawing a schedule from a seed.
//!
//! Each kind of fault has its own ChaCha stream of the seed and its own lane in time, so adding a kind to a run does
//! not move the faults of the others. What takes nodes down (killed and paused processes, disks that fail) shares one
//! budget: together they are never more than a minority of the cluster (one, where the cluster is too small to have a
//! minority), but for a blackout, which is of all. Where that leaves too little for a lane each, they take turns in one.

mod clock;
mod disk;

mod network;

use super::lanes::{Window, lane};
use super::{Fault, FaultKind, SCHEDULE_VERSION, Schedule, Step, Target};
use crate::NodeName;
use crate::partition::Shape;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

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
        taken: Vec::new(),
    };
    let mut faults = planner.partitions();
    faults.extend(planner.node_faults());
    faults.extend(planner.blackouts());
    faults.extend(planner.changes());
    faults.extend(planner.transfers());
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
    /// The process faults placed so far.
    taken: Vec<(Window, Target)>,
}

impl Planner<'_> {
    fn partitions(&self) -> Vec<(Window, Fault)> {
        if !self.wants(FaultKind::Partition) || self.config.nodes.len() < 2 {
            return Vec::new();
        }
        let mut rng = self.rng(FaultKind::Partition);
        let mut deck = Deck::new(self.shapes(&mut rng));
        let windows = lane(&mut rng, self.config, &[FaultKind::Partition]);
        let draw = |window| {
            let shape = deck.draw(&mut rng);
            let mut order = self.config.nodes.clone();
            order.shuffle(&mut rng);
            (window, Fault::Partition { shape, order })
        };
        windows.into_iter().map(draw).collect()
    }

    /// The shapes that fit the cluster, shuffled, with the leader cut off among the first three: a short run must not
    /// miss the shape that forces an election.
    fn shapes(&self, rng: &mut ChaCha8Rng) -> Vec<Shape> {
        let mut shapes: Vec<Shape> = Shape::ALL.to_vec();
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

    /// Processes killed and paused, and disks that fail.
    fn node_faults(&mut self) -> Vec<(Window, Fault)> {
        let mut rngs = [FaultKind::Kill, FaultKind::Pause].map(|kind| (kind, self.rng(kind)));
        let windows = self.node_windows(&mut rngs);
        let [(_, kills), (_, pauses)] = &mut rngs;
        let mut faults = self.aimed(FaultKind::Kill, &windows, kills, |target| Fault::Kill {
            target,
        });
        faults.extend(
            self.aimed(FaultKind::Pause, &windows, pauses, |target| Fault::Pause {
                target,
            }),
        );
        faults.extend(self.disk_faults(&windows));
        faults
    }

    /// Gives each of the `windows` of `kind` its target.
    fn aimed(
        &mut self,
        kind: FaultKind,
        windows: &[Window],
        rng: &mut ChaCha8Rng,
        fault: fn(Target) -> Fault,
    ) -> Vec<(Window, Fault)> {
        let mut deck = Deck::new(shuffled(Aim::ALL.to_vec(), rng));
        let mut faults = Vec::new();
        for window in windows.iter().filter(|window| window.kind == kind) {
            let budget = self.budget(window, windows);
            let target = self.target(deck.draw(rng), budget, window, rng);
            self.taken.push((*window, target.clone()));
            faults.push((*window, fault(target)));
        }
        faults
    }

    /// One node at a time leaves and comes back; every third is the leader.
    fn changes(&self) -> Vec<(Window, Fault)> {
        if !self.wants(FaultKind::Member) || self.config.nodes.len() < 2 {
            return Vec::new();
        }
        let mut rng = self.rng(FaultKind::Member);
        let mut aims = Deck::new(shuffled(vec![Aim::Leader, Aim::One, Aim::One], &mut rng));
        let windows = lane(&mut rng, self.config, &[FaultKind::Member]);
        let draw = |window| {
            let target = match aims.draw(&mut rng) {
                Aim::Leader => Target::Leader,
                Aim::One | Aim::Minority => Target::Nodes(vec![self.any_node(&mut rng)]),
            };
            (window, Fault::Member { target })
        };
        windows.into_iter().map(draw).collect()
    }

    fn transfers(&self) -> Vec<(Window, Fault)> {
        if !self.wants(FaultKind::Transfer) || self.config.nodes.len() < 2 {
            return Vec::new();
        }
        let mut rng = self.rng(FaultKind::Transfer);
        let windows = lane(&mut rng, self.config, &[FaultKind::Transfer]);
        let draw = |window| {
            let to = self.any_node(&mut rng);
            (window, Fault::Transfer { to })
        };
        windows.into_iter().map(draw).collect()
    }

    fn any_node(&self, rng: &mut ChaCha8Rng) -> NodeName {
        let nodes = &self.config.nodes;
        nodes[rng.random_range(0..nodes.len())].clone()
    }

    /// One lane per kind of process fault and one for disks; a single lane in which they take turns where the budget has
    /// no room for a node of each.
    fn node_windows(&self, rngs: &mut [(FaultKind, ChaCha8Rng); 2]) -> Vec<Window> {
        let wanted = |kind: FaultKind| self.wants(kind) && !self.config.nodes.is_empty();
        let mut kinds: Vec<FaultKind> = rngs
            .iter()
            .map(|(kind, _)| *kind)
            .filter(|kind| wanted(*kind))
            .collect();
        let mut lanes = rngs.iter_mut().filter(|(kind, _)| wanted(*kind));
        let disks = self.disk_kinds();
        if kinds.len() + usize::from(!disks.is_empty()) > self.minority()
            && let Some((_, rng)) = lanes.next()
        {
            kinds.extend(disks);
            return lane(rng, self.config, &kinds);
        }
        let processes = lanes.flat_map(|(kind, rng)| lane(rng, self.config, &[*kind]));
        processes.chain(self.disk_lane()).collect()
    }

    /// How many processes `window` may take: the minority, less what overlapping faults of each other lane have taken, or less
    /// one where these are still to be drawn.
    fn budget(&self, window: &Window, all: &[Window]) -> usize {
        let in_lane = |number: u8| {
            let of_lane = move |other: &Window| other.kind.lane() == number;
            let taken = self.taken.iter().filter(move |(other, _)| of_lane(other));
            let placed = taken.filter(|(other, _)| other.overlaps(window));
            let size = placed.map(|(_, target)| target.size()).max();
            let mut open = all.iter().filter(|other| of_lane(other));
            size.unwrap_or(usize::from(open.any(|other| other.overlaps(window))))
        };
        let others = (0..LANES).filter(|number| *number != window.kind.lane());
        let spent: usize = others.map(in_lane).sum();
        // Where three overlap in pairs only, each may have one.
        self.minority().saturating_sub(spent).max(1)
    }

    fn target(&self, aim: Aim, budget: usize, window: &Window, rng: &mut ChaCha8Rng) -> Target {
        let free = shuffled(self.config.nodes.clone(), rng);
        let busy: Vec<&NodeName> = self.overlapping(window).flat_map(Target::named).collect();
        let free = free.into_iter().filter(|node| !busy.contains(&node));
        match aim {
            Aim::Leader => Target::Leader,
            Aim::One => Target::Nodes(free.take(1).collect()),
            Aim::Minority => {
                let mut nodes: Vec<NodeName> = free.take(budget).collect();
                nodes.sort();
                Target::Nodes(nodes)
            }
        }
    }

    fn overlapping<'s>(&'s self, window: &Window) -> impl Iterator<Item = &'s Target> {
        let window = *window;
        let hits = self.taken.iter();
        hits.filter(move |(other, _)| other.kind != window.kind && other.overlaps(&window))
            .map(|(_, target)| target)
    }

    fn minority(&self) -> usize {
        (self.config.nodes.len().saturating_sub(1) / 2).max(1)
    }

    fn wants(&self, kind: FaultKind) -> bool {
        self.config.kinds.contains(&kind)
    }

    fn rng(&self, kind: FaultKind) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(kind.stream());
        rng
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
            | FaultKind::Partition
            | FaultKind::Member
            | FaultKind::Transfer
            | FaultKind::Clock(_)
            | FaultKind::Network(_) => 0,
        }
    }
}

impl Target {
    fn named(&self) -> &[NodeName] {
        match self {
            Target::Leader => &[],
            Target::Nodes(nodes) => nodes,
        }
    }
}

/// What a process fault aims at, before names are drawn.
#[derive(Clone, Copy)]
enum Aim {
    Leader,
    One,
    Minority,
}

impl Aim {
    const ALL: [Aim; 3] = [Aim::Leader, Aim::One, Aim::Minority];
}

/// Cards dealt one by one; each comes once before any comes again.
struct Deck<T> {
    cards: Vec<T>,
    dealt: usize,
}

impl<T: Copy> Deck<T> {
    fn new(cards: Vec<T>) -> Deck<T> {
        Deck { cards, dealt: 0 }
    }

    fn draw(&mut self, rng: &mut ChaCha8Rng) -> T {
        if self.dealt == self.cards.len() {
            self.cards.shuffle(rng);
            self.dealt = 0;
        }
        self.dealt += 1;
        self.cards[self.dealt - 1]
    }
}

fn shuffled<T>(mut items: Vec<T>, rng: &mut ChaCha8Rng) -> Vec<T> {
    items.shuffle(rng);
    items
}
