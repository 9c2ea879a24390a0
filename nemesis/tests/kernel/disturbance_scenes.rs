//! What lies on a link, as the nodes at its ends see it.

use crate::network::{Conversation, Datagrams, at, numbered, silence};
use crate::plane_scenes::{Network, links};
use crate::runner::Scene;
use nemesis::NodeName;
use nemesis::net::{
    CLIENTS_ADDRESS, Checksum, Disturbance, HARNESS_ADDRESS, NetError, NetOptions, Permille, Plane,
    PlaneKind, RuleId, Tally,
};
use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

pub(crate) const SCENES: &[Scene] = &[
    Scene::test("tun::delay", |_| delay(Network::Tun)),
    Scene::test("tun::loss", |_| loss(Network::Tun)),
    Scene::test("tun::duplicate", |_| duplicate(Network::Tun)),
    Scene::test("tun::corrupt", |_| corrupt(Network::Tun)),
    Scene::test("tun::corrupt_unnoticed", |_| {
        corrupt_unnoticed(Network::Tun);
    }),
    Scene::test("tun::reorder", |_| reorder(Network::Tun)),
    Scene::test("tun::rate", |_| rate(Network::Tun)),
    Scene::test("tun::flap", |_| flap(Network::Tun)),
    Scene::test("tun::everything_at_once", |_| {
        everything_at_once(Network::Tun);
    }),
    Scene::test("tun::clients_cut_off", |_| clients_cut_off(Network::Tun)),
    Scene::test("tun::lost_replies", |_| lost_replies(Network::Tun)),
    Scene::test("tun::capture", |_| capture()),
    Scene::test("tun::no_ipv6", |_| no_ipv6(Network::Tun)),
    Scene::test("packet_sockets::delay", |_| delay(Network::PacketSockets)),
    Scene::test("packet_sockets::loss", |_| loss(Network::PacketSockets)),
    Scene::test("packet_sockets::corrupt", |_| {
        corrupt(Network::PacketSockets);
    }),
    Scene::test("packet_sockets::corrupt_unnoticed", |_| {
        corrupt_unnoticed(Network::PacketSockets);
    }),
    Scene::test("packet_sockets::everything_at_once", |_| {
        everything_at_once(Network::PacketSockets);
    }),
    Scene::test("packet_sockets::clients_cut_off", |_| {
        clients_cut_off(Network::PacketSockets);
    }),
    Scene::test("iptables::loss", |_| loss(Network::Iptables)),
    Scene::test("iptables::clients_cut_off", |_| {
        clients_cut_off(Network::Iptables);
    }),
    Scene::test("iptables::lost_replies", |_| {
        lost_replies(Network::Iptables);
    }),
    Scene::test("iptables::no_ipv6", |_| no_ipv6(Network::Iptables)),
    Scene::test("iptables::refuses_what_only_the_switch_can_do", |_| {
        refused(Network::Iptables);
    }),
];

pub(crate) const RULE: RuleId = RuleId(1);
pub(crate) const COUNT: u16 = 400;

pub(crate) fn permille(thousandths: u16) -> Permille {
    Permille::new(thousandths).unwrap()
}

/// Sends datagrams from n1 to n2 over a disturbed link: what arrived, and what was counted. The way back and the links to
/// the third node are as they were.
pub(crate) fn disturbed(network: Network, disturbance: &Disturbance) -> (Vec<Vec<u8>>, Tally) {
    let (nodes, mut plane) = network.build();
    let datagrams = Datagrams::open(&*plane, &nodes);
    let sent: Vec<_> = (0..COUNT).map(|number| numbered(number).to_vec()).collect();
    let stream = |from: usize, to: usize| datagrams.stream(&nodes[from], &nodes[to], COUNT);
    let link = links(&["n1->n2"]);
    plane.impose(RULE, disturbance, &link).unwrap();
    let arrived = stream(0, 1);
    let tallies = plane.tallies(RULE).unwrap();
    assert_eq!(tallies.keys().cloned().collect::<BTreeSet<_>>(), link);
    assert_eq!(stream(1, 0), sent, "the way back");
    assert_eq!(stream(0, 2), sent, "another node");
    plane.lift(RULE).unwrap();
    assert_eq!(stream(0, 1), sent, "after the heal");
    let tally = *tallies.values().next().unwrap();
    assert_eq!(tally.seen, u64::from(COUNT));
    (arrived, tally)
}

