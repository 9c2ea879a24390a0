//! Clients: one operation at a time each, with marks of their own, and not for ever.
//!
//! Half of them stay with their node as long as it answers, so that a leader which was cut off still has clients to
//! mislead. Who has a session asks again elsewhere when no answer comes, under the same number.

use std::{collections::VecDeque, time::Duration};

use checker::EventType;
use rand::RngExt as _;

use super::{
    action::{Action, LISTS, Level, Mark, Object, REGISTERS},
    oracle::{Operation, is_refusal},
    world::{Happening, World},
};
use crate::{
    bug::Bug,
    kv::{ClientId, JsonText, Sequence, Stamp},
    raft::ReadLevel,
    replica::{Answer, Event, Outcome, Reason, Request},
};

/// How long a client waits before it gives up or asks again.
const PATIENCE: Duration = Duration::from_millis(700);
/// How often it asks for the same.
const TRIES_MAX: u32 = 5;

/// Who is told how a request ended.
#[derive(Debug)]
pub(super) enum Asker {
    Client {
        client: usize,
        turn: u64,
    },
    /// Whoever changes members; it looks at what comes of it and not at answers.
    Operator,
}

/// A session as its client knows it.
#[derive(Debug, Clone, Copy)]
struct Session {
    client: ClientId,
    next: u64,
}

/// An operation under way.
#[derive(Debug)]
struct Open {
    operation: Operation,
    stamp: Option<Stamp>,
    tries: u32,
}

/// A client and where it looks for answers.
#[derive(Debug)]
pub(super) struct Client {
    /// Who it is in the history; a new one after an operation whose outcome nobody knows.
    process: i64,
    /// Counts what it waits for, so that late answers and old alarms are recognised.
    turn: u64,
    node: usize,
    open: Option<Open>,
    session: Option<Session>,
    /// The lock it holds, as its owner by this mark, with this token.
    lock: Option<(Mark, u64)>,
    last_seen: Vec<JsonText>,
    /// What it does before it goes home.
    last_words: Option<VecDeque<Action>>,
}

impl Client {
    pub(super) fn new(number: usize, nodes: usize) -> Self {
        Self {
            process: i64::try_from(number).expect("few clients"),
            turn: 0,
            node: number % nodes,
            open: None,
            session: None,
            lock: None,
            last_seen: vec![JsonText::null(); REGISTERS],
            last_words: None,
        }
    }

    /// It ends what it has under way, looks once more at everything if it is told to, and is gone.
    pub(super) fn send_home(&mut self, looks: bool) {
        let levels = [ReadLevel::Leader, ReadLevel::Anywhere];
        let reads = levels
            .into_iter()
            .flat_map(|level| Object::all().map(move |it| Action::Read(it, Level::Raft(level))));
        self.last_words = Some(reads.filter(|_| looks).collect());
    }

    pub(super) fn is_gone(&self) -> bool {
        self.open.is_none() && self.last_words.as_ref().is_some_and(VecDeque::is_empty)
    }
}

impl World {
    /// The client begins something, or its patience is over.
    pub(super) fn wake(&mut self, client: usize, turn: u64) {
        let state = &mut self.clients[client];
        if state.turn != turn {
            return;
        }
        match state.open.take() {
            Some(open) => self.lose_patience(client, open),
            None => self.begin(client),
        }
    }

    fn begin(&mut self, client: usize) {
        let Some(action) = self.next_action(client) else {
            return;
        };
        self.marks += 1;
        let operation = self.oracle.begin(action, Mark(self.marks));
        let process = self.clients[client].process;
        let (action, mark) = (&operation.action, operation.mark);
        self.record.invoke(self.now, process, action, mark);
        if !client.is_multiple_of(2) || self.rng.random_bool(0.2) {
            self.clients[client].node = self.somewhere();
        }
        let state = &mut self.clients[client];
        let changes =
            operation.action.changes() && !matches!(operation.action, Action::Register { .. });
        let session = state.session.as_mut().filter(|_| changes);
        let stamp = session.map(|session| {
            session.next += 1;
            let sequence = Sequence(session.next);
            Stamp {
                client: session.client,
                sequence,
                unanswered: sequence,
            }
        });
        let open = Open {
            operation,
            stamp,
            tries: 0,
        };
        self.ask(client, open);
    }

    /// Any node; in the calm the leader, as clients find it in the end.
    fn somewhere(&mut self) -> usize {
        let drawn = self.rng.random_range(0..self.places.len());
        let leader = self.leader().filter(|_| !self.storming());
        leader.unwrap_or(drawn)
    }

    fn ask(&mut self, client: usize, mut open: Open) {
        open.tries += 1;
        let operation = &open.operation;
        let operation = operation.action.asked(operation.mark, open.stamp);
        let state = &mut self.clients[client];
        state.turn += 1;
        state.open = Some(open);
        let (node, turn) = (state.node, state.turn);
        let reply = Asker::Client { client, turn };
        let request = Request { operation, reply };
        let delay = self.micros(100..2_000);
        self.schedule(delay, Happening::Request { node, request });
        self.schedule(PATIENCE, Happening::Wake { client, turn });
    }

    fn lose_patience(&mut self, client: usize, open: Open) {
        self.clients[client].node = self.somewhere();
        let may_repeat = open.stamp.is_some() || open.operation.action.may_repeat();
        if may_repeat && open.tries < TRIES_MAX {
            return self.ask(client, open);
        }
        let answer = Answer::lost(Reason::Timeout, crate::kv::Nature::Decides);
        self.finish(client, &open, &answer);
    }

