//! Writes a history as a run of any size would have recorded it: `cargo run --release -p checker --example generate -- --help`.
//!
//! The clients keep a register busy: whenever one has an answer it calls again. Half of the calls are reads, three in ten are
//! writes, the rest compare-and-set from the value that was there at the call. The history is linearizable, but for the stale read
//! that can be asked for. The same arguments write the same bytes. For other objects than registers see [`objects`].

use std::io::{self, BufWriter, Write};

use checker::{Event, EventType, Header, Nanos, Process, Value};
use clap::{Parser, ValueEnum};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

#[path = "generate/objects.rs"]
mod objects;

use objects::Model;

/// Generates a history as JSON lines.
#[derive(Parser, Clone, Copy)]
struct Arguments {
    /// What the clients work on.
    #[arg(long, value_enum, default_value = "register")]
    model: Model,
    /// How many operations are called.
    #[arg(long, default_value_t = 1000)]
    operations: u64,
    /// How many of them are pending at any time.
    #[arg(long, default_value_t = 10)]
    clients: u64,
    /// How many values are written; 0 makes each written value unique.
    #[arg(long, default_value_t = 5)]
    values: u64,
    /// How many writes and compare-and-sets get no answer, spread over the history. Half of them take effect.
    #[arg(long, default_value_t = 0)]
    crashed: u64,
    /// Where one read returns a value that was overwritten long before, or another answer is as wrong.
    #[arg(long, value_enum)]
    stale: Option<Stale>,
    /// How many registers there are.
    #[arg(long, default_value_t = 1)]
    keys: u64,
    /// How many turns a client rests on average between an answer and its next call; 0 keeps all clients busy.
    #[arg(long, default_value_t = 0)]
    rest: u32,
    /// What everything is drawn from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Clone, Copy, ValueEnum)]
enum Stale {
    Middle,
    End,
}

#[derive(Clone, Copy)]
enum Call {
    Read,
    Write(u64),
    Cas(u64, u64),
}

/// An operation that was called and not answered.
#[derive(Clone, Copy)]
struct Open {
    key: u64,
    call: Call,
    /// Whether it will never be answered.
    crashes: bool,
    /// What the stale read will answer.
    stale: Option<u64>,
    /// Whether it was called behind the last write of the stale value.
    fenced: bool,
    /// What it did, once it did.
    effect: Option<Effect>,
}

#[derive(Clone, Copy)]
enum Effect {
    Saw(u64),
    Changed,
    Refused,
}

/// What becomes of the stale read.
#[derive(Clone, Copy, PartialEq)]
enum Plan {
    /// Not yet: at this many calls, or never.
    At(u64),
    /// No client writes the stale value any more, but some still do.
    Fading,
    /// No write of it is pending. Once a write that is called now is acknowledged, it is surely gone.
    Fenced,
    /// The next call is the one.
    Ready,
    /// It is called.
    Pending,
    Done,
}

/// The value of the stale read where values repeat. No crashed operation leaves it behind.
const STALE: u64 = 1;

struct Run {
    arguments: Arguments,
    random: ChaCha8Rng,
    out: BufWriter<io::StdoutLock<'static>>,
    events: u64,
    called: u64,
    fresh: u64,
    clients: Vec<Option<Open>>,
    processes: Vec<u64>,
    /// All values each register had, and how many calls there had been when it got them.
    registers: Vec<Vec<(u64, u64)>>,
    plan: Plan,
    /// The register of the stale read.
    stale_key: u64,
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    if arguments.model != Model::Register {
        return objects::generate(arguments.model, arguments);
    }
    let plan = match arguments.stale {
        None => Plan::Done,
        Some(Stale::Middle) => Plan::At(arguments.operations / 2),
        Some(Stale::End) => Plan::At(arguments.operations * 9 / 10),
    };
    let mut run = Run {
        arguments,
        random: ChaCha8Rng::seed_from_u64(arguments.seed),
        out: BufWriter::new(io::stdout().lock()),
        events: 0,
        called: 0,
        fresh: 0,
        clients: vec![None; usize::try_from(arguments.clients).expect("as many as fit in memory")],
        processes: (0..arguments.clients).collect(),
        registers: vec![vec![(0, 0)]; usize::try_from(arguments.keys).expect("as many as fit")],
        plan,
        stale_key: 0,
    };
    run.header()?;
    run.play()?;
    run.out.flush()?;
    match run.plan {
        Plan::Done => Ok(()),
        Plan::At(_) | Plan::Fading | Plan::Fenced | Plan::Ready | Plan::Pending => {
            Err(io::Error::other(
                "no stale read came about, so the history is linearizable: give it more --operations",
            ))
        }
    }
}

impl Run {
    fn header(&mut self) -> io::Result<()> {
        let model = if self.arguments.keys > 1 {
            "kv"
        } else {
            "cas-register"
        };
        let header = Header {
            model: Some(model.to_owned()),
            initial: Some(Value::Int(0)),
            seed: Some(self.arguments.seed),
            ..Header::new()
        };
        writeln!(self.out, "{}", serde_json::to_string(&header)?)
    }

