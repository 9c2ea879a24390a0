//! A cluster in memory: cores with their gates and disks, messages in a queue that only a script moves.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt::Write as _,
    time::Duration,
};

use super::{
    law::{self, Broken, Law, Nodes},
    machine::Stored,
    node::{ELECTION_MIN, Node, Settings},
    tell,
};
use crate::raft::{
    Addresses, Effects, Envelope, Input, Membership, Message, NodeId, Position, Raft, ReadGrant,
    Role, SnapshotMeta, Token,
};

/// Messages that one command may deliver before it is taken for endless.
const DELIVERED_MAX: usize = 20_000;

/// A message on its way.
#[derive(Debug, Clone)]
pub(super) struct Parcel {
    pub(super) from: NodeId,
    pub(super) to: NodeId,
    pub(super) message: Message,
}

/// Who waits, and for what.
#[derive(Debug)]
struct Request {
    what: String,
    /// What clients had been told when it was asked.
    floor: crate::raft::LogIndex,
}

/// All nodes, and everything between them.
#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) nodes: Nodes,
    pub(super) settings: Settings,
    /// Sent and not yet delivered, oldest first.
    pub(super) queue: VecDeque<Parcel>,
    /// Put aside by a script.
    pub(super) delayed: Vec<Parcel>,
    /// Directed links on which everything that is sent is lost.
    pub(super) cuts: BTreeSet<(NodeId, NodeId)>,
    requests: BTreeMap<Token, Request>,
    tokens: u64,
    /// Reads asked so far, which have no other name.
    pub(super) reads: usize,
    law: Law,
    trace: String,
}

/// Where a node is found; nobody looks.
pub(super) fn nowhere() -> Addresses {
    Addresses {
        peer: ([127, 0, 0, 1], 1).into(),
        client: None,
    }
}

impl Cluster {
    /// A cluster whose voters have empty disks and have been up for long.
    pub(super) fn new(voters: &[NodeId], settings: Settings) -> Result<Self, Broken> {
        let mut cluster = Self {
            nodes: Nodes::new(),
            settings,
            queue: VecDeque::new(),
            delayed: Vec::new(),
            cuts: BTreeSet::new(),
            requests: BTreeMap::new(),
            tokens: 0,
            reads: 0,
            law: Law::default(),
            trace: String::new(),
        };
        let members = Membership::of_voters(voters.iter().map(|id| (id.clone(), nowhere())));
        cluster.law.bootstrap(&members);
        for id in voters {
            cluster.add(id, members.clone())?;
        }
        Ok(cluster)
    }

    /// A node with an empty disk.
    pub(super) fn add(&mut self, id: &NodeId, bootstrap: Membership) -> Result<(), Broken> {
        self.nodes.insert(id.clone(), Node::new(bootstrap));
        self.start(id)?;
        // Up for so long that no leader is owed anything from before the start.
        self.raft(id)?.heard = Duration::ZERO;
        Ok(())
    }

    pub(super) fn start(&mut self, id: &NodeId) -> Result<(), Broken> {
        let settings = self.settings;
        self.node(id)?.start(id, settings);
        self.step(id, Input::Tick)
    }

    pub(super) fn node(&mut self, id: &NodeId) -> Result<&mut Node, Broken> {
        let node = self.nodes.get_mut(id);
        node.ok_or_else(|| format!("there is no node {id}"))
    }

    pub(super) fn raft(&mut self, id: &NodeId) -> Result<&mut Raft, Broken> {
        let raft = self.node(id)?.raft.as_mut();
        raft.ok_or_else(|| format!("{id} is down"))
    }

    pub(super) fn tell(&mut self, line: &str) {
        writeln!(self.trace, "{line}").expect("a string takes everything");
    }

    /// What happened since it was asked last.
    pub(super) fn take_trace(&mut self) -> String {
        std::mem::take(&mut self.trace)
    }

    /// A request that a later line answers by this name.
    pub(super) fn token(&mut self, what: String) -> Token {
        self.tokens += 1;
        let token = Token(self.tokens);
        let floor = self.law.told;
        self.requests.insert(token, Request { what, floor });
        token
    }