/// 400 draws of one half: outside these bounds once in 10^15.
pub(crate) fn assert_about_half(count: u64) {
    assert!((120..=280).contains(&count), "{count} of {COUNT}");
}

fn loss(network: Network) {
    let half = permille(500);
    let (arrived, tally) = disturbed(network, &Disturbance::Loss { permille: half });
    assert_about_half(tally.hit);
    assert_eq!(arrived.len() as u64, u64::from(COUNT) - tally.hit);
    assert!(arrived.is_sorted());
}

pub(crate) fn duplicate(network: Network) {
    let half = permille(500);
    let (mut arrived, tally) = disturbed(network, &Disturbance::Duplicate { permille: half });
    assert_about_half(tally.hit);
    assert_eq!(arrived.len() as u64, u64::from(COUNT) + tally.hit);
    arrived.dedup();
    assert_eq!(arrived.len(), usize::from(COUNT));
}

/// Whoever is damaged does not arrive: the receiver's kernel throws it away.
fn corrupt(network: Network) {
    let disturbance = Disturbance::Corrupt {
        permille: permille(500),
        checksum: Checksum::Broken,
    };
    let (arrived, tally) = disturbed(network, &disturbance);
    assert_about_half(tally.hit);
    assert_eq!(arrived.len() as u64, u64::from(COUNT) - tally.hit);
    assert!(arrived.is_sorted() && arrived.iter().all(|bytes| bytes[..2] == bytes[2..]));
}

/// Everybody arrives, and the program gets what is damaged.
fn corrupt_unnoticed(network: Network) {
    let disturbance = Disturbance::Corrupt {
        permille: permille(500),
        checksum: Checksum::Repaired,
    };
    let (arrived, tally) = disturbed(network, &disturbance);
    assert_about_half(tally.hit);
    assert_eq!(arrived.len(), usize::from(COUNT));
    let damaged = arrived.iter().filter(|bytes| bytes[..2] != bytes[2..]);
    assert_eq!(damaged.count() as u64, tally.hit);
}

fn reorder(network: Network) {
    let disturbance = Disturbance::Reorder {
        permille: permille(300),
        by_ms: 5,
    };
    let (arrived, tally) = disturbed(network, &disturbance);
    assert_eq!(arrived.len(), usize::from(COUNT));
    let mut newest = &arrived[0];
    let overtaken = arrived.iter().filter(|bytes| {
        newest = newest.max(*bytes);
        *bytes < newest
    });
    assert_eq!(overtaken.count() as u64, tally.hit);
    assert!(tally.hit > 0);
}

/// A question takes as long as its link is late, and the answer no longer.
#[expect(
    clippy::disallowed_methods,
    reason = "a delay is measured by the clock, and only whether it is long enough"
)]
fn delay(network: Network) {
    let (nodes, mut plane) = network.build();
    let mut across = Conversation::between(&*plane, &nodes[0], &nodes[1]);
    across.assert_answers(1);
    let late = Disturbance::Delay {
        by_ms: 100,
        jitter_ms: 50,
    };
    plane.impose(RULE, &late, &links(&["n1->n2"])).unwrap();
    let asked = Instant::now();
    (2..7).for_each(|word| across.assert_answers(word));
    let waited = asked.elapsed();
    assert!(waited >= Duration::from_millis(5 * 100), "{waited:?}");
    let tallies = plane.tallies(RULE).unwrap();
    let tally = tallies.values().next().unwrap();
    assert!(tally.hit >= 5 && tally.hit == tally.seen, "{tally:?}");
    assert!(tally.waited_us >= 100_000 * (tally.hit - 1), "{tally:?}");
    plane.lift(RULE).unwrap();
    across.assert_answers(7);
}

