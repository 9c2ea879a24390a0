//! Measures a network plane: how long it takes to build and to cut, how soon an established connection goes on after a
//! heal, and what disturbances do to round trips.
//!
//! ```text
//! cargo run -p nemesis --example measure -- switch 5
//! ```
//! The arguments are the plane and the length of the cut in seconds; `switch-without-tun` hides `/dev/net/tun` first.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "it measures real time, and is for people who read backtraces"
)]

use nemesis::NodeName;
use nemesis::net::{Checksum, Disturbance, NetOptions, Permille, Plane, PlaneKind, RuleId, build};
use nemesis::partition::{Grudge, Shape};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, setns};
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::BorrowedFd;
use std::thread;
use std::time::{Duration, Instant};

const CUTS: u32 = 50;

const RULE: RuleId = RuleId(1);

fn main() {
    let words: Vec<String> = std::env::args().collect();
    let [_, plane, seconds] = words.as_slice() else {
        panic!("usage: measure switch|switch-without-tun|iptables SECONDS");
    };
    nemesis::lab::enter().unwrap();
    let kind = match plane.as_str() {
        "iptables" => PlaneKind::Iptables,
        "switch" => PlaneKind::Switch,
        _ => {
            mount(
                None::<&str>,
                "/dev/net",
                Some("tmpfs"),
                MsFlags::empty(),
                None::<&str>,
            )
            .unwrap();
            PlaneKind::Switch
        }
    };
    let nodes = NodeName::first(5);
    let started = Instant::now();
    let mut plane = build(kind, &nodes, &NetOptions::default()).unwrap();
    println!("{}", plane.description());
    println!("built for 5 nodes in {:.1?}", started.elapsed());
    cuts(&mut *plane, &nodes);
    round_trips(&*plane, &nodes);
    throughput(&*plane, &nodes);
    heal(
        &mut *plane,
        &nodes,
        Duration::from_secs(seconds.parse().unwrap()),
    );
    disturbances(&mut *plane, &nodes);
}

fn cuts(plane: &mut dyn Plane, nodes: &[NodeName]) {
    let halves = Shape::Halves.grudge(nodes, None);
    let mut times = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..CUTS {
        times[0].push(timed(|| cut(plane, &halves)));
        times[1].push(timed(|| drop(plane.tallies(RULE).unwrap())));
        times[2].push(timed(|| plane.heal().unwrap()));
    }
    for (what, mut times) in ["cut 2|3", "read the counters", "heal"]
        .into_iter()
        .zip(times)
    {
        times.sort();
        println!(
            "{what}: {:.1?} median, {:.1?} worst of {CUTS}",
            times[times.len() / 2],
            times[times.len() - 1]
        );
    }
}

fn round_trips(plane: &dyn Plane, nodes: &[NodeName]) {
    let (mut stream, _echo) = connect(plane, &nodes[0], &nodes[1], 7001);
    let mut times: Vec<Duration> = (0..5000).map(|_| timed(|| exchange(&mut stream))).collect();
    times.sort();
    println!(
        "round trip of one byte: {:.1?} median, {:.1?} p99",
        times[2500], times[4950]
    );
}

fn throughput(plane: &dyn Plane, nodes: &[NodeName]) {
    const BYTES: usize = 200_000_000;
    let (mut stream, mut peer) = connect_raw(plane, &nodes[0], &nodes[1], 7002);
    let reader = thread::spawn(move || std::io::copy(&mut peer, &mut std::io::sink()).unwrap());
    let block = vec![7; 100_000];
    let taken = timed(|| {
        (0..BYTES / block.len()).for_each(|_| stream.write_all(&block).unwrap());
        drop(stream);
        assert_eq!(reader.join().unwrap(), BYTES as u64);
    });
    println!(
        "throughput: {:.0} MB/s",
        BYTES as f64 / 1e6 / taken.as_secs_f64()
    );
}

/// A connection on which something is said just after the cut: how long after the heal the answer comes.
fn heal(plane: &mut dyn Plane, nodes: &[NodeName], length: Duration) {
    let (mut stream, _echo) = connect(plane, &nodes[0], &nodes[1], 7003);
    exchange(&mut stream);
    let alone = nodes.to_vec();
    cut(plane, &Shape::OneNode.grudge(&alone, None));
    stream.write_all(&[1]).unwrap();
    thread::sleep(length);
    println!(
        "dropped while cut: {:?}",
        plane
            .tallies(RULE)
            .unwrap()
            .values()
            .map(|tally| tally.hit)
            .sum::<u64>()
    );
    let healed = Instant::now();
    plane.heal().unwrap();
    let healing = healed.elapsed();
    stream.read_exact(&mut [0]).unwrap();
    println!(
        "cut of {length:?}: heal took {healing:.1?}, the connection moved {:.1?} after heal() was called",
        healed.elapsed()
    );
}

