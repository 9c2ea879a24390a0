//! Random scripts: a cluster lives through anything, after every step the rules of `law` hold, every message that
//! comes twice changes nothing the second time, and once all is well again all nodes agree.

use std::{cell::RefCell, time::Duration};

use proptest::{
    collection::vec,
    prelude::*,
    strategy::Union,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner},
};

use super::{
    cluster::{Cluster, nowhere},
    law::Broken,
    machine::Machine,
    node::Settings,
};
use crate::{
    bug::{Bug, BugSet},
    raft::{Change, Entry, Input, LogIndex, Membership, NodeId, Payload, ReadLevel, Role, Term},
};

const NODES: usize = 4;

/// Something that happens. Numbers choose among what there is.
#[derive(Debug, Clone)]
enum Act {
    Deliver(usize),
    Twice(usize),
    Lose(usize),
    Pass(usize, u64),
    PassAll(u64),
    Propose(usize),
    Read(usize, ReadLevel),
    Transfer(usize, usize),
    Change(usize, usize, Turn),
    Snapshot(usize),
    Cut(usize, usize),
    Heal,
    Hold(usize),
    Release(usize),
    Crash(usize),
    Start(usize),
}

/// What becomes of a node by a change.
#[derive(Debug, Clone, Copy)]
enum Turn {
    Voter,
    Learner,
    Gone,
    /// All but this one.
    Others,
}

fn act() -> impl Strategy<Value = Act> {
    let node = 0..NODES;
    let any = 0..64_usize;
    let level = prop_oneof![
        Just(ReadLevel::Leader),
        Just(ReadLevel::Anywhere),
        Just(ReadLevel::Lease)
    ];
    let turn = prop_oneof![
        3 => Just(Turn::Voter),
        1 => Just(Turn::Learner),
        1 => Just(Turn::Gone),
        1 => Just(Turn::Others)
    ];
    let at = (node.clone(), node.clone());
    Union::new_weighted(vec![
        of(60, any.clone().prop_map(Act::Deliver)),
        of(20, any.clone().prop_map(Act::Twice)),
        of(5, any.prop_map(Act::Lose)),
        of(
            5,
            (node.clone(), 1..200_u64).prop_map(|(node, ms)| Act::Pass(node, ms)),
        ),
        of(10, (1..80_u64).prop_map(Act::PassAll)),
        of(10, node.clone().prop_map(Act::Propose)),
        of(
            5,
            (node.clone(), level).prop_map(|(node, level)| Act::Read(node, level)),
        ),
        of(1, at.clone().prop_map(|(from, to)| Act::Transfer(from, to))),
        of(
            3,
            (at.clone(), turn).prop_map(|((at, whom), turn)| Act::Change(at, whom, turn)),
        ),
        of(3, node.clone().prop_map(Act::Snapshot)),
        of(2, at.prop_map(|(from, to)| Act::Cut(from, to))),
        of(2, Just(Act::Heal)),
        of(2, node.clone().prop_map(Act::Hold)),
        of(4, node.clone().prop_map(Act::Release)),
        of(1, node.clone().prop_map(Act::Crash)),
        of(3, node.prop_map(Act::Start)),
    ])
}

fn of(weight: u32, acts: impl Strategy<Value = Act> + 'static) -> (u32, BoxedStrategy<Act>) {
    (weight, acts.boxed())
}

/// What all runs have seen together; runs in which little happened prove little.
#[derive(Debug, Default)]
struct Seen {
    led: usize,
    applied: usize,
    joint: usize,
    installed: usize,
    read: usize,
    repeated: usize,
}

/// `ADRASTEIA_DRAWS` makes all draws so many times longer.
fn draws() -> u32 {
    let factor = std::env::var("ADRASTEIA_DRAWS").map(|factor| factor.parse::<u32>());
    factor.map_or(1, |factor| factor.expect("a number"))
}

