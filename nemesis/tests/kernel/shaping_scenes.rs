//! What holds packets up, doubles or damages them on iptables, as the nodes at the ends of a link see it. Where the kernel
//! has no netem the scenes that take it say so.

use crate::disturbance_scenes::{
    COUNT, RULE, asked, assert_about_half, bound, disturbed, duplicate, permille, rate, talk_under,
};
use crate::network::{Conversation, Datagrams, at, numbered, silence};
use crate::plane_scenes::{Network, links};
use crate::runner::{Scene, skip};
use nemesis::net::{
    CLIENTS_ADDRESS, Checksum, Disturbance, HARNESS_ADDRESS, Means, NetError, NetOptions, Plane,
    PlaneKind, RuleId, Tally,
};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use std::net::{Ipv4Addr, UdpSocket};

pub(crate) const SCENES: &[Scene] = &[
    Scene::test("iptables::duplicate", |_| duplicate(COPIES)),
    Scene::test("iptables::rate", |_| rate(BOTTLENECK)),
    Scene::test("iptables::a_bottleneck_and_copies", |_| {
        bottleneck_and_copies();
    }),
    Scene::test(
        "iptables::clients_send_twice_in_one_network_after_another",
        |_| {
            clients_send_twice();
        },
    ),
    Scene::test("iptables::a_lifted_bottleneck_lets_go", |_| let_go()),
    Scene::test("iptables::refuses_what_cannot_lie_together", |_| too_much()),
    Scene::test("iptables::says_that_there_is_no_netem", |_| no_netem()),
    Scene::test("netem::delay_keeps_order", |_| delay_keeps_order()),
    Scene::test("netem::reorder", |_| reorder()),
    Scene::test("netem::corrupt", |_| corrupt()),
    Scene::test("netem::clients_wait_and_the_harness_does_not", |_| {
        clients_wait();
    }),
    Scene::test("netem::rules_add_up_and_each_counts_on", |_| add_up()),
    Scene::test("netem::everything_at_once", |_| everything_at_once()),
    Scene::test("netem::a_lift_loses_nothing", |_| lift_loses_nothing()),
    Scene::test("netem::a_connection_goes_on_after_a_lift", |_| {
        goes_on_after_a_lift();
    }),
];

const COPIES: Network = Network::With(Means::Copies);
const BOTTLENECK: Network = Network::With(Means::Bottleneck);
const NETEM: Network = Network::With(Means::Netem);

fn late(by_ms: u32, jitter_ms: u32) -> Disturbance {
    Disturbance::Delay { by_ms, jitter_ms }
}

fn held_back(thousandths: u16, by_ms: u32) -> Disturbance {
    Disturbance::Reorder {
        permille: permille(thousandths),
        by_ms,
    }
}

fn damaged(thousandths: u16) -> Disturbance {
    Disturbance::Corrupt {
        permille: permille(thousandths),
        checksum: Checksum::Broken,
    }
}

fn narrow(bytes_per_s: u32, burst_bytes: u32) -> Disturbance {
    Disturbance::Rate {
        bytes_per_s,
        burst_bytes,
    }
}

fn twice(thousandths: u16) -> Disturbance {
    Disturbance::Duplicate {
        permille: permille(thousandths),
    }
}

fn all_of_them() -> Vec<Vec<u8>> {
    (0..COUNT).map(|number| numbered(number).to_vec()).collect()
}

fn tally(plane: &mut dyn Plane, rule: u32, link: &str) -> Tally {
    plane.tallies(RuleId(rule)).unwrap()[&link.parse().unwrap()]
}

/// However differently late packets are, none overtakes another in netem: on one processor, since several may swap what has
/// left it.
fn delay_keeps_order() {
    let mut one = CpuSet::new();
    let allowed = sched_getaffinity(Pid::this()).unwrap();
    let first = (0..CpuSet::count()).find(|number| allowed.is_set(*number).unwrap());
    one.set(first.unwrap()).unwrap();
    sched_setaffinity(Pid::this(), &one).unwrap();
    let (arrived, tally) = disturbed(NETEM, &late(20, 40));
    assert_eq!(arrived, all_of_them());
    assert_eq!(tally.hit, u64::from(COUNT));
}

