//! Events in virtual time: the network, the disks, crashes and clients, all from one seed.

use std::{collections::BTreeMap, panic::AssertUnwindSafe, time::Duration};

use checker::AnomalyClass;
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

use super::{
    Violation,
    client::{Asker, Client},
    history::Record,
    law::{Law, check_said},
    network::Network,
    node::{OnDisk, Stopped},
    oracle::Oracle,
    place::Place,
    settings::Settings,
    trouble::{Planned, Trouble, plan},
};
use crate::{
    raft::{Envelope, Message, NodeId, Role, StoreId},
    replica::{Answer, Event, Output, Request, Task},
};

/// What a world has seen; a world in which little happened proves little.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Story {
    pub(super) events: u64,
    pub(super) troubles: u64,
    pub(super) crashes: u64,
    pub(super) cuts: u64,
    pub(super) elections: u64,
    pub(super) operations: u64,
    pub(super) committed: u64,
    /// Snapshots that nodes stored of their own state.
    pub(super) stored: u64,
    /// Snapshots that nodes received and took over.
    pub(super) installed: u64,
    /// Changes of the members and transfers that were asked for.
    pub(super) changes: u64,
    pub(super) transfers: u64,
    /// Nodes that refused to start on a damaged disk.
    pub(super) wrecked: u64,
    /// Nodes that stopped because their disk failed.
    pub(super) failed_disks: u64,
}

/// How a world ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ending {
    pub(super) story: Story,
    pub(super) violation: Option<Violation>,
    /// What the checker calls what clients saw.
    pub(super) anomaly: Option<(AnomalyClass, String)>,
    pub(super) plan: Vec<Planned>,
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
        /// The mark of the sender's folder.
        store: StoreId,
        message: Message,
    },
    /// A node has connected, and says who it is.
    Greet {
        from: usize,
        to: usize,
        store: StoreId,
    },
    Request {
        node: usize,
        request: Request<Asker>,
    },
    Reply {
        client: usize,
        turn: u64,
        answer: Answer,
    },
    /// The client begins an operation, or loses patience with the one under way.
    Wake {
        client: usize,
        turn: u64,
    },
    Trouble(Trouble),
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

/// A cluster with its clients.
#[derive(Debug)]
pub(super) struct World {
    pub(super) settings: Settings,
    pub(super) rng: ChaCha8Rng,
    pub(super) now: Duration,
    agenda: BTreeMap<(Duration, u64), Happening>,
    scheduled: u64,
    pub(super) places: Vec<Place>,
    pub(super) clients: Vec<Client>,
    pub(super) marks: i64,
    pub(super) network: Network,
    /// What waits for the next election, and how long after it begins.
    pub(super) ambushes: Vec<Planned>,
    pub(super) law: Law,
    pub(super) oracle: Oracle,
    pub(super) record: Record,
    pub(super) story: Story,
}

/// How long a healed world takes to calm down.
const CALM: Duration = Duration::from_millis(2_000);
/// In so much time clients get answers in a calm world.
const PROGRESS: Duration = Duration::from_millis(500);

impl World {
    /// Lives through a storm and the calm after it.
    pub(super) fn run(mut settings: Settings) -> Ending {
        let plan = settings.plan.take().unwrap_or_else(|| plan(&settings));
        let mut world = Self::new(settings);
        for (at, trouble) in plan.clone() {
            world.schedule(at, Happening::Trouble(trouble));
        }
        world.live();
        world.story.committed = world.law.committed.len() as u64;
        world.story.installed = world.law.installed;
        let mut violation = world.law.broken;
        let anomaly = match violation.is_none() || world.settings.to_the_end {
            true => std::panic::catch_unwind(AssertUnwindSafe(|| world.record.judge())),
            false => Ok(None),
        };
        let anomaly = anomaly.expect("the checker does not panic");
        if let (None, Some((class, what))) = (&violation, &anomaly) {
            violation = Some(Violation::NotLinearizable(format!("{class}: {what}")));
        }
        Ending {
            story: world.story,
            violation,
            anomaly,
            plan,
        }
    }

    pub(super) fn new(settings: Settings) -> Self {
        let (nodes, clients) = (settings.nodes, settings.clients);
        let mut world = Self {
            rng: ChaCha8Rng::seed_from_u64(settings.seed),
            now: Duration::ZERO,
            agenda: BTreeMap::new(),
            scheduled: 0,
            places: (0..nodes).map(|number| Place::new(number, false)).collect(),
            clients: (0..clients)
                .map(|number| Client::new(number, nodes))
                .collect(),
            marks: 0,
            network: Network::default(),
            ambushes: Vec::new(),
            law: Law::default(),
            oracle: Oracle::default(),
            record: Record::default(),
            story: Story::default(),
            settings,
        };
        for node in 0..nodes {
            world.start(node);
        }
        for client in 0..clients {
            let start = Duration::from_millis(300);
            world.schedule(start, Happening::Wake { client, turn: 0 });
        }
        world
    }