    /// Client after client makes a step, drawn at random, until all calls are answered.
    fn play(&mut self) -> io::Result<()> {
        for client in 0..self.clients.len() {
            self.invoke(client)?;
        }
        let mut open = self.clients.len();
        while open > 0 || self.rests() {
            let client = self.random.random_range(0..self.clients.len());
            let Some(call) = self.clients[client] else {
                if self.rests() && self.random.random_ratio(1, self.arguments.rest) {
                    self.invoke(client)?;
                    open += 1;
                }
                continue;
            };
            if call.effect.is_none() {
                self.take_effect(client, call);
            } else if !self.complete(client, call)? {
                open -= 1;
            }
        }
        Ok(())
    }

    /// Whether clients without a call will call again by themselves.
    fn rests(&self) -> bool {
        self.arguments.rest > 0 && self.called < self.arguments.operations
    }

    fn invoke(&mut self, client: usize) -> io::Result<()> {
        if self.called >= self.arguments.operations {
            return Ok(());
        }
        self.called += 1;
        self.fade();
        let key = match self.stale_value(self.stale_key) {
            Some(_) => self.stale_key,
            None => self.random.random_range(0..self.arguments.keys),
        };
        let crashes = self.crashes();
        let stale = self.stale_value(key).filter(|_| !crashes);
        let call = if stale.is_some() {
            self.plan = Plan::Pending;
            Call::Read
        } else {
            self.call(key, crashes)
        };
        let (f, value) = match call {
            Call::Read => ("read", Value::Nil),
            Call::Write(new) => ("write", number(new)),
            Call::Cas(expected, new) => ("cas", Value::from(vec![number(expected), number(new)])),
        };
        self.clients[client] = Some(Open {
            key,
            call,
            crashes,
            stale,
            fenced: self.plan == Plan::Fenced,
            effect: None,
        });
        self.record(client, EventType::Invoke, f, key, value)
    }

    /// Crashes are spread evenly.
    fn crashes(&self) -> bool {
        let Arguments {
            operations,
            crashed,
            ..
        } = self.arguments;
        self.called * crashed / operations > (self.called - 1) * crashed / operations
    }

    fn call(&mut self, key: u64, crashes: bool) -> Call {
        let new = self.new_value(crashes);
        match self.random.random_range(0..10) {
            0..5 if !crashes => Call::Read,
            0..8 => Call::Write(new),
            _ => Call::Cas(self.current(key), new),
        }
    }

    fn new_value(&mut self, crashes: bool) -> u64 {
        if self.arguments.values == 0 {
            self.fresh += 1;
            return self.fresh;
        }
        let avoided = crashes && self.arguments.stale.is_some();
        let faded = matches!(
            self.plan,
            Plan::Fading | Plan::Fenced | Plan::Ready | Plan::Pending
        );
        let from = if avoided || faded { STALE + 1 } else { 1 };
        self.random.random_range(from..=self.arguments.values)
    }

    fn current(&self, key: u64) -> u64 {
        self.register(key).last().map_or(0, |(value, _)| *value)
    }