/// Nobody can be overtaken who was not held back.
fn reorder() {
    let (arrived, tally) = disturbed(NETEM, &held_back(500, 20));
    assert_about_half(tally.hit);
    let mut newest = &arrived[0];
    let overtaken = arrived.iter().filter(|bytes| {
        newest = newest.max(*bytes);
        *bytes < newest
    });
    let overtaken = overtaken.count() as u64;
    assert!(
        overtaken > 0 && overtaken <= tally.hit,
        "{overtaken}, {tally:?}"
    );
    let mut arrived = arrived;
    arrived.sort();
    assert_eq!(arrived, all_of_them());
}

/// Damaged packets are thrown away by the receiver's kernel, but for those whose damage is in the name of the sender's
/// network card, where nobody looks: 6 of the 46 bytes of these.
fn corrupt() {
    let (arrived, tally) = disturbed(NETEM, &damaged(500));
    assert_about_half(tally.hit);
    let lost = u64::from(COUNT) - arrived.len() as u64;
    assert!(
        lost <= tally.hit && lost > tally.hit / 2,
        "{lost}, {tally:?}"
    );
    assert!(arrived.is_sorted() && arrived.iter().all(|bytes| bytes[..2] == bytes[2..]));
}

/// What is sent to clients and by them waits, in the direction that was asked for.
fn clients_wait() {
    let (nodes, mut plane) = NETEM.build();
    let [clients, harness] = [CLIENTS_ADDRESS, HARNESS_ADDRESS].map(bound);
    for (link, expected) in [
        ("clients->n1", (false, false)),
        ("n1->clients", (true, false)),
    ] {
        plane
            .impose(RULE, &late(30_000, 0), &links(&[link]))
            .unwrap();
        assert_eq!(asked(&*plane, &nodes[0], &clients), expected, "{link}");
        assert_eq!(asked(&*plane, &nodes[0], &harness), (true, true), "{link}");
        assert_eq!(asked(&*plane, &nodes[1], &clients), (true, true), "{link}");
        assert!(tally(&mut *plane, RULE.0, link).hit > 0, "{link}");
        plane.lift(RULE).unwrap();
        assert_eq!(asked(&*plane, &nodes[0], &clients), (true, true), "{link}");
    }
}

/// Rules come and go beside others, which go on acting and counting.
fn add_up() {
    let (nodes, mut plane) = NETEM.build();
    let datagrams = Datagrams::open(&*plane, &nodes);
    let stream = |from: usize, to: usize| datagrams.stream(&nodes[from], &nodes[to], COUNT);
    let impose = |plane: &mut dyn Plane, rule, what: &Disturbance, link| {
        plane.impose(RuleId(rule), what, &links(&[link])).unwrap();
    };
    let all = u64::from(COUNT);
    impose(&mut *plane, 1, &late(30, 0), "n1->n2");
    assert_eq!(stream(0, 1), all_of_them());
    impose(&mut *plane, 2, &narrow(1_000_000, 100_000), "n1->n3");
    impose(&mut *plane, 3, &late(30, 10), "n1->n2");
    assert_eq!(stream(0, 1), all_of_them());
    impose(&mut *plane, 4, &damaged(500), "n1->n2");
    let left = stream(0, 1).len();
    assert_eq!(stream(0, 2), all_of_them());
    let counted = [1, 3, 4].map(|rule| tally(&mut *plane, rule, "n1->n2"));
    assert_eq!(counted.map(|tally| tally.seen), [3 * all, 2 * all, all]);
    assert_eq!([counted[0].hit, counted[1].hit], [3 * all, 2 * all]);
    assert_about_half(counted[2].hit);
    assert!(left < usize::from(COUNT));
    assert_eq!(tally(&mut *plane, 2, "n1->n3").seen, all);
    // Now only the second delay is left.
    plane.lift(RuleId(1)).unwrap();
    plane.lift(RuleId(4)).unwrap();
    assert_eq!(stream(0, 1), all_of_them());
    assert_eq!(tally(&mut *plane, 3, "n1->n2").hit, 3 * all);
    plane.heal().unwrap();
    assert_eq!(stream(0, 1), all_of_them());
    assert_eq!(datagrams.blocked(), Vec::<String>::new());
}