    fn live(&mut self) {
        self.live_until(self.settings.storm);
        self.heal();
        let calm = self.settings.storm + CALM;
        self.live_until(calm);
        let before = self.story.operations;
        self.live_until(calm + PROGRESS);
        let after = self.story.operations;
        self.judge_progress(after - before);
        for (number, client) in self.clients.iter_mut().enumerate() {
            client.send_home(number == 0);
        }
        self.live_until(calm + PROGRESS + CALM);
        self.judge_agreement();
        let Self { oracle, law, .. } = self;
        law.see(|law| oracle.on_quiet(law));
    }

    pub(super) fn schedule(&mut self, after: Duration, what: Happening) {
        self.scheduled += 1;
        self.agenda.insert((self.now + after, self.scheduled), what);
    }

    fn is_over(&self) -> bool {
        self.law.broken.is_some() && !self.settings.to_the_end
    }

    pub(super) fn live_until(&mut self, end: Duration) {
        while !self.is_over()
            && let Some(entry) = self.agenda.first_entry()
            && entry.key().0 <= end
        {
            let ((at, _), what) = entry.remove_entry();
            self.now = at;
            self.story.events += 1;
            self.happen(what);
        }
        self.now = end;
    }

    fn happen(&mut self, what: Happening) {
        if let Some(delay) = self.asleep(&what) {
            // Who wakes up finds everything at once, in any order.
            let jitter = self.micros(0..300);
            return self.schedule(delay + jitter, what);
        }
        match what {
            Happening::Tick { node, life } => {
                if self.places[node].life == life {
                    self.handle(node, Event::Tick);
                }
            }
            Happening::DiskDone { node, life } => self.disk_done(node, life),
            Happening::Deliver {
                from,
                to,
                store,
                message,
            } => self.deliver(from, to, store, message),
            Happening::Greet { from, to, store } => {
                if !self.network.is_cut(from, to) {
                    self.introduce(from, to, store);
                }
            }
            Happening::Request { node, request } => self.request(node, request),
            Happening::Reply {
                client,
                turn,
                answer,
            } => self.on_reply(client, turn, &answer),
            Happening::Wake { client, turn } => self.wake(client, turn),
            // What waited for an election may come when all is over.
            Happening::Trouble(trouble) if self.now <= self.settings.storm => self.suffer(&trouble),
            Happening::Trouble(_) => {}
            Happening::Restart { node } => self.start(node),
            Happening::Keep { node, life, task } => self.keep(node, life, task),
        }
    }

    /// How long the node an event is for still sleeps.
    fn asleep(&self, what: &Happening) -> Option<Duration> {
        let node = match what {
            Happening::Tick { node, .. }
            | Happening::Request { node, .. }
            | Happening::DiskDone { node, .. }
            | Happening::Keep { node, .. }
            | Happening::Greet { to: node, .. }
            | Happening::Deliver { to: node, .. } => *node,
            Happening::Reply { .. }
            | Happening::Wake { .. }
            | Happening::Trouble(_)
            | Happening::Restart { .. } => return None,
        };
        let place = &self.places[node];
        let sleeps = place.running.is_some() && place.asleep_until > self.now;
        sleeps.then(|| place.asleep_until - self.now)
    }

    /// Nodes introduce themselves before they speak; what was said by one that is no more is not heard.
    fn deliver(&mut self, from: usize, to: usize, store: StoreId, message: Message) {
        if self.introduce(from, to, store) {
            let from = self.places[from].id.clone();
            self.handle(to, Event::Message { from, message });
        }
    }

    /// Whether `to` hears what comes from the folder with this mark.
    fn introduce(&mut self, from: usize, to: usize, store: StoreId) -> bool {
        let sender = &self.places[from];
        if sender.store != store || self.places[to].running.is_none() {
            return false;
        }
        let from_id = sender.id.clone();
        if self.places[to].met.insert(from, store) != Some(store) {
            self.handle(to, Event::Met(from_id, store));
        }
        true
    }

    /// All ways between this node and the others are connected.
    pub(super) fn greet(&mut self, node: usize) {
        for other in (0..self.places.len()).filter(|other| *other != node) {
            for (from, to) in [(node, other), (other, node)] {
                let store = self.places[from].store;
                let greeting = Happening::Greet { from, to, store };
                self.schedule(Duration::from_millis(1), greeting);
            }
        }
    }

    pub(super) fn handle(&mut self, node: usize, event: Event<Asker>) {
        let Some(mut running) = self.places[node].running.take() else {
            return;
        };
        let role = running.replica.raft().role();
        let places = self.places.iter();
        let durable: Vec<(&NodeId, &OnDisk)> =
            places.map(|place| (&place.id, place.promised())).collect();
        let now = self.places[node].clock.local(self.now);
        let handled = running.handle(node, now, event, &mut self.law, &durable);
        let stands = role != Role::Candidate && running.replica.raft().role() == Role::Candidate;
        self.places[node].running = Some(running);
        match handled {
            Ok(outputs) => {
                for output in outputs {
                    self.carry_out(node, output);
                }
                self.schedule_tick(node);
            }
            Err(Stopped) => self.fail(node),
        }
        if stands {
            self.on_election();
        }
    }

