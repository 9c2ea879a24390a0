//! The check of a growing history against the check of what there is of it.

use std::num::NonZero;

use checker::{
    Algorithm, CheckOptions, Event, EventType, History, ModelName, ModelSpec, Nanos, Online,
    OnlineLimit, OnlineViolation, Process, Standing, Unlimited, Value, Verdict, check_with,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::draw::{Shape, draw, initial};
use crate::random::draws;

/// How often each answer was given.
#[derive(Debug, Default)]
struct Seen {
    holds: u64,
    violated: u64,
    unknown: u64,
}

impl Seen {
    fn count(&mut self, standing: &Standing) {
        *match standing {
            Standing::Holds => &mut self.holds,
            Standing::Violated(_) => &mut self.violated,
            Standing::Unknown { .. } => &mut self.unknown,
        } += 1;
    }
}

#[test]
fn small_histories_are_judged_as_if_they_ended_at_each_poll() {
    for model in ModelName::ALL {
        let mut seen = Seen::default();
        for seed in 0..draws(2_000) {
            let mut random = ChaCha8Rng::seed_from_u64(5 << 32 | seed);
            let shape = shape(model, random.random_range(2..=8), &mut random);
            follow(&shape, usize::MAX, &mut random, &mut seen);
        }
        assert_both(&seen);
    }
}

#[test]
fn histories_of_thirteen_operations_and_more_are_judged_as_if_they_ended_at_each_poll() {
    let mut seen = Seen::default();
    for seed in 0..draws(5_000) {
        let mut random = ChaCha8Rng::seed_from_u64(6 << 32 | seed);
        let shape = shape(
            ModelName::CasRegister,
            random.random_range(13..=15),
            &mut random,
        );
        follow(&shape, usize::MAX, &mut random, &mut seen);
    }
    assert_both(&seen);
}

/// Both answers, and never a third one.
fn assert_both(seen: &Seen) {
    let Seen {
        holds,
        violated,
        unknown,
    } = *seen;
    assert!(
        30 * holds > violated && 30 * violated > holds && unknown == 0,
        "{seen:?}"
    );
}

#[test]
fn nothing_false_is_said_where_operations_are_not_waited_for() {
    let mut seen = Seen::default();
    for seed in 0..draws(10_000) {
        let mut random = ChaCha8Rng::seed_from_u64(7 << 32 | seed);
        let operations = random.random_range(6..=15);
        let shape = shape(ModelName::CasRegister, operations, &mut random);
        let longest_tail = random.random_range(0..=4);
        follow(&shape, longest_tail, &mut random, &mut seen);
    }
    let least = seen.holds.min(seen.violated).min(seen.unknown);
    assert!(20 * least > seen.holds, "{seen:?}");
}

fn shape(model: ModelName, operations: usize, random: &mut ChaCha8Rng) -> Shape {
    Shape {
        model,
        operations,
        processes: random.random_range(2..=6),
        values: random.random_range(1..=3),
        indeterminate: [0, 20, 40][random.random_range(0..3)],
        wrong: [0, 5, 15][random.random_range(0..3)],
    }
}

/// Feeds two objects, or one where the model has no more, and polls now and then.
fn follow(shape: &Shape, longest_tail: usize, random: &mut ChaCha8Rng, seen: &mut Seen) {
    let spec = ModelSpec {
        name: shape.model,
        initial: Some(initial(shape.model)),
    };
    let mut online = Online::new(&spec).with_longest_tail(longest_tail);
    let events = events(shape, random);
    let mut found: Option<OnlineViolation> = None;
    for (number, event) in events.iter().enumerate() {
        online.feed(event).expect("a well-formed draw");
        if number + 1 < events.len() && random.random_ratio(2, 3) {
            continue;
        }
        let standing = online.poll(&Unlimited);
        seen.count(&standing);
        agrees(&events[..=number], &spec, &standing, found.as_ref());
        if let Standing::Violated(violation) = standing {
            found = Some(violation);
        }
    }
}

fn agrees(
    events: &[Event],
    spec: &ModelSpec,
    standing: &Standing,
    before: Option<&OnlineViolation>,
) {
    let history = History::from_events(None, events.to_vec()).expect("a well-formed draw");
    let options = CheckOptions {
        algorithm: Algorithm::Search,
        workers: NonZero::<usize>::MIN,
    };
    let analysis =
        check_with(&history, spec, &options, &Unlimited).expect("operations of the model");
    let told = || {
        let lines = events.iter().map(|event| format!("{event:?}\n"));
        lines.collect::<String>()
    };
    match standing {
        Standing::Holds => assert_eq!(analysis.outcome(), Verdict::Valid, "{}", told()),
        Standing::Violated(violation) => {
            assert_eq!(analysis.outcome(), Verdict::Invalid, "{}", told());
            let operations = analysis.violations().map(|(_, found)| found.operation);
            match before {
                Some(before) => assert_eq!(before, violation),
                // Where something completed late the frontier may believe in orders that are none.
                None => assert!(operations.min() <= Some(violation.operation), "{}", told()),
            }
        }
        Standing::Unknown { limit, .. } => {
            assert!(matches!(limit, OnlineLimit::CompletedLate(_)), "{limit:?}");
        }
    }
}

/// Draws, with some operations that never complete, and mixed where the model has objects apart.
fn events(shape: &Shape, random: &mut ChaCha8Rng) -> Vec<Event> {
    let mut one = draw(shape, &initial(shape.model), random);
    abandon(&mut one, random);
    if shape.model == ModelName::ListAppend {
        return one;
    }
    let mut other = draw(shape, &initial(shape.model), random);
    abandon(&mut other, random);
    own(&mut one, 0, "a");
    own(&mut other, 1_000, "b");
    let (mut one, mut other) = (one.into_iter().peekable(), other.into_iter().peekable());
    std::iter::from_fn(|| {
        let first = other.peek().is_none() || one.peek().is_some() && random.random_ratio(1, 2);
        if first { one.next() } else { other.next() }
    })
    .collect()
}

fn own(events: &mut [Event], processes: i64, key: &str) {
    for event in events {
        event.process = Process::Client(number(event) + processes);
        event.key = Some(Value::from(key));
    }
}

/// Lets some indeterminate operations stay open. Who called them goes on under another number.
fn abandon(events: &mut Vec<Event>, random: &mut ChaCha8Rng) {
    let mut at = 0;
    while at < events.len() {
        if events[at].event_type == EventType::Info && random.random_ratio(1, 2) {
            let process = events.remove(at).process;
            let later = events[at..].iter_mut().filter(|one| one.process == process);
            for event in later {
                event.process = Process::Client(number(event) + 10);
            }
        } else {
            at += 1;
        }
    }
}

fn number(event: &Event) -> i64 {
    match event.process {
        Process::Client(number) => number,
        Process::Nemesis => panic!("clients only"),
    }
}

/// Clients of a register with five values that all answer rightly. The first operations crash.
struct Clients {
    random: ChaCha8Rng,
    clients: usize,
    crashes: usize,
    processes: Vec<i64>,
    open: Vec<Option<(&'static str, i64)>>,
    state: i64,
}

impl Clients {
    fn new(clients: usize, crashes: usize) -> Self {
        Self {
            random: ChaCha8Rng::seed_from_u64(8),
            clients,
            crashes,
            processes: (0..clients as i64).collect(),
            open: vec![None; clients],
            state: 0,
        }
    }

    fn next(&mut self) -> Event {
        let client = self.random.random_range(0..self.clients);
        let process = self.processes[client];
        match self.open[client].take() {
            None => {
                let value = self.random.random_range(0..5);
                let f = ["read", "write"][self.random.random_range(0..2)];
                self.open[client] = Some((f, value));
                event(process, EventType::Invoke, f, value)
            }
            Some((f, value)) if self.crashes > 0 && f == "write" => {
                self.crashes -= 1;
                self.processes[client] += self.clients as i64;
                event(process, EventType::Info, f, value)
            }
            Some((f, value)) => {
                if f == "write" {
                    self.state = value;
                }
                event(process, EventType::Ok, f, self.state)
            }
        }
    }
}

fn event(process: i64, event_type: EventType, f: &str, value: i64) -> Event {
    Event {
        index: 0,
        time: Nanos(0),
        process: Process::Client(process),
        event_type,
        f: f.into(),
        key: None,
        value: value.into(),
        node: None,
        error: None,
        arrival: None,
    }
}

#[test]
fn memory_stays_flat_however_long_the_history_is() {
    for (clients, crashes, operations) in [(10, 0, 40_000), (10, 20, 40_000), (50, 0, 8_000)] {
        let mut clients = Clients::new(clients, crashes);
        let spec = ModelSpec {
            name: ModelName::Register,
            initial: Some(0.into()),
        };
        let mut online = Online::new(&spec);
        let (mut early, mut late) = (0, 0);
        for number in 0..2 * draws(operations) {
            online.feed(&clients.next()).expect("a well-formed run");
            if number % 200 == 199 {
                assert_eq!(online.poll(&Unlimited), Standing::Holds);
                let peak = if number < operations / 4 {
                    &mut early
                } else {
                    &mut late
                };
                *peak = online.bytes().max(*peak);
            }
        }
        assert!(late < 2 * early, "{early} bytes grew to {late}");
    }
}