/// TCP makes one whole stream of what all of it leaves over.
fn everything_at_once() {
    let (nodes, mut plane) = NETEM.build();
    let loss = Disturbance::Loss {
        permille: permille(50),
    };
    let all = [
        loss,
        twice(50),
        damaged(50),
        narrow(2_000_000, 100_000),
        late(1, 1),
        held_back(50, 2),
    ];
    let mut across = talk_under(&mut *plane, &nodes, &all);
    for (id, disturbance) in (1..).zip(&all) {
        let tallies = plane.tallies(RuleId(id)).unwrap();
        let [seen, hit] = [|tally: &Tally| tally.seen, |tally: &Tally| tally.hit]
            .map(|number| tallies.values().map(number).sum::<u64>());
        assert!(seen >= 200 && hit <= seen, "{disturbance}: {tallies:?}");
        // Words so short do not fill the bottleneck.
        let acted = hit > 0 || matches!(disturbance, Disturbance::Rate { .. });
        assert!(acted, "{disturbance}: {tallies:?}");
    }
    plane.heal().unwrap();
    across.assert_answers(100);
}

/// A bottleneck of one link, copies on it and on another: what arrives is whole, and each counts its own.
fn bottleneck_and_copies() {
    let (nodes, mut plane) = BOTTLENECK.build();
    let datagrams = Datagrams::open(&*plane, &nodes);
    let both = links(&["n1->n2", "n1->n3"]);
    plane.impose(RuleId(1), &twice(1_000), &both).unwrap();
    plane
        .impose(RuleId(2), &twice(1_000), &links(&["n1->n2"]))
        .unwrap();
    plane
        .impose(RuleId(3), &narrow(20_000, 2_000), &links(&["n1->n2"]))
        .unwrap();
    let arrived = datagrams.stream(&nodes[0], &nodes[1], COUNT);
    assert_eq!(arrived.len(), 3 * usize::from(COUNT));
    assert!(arrived.is_sorted());
    assert_eq!(
        datagrams.stream(&nodes[0], &nodes[2], COUNT).len(),
        2 * usize::from(COUNT)
    );
    for rule in [1, 2] {
        let tally = tally(&mut *plane, rule, "n1->n2");
        assert_eq!([tally.seen, tally.hit], [u64::from(COUNT); 2]);
    }
    let narrowed = tally(&mut *plane, 3, "n1->n2");
    assert_eq!(
        narrowed.seen,
        3 * u64::from(COUNT),
        "copies pass it as well"
    );
    assert!(
        narrowed.hit > 0 && narrowed.hit < narrowed.seen,
        "{narrowed:?}"
    );
}

/// What clients send is doubled, what the harness sends is not, and nothing is left of one network in the next.
fn clients_send_twice() {
    let (nodes, mut plane) = COPIES.build();
    for _ in 0..3 {
        let link = links(&["clients->n1"]);
        plane.impose(RULE, &twice(1_000), &link).unwrap();
        let address = (plane.address(&nodes[0]), 7005);
        let receiver = at(plane.namespace(&nodes[0]), || UdpSocket::bind(address)).unwrap();
        receiver.set_read_timeout(Some(silence())).unwrap();
        let arrive = |sender: Ipv4Addr| {
            bound(sender).send_to(b"question", address).unwrap();
            let mut arrived = 0;
            while let Ok((_, from)) = receiver.recv_from(&mut [0; 64]) {
                assert_eq!(from.ip(), sender);
                arrived += 1;
            }
            arrived
        };
        assert_eq!([CLIENTS_ADDRESS, HARNESS_ADDRESS].map(arrive), [2, 1]);
        let tally = tally(&mut *plane, RULE.0, "clients->n1");
        assert_eq!([tally.seen, tally.hit], [1, 1]);
        drop(plane);
        let options = NetOptions::default();
        plane = nemesis::net::build(PlaneKind::Iptables, &nodes, &options).unwrap();
    }
}