/// Bytes take as long as the bottleneck makes them.
#[expect(
    clippy::disallowed_methods,
    reason = "a rate is measured by the clock, and only whether it is low enough"
)]
pub(crate) fn rate(network: Network) {
    let (nodes, mut plane) = network.build();
    let bottleneck = Disturbance::Rate {
        bytes_per_s: 400_000,
        burst_bytes: 70_000,
    };
    plane
        .impose(RULE, &bottleneck, &links(&["n1->n2"]))
        .unwrap();
    let address = (plane.address(&nodes[1]), 7001);
    let listener = at(plane.namespace(&nodes[1]), || TcpListener::bind(address)).unwrap();
    let mut sender = at(plane.namespace(&nodes[0]), || TcpStream::connect(address)).unwrap();
    let (mut receiver, _) = listener.accept().unwrap();
    let began = Instant::now();
    let sent = std::thread::spawn(move || sender.write_all(&vec![7; 400_000]));
    let mut received = Vec::new();
    receiver.read_to_end(&mut received).unwrap();
    sent.join().unwrap().unwrap();
    assert_eq!(received, vec![7; 400_000]);
    // 330 000 of them had to wait for tokens; the kernel lets the last packet, of up to 65 536, go on credit.
    let took = began.elapsed();
    let least = match network {
        Network::Tun | Network::PacketSockets => 800,
        Network::Iptables | Network::With(_) => 650,
    };
    assert!(took >= Duration::from_millis(least), "{took:?}");
    let tallies = plane.tallies(RULE).unwrap();
    assert!(tallies.values().next().unwrap().hit > 0, "{tallies:?}");
}

/// Some words get through at once, others when the link is up again, and a connection survives it.
fn flap(network: Network) {
    let flap = Disturbance::Flap {
        down_ms: 30,
        up_ms: 30,
    };
    let (arrived, tally) = disturbed(network, &flap);
    assert_eq!(arrived.len() as u64, tally.seen - tally.hit);
    assert!(tally.hit > 0 && tally.hit < tally.seen, "{tally:?}");
}

/// TCP makes one whole stream of what all of it leaves over.
fn everything_at_once(network: Network) {
    let (nodes, mut plane) = network.build();
    let few = permille(50);
    let all = [
        Disturbance::Flap {
            down_ms: 10,
            up_ms: 100,
        },
        Disturbance::Loss { permille: few },
        Disturbance::Duplicate { permille: few },
        Disturbance::Corrupt {
            permille: few,
            checksum: Checksum::Broken,
        },
        Disturbance::Rate {
            bytes_per_s: 2_000_000,
            burst_bytes: 100_000,
        },
        Disturbance::Delay {
            by_ms: 1,
            jitter_ms: 1,
        },
        Disturbance::Reorder {
            permille: few,
            by_ms: 2,
        },
    ];
    let _open = talk_under(&mut *plane, &nodes, &all);
    let seen = |id| -> u64 {
        let tallies = plane.tallies(RuleId(id)).unwrap();
        tallies.values().map(|tally| tally.seen).sum()
    };
    let seen: Vec<u64> = (1..=7).map(seen).collect();
    assert!(
        seen.is_sorted_by(|before, after| before >= after),
        "{seen:?}"
    );
    assert!(seen[6] >= 200, "{seen:?}");
}

/// Lays all of these between the first two nodes, both ways, as rules numbered from 1; a long conversation goes on all the same.
/// It stays open, so that nothing more is sent.
pub(crate) fn talk_under(
    plane: &mut dyn Plane,
    nodes: &[NodeName],
    all: &[Disturbance],
) -> Conversation {
    for (id, disturbance) in (1..).zip(all) {
        let both = links(&["n1->n2", "n2->n1"]);
        plane.impose(RuleId(id), disturbance, &both).unwrap();
    }
    let mut across = Conversation::between(plane, &nodes[0], &nodes[1]);
    for word in 0..100 {
        across.assert_answers(word);
    }
    across
}

/// A socket of whoever has this address in the lab's own namespace.
pub(crate) fn bound(address: Ipv4Addr) -> UdpSocket {
    let socket = UdpSocket::bind((address, 0)).unwrap();
    socket.set_read_timeout(Some(silence())).unwrap();
    socket
}

/// Whether a question of this socket reaches the node, and whether its answer comes back.
pub(crate) fn asked(plane: &dyn Plane, node: &NodeName, asker: &UdpSocket) -> (bool, bool) {
    let address = (plane.address(node), 7003);
    let answerer = at(plane.namespace(node), || UdpSocket::bind(address)).unwrap();
    answerer.set_read_timeout(Some(silence())).unwrap();
    asker.send_to(b"question", address).unwrap();
    let Ok((_, from)) = answerer.recv_from(&mut [0; 64]) else {
        return (false, false);
    };
    assert_eq!(from, asker.local_addr().unwrap());
    answerer.send_to(b"answer", from).unwrap();
    (true, asker.recv(&mut [0; 64]).is_ok())
}

