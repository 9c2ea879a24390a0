//! Histories of queues, stacks, sets and counters: half of the calls put something in, half take or look.

use std::collections::{BTreeSet, VecDeque};
use std::io::{self, BufWriter, Write};

use checker::{Event, EventType, Header, Nanos, Process, Value};
use clap::ValueEnum;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{Arguments, Stale, number};

#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub(crate) enum Model {
    Register,
    Queue,
    UnorderedQueue,
    Stack,
    /// With `--values 0` additions and, one call in ten, a read of the whole; else additions, removals and `contains`.
    Set,
    Counter,
}

impl Model {
    fn name(self) -> &'static str {
        match self {
            Self::Register => "cas-register",
            Self::Queue => "queue",
            Self::UnorderedQueue => "unordered-queue",
            Self::Stack => "stack",
            Self::Set => "set",
            Self::Counter => "counter",
        }
    }
}

/// An operation that was called and not answered.
#[derive(Clone)]
struct Open {
    f: &'static str,
    value: Value,
    crashes: bool,
    /// The answer, once it took effect.
    answer: Option<Value>,
}

struct Run {
    arguments: Arguments,
    model: Model,
    random: ChaCha8Rng,
    out: BufWriter<io::StdoutLock<'static>>,
    events: u64,
    called: u64,
    fresh: u64,
    processes: Vec<u64>,
    clients: Vec<Option<Open>>,
    /// What is inside, in the order in which it was put in.
    inside: VecDeque<u64>,
    elements: BTreeSet<u64>,
    /// What was taken.
    taken: Vec<u64>,
    /// After how many calls one answer is wrong.
    wrong_from: Option<u64>,
}

pub(crate) fn generate(model: Model, arguments: Arguments) -> io::Result<()> {
    let clients = usize::try_from(arguments.clients).expect("as many as fit in memory");
    let mut run = Run {
        arguments,
        model,
        random: ChaCha8Rng::seed_from_u64(arguments.seed),
        out: BufWriter::new(io::stdout().lock()),
        events: 0,
        called: 0,
        fresh: 0,
        processes: (0..arguments.clients).collect(),
        clients: vec![None; clients],
        inside: VecDeque::new(),
        elements: BTreeSet::new(),
        taken: Vec::new(),
        wrong_from: arguments.stale.map(|stale| match stale {
            Stale::Middle => arguments.operations / 2,
            Stale::End => arguments.operations * 9 / 10,
        }),
    };
    let header = Header {
        model: Some(model.name().to_owned()),
        seed: Some(arguments.seed),
        ..Header::new()
    };
    writeln!(run.out, "{}", serde_json::to_string(&header)?)?;
    run.play()?;
    run.out.flush()
}

impl Run {
    /// Client after client makes a step, drawn at random, until all calls are answered.
    fn play(&mut self) -> io::Result<()> {
        for client in 0..self.clients.len() {
            self.invoke(client)?;
        }
        while self.clients.iter().any(Option::is_some) {
            let client = self.random.random_range(0..self.clients.len());
            let Some(mut open) = self.clients[client].take() else {
                continue;
            };
            if open.answer.is_some() {
                self.complete(client, open)?;
                continue;
            }
            open.answer = Some(if open.crashes && self.random.random_ratio(1, 2) {
                Value::Nil
            } else {
                self.effect(&open)
            });
            self.clients[client] = Some(open);
        }
        Ok(())
    }

    fn invoke(&mut self, client: usize) -> io::Result<()> {
        if self.called >= self.arguments.operations {
            return Ok(());
        }
        self.called += 1;
        let (called, operations) = (self.called, self.arguments.operations);
        let crashed = |called| called * self.arguments.crashed / operations;
        let crashes = crashed(called) > crashed(called - 1);
        let (f, value) = self.call(crashes);
        self.record(client, EventType::Invoke, f, value.clone())?;
        self.clients[client] = Some(Open {
            f,
            value,
            crashes,
            answer: None,
        });
        Ok(())
    }