/// Lets `cases` clusters with `bugs` live, until a rule is broken.
fn live(cases: u32, bugs: BugSet) -> (Result<(), TestError<Vec<Act>>>, Seen) {
    let seen = RefCell::new(Seen::default());
    let config = Config {
        cases,
        max_shrink_iters: if bugs == BugSet::default() { 4096 } else { 0 },
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner =
        TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let lived = runner.run(&vec(act(), 400..600), |acts| {
        live_through(&acts, bugs, &mut seen.borrow_mut()).map_err(TestCaseError::fail)
    });
    (lived, seen.into_inner())
}

#[test]
fn anything_may_happen_in_any_order() {
    let (lived, seen) = live(150 * draws(), BugSet::default());
    lived.unwrap_or_else(|failure| panic!("{failure}"));
    let enough = seen.led > 300
        && seen.applied > 3000
        && seen.joint > 20
        && seen.installed > 20
        && seen.read > 100
        && seen.repeated > 3000;
    assert!(enough, "{seen:?}");
}

#[test]
fn a_node_that_reads_without_asking_is_found_out() {
    for bug in [Bug::ReadNoQuorum, Bug::FollowerReadLocal] {
        let (lived, _) = live(1000, [bug].into_iter().collect());
        let failure = lived.expect_err("the law notices").to_string();
        assert!(failure.contains("a stale read"), "{failure}");
    }
}

fn id(number: usize) -> NodeId {
    NodeId::new(&format!("n{}", number + 1))
}

fn live_through(acts: &[Act], bugs: BugSet, seen: &mut Seen) -> Result<(), Broken> {
    let settings = Settings {
        retained_entries: 2,
        log_bytes_max: usize::MAX,
        part_bytes: 8,
        bugs,
    };
    let mut cluster = Cluster::new(&[id(0), id(1), id(2)], settings)?;
    cluster.add(&id(3), Membership::default())?;
    for act in acts {
        happen(&mut cluster, act, seen)?;
    }
    calm(&mut cluster)?;
    for line in cluster.take_trace().lines() {
        let applies = line.contains(" applies ");
        seen.led += usize::from(line.contains(" leads in term "));
        seen.applied += usize::from(applies);
        seen.joint += usize::from(applies && line.contains(" → "));
        seen.installed += usize::from(line.contains(" installs "));
        seen.read += usize::from(line.contains(" answers read: ["));
    }
    Ok(())
}

fn happen(cluster: &mut Cluster, act: &Act, seen: &mut Seen) -> Result<(), Broken> {
    match *act {
        Act::Deliver(pick) => match pick_message(cluster, pick) {
            Some(parcel) => cluster.deliver(parcel),
            None => Ok(()),
        },
        Act::Twice(pick) => deliver_twice(cluster, pick, seen),
        Act::Lose(pick) => {
            pick_message(cluster, pick);
            Ok(())
        }
        Act::Pass(node, ms) => cluster.pass(Duration::from_millis(ms), &[id(node)], false),
        Act::PassAll(ms) => pass_all(cluster, ms, false),
        Act::Propose(node) => {
            let token = cluster.token("propose".into());
            let word = Payload::new(format!("{}", token.0).as_bytes());
            cluster.step(&id(node), Input::Propose(vec![(token, word)]))
        }
        Act::Read(node, level) => {
            let token = cluster.token("read".into());
            cluster.step(&id(node), Input::Read(level, vec![token]))
        }
        Act::Transfer(from, to) => {
            let token = cluster.token("transfer".into());
            cluster.step(&id(from), Input::Transfer(token, Some(id(to))))
        }
        Act::Change(node, whom, turn) => {
            let token = cluster.token("change".into());
            cluster.step(&id(node), Input::Change(token, change(whom, turn)))
        }
        Act::Snapshot(node) => match cluster.nodes[&id(node)].raft {
            Some(_) => cluster.take_snapshot(&id(node)),
            None => Ok(()),
        },
        Act::Cut(from, to) => {
            cluster.cuts.insert((id(from), id(to)));
            Ok(())
        }
        Act::Heal => {
            cluster.cuts.clear();
            Ok(())
        }
        Act::Hold(node) => {
            cluster.node(&id(node))?.held = true;
            Ok(())
        }
        Act::Release(node) => {
            cluster.node(&id(node))?.held = false;
            cluster.sync(&id(node))
        }
        Act::Crash(node) => {
            cluster.node(&id(node))?.stop();
            Ok(())
        }
        Act::Start(node) => match cluster.nodes[&id(node)].raft {
            Some(_) => Ok(()),
            None => cluster.start(&id(node)),
        },
    }
}

fn change(whom: usize, turn: Turn) -> Change {
    match turn {
        Turn::Voter => Change::Add(id(whom), nowhere()),
        Turn::Learner => Change::AddLearner(id(whom), nowhere()),
        Turn::Gone => Change::Remove(id(whom)),
        Turn::Others => {
            let others = (0..NODES).filter(|other| *other != whom);
            Change::Replace(others.map(|other| (id(other), nowhere())).collect())
        }
    }
}

/// One of the messages that are on their way, which then is not any more.
fn pick_message(cluster: &mut Cluster, pick: usize) -> Option<super::cluster::Parcel> {
    let waiting = cluster.queue.len();
    // Mostly an old one: else nothing would ever be finished.
    let slot = (pick % 8).min(pick / 8).checked_rem(waiting)?;
    cluster.queue.remove(slot)
}

fn pass_all(cluster: &mut Cluster, ms: u64, delivers: bool) -> Result<(), Broken> {
    let all: Vec<NodeId> = cluster.nodes.keys().cloned().collect();
    cluster.pass(Duration::from_millis(ms), &all, delivers)
}

/// Everything of a node that a repeated message must not change.
#[derive(Debug, PartialEq)]
struct Essence {
    role: Role,
    term: Term,
    leader: Option<NodeId>,
    commit: LogIndex,
    log: Vec<Entry>,
    machine: Machine,
}

fn essence(cluster: &Cluster, id: &NodeId) -> Option<Essence> {
    let node = &cluster.nodes[id];
    let raft = node.raft.as_ref()?;
    Some(Essence {
        role: raft.role(),
        term: raft.term(),
        leader: raft.leader().cloned(),
        commit: raft.commit(),
        log: super::law::entries(raft),
        machine: node.machine.clone(),
    })
}

fn deliver_twice(cluster: &mut Cluster, pick: usize, seen: &mut Seen) -> Result<(), Broken> {
    let Some(parcel) = pick_message(cluster, pick) else {
        return Ok(());
    };
    let to = parcel.to.clone();
    cluster.deliver(parcel.clone())?;
    let once = essence(cluster, &to);
    cluster.deliver(parcel.clone())?;
    let twice = essence(cluster, &to);
    seen.repeated += 1;
    let same = once == twice;
    same.then_some(())
        .ok_or_else(|| format!("{parcel:?} twice: {once:?} and then {twice:?}"))
}

/// All is well again: there is a leader, everyone who belongs to it has all there is, and commands are done.
fn calm(cluster: &mut Cluster) -> Result<(), Broken> {
    cluster.cuts.clear();
    for number in 0..NODES {
        cluster.node(&id(number))?.held = false;
        match cluster.nodes[&id(number)].raft {
            Some(_) => cluster.sync(&id(number))?,
            None => cluster.start(&id(number))?,
        }
    }
    pass_all(cluster, 5000, true)?;
    let leads = |number: &usize| {
        let raft = cluster.nodes[&id(*number)].raft.as_ref();
        raft.is_some_and(|raft| raft.role() == Role::Leader)
    };
    let leader = (0..NODES).find(leads).ok_or("nobody leads in the calm")?;
    happen(cluster, &Act::Propose(leader), &mut Seen::default())?;
    pass_all(cluster, 500, true)?;
    let nodes = &cluster.nodes;
    let raft = nodes[&id(leader)].raft.as_ref().expect("it leads");
    for member in raft.log.membership().members() {
        if nodes[member].machine != nodes[&id(leader)].machine {
            return Err(format!("{member} is behind in the calm"));
        }
    }
    Ok(())
}