/// Clients lose one node, in both directions; the harness sees it all the same, and nodes see each other.
fn clients_cut_off(network: Network) {
    let (nodes, mut plane) = network.build();
    let [clients, harness] = [CLIENTS_ADDRESS, HARNESS_ADDRESS].map(bound);
    let between = links(&["clients->n1", "n1->clients"]);
    plane.impose(RULE, &Disturbance::Cut, &between).unwrap();
    assert_eq!(asked(&*plane, &nodes[0], &clients), (false, false));
    assert_eq!(asked(&*plane, &nodes[0], &harness), (true, true));
    assert_eq!(asked(&*plane, &nodes[1], &clients), (true, true));
    let datagrams = Datagrams::open(&*plane, &nodes);
    assert_eq!(datagrams.blocked(), Vec::<String>::new());
    let proven = |plane: &mut dyn Plane| {
        let tallies = plane.tallies(RULE).unwrap();
        tallies.len() == 2 && tallies.values().all(|tally| tally.hit > 0)
    };
    // The first packet of a namespace may be lost before it comes to any rule.
    for _ in 0..400 {
        plane.probe(&between).unwrap();
        if proven(&mut *plane) {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(proven(&mut *plane), "n1->clients was only probed");
    plane.lift(RULE).unwrap();
    assert_eq!(asked(&*plane, &nodes[0], &clients), (true, true));
}

/// Questions arrive, answers do not.
fn lost_replies(network: Network) {
    let (nodes, mut plane) = network.build();
    let clients = bound(CLIENTS_ADDRESS);
    let back = links(&["n1->clients"]);
    plane.impose(RULE, &Disturbance::Cut, &back).unwrap();
    assert_eq!(asked(&*plane, &nodes[0], &clients), (true, false));
    plane.heal().unwrap();
    assert_eq!(asked(&*plane, &nodes[0], &clients), (true, true));
}

/// No address of a node is IPv6, not even that of its loopback: nothing flows around a rule.
fn no_ipv6(network: Network) {
    let (nodes, plane) = network.build();
    for node in &nodes {
        at(plane.namespace(node), || {
            let addresses = fs::read_to_string("/proc/thread-self/net/if_inet6");
            assert_eq!(addresses.unwrap_or_default(), "");
            for address in ["[::1]:7004", "[fe80::1]:7004", "[::ffff:0:1]:7004"] {
                assert!(UdpSocket::bind(address).is_err(), "{address}");
            }
        });
    }
}

/// What passed and what did not is in the file, as soon as the network is gone.
fn capture() {
    let (nodes, plain) = Network::Tun.build();
    drop(plain);
    // Every lab has the same process numbers.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("packets.pcapng");
    let options = NetOptions {
        capture: Some(path.clone()),
        ..NetOptions::default()
    };
    let mut plane = nemesis::net::build(PlaneKind::Switch, &nodes, &options).unwrap();
    Conversation::between(&*plane, &nodes[0], &nodes[1]).assert_answers(7);
    let link = links(&["n1->n2"]);
    plane.impose(RULE, &Disturbance::Cut, &link).unwrap();
    plane.probe(&link).unwrap();
    drop(plane);
    let file = fs::read(&path).unwrap();
    let contains = |text: &[u8]| file.windows(text.len()).any(|window| window == text);
    for text in [
        "n1->n2",
        "clients->n1",
        "adrasteia probe",
        "the link was cut",
    ] {
        assert!(contains(text.as_bytes()), "{text}");
    }
}

fn refused(network: Network) {
    let (_, mut plane) = network.build();
    let flapping = Disturbance::Flap {
        down_ms: 1,
        up_ms: 1,
    };
    let unnoticed = Disturbance::Corrupt {
        permille: permille(500),
        checksum: Checksum::Repaired,
    };
    for disturbance in [flapping, unnoticed] {
        let refused = plane.impose(RULE, &disturbance, &links(&["n1->n2"]));
        assert!(matches!(refused, Err(NetError::OnlySwitch { .. })));
        assert!(plane.tallies(RULE).unwrap().is_empty());
    }
}