/// What waits for a bottleneck comes once one more packet has passed it, which takes longer than any silence: all of them would
/// have taken minutes. There are no more than their socket has room for, which would wait as well.
fn let_go() {
    const SENT: u16 = 100;
    let (nodes, mut plane) = BOTTLENECK.build();
    let datagrams = Datagrams::open(&*plane, &nodes);
    let link = links(&["n1->n2"]);
    plane.impose(RULE, &narrow(10, 60), &link).unwrap();
    let mut arrived = datagrams.stream(&nodes[0], &nodes[1], SENT);
    assert!(arrived.len() < usize::from(SENT) / 2, "{}", arrived.len());
    plane.lift(RULE).unwrap();
    for _ in 0..60 {
        if arrived.len() < usize::from(SENT) {
            arrived.extend(datagrams.stream(&nodes[0], &nodes[1], 0));
        }
    }
    assert_eq!(arrived, all_of_them()[..usize::from(SENT)]);
}

/// The whole rule is refused, and what lay there before still does.
fn too_much() {
    let (_, mut plane) = BOTTLENECK.build();
    let link = links(&["n1->n2"]);
    plane
        .impose(RuleId(1), &narrow(1_000_000, 100_000), &link)
        .unwrap();
    for (refused, why) in [
        (late(1, 5_000), "delays that vary by 5000 ms"),
        (narrow(1_000, 1_000_000), "takes longer than 274 s"),
    ] {
        match plane.impose(RuleId(2), &refused, &link) {
            Err(NetError::OnlySwitch { what }) => {
                assert!(what.contains(why) && what.ends_with("on n1->n2"), "{what}");
            }
            other => panic!("{refused}: {other:?}"),
        }
    }
    assert!(plane.tallies(RuleId(2)).unwrap().is_empty());
    assert_eq!(plane.tallies(RuleId(1)).unwrap().len(), 1);
}

/// Where the kernel has no netem it says so, with the remedy, and everything is as before.
fn no_netem() {
    let (nodes, mut plane) = BOTTLENECK.build();
    let link = links(&["n1->n2"]);
    match plane.impose(RULE, &late(10, 0), &link) {
        Err(error @ NetError::NoNetem) => {
            assert!(error.to_string().contains("modprobe sch_netem"), "{error}");
        }
        Ok(()) => skip("this kernel has netem"),
        Err(other) => panic!("{other}"),
    }
    plane.lift(RULE).unwrap();
    let datagrams = Datagrams::open(&*plane, &nodes);
    assert_eq!(datagrams.blocked(), Vec::<String>::new());
    plane
        .impose(RULE, &narrow(1_000_000, 100_000), &link)
        .unwrap();
    assert_eq!(datagrams.stream(&nodes[0], &nodes[1], COUNT), all_of_them());
    assert_eq!(tally(&mut *plane, RULE.0, "n1->n2").seen, u64::from(COUNT));
}

/// What was under way when the rule was lifted arrives.
fn lift_loses_nothing() {
    let (nodes, mut plane) = NETEM.build();
    let datagrams = Datagrams::open(&*plane, &nodes);
    plane
        .impose(RULE, &late(1_000, 0), &links(&["n1->n2"]))
        .unwrap();
    assert_eq!(
        datagrams.stream(&nodes[0], &nodes[1], 20),
        Vec::<Vec<u8>>::new()
    );
    plane.lift(RULE).unwrap();
    assert_eq!(datagrams.stream(&nodes[1], &nodes[0], 1).len(), 1);
    let mut arrived = Vec::new();
    while arrived.len() < 20 {
        let more = datagrams.stream(&nodes[0], &nodes[1], 0);
        arrived.extend(more);
    }
    assert_eq!(arrived, all_of_them()[..20]);
}

/// A connection need not wait for what would come later than anybody listens.
fn goes_on_after_a_lift() {
    let (nodes, mut plane) = NETEM.build();
    let mut across = Conversation::between(&*plane, &nodes[0], &nodes[1]);
    across.assert_answers(1);
    plane
        .impose(RULE, &late(60_000, 0), &links(&["n1->n2"]))
        .unwrap();
    across.say(2);
    across.assert_silent();
    plane.lift(RULE).unwrap();
    across.assert_catches_up(2);
    across.assert_answers(3);
}
