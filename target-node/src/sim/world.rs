//! Events in virtual time: the network, the disks, crashes and clients, all from one seed.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::{
    Violation,
    client::{Client, KEYS},
    law::{Law, Positions},
    node::{OnDisk, Output, Running, Waiting},
    oracle::{Ended, Oracle},
};
use crate::{
    bug::{Bug, BugSet},
    log::sim_disk::SimDisk,
    raft::{Addresses, Config, Membership, Message, NodeId, Role},
    replica::{Event, SnapshotRule, Task},
};

/// What kind of world it is.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) seed: u64,
    pub(super) nodes: usize,
    pub(super) clients: usize,
    pub(super) bugs: BugSet,
    /// How long bad things happen, before all heals.
    pub(super) storm: Duration,
    /// Chance that a message is lost.
    pub(super) loss: f64,
    /// Leaders crash all the time, timeouts are close together, and in most elections a node
    /// crashes for a moment: votes are split, and voters restart while they are asked.
    pub(super) contested: bool,
    pub(super) snapshots: SnapshotRule,
    pub(super) retained_entries: u64,
}

impl Settings {
    pub(super) fn new(seed: u64, nodes: usize) -> Self {
        Self {
            seed,
            nodes,
            clients: 4,
            bugs: BugSet::default(),
            storm: Duration::from_secs(4),
            loss: if seed.is_multiple_of(3) { 0.1 } else { 0.0 },
            contested: false,
            snapshots: SnapshotRule {
                // After every entry in some worlds, so that a log hardly ever has a beginning.
                bytes_min: [0, 300, 3_000][usize_of(seed % 3)],
                factor: u64::from(seed.is_multiple_of(2)),
            },
            retained_entries: [0, 3, 20][usize_of(seed / 3 % 3)],
        }
    }

    pub(super) fn with_bug(mut self, bug: Bug) -> Self {
        self.bugs = [bug].into_iter().collect();
        self
    }
}

/// What a world has seen; a world in which little happened proves little.
#[derive(Debug, Default)]
pub(super) struct Story {
    pub(super) events: u64,
    pub(super) crashes: u64,
    pub(super) cuts: u64,
    pub(super) elections: u64,
    pub(super) operations: u64,
    pub(super) committed: usize,
    /// Snapshots that nodes stored of their own state.
    pub(super) stored: u64,
    /// Snapshots that nodes received and took over.
    pub(super) installed: u64,
}

/// Something on the agenda.
#[derive(Debug)]
pub(super) enum Happening {
    Tick {
        node: usize,
        life: u64,
    },
    DiskDone {
        node: usize,
        life: u64,
    },
    Deliver {
        from: usize,
        to: usize,
        message: Message,
    },
    Request {
        node: usize,
        waiting: Waiting,
    },
    Reply {
        waiting: Waiting,
        ended: Ended,
    },
    /// The client begins an operation, or gives up on the one of this number.
    Client {
        client: usize,
        number: u64,
    },
    Trouble,
    /// Power loss, for a moment.
    Crash {
        node: usize,
    },
    /// The keeper of snapshots gets to a task.
    Keep {
        node: usize,
        life: u64,
        task: Task,
    },
    Restart {
        node: usize,
    },
}

/// Where a node lives, running or not.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) id: NodeId,
    /// Counts starts, so that events for an earlier life are recognised.
    pub(super) life: u64,
    pub(super) running: Option<Running>,
    pub(super) disk: SimDisk,
    pub(super) on_disk: OnDisk,
    pub(super) tick_at: Duration,
    /// A suspended node handles nothing before this.
    pub(super) asleep_until: Duration,
}

/// A cluster with its clients.
#[derive(Debug)]
pub(super) struct World {
    pub(super) settings: Settings,
    pub(super) rng: ChaCha8Rng,
    pub(super) now: Duration,
    pub(super) agenda: BTreeMap<(Duration, u64), Happening>,
    pub(super) scheduled: u64,
    pub(super) places: Vec<Place>,
    pub(super) clients: Vec<Client>,
    pub(super) values: u64,
    /// Directed links that are cut.
    pub(super) cuts: BTreeSet<(usize, usize)>,
    pub(super) law: Law,
    pub(super) oracle: Oracle,
    pub(super) story: Story,
}

impl World {
    /// Lives through a storm and the calm after it.
    pub(super) fn run(settings: Settings) -> Result<Story, Violation> {
        let mut world = Self::new(settings);
        world.live_until(world.settings.storm)?;
        world.heal();
        let calm = world.settings.storm + Duration::from_secs(2);
        world.live_until(calm)?;
        let before = world.oracle.finished;
        world.live_until(calm + Duration::from_millis(500))?;
        world.check_progress(before)?;
        world.clients.clear();
        world.live_until(calm + Duration::from_secs(1))?;
        world.check_agreement()?;
        world.oracle.on_quiet(&world.law)?;
        world.story.operations = world.oracle.finished;
        world.story.committed = world.law.committed.len();
        world.story.installed = world.law.installed;
        Ok(world.story)
    }