    /// Only what puts something in crashes.
    fn call(&mut self, crashes: bool) -> (&'static str, Value) {
        let puts = crashes || self.random.random_ratio(1, 2);
        let whole = self.arguments.values == 0;
        match self.model {
            Model::Counter if puts => ("add", number(1)),
            Model::Counter => ("read", Value::Nil),
            Model::Set if whole && (crashes || self.random.random_ratio(9, 10)) => {
                ("add", self.new_value())
            }
            Model::Set if whole => ("read", Value::Nil),
            Model::Set => {
                let element = self.random.random_range(0..self.arguments.values);
                let f = ["add", "remove", "contains", "contains"];
                let choice = self.random.random_range(0..if puts { 2 } else { 4 });
                (f[choice], number(element))
            }
            Model::Stack if puts => ("push", self.new_value()),
            Model::Stack => ("pop", Value::Nil),
            Model::Register | Model::Queue | Model::UnorderedQueue if puts => {
                ("enqueue", self.new_value())
            }
            Model::Register | Model::Queue | Model::UnorderedQueue => ("dequeue", Value::Nil),
        }
    }

    fn new_value(&mut self) -> Value {
        self.fresh += 1;
        number(self.fresh)
    }

    fn effect(&mut self, open: &Open) -> Value {
        let Value::Int(given) = open.value else {
            return self.take_or_look();
        };
        let given = given.cast_unsigned();
        match open.f {
            "contains" => {
                let is_in = self.elements.contains(&given);
                return Value::Bool(is_in != self.is_wrong(true));
            }
            "remove" => drop(self.elements.remove(&given)),
            _ if self.model == Model::Set => drop(self.elements.insert(given)),
            _ => self.inside.push_back(given),
        }
        open.value.clone()
    }

    fn take_or_look(&mut self) -> Value {
        let distance = usize::try_from(8 * self.arguments.clients).expect("fits in memory");
        let inside = self.inside.len();
        let far = match self.model {
            Model::Set => self.elements.len() > distance,
            Model::UnorderedQueue => self.taken.len() > distance,
            Model::Register | Model::Queue | Model::Stack | Model::Counter => inside > distance,
        };
        let wrong = self.is_wrong(far);
        match self.model {
            Model::Counter => number((inside - if wrong { distance } else { 0 }) as u64),
            Model::Set => {
                let skipped = usize::from(wrong);
                let seen = self.elements.iter().skip(skipped).copied();
                seen.map(number).collect::<Vec<Value>>().into()
            }
            Model::UnorderedQueue if wrong => number(self.taken[self.taken.len() - distance]),
            Model::UnorderedQueue if inside > 0 => {
                let at = self.random.random_range(0..inside);
                self.take(at)
            }
            Model::Stack => self.take(inside.wrapping_sub(if wrong { distance } else { 1 })),
            Model::Register | Model::Queue | Model::UnorderedQueue => {
                self.take(if wrong { distance } else { 0 })
            }
        }
    }

    fn take(&mut self, at: usize) -> Value {
        self.inside.remove(at).map_or(Value::Nil, |taken| {
            self.taken.push(taken);
            number(taken)
        })
    }

    /// Whether the one wrong answer is given now, if it can be.
    fn is_wrong(&mut self, possible: bool) -> bool {
        let due = self.wrong_from.is_some_and(|from| from <= self.called);
        if due && possible {
            self.wrong_from = None;
        }
        due && possible
    }

    /// Answers, and calls again.
    fn complete(&mut self, client: usize, open: Open) -> io::Result<()> {
        if open.crashes {
            self.record(client, EventType::Info, open.f, open.value)?;
            self.processes[client] += self.arguments.clients;
        } else {
            let answer = open.answer.unwrap_or_default();
            self.record(client, EventType::Ok, open.f, answer)?;
        }
        self.invoke(client)
    }

    fn record(
        &mut self,
        client: usize,
        event_type: EventType,
        f: &str,
        value: Value,
    ) -> io::Result<()> {
        let event = Event {
            index: self.events,
            time: Nanos(self.events * 100_000),
            process: Process::Client(self.processes[client].cast_signed()),
            event_type,
            f: f.into(),
            key: None,
            value,
            node: None,
            error: None,
            arrival: None,
        };
        self.events += 1;
        writeln!(self.out, "{}", serde_json::to_string(&event)?)
    }
}