    fn register(&self, key: u64) -> &[(u64, u64)] {
        &self.registers[usize::try_from(key).expect("a key is a place in memory")]
    }

    fn fade(&mut self) {
        match self.plan {
            Plan::At(calls) if calls <= self.called => self.plan = Plan::Fading,
            Plan::Fading if self.is_faded() => self.plan = Plan::Fenced,
            Plan::At(_)
            | Plan::Fading
            | Plan::Fenced
            | Plan::Ready
            | Plan::Pending
            | Plan::Done => {}
        }
    }

    fn is_faded(&self) -> bool {
        !self.clients.iter().flatten().any(|open| match open.call {
            Call::Read => false,
            Call::Write(new) | Call::Cas(_, new) => new == STALE,
        })
    }

    /// A write of another value behind all of the stale one makes it stale.
    fn fence(&mut self, open: Open) {
        let overwritten = open.fenced && matches!(open.call, Call::Write(_)) && !open.crashes;
        if overwritten && self.plan == Plan::Fenced {
            self.plan = Plan::Ready;
            self.stale_key = open.key;
        }
    }

    fn take_effect(&mut self, client: usize, open: Open) {
        let current = self.current(open.key);
        let lost = open.crashes && self.random.random_ratio(1, 2);
        let effect = match open.call {
            Call::Read => Effect::Saw(open.stale.unwrap_or(current)),
            Call::Write(_) | Call::Cas(..) if lost => Effect::Refused,
            Call::Cas(expected, _) if expected != current => Effect::Refused,
            Call::Write(new) | Call::Cas(_, new) => {
                let key = usize::try_from(open.key).expect("a key is a place in memory");
                self.registers[key].push((new, self.called));
                Effect::Changed
            }
        };
        self.clients[client] = Some(Open {
            effect: Some(effect),
            ..open
        });
    }

    /// Of unique values one so old that no pending operation can have begun before it was gone.
    fn stale_value(&self, key: u64) -> Option<u64> {
        if self.plan != Plan::Ready || self.stale_key != key {
            return None;
        }
        if self.arguments.values > 0 {
            return Some(STALE);
        }
        let gone_at = self.called.checked_sub(20 * self.arguments.clients)?;
        let past = self.register(key);
        let gone = past.partition_point(|(_, since)| *since <= gone_at);
        Some(past[gone.checked_sub(2)?].0)
    }

    /// Answers, and calls again. False if there is nothing left to call.
    fn complete(&mut self, client: usize, open: Open) -> io::Result<bool> {
        self.clients[client] = None;
        let (f, value) = match (open.call, open.effect) {
            (Call::Read, Some(Effect::Saw(seen))) => ("read", number(seen)),
            (Call::Read, _) => ("read", Value::Nil),
            (Call::Write(new), _) => ("write", number(new)),
            (Call::Cas(expected, new), _) => {
                ("cas", Value::from(vec![number(expected), number(new)]))
            }
        };
        let event_type = match open.effect {
            _ if open.crashes => EventType::Info,
            Some(Effect::Refused) => EventType::Fail,
            Some(Effect::Saw(_) | Effect::Changed) | None => EventType::Ok,
        };
        self.record(client, event_type, f, open.key, value)?;
        if open.crashes {
            self.processes[client] += self.arguments.clients;
        }
        self.fence(open);
        if open.stale.is_some() {
            self.plan = Plan::Done;
        }
        if self.arguments.rest == 0 {
            self.invoke(client)?;
        }
        Ok(self.clients[client].is_some())
    }

    fn record(
        &mut self,
        client: usize,
        event_type: EventType,
        f: &str,
        key: u64,
        value: Value,
    ) -> io::Result<()> {
        let event = Event {
            index: self.events,
            time: Nanos(self.events * 100_000),
            process: Process::Client(self.processes[client].cast_signed()),
            event_type,
            f: f.into(),
            key: (self.arguments.keys > 1).then(|| number(key)),
            value,
            node: None,
            error: None,
            arrival: None,
        };
        self.events += 1;
        writeln!(self.out, "{}", serde_json::to_string(&event)?)
    }
}

fn number(value: u64) -> Value {
    Value::Int(value.cast_signed())
}