    fn new(settings: Settings) -> Self {
        let place = |number: usize| Place {
            id: NodeId::new(&format!("n{number}")),
            life: 0,
            running: None,
            disk: SimDisk::default(),
            on_disk: OnDisk::default(),
            tick_at: Duration::ZERO,
            asleep_until: Duration::ZERO,
        };
        let client = |number| Client {
            number: 0,
            node: number % settings.nodes,
            last_seen: [0; KEYS],
        };
        let mut world = Self {
            rng: ChaCha8Rng::seed_from_u64(settings.seed),
            now: Duration::ZERO,
            agenda: BTreeMap::new(),
            scheduled: 0,
            places: (0..settings.nodes).map(place).collect(),
            clients: (0..settings.clients).map(client).collect(),
            values: 0,
            cuts: BTreeSet::new(),
            law: Law::default(),
            oracle: Oracle::default(),
            story: Story::default(),
            settings,
        };
        for node in 0..world.places.len() {
            world.start(node);
        }
        for client in 0..world.clients.len() {
            world.schedule(
                Duration::from_millis(300),
                Happening::Client { client, number: 0 },
            );
        }
        world.schedule(Duration::from_millis(500), Happening::Trouble);
        world
    }

    pub(super) fn schedule(&mut self, after: Duration, what: Happening) {
        self.scheduled += 1;
        self.agenda.insert((self.now + after, self.scheduled), what);
    }

    pub(super) fn micros(&mut self, range: std::ops::Range<u64>) -> Duration {
        Duration::from_micros(self.rng.random_range(range))
    }

    fn live_until(&mut self, end: Duration) -> Result<(), Violation> {
        while let Some(entry) = self.agenda.first_entry() {
            if entry.key().0 > end {
                break;
            }
            let ((at, _), what) = entry.remove_entry();
            self.now = at;
            self.story.events += 1;
            self.happen(what)?;
        }
        self.now = end;
        Ok(())
    }

    fn happen(&mut self, what: Happening) -> Result<(), Violation> {
        if let Some(delay) = self.asleep(&what) {
            self.schedule(delay, what);
            return Ok(());
        }
        match what {
            Happening::Tick { node, life } => self.tick(node, life),
            Happening::DiskDone { node, life } => self.disk_done(node, life),
            Happening::Deliver { from, to, message } => {
                let from = self.places[from].id.clone();
                self.handle(to, Event::Message { from, message })
            }
            Happening::Request { node, waiting } => self.request(node, waiting),
            Happening::Reply { waiting, ended } => self.finish(&waiting, &ended),
            Happening::Client { client, number } => {
                self.next_operation(client, number);
                Ok(())
            }
            Happening::Trouble => {
                self.trouble();
                Ok(())
            }
            Happening::Crash { node } => {
                let moment = self.micros(500..5_000);
                self.crash(node, moment);
                Ok(())
            }
            Happening::Restart { node } => {
                self.start(node);
                Ok(())
            }
            Happening::Keep { node, life, task } => self.keep(node, life, task),
        }
    }

    /// How long the node an event is for still sleeps.
    fn asleep(&self, what: &Happening) -> Option<Duration> {
        let node = match what {
            Happening::Tick { node, .. }
            | Happening::Request { node, .. }
            | Happening::Deliver { to: node, .. } => *node,
            Happening::DiskDone { .. }
            | Happening::Reply { .. }
            | Happening::Client { .. }
            | Happening::Trouble
            | Happening::Crash { .. }
            | Happening::Keep { .. }
            | Happening::Restart { .. } => return None,
        };
        let until = self.places[node].asleep_until;
        (until > self.now).then(|| until - self.now)
    }

    pub(super) fn start(&mut self, node: usize) {
        let place = &self.places[node];
        if place.running.is_some() {
            return;
        }
        let nowhere = Addresses {
            peer: ([127, 0, 0, 1], 1).into(),
            client: None,
        };
        let members = self.places.iter().map(|place| (place.id.clone(), nowhere));
        let config = Config {
            id: place.id.clone(),
            bootstrap: Membership::of_voters(members),
            election_min: Duration::from_millis(150),
            election_max: Duration::from_millis(if self.settings.contested { 160 } else { 300 }),
            heartbeat: Duration::from_millis(50),
            seed: self.settings.seed + place.life,
            life: place.life,
            retained_entries: self.settings.retained_entries,
            log_bytes_max: usize::MAX,
            bugs: self.settings.bugs,
        };
        let disk = std::mem::take(&mut self.places[node].disk);
        let (running, on_disk) = Running::start(config, self.settings.snapshots, disk, self.now);
        let place = &mut self.places[node];
        place.life += 1;
        place.running = Some(running);
        place.on_disk = on_disk;
        place.tick_at = Duration::MAX;
        self.schedule_tick(node);
    }

