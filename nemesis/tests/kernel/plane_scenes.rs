//! Both planes: what a cut stops, what it leaves alone, and what it counts.

use crate::network::{Conversation, Datagrams, three_nodes};
use crate::runner::{Scene, enter_lab, skip};
use nemesis::NodeName;
use nemesis::net::{
    Disturbance, Means, NetChoice, NetError, NetOptions, Plane, PlaneKind, RuleId, Wanted, choose,
};
use nemesis::partition::{Grudge, Link};
use nix::mount::{MsFlags, mount};
use std::collections::BTreeSet;
use std::fs;
use std::net::{TcpListener, TcpStream};

pub(crate) const SCENES: &[Scene] = &[
    Scene::test("tun::can_be_built_again", |_| {
        can_be_built_again(Network::Tun);
    }),
    Scene::test("tun::cut_and_heal", |_| {
        cut_and_heal(Network::Tun);
    }),
    Scene::test("tun::one_way", |_| {
        one_way(Network::Tun);
    }),
    Scene::test("tun::lost_answers", |_| {
        lost_answers(Network::Tun);
    }),
    Scene::test("tun::bulk", |_| {
        bulk(Network::Tun);
    }),
    Scene::test("packet_sockets::can_be_built_again", |_| {
        can_be_built_again(Network::PacketSockets);
    }),
    Scene::test("packet_sockets::cut_and_heal", |_| {
        cut_and_heal(Network::PacketSockets);
    }),
    Scene::test("packet_sockets::one_way", |_| {
        one_way(Network::PacketSockets);
    }),
    Scene::test("packet_sockets::lost_answers", |_| {
        lost_answers(Network::PacketSockets);
    }),
    Scene::test("packet_sockets::bulk", |_| {
        bulk(Network::PacketSockets);
    }),
    Scene::test("iptables::can_be_built_again", |_| {
        can_be_built_again(Network::Iptables);
    }),
    Scene::test("iptables::cut_and_heal", |_| {
        cut_and_heal(Network::Iptables);
    }),
    Scene::test("iptables::one_way", |_| {
        one_way(Network::Iptables);
    }),
    Scene::test("iptables::lost_answers", |_| {
        lost_answers(Network::Iptables);
    }),
    Scene::test("iptables::bulk", |_| {
        bulk(Network::Iptables);
    }),
    Scene::test("tun::probes_prove_a_cut_that_nobody_crosses", |_| {
        probes(Network::Tun);
    }),
    Scene::test("iptables::probes_prove_a_cut_that_nobody_crosses", |_| {
        probes(Network::Iptables);
    }),
    Scene::test("build_outside_a_lab_is_refused", |_| outside_a_lab()),
    Scene::test("choice_says_why", |_| choice_says_why()),
    Scene::test("choice_heeds_what_is_wanted", |_| {
        choice_heeds_what_is_wanted();
    }),
];

/// The networks there are, the two kinds of port of the switch told apart.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Network {
    Tun,
    PacketSockets,
    Iptables,
    /// iptables where it has these means.
    With(Means),
}

impl Network {
    /// Enters the lab and builds a network of three nodes there; skips the scene when this user cannot.
    pub(crate) fn build(self) -> (Vec<NodeName>, Box<dyn Plane>) {
        enter_lab();
        match self {
            Network::Tun => match fs::File::options().write(true).open("/dev/net/tun") {
                Ok(_) => three_nodes(PlaneKind::Switch),
                Err(error) => skip(format!("/dev/net/tun: {error}")),
            },
            Network::PacketSockets => {
                hide_tun();
                let (nodes, plane) = three_nodes(PlaneKind::Switch);
                assert!(plane.description().contains("packet sockets"));
                (nodes, plane)
            }
            Network::Iptables => three_nodes(PlaneKind::Iptables),
            Network::With(means) => {
                if let Err(error) = choose(NetChoice::Iptables, &[wanted("this scene", means)]) {
                    skip(error);
                }
                three_nodes(PlaneKind::Iptables)
            }
        }
    }
}

pub(crate) fn wanted(what: &str, means: Means) -> Wanted {
    Wanted {
        what: what.to_owned(),
        means,
    }
}

/// In this lab, no `/dev/net/tun` exists.
fn hide_tun() {
    let none: Option<&str> = None;
    mount(none, "/dev/net", Some("tmpfs"), MsFlags::empty(), none).unwrap();
}