    pub(super) fn schedule_tick(&mut self, node: usize) {
        let now = self.now;
        let place = &mut self.places[node];
        let Some(running) = &place.running else {
            return;
        };
        let deadline = place.clock.world(running.replica.deadline()).max(now);
        if place.tick_at <= now || deadline < place.tick_at {
            place.tick_at = deadline;
            let life = place.life;
            self.schedule(deadline - now, Happening::Tick { node, life });
        }
    }

    fn disk_done(&mut self, node: usize, life: u64) {
        let place = &mut self.places[node];
        let Some(running) = place.running.as_mut().filter(|_| place.life == life) else {
            return;
        };
        match running.disk_done(&mut place.on_disk, &mut self.law) {
            Ok(true) => self.handle(node, Event::Durable),
            Ok(false) => {}
            Err(Stopped) => self.on_disk_failure(node),
        }
    }

    fn keep(&mut self, node: usize, life: u64, task: Task) {
        let place = &mut self.places[node];
        let Some(running) = place.running.as_mut().filter(|_| place.life == life) else {
            return;
        };
        self.story.stored += u64::from(matches!(task, Task::Store { .. }));
        match running.keep(task) {
            Ok(Some(event)) => self.handle(node, event),
            Ok(None) => {}
            Err(Stopped) => self.on_disk_failure(node),
        }
    }

    fn on_disk_failure(&mut self, node: usize) {
        self.story.failed_disks += 1;
        self.fail(node);
    }

    fn carry_out(&mut self, node: usize, output: Output<Asker>) {
        let life = self.places[node].life;
        match output {
            Output::Send(envelope) => self.send(node, &envelope),
            Output::Write(batch) => {
                if let Some(running) = &mut self.places[node].running {
                    running.submit(batch);
                }
                let delay = self.micros(50..4_000);
                self.schedule(delay, Happening::DiskDone { node, life });
            }
            Output::Answer(Asker::Client { client, turn }, answer) => {
                // As the door tells it.
                let answer = answer.told_by(self.settings.bugs);
                let delay = self.micros(100..2_000);
                let reply = Happening::Reply {
                    client,
                    turn,
                    answer,
                };
                self.schedule(delay, reply);
            }
            Output::Answer(Asker::Operator, _) => {}
            Output::Keep(task) => {
                let delay = self.micros(50..20_000);
                self.schedule(delay, Happening::Keep { node, life, task });
            }
            Output::Stop(conflict) => {
                // All of a simulated state is in memory: nothing else stops a node.
                self.law
                    .see(|_| Err(Violation::CommittedConflict(conflict.to_string())));
                self.fail(node);
            }
        }
    }

    fn send(&mut self, node: usize, envelope: &Envelope) {
        let Envelope { to, message } = envelope;
        let disk = &self.places[node].on_disk;
        self.law.see(|_| check_said(message, to, disk));
        let to = self.places.iter().position(|place| place.id == *to);
        self.transmit(node, to.expect("messages go to nodes"), message);
    }

    /// Who leads in the latest term.
    pub(super) fn leader(&self) -> Option<usize> {
        let terms = self.places.iter().enumerate().filter_map(|(node, place)| {
            let raft = place.running.as_ref()?.replica.raft();
            (raft.role() == Role::Leader).then(|| (raft.term(), node))
        });
        terms.max().map(|(_, node)| node)
    }

    fn judge_progress(&mut self, finished: u64) {
        let leader = self.leader();
        let enough = 5 * self.settings.clients as u64;
        if leader.is_none() || finished < enough {
            let what = format!("{finished} operations, leader {leader:?}");
            self.law.see(|_| Err(Violation::NoProgress(what)));
        }
    }

    /// Every member has all there is, and clients got all they asked for.
    fn judge_agreement(&mut self) {
        let reference = self.law.reference();
        let members = self.law.members.clone();
        let founded = members.addresses.is_empty();
        let behind = self.places.iter().find(|place| {
            let is_member = members.addresses.contains_key(&place.id) || (founded && !place.joins);
            let running = place.running.as_ref();
            let has_all = running.is_some_and(|running| *running.replica.state() == reference);
            is_member && !place.wrecked && place.lost.is_none() && !has_all
        });
        let waits = self.clients.iter().position(|client| !client.is_gone());
        if behind.is_some() || waits.is_some() {
            let behind = behind.map(Place::standing);
            let leader = self.leader().map(|leader| self.places[leader].standing());
            let what = format!(
                "in the calm: behind {behind:?}, leader {leader:?}, waiting client {waits:?}"
            );
            self.law.see(|_| Err(Violation::NoProgress(what)));
        }
    }
}

impl Story {
    pub(super) fn add(&mut self, other: &Self) {
        self.events += other.events;
        self.troubles += other.troubles;
        self.crashes += other.crashes;
        self.cuts += other.cuts;
        self.elections += other.elections;
        self.operations += other.operations;
        self.committed += other.committed;
        self.stored += other.stored;
        self.installed += other.installed;
        self.changes += other.changes;
        self.transfers += other.transfers;
        self.wrecked += other.wrecked;
        self.failed_disks += other.failed_disks;
    }
}
