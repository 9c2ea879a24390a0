//! A whole replica, with a state that rests on a base.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::{node::Fatal, *};
use crate::{
    bug::BugSet,
    kv::{Base, BaseError, Changes, Command, JsonText, Key, Kv, MicroOp},
    raft::{Config, Effects, Entry, Membership, NodeId, Raft, Restored},
};

/// A base that holds 7 under every key until it fails.
#[derive(Debug, Default)]
struct Sevens(Arc<AtomicBool>);

impl Base for Sevens {
    fn get(&self, _: &Key) -> Option<JsonText> {
        self.fault().is_none().then(|| JsonText::from(7))
    }

    fn iter(&self) -> Box<dyn Iterator<Item = (Key, JsonText)> + '_> {
        Box::new(std::iter::empty())
    }

    fn with(&self, _: &Changes) -> Result<Arc<dyn Base>, BaseError> {
        Ok(Arc::new(Self(self.0.clone())))
    }

    fn fault(&self) -> Option<BaseError> {
        self.0.load(Ordering::Relaxed).then(|| BaseError {
            action: "read",
            file: "values-1.redb".into(),
            cause: "the disk is broken".into(),
        })
    }
}

struct Nobody;

impl Watch for Nobody {
    fn stepped(&mut self, _: Standing, _: &Raft, _: &Effects) {}

    fn applied(&mut self, _: &Entry, _: &Kv) {}
}

/// A cluster of one that leads.
struct Scene {
    replica: Replica<&'static str>,
    broken: Arc<AtomicBool>,
    now: Duration,
}

fn config() -> Config {
    let n1 = NodeId::new("n1");
    let addresses = crate::raft::Addresses {
        peer: "127.0.0.1:1".parse().unwrap(),
        client: None,
    };
    Config {
        id: n1.clone(),
        bootstrap: Membership::of_voters([(n1, addresses)]),
        election_min: Duration::from_millis(150),
        election_max: Duration::from_millis(300),
        heartbeat: Duration::from_millis(50),
        seed: 1,
        life: 1,
        retained_entries: 0,
        append_bytes_max: 64 << 10,
        log_bytes_max: usize::MAX,
        bugs: BugSet::default(),
    }
}

impl Scene {
    fn new() -> Self {
        let broken = Arc::new(AtomicBool::new(false));
        let base: Arc<dyn Base> = Arc::new(Sevens(broken.clone()));
        let kept = Kept {
            state: Kv::on(Some(base)),
            ..Kept::default()
        };
        let rule = SnapshotRule {
            bytes_min: u64::MAX,
            factor: 0,
        };
        let now = Duration::ZERO;
        let replica = Replica::new(config(), rule, Restored::default(), kept, now);
        let mut scene = Self {
            replica,
            broken,
            now,
        };
        scene.now = Duration::from_secs(1);
        scene.handle(Event::Tick);
        scene
    }

    /// Handles the event and has the disk done at once; returns all that was asked for.
    fn handle(&mut self, event: Event<&'static str>) -> Vec<Output<&'static str>> {
        let mut all = Vec::new();
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            let mut out = Vec::new();
            self.replica.handle(self.now, event, &mut Nobody, &mut out);
            let writes = out.iter().any(|output| matches!(output, Output::Write(_)));
            events.extend(writes.then_some(Event::Durable));
            all.extend(out);
        }
        all
    }

    fn ask(&mut self, operation: Operation) -> Vec<Output<&'static str>> {
        let reply = "ann";
        self.handle(Event::Requests(vec![Request { operation, reply }]))
    }
}

fn read() -> Operation {
    Operation::ReadLocal { key: "k".into() }
}

fn add() -> Operation {
    let key = "k".into();
    let micro_op = MicroOp::Add(1);
    Operation::Command {
        command: Command::Single { key, micro_op },
        stamp: None,
    }
}

fn answers(outputs: &[Output<&'static str>]) -> usize {
    let answer = |output: &&Output<_>| matches!(output, Output::Answer(..));
    outputs.iter().filter(answer).count()
}

#[test]
fn after_a_failed_read_of_the_state_nothing_is_said_but_that_the_node_stops() {
    for operation in [read(), add()] {
        let mut healthy = Scene::new();
        let said = healthy.ask(operation.clone());
        assert_eq!(answers(&said), 1, "{said:?}");

        let mut scene = Scene::new();
        scene.broken.store(true, Ordering::Relaxed);
        let said = scene.ask(operation);
        let [Output::Stop(Fatal::Base(error))] = &said[..] else {
            panic!("{said:?}");
        };
        assert!(error.to_string().contains("values-1.redb"), "{error}");
    }
}

#[test]
fn an_image_on_its_way_goes_into_the_base() {
    let mut scene = Scene::new();
    scene.ask(add());
    let said = scene.ask(Operation::Snapshot);
    let image = said.iter().find_map(|output| match output {
        Output::Keep(Task::Store { meta, image, .. }) => Some((meta.clone(), image)),
        Output::Keep(Task::ReadPart(_) | Task::KeepPart(_))
        | Output::Send(_)
        | Output::Write(_)
        | Output::Answer(..)
        | Output::Stop(_) => None,
    });
    let (meta, image) = image.expect("a snapshot is taken");
    let flushed = image.flush().unwrap();
    assert_eq!(scene.replica.state().read(&"k".into()), JsonText::from(8));
    let bytes = 1;
    let said = scene.handle(Event::Stored {
        meta,
        bytes,
        flushed,
    });
    assert_eq!(answers(&said), 1, "who asked for the snapshot is told");
    // The next base of sevens has forgotten the sum, so the state reads from it.
    assert_eq!(scene.replica.state().read(&"k".into()), JsonText::from(7));
}