/// What a run wants decides as well.
fn choice_heeds_what_is_wanted() {
    let [late, flapping] =
        [("delay", Means::Netem), ("flap", Means::Switch)].map(|(what, means)| wanted(what, means));
    let auto = |wanted: &[Wanted]| {
        let chosen = choose(NetChoice::Auto, wanted).unwrap();
        assert_eq!(chosen.kind, PlaneKind::Switch);
        chosen.reason
    };
    let reason = auto(std::slice::from_ref(&late));
    let why = "the switch does this with the run's seed: delay; the switch uses";
    assert!(reason.starts_with(why), "{reason}");
    let both = [late, flapping];
    let reason = auto(&both);
    assert!(
        reason.starts_with("only the switch can do this: flap; the switch uses"),
        "{reason}"
    );
    let refused = choose(NetChoice::Iptables, &both);
    assert!(matches!(refused, Err(NetError::OnlySwitch { what }) if what == "flap"));
}

/// With the tools and devices of a bare machine, the reason names what is missing and what is used instead.
fn choice_says_why() {
    let asked = choose(NetChoice::Switch, &[]).unwrap();
    assert_eq!(asked.kind, PlaneKind::Switch);
    assert!(asked.reason.starts_with("asked for; the switch uses"));
    enter_lab();
    hide_tun();
    let none: Option<&str> = None;
    for folder in ["/usr/sbin", "/usr/bin"] {
        mount(none, folder, Some("tmpfs"), MsFlags::empty(), none).unwrap();
    }
    let bare = choose(NetChoice::Auto, &[]).unwrap();
    assert_eq!(bare.kind, PlaneKind::Switch);
    assert!(
        bare.reason
            .starts_with("iptables is not installed; the switch uses packet sockets"),
        "{}",
        bare.reason
    );
    assert!(matches!(
        choose(NetChoice::Iptables, &[]),
        Err(NetError::NoIptables)
    ));
}

/// TCP and UDP stop across a full partition and nowhere else, drops are counted, and the same connection goes on after
/// the heal. A cut replaces the one before.
fn cut_and_heal(network: Network) {
    let (nodes, mut plane) = network.build();
    let mut across = Conversation::between(&*plane, &nodes[0], &nodes[1]);
    across.assert_answers(1);
    let datagrams = Datagrams::open(&*plane, &nodes);
    assert_eq!(datagrams.blocked(), Vec::<String>::new());

    let first = isolate(&nodes, &nodes[0]);
    cut(&mut *plane, 1, &first);
    across.say(2);
    across.assert_silent();
    assert_eq!(
        datagrams.blocked(),
        ["n1->n2", "n1->n3", "n2->n1", "n3->n1"]
    );
    assert_harness_reaches_all(&*plane, &nodes);
    assert_counted(&mut *plane, 1, &["n1->n2", "n1->n3", "n2->n1", "n3->n1"]);

    cut(&mut *plane, 2, &isolate(&nodes, &nodes[2]));
    assert_eq!(datagrams.blocked().len(), 6, "both cuts are in force");
    assert_counted(&mut *plane, 1, &["n1->n2", "n1->n3", "n2->n1", "n3->n1"]);
    assert_counted(&mut *plane, 2, &["n1->n3", "n2->n3", "n3->n1", "n3->n2"]);
    plane.lift(RuleId(1)).unwrap();
    across.assert_catches_up(2);
    assert_eq!(
        datagrams.blocked(),
        ["n1->n3", "n2->n3", "n3->n1", "n3->n2"]
    );
    assert_counted(&mut *plane, 2, &["n1->n3", "n2->n3", "n3->n1", "n3->n2"]);

    plane.heal().unwrap();
    assert_eq!(datagrams.blocked(), Vec::<String>::new());
    assert!(plane.tallies(RuleId(2)).unwrap().is_empty());
    across.assert_answers(3);
    let stranger = NodeName::first(4);
    let strange = isolate(&stranger, &stranger[3]);
    let refused = plane.impose(RuleId(3), &Disturbance::Cut, strange.links());
    assert!(matches!(refused, Err(NetError::UnknownNode { .. })));
}

/// One lab, several networks one after the other: for several runs of one command.
fn can_be_built_again(network: Network) {
    let (nodes, first) = network.build();
    let kind = first.kind();
    drop(first);
    for _ in 0..3 {
        assert_eq!(fs::read_dir("/run/netns").unwrap().count(), 0);
        let mut plane = nemesis::net::build(kind, &nodes, &NetOptions::default()).unwrap();
        Conversation::between(&*plane, &nodes[0], &nodes[1]).assert_answers(1);
        cut(&mut *plane, 1, &isolate(&nodes, &nodes[0]));
    }
}