/// One way of a connection is disturbed: its round trips meanwhile, and how soon it goes on after that.
fn disturbances(plane: &mut dyn Plane, nodes: &[NodeName]) {
    let permille = Permille::new(200).unwrap();
    let late = |by_ms, jitter_ms| Disturbance::Delay { by_ms, jitter_ms };
    let all = [
        late(100, 0),
        late(100, 50),
        late(900, 0),
        late(20_000, 0),
        Disturbance::Reorder {
            permille,
            by_ms: 100,
        },
        Disturbance::Duplicate { permille },
        Disturbance::Corrupt {
            permille,
            checksum: Checksum::Broken,
        },
        Disturbance::Rate {
            bytes_per_s: 1_000,
            burst_bytes: 500,
        },
    ];
    let link = BTreeSet::from(["n1->n2".parse().unwrap()]);
    for (disturbance, port) in all.iter().zip(7004..) {
        let (mut stream, _echo) = connect(plane, &nodes[0], &nodes[1], port);
        exchange(&mut stream);
        let began = Instant::now();
        if let Err(error) = plane.impose(RULE, disturbance, &link) {
            println!("{disturbance}: {error}");
            plane.lift(RULE).unwrap();
            continue;
        }
        let imposed = began.elapsed();
        let mut times = Vec::new();
        while began.elapsed() < Duration::from_secs(4) && *disturbance != late(20_000, 0) {
            times.push(timed(|| exchange(&mut stream)));
        }
        times.sort();
        stream.write_all(&[1]).unwrap();
        thread::sleep(Duration::from_millis(500));
        let tallies = plane.tallies(RULE).unwrap();
        let lifted = Instant::now();
        plane.lift(RULE).unwrap();
        let lifting = lifted.elapsed();
        stream.read_exact(&mut [0]).unwrap();
        let moved = lifted.elapsed();
        let spread = times
            .first()
            .zip(times.get(times.len() / 2))
            .zip(times.last());
        println!(
            "{disturbance}: laid in {imposed:.1?}, {} round trips (least, median, most) {spread:.1?}, lifted in {lifting:.1?}, \
             the connection moved {moved:.1?} after lift() was called; {:?}",
            times.len(),
            tallies.values().next().unwrap()
        );
    }
}

fn cut(plane: &mut dyn Plane, grudge: &Grudge) {
    plane
        .impose(RULE, &Disturbance::Cut, grudge.links())
        .unwrap();
}

fn exchange(stream: &mut TcpStream) {
    stream.write_all(&[1]).unwrap();
    stream.read_exact(&mut [0]).unwrap();
}

fn connect(
    plane: &dyn Plane,
    from: &NodeName,
    to: &NodeName,
    port: u16,
) -> (TcpStream, thread::JoinHandle<()>) {
    let (stream, mut peer) = connect_raw(plane, from, to, port);
    let echo = thread::spawn(move || {
        let mut byte = [0];
        while peer.read_exact(&mut byte).is_ok() {
            peer.write_all(&byte).unwrap();
        }
    });
    (stream, echo)
}

fn connect_raw(
    plane: &dyn Plane,
    from: &NodeName,
    to: &NodeName,
    port: u16,
) -> (TcpStream, TcpStream) {
    let address = SocketAddr::from((plane.address(to), port));
    let listener = inside(plane.namespace(to), || TcpListener::bind(address).unwrap());
    let stream = inside(plane.namespace(from), || {
        TcpStream::connect(address).unwrap()
    });
    let (peer, _) = listener.accept().unwrap();
    stream.set_nodelay(true).unwrap();
    peer.set_nodelay(true).unwrap();
    (stream, peer)
}

fn inside<T: Send>(namespace: BorrowedFd<'_>, open: impl FnOnce() -> T + Send) -> T {
    let work = || {
        setns(namespace, CloneFlags::CLONE_NEWNET).unwrap();
        open()
    };
    thread::scope(|scope| scope.spawn(work).join().unwrap())
}

fn timed(work: impl FnOnce()) -> Duration {
    let started = Instant::now();
    work();
    started.elapsed()
}