    pub(super) fn handle(&mut self, node: usize, event: Event<Waiting>) -> Result<(), Violation> {
        let Some(mut running) = self.places[node].running.take() else {
            return Ok(());
        };
        let role = running.replica.raft().role();
        let places = self.places.iter();
        let durable: Vec<(&NodeId, &Positions)> = places
            .map(|place| (&place.id, &place.on_disk.log))
            .collect();
        let done = running.handle(node, self.now, event, &mut self.law, &durable);
        let outputs = running.take_outputs();
        let stands = role != Role::Candidate && running.replica.raft().role() == Role::Candidate;
        self.places[node].running = Some(running);
        done?;
        for output in outputs {
            self.send(node, output);
        }
        self.schedule_tick(node);
        if stands {
            self.on_election();
        }
        Ok(())
    }

    fn schedule_tick(&mut self, node: usize) {
        let now = self.now;
        let place = &mut self.places[node];
        let Some(running) = &place.running else {
            return;
        };
        let deadline = running.replica.deadline().max(now);
        if place.tick_at <= now || deadline < place.tick_at {
            place.tick_at = deadline;
            let life = place.life;
            self.schedule(deadline - now, Happening::Tick { node, life });
        }
    }

    fn tick(&mut self, node: usize, life: u64) -> Result<(), Violation> {
        if self.places[node].life != life {
            return Ok(());
        }
        self.handle(node, Event::Tick)
    }

    fn disk_done(&mut self, node: usize, life: u64) -> Result<(), Violation> {
        let place = &mut self.places[node];
        let Some(running) = place.running.as_mut().filter(|_| place.life == life) else {
            return Ok(());
        };
        if running.disk_done(&mut place.on_disk)? {
            self.handle(node, Event::Durable)?;
        }
        Ok(())
    }

    fn keep(&mut self, node: usize, life: u64, task: Task) -> Result<(), Violation> {
        let place = &mut self.places[node];
        let running = place.running.as_mut().filter(|_| place.life == life);
        self.story.stored += u64::from(matches!(task, Task::Store { .. }));
        match running.and_then(|running| running.keep(task)) {
            Some(event) => self.handle(node, event),
            None => Ok(()),
        }
    }

    fn send(&mut self, from: usize, output: Output) {
        match output {
            Output::Message(envelope) => {
                let to = self.places.iter().position(|place| place.id == envelope.to);
                let to = to.expect("messages go to members");
                self.transmit(from, to, &envelope.message);
            }
            Output::Reply { waiting, ended } => {
                let delay = self.micros(100..2_000);
                self.schedule(delay, Happening::Reply { waiting, ended });
            }
            Output::DiskBusy => {
                let life = self.places[from].life;
                let delay = self.micros(50..4_000);
                self.schedule(delay, Happening::DiskDone { node: from, life });
            }
            Output::Keep(task) => {
                let (node, life) = (from, self.places[from].life);
                let delay = self.micros(50..20_000);
                self.schedule(delay, Happening::Keep { node, life, task });
            }
        }
    }

    pub(super) fn leader(&self) -> Option<usize> {
        let leads = |place: &Place| {
            place
                .running
                .as_ref()
                .is_some_and(|r| r.replica.raft().role() == Role::Leader)
        };
        self.places.iter().position(leads)
    }

    fn check_progress(&self, before: u64) -> Result<(), Violation> {
        let finished = self.oracle.finished - before;
        let enough = 5 * self.settings.clients as u64;
        if self.leader().is_some() && finished >= enough {
            return Ok(());
        }
        let what = format!("{finished} operations, leader {:?}", self.leader());
        Err(Violation::NoProgress(what))
    }

    fn check_agreement(&self) -> Result<(), Violation> {
        for (node, place) in self.places.iter().enumerate() {
            let same = place
                .running
                .as_ref()
                .is_some_and(|r| *r.replica.state() == self.law.reference());
            if !same {
                return Err(Violation::NoProgress(format!(
                    "node {node} is behind in the calm"
                )));
            }
        }
        Ok(())
    }
}

fn usize_of(number: u64) -> usize {
    usize::try_from(number).expect("a small number")
}