/// What n1 says no longer reaches n2, and nothing else changes.
fn one_way(network: Network) {
    let (nodes, mut plane) = network.build();
    let datagrams = Datagrams::open(&*plane, &nodes);
    cut(&mut *plane, 1, &deafen(&nodes, &nodes[0], &nodes[1]));
    assert_eq!(datagrams.blocked(), ["n1->n2"]);
    assert_counted(&mut *plane, 1, &["n1->n2"]);
    plane.heal().unwrap();
    assert_eq!(datagrams.blocked(), Vec::<String>::new());
}

/// A cut between nodes that say nothing to each other is counted all the same, link by link.
fn probes(network: Network) {
    let (nodes, mut plane) = network.build();
    let grudge = deafen(&nodes, &nodes[0], &nodes[1]);
    cut(&mut *plane, 1, &grudge);
    assert_eq!(dropped(&mut *plane), 0);
    plane.probe(grudge.links()).unwrap();
    let counted = || dropped(&mut *plane);
    wait_for_one(counted);
    assert_counted(&mut *plane, 1, &["n1->n2"]);
}

fn dropped(plane: &mut dyn Plane) -> u64 {
    let tallies = plane.tallies(RuleId(1)).unwrap();
    tallies.values().map(|tally| tally.hit).sum()
}

/// The network may be looking for the receiver's address still.
fn wait_for_one(mut counted: impl FnMut() -> u64) {
    for _ in 0..400 {
        if counted() == 1 {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    panic!("the probe was not counted");
}

/// The data arrives, the answers do not: the connection survives this as well.
fn lost_answers(network: Network) {
    let (nodes, mut plane) = network.build();
    let mut across = Conversation::between(&*plane, &nodes[0], &nodes[1]);
    across.assert_answers(1);
    cut(&mut *plane, 1, &deafen(&nodes, &nodes[1], &nodes[0]));
    across.say(2);
    across.assert_silent();
    plane.heal().unwrap();
    across.assert_catches_up(2);
}

/// Many megabytes arrive whole: frames of every size are carried, and checksums are right.
fn bulk(network: Network) {
    use std::io::{Read, Write};
    const BYTES: usize = 20_000_000;
    let (nodes, plane) = network.build();
    let address = (plane.address(&nodes[1]), 7001);
    let listener =
        crate::network::at(plane.namespace(&nodes[1]), || TcpListener::bind(address)).unwrap();
    let mut sender =
        crate::network::at(plane.namespace(&nodes[0]), || TcpStream::connect(address)).unwrap();
    let (mut receiver, _) = listener.accept().unwrap();
    let pattern: Vec<u8> = (0..BYTES).map(|at| (at % 251) as u8).collect();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            sender.write_all(&pattern).unwrap();
            sender.shutdown(std::net::Shutdown::Write).unwrap();
        });
        let mut received = Vec::new();
        receiver.read_to_end(&mut received).unwrap();
        assert!(
            received == pattern,
            "{} bytes arrived, or others",
            received.len()
        );
    });
}

fn outside_a_lab() {
    let refused = nemesis::net::build(
        PlaneKind::Switch,
        &NodeName::first(1),
        &NetOptions::default(),
    );
    assert!(matches!(refused.err(), Some(NetError::OutsideLab)));
}

fn isolate(nodes: &[NodeName], alone: &NodeName) -> Grudge {
    Grudge::among(nodes, |from, to| (from == alone) != (to == alone))
}

fn deafen(nodes: &[NodeName], speaker: &NodeName, listener: &NodeName) -> Grudge {
    Grudge::among(nodes, |from, to| from == speaker && to == listener)
}

pub(crate) fn cut(plane: &mut dyn Plane, id: u32, grudge: &Grudge) {
    plane
        .impose(RuleId(id), &Disturbance::Cut, grudge.links())
        .unwrap();
}

pub(crate) fn links(names: &[&str]) -> BTreeSet<Link> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

/// Exactly these links have counters of the rule, and each of them has dropped something.
fn assert_counted(plane: &mut dyn Plane, id: u32, links: &[&str]) {
    let tallies = plane.tallies(RuleId(id)).unwrap();
    let counted: Vec<String> = tallies.keys().map(ToString::to_string).collect();
    assert_eq!(counted, links);
    assert!(tallies.values().all(|tally| tally.hit > 0), "{tallies:?}");
}

/// Partitions leave the harness alone.
fn assert_harness_reaches_all(plane: &dyn Plane, nodes: &[NodeName]) {
    for node in nodes {
        let address = (plane.address(node), 7002);
        let listener =
            crate::network::at(plane.namespace(node), || TcpListener::bind(address)).unwrap();
        TcpStream::connect(address).unwrap();
        listener.accept().unwrap();
    }
}
