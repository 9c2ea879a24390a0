//! Long histories as a run against a real store would record them.

use std::collections::BTreeMap;

use checker::{Event, EventType, Header, History, Nanos, Process, Text, Value};
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A run: 50 % reads, 30 % writes, 20 % cas from the value the client saw last.
#[derive(Clone, Copy)]
pub(crate) struct Run {
    pub(crate) operations: usize,
    pub(crate) clients: usize,
    pub(crate) operations_per_key: usize,
    /// Different values, 0 if each is written once only.
    pub(crate) values: i64,
    /// In tenths of a percent.
    pub(crate) indeterminate: u32,
    /// Whether one read in the last third returns a value that was overwritten long before.
    pub(crate) stale: bool,
    pub(crate) seed: u64,
}

/// A call that is not answered yet.
struct Call {
    f: &'static str,
    key: i64,
    input: Value,
    effect_at: u64,
    return_at: u64,
    answer: Option<(EventType, Value)>,
}

struct Simulation {
    run: Run,
    random: ChaCha8Rng,
    events: Vec<Event>,
    calls: Vec<Option<Call>>,
    /// The process of each client; a new one after an indeterminate answer.
    processes: Vec<i64>,
    store: BTreeMap<i64, Vec<i64>>,
    called: usize,
    fresh: i64,
    now: u64,
    stale_left: bool,
}

/// Plays the run tick by tick.
pub(crate) fn history(run: Run) -> History {
    let mut simulation = Simulation {
        run,
        random: ChaCha8Rng::seed_from_u64(run.seed),
        events: Vec::new(),
        calls: (0..run.clients).map(|_| None).collect(),
        processes: (0..run.clients as i64).collect(),
        store: BTreeMap::new(),
        called: 0,
        fresh: 0,
        now: 0,
        stale_left: run.stale,
    };
    while simulation.called < run.operations || simulation.calls.iter().any(Option::is_some) {
        simulation.now += 1;
        for client in 0..run.clients {
            simulation.tick(client);
        }
    }
    let header = Header {
        model: Some("kv".into()),
        initial: Some(Value::Int(0)),
        ..Header::new()
    };
    History::from_events(Some(header), simulation.events).expect("a simulation is well-formed")
}

impl Simulation {
    fn tick(&mut self, client: usize) {
        match self.calls[client].take() {
            None if self.called < self.run.operations && self.random.random_ratio(1, 4) => {
                self.invoke(client);
            }
            None => {}
            Some(mut call) => {
                if call.effect_at == self.now {
                    call.answer = Some(self.play(&call));
                }
                if call.return_at == self.now {
                    self.complete(client, call);
                } else {
                    self.calls[client] = Some(call);
                }
            }
        }
    }

    fn invoke(&mut self, client: usize) {
        let key = (self.called / self.run.operations_per_key) as i64;
        let new = if self.run.values == 0 {
            self.fresh += 1;
            self.fresh
        } else {
            self.random.random_range(1..=self.run.values)
        };
        let seen = self
            .store
            .get(&key)
            .and_then(|values| values.last())
            .copied()
            .unwrap_or(0);
        let (f, input) = match self.random.random_range(0..10) {
            0..5 => ("read", Value::Nil),
            5..8 => ("write", new.into()),
            _ => ("cas", Value::from(vec![seen.into(), new.into()])),
        };
        let effect_at = self.now + self.random.random_range(1..8);
        let return_at = effect_at + self.random.random_range(0..8);
        self.called += 1;
        self.record(client, EventType::Invoke, f, key, input.clone());
        self.calls[client] = Some(Call {
            f,
            key,
            input,
            effect_at,
            return_at,
            answer: None,
        });
    }

    fn play(&mut self, call: &Call) -> (EventType, Value) {
        let values = self.store.entry(call.key).or_insert_with(|| vec![0]);
        let current = *values.last().expect("never empty");
        match (call.f, &call.input) {
            ("write", Value::Int(new)) => values.push(*new),
            ("cas", Value::List(pair)) if pair[0] != Value::Int(current) => {
                return (EventType::Fail, call.input.clone());
            }
            ("cas", Value::List(pair)) => {
                let Value::Int(new) = pair[1] else {
                    panic!("values are numbers")
                };
                values.push(new);
            }
            _ => {
                let late = self.called * 3 > self.run.operations * 2 && values.len() > 12;
                let stale = self.stale_left && late;
                self.stale_left &= !stale;
                return (
                    EventType::Ok,
                    Value::Int(if stale {
                        values[values.len() - 12]
                    } else {
                        current
                    }),
                );
            }
        }
        (EventType::Ok, call.input.clone())
    }

    fn complete(&mut self, client: usize, call: Call) {
        let (event_type, value) = call.answer.expect("effects precede returns");
        if self.random.random_ratio(self.run.indeterminate, 1000) {
            self.record(client, EventType::Info, call.f, call.key, call.input);
            self.processes[client] += self.run.clients as i64;
        } else {
            self.record(client, event_type, call.f, call.key, value);
        }
    }

    fn record(&mut self, client: usize, event_type: EventType, f: &str, key: i64, value: Value) {
        let nodes = ["n1", "n2", "n3", "n4", "n5"];
        self.events.push(Event {
            index: self.events.len() as u64,
            time: Nanos(self.now * 1_000_000),
            process: Process::Client(self.processes[client]),
            event_type,
            f: f.into(),
            key: Some(Value::Int(key)),
            arrival: None,
            value,
            node: nodes.choose(&mut self.random).map(|node| Text::from(*node)),
            error: None,
        });
    }
}