    /// Gives `id` an input and carries out all that follows within the node.
    pub(super) fn step(&mut self, id: &NodeId, input: Input) -> Result<(), Broken> {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let node = self.node(id)?;
            let Some(raft) = &mut node.raft else {
                return Ok(());
            };
            let before = tell::role(raft);
            let effects = raft.step(node.clock, input);
            let after = tell::role(raft);
            if before != after {
                self.tell(&format!("{id} {after}"));
            }
            self.carry_out(id, effects, &mut inputs)?;
            self.use_disk(id, &mut inputs)?;
            self.law.check(&self.nodes, id)?;
        }
        Ok(())
    }

    fn carry_out(
        &mut self,
        id: &NodeId,
        mut effects: Effects,
        inputs: &mut VecDeque<Input>,
    ) -> Result<(), Broken> {
        for write in &effects.writes {
            self.tell(&format!("{id} writes {}", tell::write(write)));
        }
        self.node(id)?.gate.absorb(&mut effects);
        for envelope in effects.messages_now {
            self.send(id, envelope, inputs);
        }
        for part in effects.parts_received {
            self.take_part(
                id,
                part.offset,
                part.data.bytes(),
                part.done.then_some(part.meta),
                inputs,
            )?;
        }
        if let Some(meta) = effects.install {
            self.install(id, &meta)?;
        }
        for committed in effects.committed {
            self.law.commit(&self.nodes, id, &committed.entry)?;
            self.node(id)?.machine.apply(&committed.entry);
            let entry = tell::entries(&[committed.entry]);
            self.tell(&format!("{id} applies {entry}"));
            if let Some(token) = committed.token {
                self.law.told = self.law.told.max(self.nodes[id].machine.applied);
                self.answer(id, token, "done");
            }
        }
        for grant in effects.reads {
            self.answer_read(id, grant)?;
        }
        for token in effects.done {
            self.answer(id, token, "done");
        }
        for (token, refusal) in effects.refused {
            self.answer(id, token, tell::refusal(refusal));
        }
        for part in effects.parts_wanted {
            let stored = self.nodes[id].disk.snapshot_at(part.at);
            let stored = stored.ok_or_else(|| format!("{id} lacks its own snapshot"))?;
            let (data, done) = stored.part(part.offset, self.settings.part_bytes);
            inputs.push_back(Input::SnapshotPart {
                to: part.to,
                meta: stored.meta.clone(),
                offset: part.offset,
                data,
                done,
            });
        }
        let fault = effects.fault.map(|fault| fault.to_string());
        fault.map_or(Ok(()), Err)
    }

    /// Lets the disk finish what it has, and messages leave that waited for it.
    fn use_disk(&mut self, id: &NodeId, inputs: &mut VecDeque<Input>) -> Result<(), Broken> {
        let node = self.node(id)?;
        if node.at_disk.is_none() {
            node.at_disk = node.gate.next_batch();
        }
        if !node.held
            && let Some(batch) = node.at_disk.take()
        {
            batch
                .writes
                .into_iter()
                .for_each(|write| node.disk.write(write));
            inputs.extend(node.gate.on_durable().map(Input::Persisted));
        }
        for envelope in self.node(id)?.gate.release() {
            self.send(id, envelope, inputs);
        }
        Ok(())
    }

    /// The disk of `id` finishes everything it was given.
    pub(super) fn sync(&mut self, id: &NodeId) -> Result<(), Broken> {
        let node = self.node(id)?;
        let held = std::mem::replace(&mut node.held, false);
        let mut inputs = VecDeque::new();
        while self.nodes[id].at_disk.is_some() {
            self.use_disk(id, &mut inputs)?;
        }
        for input in inputs {
            self.step(id, input)?;
        }
        self.node(id)?.held = held;
        Ok(())
    }

    fn send(&mut self, id: &NodeId, envelope: Envelope, inputs: &mut VecDeque<Input>) {
        let Envelope { to, message } = envelope;
        let from = id.clone();
        if to == from {
            return inputs.push_back(Input::Message { from, message });
        }
        let is_cut = self.cuts.contains(&(from.clone(), to.clone()));
        let arrow = if is_cut { "✗" } else { "→" };
        self.tell(&format!("{from} {arrow} {to} {}", tell::message(&message)));
        if !is_cut {
            self.queue.push_back(Parcel { from, to, message });
        }
    }

    pub(super) fn deliver(&mut self, parcel: Parcel) -> Result<(), Broken> {
        let Parcel { from, to, message } = parcel;
        self.step(&to, Input::Message { from, message })
    }

    /// Delivers everything, and what that brings about, until silence.
    pub(super) fn stabilize(&mut self) -> Result<(), Broken> {
        for _ in 0..DELIVERED_MAX {
            let Some(parcel) = self.queue.pop_front() else {
                return Ok(());
            };
            self.deliver(parcel)?;
        }
        Err("the conversation does not end".into())
    }

    /// Lets `time` pass at `ids`; with `delivers`, all messages arrive at once.
    pub(super) fn pass(
        &mut self,
        time: Duration,
        ids: &[NodeId],
        delivers: bool,
    ) -> Result<(), Broken> {
        let mut left: BTreeMap<&NodeId, Duration> = ids.iter().map(|id| (id, time)).collect();
        loop {
            if delivers {
                self.stabilize()?;
            }
            let due = |(id, left): (&&NodeId, &Duration)| {
                let node = &self.nodes[*id];
                let deadline = node.raft.as_ref()?.deadline();
                let wait = deadline.saturating_sub(node.clock);
                (wait <= *left).then(|| (wait, (**id).clone()))
            };
            let Some((wait, next)) = left.iter().filter_map(due).min() else {
                break;
            };
            for (id, left) in &mut left {
                let step = wait.min(*left);
                *left -= step;
                self.nodes.get_mut(*id).expect("it is there").clock += step;
            }
            self.step(&next, Input::Tick)?;
        }
        for (id, left) in left {
            self.node(id)?.clock += left;
        }
        Ok(())
    }

    /// The timer of `id` fires: its clock runs ahead to that moment.
    pub(super) fn fire(&mut self, id: &NodeId) -> Result<(), Broken> {
        let deadline = self.raft(id)?.deadline();
        let node = self.node(id)?;
        node.clock = node.clock.max(deadline);
        self.step(id, Input::Tick)
    }

    /// Whoever does not lead has not heard from a leader for the shortest election timeout.
    pub(super) fn fall_silent(&mut self) {
        for node in self.nodes.values_mut() {
            if let Some(raft) = node
                .raft
                .as_ref()
                .filter(|raft| raft.role() != Role::Leader)
            {
                node.clock = node.clock.max(raft.heard + ELECTION_MIN);
            }
        }
    }

    pub(super) fn take_snapshot(&mut self, id: &NodeId) -> Result<(), Broken> {
        let applied = self.node(id)?.machine.applied;
        let meta = self.raft(id)?.snapshot_meta(applied);
        let stored = Stored::of(meta.clone(), &self.nodes[id].machine);
        self.store(id, stored)?;
        self.tell(&format!(
            "{id} has a snapshot at {}",
            tell::position(meta.at)
        ));
        self.step(id, Input::SnapshotSaved(meta))
    }

    /// Puts a snapshot on the disk; older ones stay as long as they are being sent.
    fn store(&mut self, id: &NodeId, stored: Stored) -> Result<(), Broken> {
        let in_use: Vec<Position> = self.raft(id)?.snapshots_in_use();
        let snapshots = &mut self.node(id)?.disk.snapshots;
        snapshots.retain(|old| in_use.contains(&old.meta.at));
        snapshots.push(stored);
        Ok(())
    }

    fn take_part(
        &mut self,
        id: &NodeId,
        offset: u64,
        data: &[u8],
        done: Option<SnapshotMeta>,
        inputs: &mut VecDeque<Input>,
    ) -> Result<(), Broken> {
        let node = self.node(id)?;
        if offset == 0 {
            node.arriving.clear();
        }
        if node.arriving.len() as u64 != offset {
            return Err(format!("{id} takes the part from {offset} on out of order"));
        }
        node.arriving.extend(data);
        if let Some(meta) = done {
            let intact = !std::mem::take(&mut node.damaged);
            let bytes = std::mem::take(&mut node.arriving);
            let at = meta.at;
            if intact {
                self.store(id, Stored { meta, bytes })?;
            }
            inputs.push_back(Input::SnapshotReceived { at, intact });
        }
        Ok(())
    }

    fn install(&mut self, id: &NodeId, meta: &SnapshotMeta) -> Result<(), Broken> {
        let stored = self.nodes[id].disk.snapshot_at(meta.at);
        let stored = stored.ok_or_else(|| format!("{id} installs what it has not"))?;
        let machine = stored.machine();
        self.law.check_state(id, &machine)?;
        self.node(id)?.machine = machine;
        self.tell(&format!("{id} installs {}", tell::position(meta.at)));
        Ok(())
    }

    fn answer(&mut self, id: &NodeId, token: Token, how: &str) {
        if let Some(request) = self.requests.remove(&token) {
            self.tell(&format!("{id} answers {}: {how}", request.what));
        }
    }

    /// The answer of a read comes from the state of the node, which must have all that was told before.
    fn answer_read(&mut self, id: &NodeId, grant: ReadGrant) -> Result<(), Broken> {
        let machine = &self.nodes[id].machine;
        self.law.check_state(id, machine)?;
        let floor = self.requests.get(&grant.token).map(|request| request.floor);
        if machine.applied < grant.index || floor.is_some_and(|floor| grant.index < floor) {
            return Err(format!(
                "{id}: a stale read from {:?}, {floor:?} was told",
                grant.index
            ));
        }
        let state = format!("[{}] from {}", machine.words.join(" "), grant.index.0);
        self.answer(id, grant.token, &state);
        Ok(())
    }

    /// A node in one line.
    pub(super) fn status(&self, id: &NodeId) -> String {
        let Some(raft) = &self.nodes[id].raft else {
            return format!("{id} is down");
        };
        let log = &raft.log;
        format!(
            "{id} {}, log {}..{}, durable {}, commit {}, members {}",
            tell::role(raft),
            tell::position(log.begin()),
            tell::position(log.last()),
            log.durable().0,
            raft.commit().0,
            tell::membership(log.membership()),
        )
    }

    /// The log of a node in one line.
    pub(super) fn log(&self, id: &NodeId) -> String {
        let Some(raft) = &self.nodes[id].raft else {
            return format!("{id} is down");
        };
        let begin = tell::position(raft.log.begin());
        let entries = tell::entries(&law::entries(raft));
        format!("{id} after {begin}: {entries}")
    }
}