    pub(super) fn request(&mut self, node: usize, request: Request<Asker>) {
        if self.settings.bugs.has(Bug::LeaseWallclock) {
            // As the server does it.
            let says = self.places[node].wall(self.now);
            self.handle(node, Event::Wall(says));
        }
        self.handle(node, Event::Requests(vec![request]));
    }

    pub(super) fn on_reply(&mut self, client: usize, turn: u64, answer: &Answer) {
        let state = &mut self.clients[client];
        if state.turn != turn {
            return;
        }
        let Some(open) = state.open.take() else {
            return;
        };
        if is_refusal(answer) || answer.outcome == Outcome::Unknown {
            let hinted = self.rng.random_bool(0.7);
            let leader = self.leader().filter(|_| hinted);
            self.clients[client].node = leader.unwrap_or_else(|| self.somewhere());
            let may_repeat = open.stamp.is_some() || open.operation.action.may_repeat();
            if may_repeat && open.tries < TRIES_MAX {
                return self.ask(client, open);
            }
        }
        self.finish(client, &open, answer);
    }

    fn finish(&mut self, client: usize, open: &Open, answer: &Answer) {
        let Open {
            operation, tries, ..
        } = open;
        let Self { oracle, law, .. } = self;
        law.see(|law| oracle.on_end(operation, answer, *tries, law));
        let told = (&operation.action, operation.mark);
        let process = self.clients[client].process;
        let end = self
            .record
            .complete(self.now, process, told, (answer, *tries));
        self.story.operations += u64::from(end == EventType::Ok);
        if end == EventType::Info {
            self.clients[client].process += i64::try_from(self.clients.len()).expect("few");
        }
        self.clients[client].learn(operation, answer, end);
        let think = self.micros(1_000..15_000);
        self.clients[client].turn += 1;
        let turn = self.clients[client].turn;
        self.schedule(think, Happening::Wake { client, turn });
    }

    fn next_action(&mut self, client: usize) -> Option<Action> {
        if let Some(words) = &mut self.clients[client].last_words {
            return words.pop_front();
        }
        let state = &self.clients[client];
        let has_session = client.is_multiple_of(2) && state.session.is_none();
        if let Some(idle) = self.settings.sessions.filter(|_| has_session) {
            let idle_ms = u64::try_from(idle.as_millis()).expect("short");
            return Some(Action::Register { idle_ms });
        }
        let lock = state.lock;
        if let Some((owner, token)) = lock.filter(|_| self.rng.random_bool(0.5)) {
            return Some(Action::Release(owner, token));
        }
        let action = self.draw_action(client);
        let holds_already = action == Action::Acquire && lock.is_some();
        Some(if holds_already {
            Action::ReadAll
        } else {
            action
        })
    }

    fn draw_action(&mut self, client: usize) -> Action {
        let work = self.settings.workload;
        let register = self.rng.random_range(0..REGISTERS);
        let list = self.rng.random_range(0..LISTS);
        let expected = self.clients[client].last_seen[register].clone();
        let all_or_one = match self.rng.random_bool(0.5) {
            true => Action::AppendAll,
            false => Action::ReadAll,
        };
        let choices = [
            (work.write, Action::Write(register)),
            (work.cas, Action::Cas { register, expected }),
            (work.append, Action::Append(list)),
            (work.transact, all_or_one),
            (work.add, Action::Add),
            (work.lock, Action::Acquire),
        ];
        let changes: u32 = choices.iter().map(|(weight, _)| weight).sum();
        let mut left = self.rng.random_range(0..changes + work.read);
        for (weight, action) in choices {
            match left.checked_sub(weight) {
                Some(rest) => left = rest,
                None => return action,
            }
        }
        self.draw_read(register, list)
    }

    /// Of an object that is changed in this world.
    fn draw_read(&mut self, register: usize, list: usize) -> Action {
        let work = self.settings.workload;
        let lists = work.append + work.transact;
        let total = work.write + work.cas + lists + work.add;
        let drawn = self.rng.random_range(0..total);
        let object = if drawn < lists {
            Object::List(list)
        } else if drawn < lists + work.add {
            Object::Counter
        } else {
            Object::Register(register)
        };
        let level = match self.rng.random_range(0..20) {
            0 => Level::Local,
            1 | 2 => Level::Log,
            3..=7 => Level::Raft(ReadLevel::Anywhere),
            8..=13 if self.settings.leases => Level::Raft(ReadLevel::Lease),
            _ => Level::Raft(ReadLevel::Leader),
        };
        Action::Read(object, level)
    }
}

impl Client {
    fn learn(&mut self, operation: &Operation, answer: &Answer, end: EventType) {
        let reason = answer.error.as_ref().map(|(reason, _)| *reason);
        if reason == Some(Reason::SessionExpired) {
            self.session = None;
        }
        match (&operation.action, end) {
            (Action::Read(Object::Register(register), _), EventType::Ok) => {
                let value = answer.gift.value.clone();
                self.last_seen[*register] = value.unwrap_or_else(JsonText::null);
            }
            (Action::Register { .. }, EventType::Ok) => {
                let client = answer.gift.client.map(ClientId);
                self.session = client.map(|client| Session { client, next: 0 });
            }
            (Action::Acquire, EventType::Ok) => {
                self.lock = answer.gift.token.map(|token| (operation.mark, token));
            }
            (Action::Release(..), EventType::Ok | EventType::Info) => self.lock = None,
            (
                Action::Read(..)
                | Action::Write(_)
                | Action::Cas { .. }
                | Action::Append(_)
                | Action::AppendAll
                | Action::ReadAll
                | Action::Add
                | Action::Acquire
                | Action::Release(..)
                | Action::Register { .. },
                _,
            ) => {}
        }
    }
}
