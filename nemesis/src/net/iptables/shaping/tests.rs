use super::*;
use crate::net::Permille;

fn half() -> Permille {
    Permille::new(500).unwrap()
}

fn corrupt() -> Disturbance {
    Disturbance::Corrupt {
        permille: half(),
        checksum: crate::net::Checksum::Broken,
    }
}

fn held_back(by_ms: u32) -> Disturbance {
    Disturbance::Reorder {
        permille: Permille::new(125).unwrap(),
        by_ms,
    }
}

fn late(by_ms: u32, jitter_ms: u32) -> Disturbance {
    Disturbance::Delay { by_ms, jitter_ms }
}

fn narrow(bytes_per_s: u32) -> Disturbance {
    Disturbance::Rate {
        bytes_per_s,
        burst_bytes: 1_000,
    }
}

fn twice() -> Disturbance {
    Disturbance::Duplicate { permille: half() }
}

/// The rules are numbered from 1 on, and lie on the links to these receivers.
fn laid(rules: &[(Disturbance, usize)]) -> Laid {
    let mut laid = Laid::default();
    for (number, (what, to)) in (1..).zip(rules) {
        laid.lay(RuleId(number), *what, vec![(0, *to)]);
    }
    laid
}

fn shaped(rules: &[Disturbance]) -> Result<Shape, Unshapeable> {
    let rules: Vec<_> = rules.iter().map(|what| (*what, 1)).collect();
    let mut shapes = shapes(&laid(&rules), 0).map_err(|(_, why)| why)?;
    Ok(shapes.remove(0))
}

fn address(end: usize) -> Ipv4Addr {
    Ipv4Addr::new(10, 99, 0, u8::try_from(end).unwrap() + 1)
}

#[test]
fn each_combination_of_draws_that_does_something_has_a_lane() {
    let rules = [
        late(50, 10),
        corrupt(),
        narrow(90),
        held_back(7),
        narrow(30),
        late(5, 1),
    ];
    let shape = shaped(&rules).unwrap();
    let lane = |drawn, delay_ms, corrupts| Lane {
        drawn,
        delay_ms,
        jitter_ms: 11,
        corrupts,
    };
    let [first, second] = [FIRST_DRAW, FIRST_DRAW << 1];
    let lanes = [
        lane(0, 55, false),
        lane(first, 55, true),
        lane(second, 62, false),
        lane(first + second, 62, true),
    ];
    assert_eq!(shape.layout().lanes, lanes);
    assert_eq!(shape.layout().bottleneck.unwrap().bytes_per_s, 30);
    let witnesses = [
        Witness::Lanes(0),
        Witness::Lanes(first),
        Witness::Nobody,
        Witness::Lanes(second),
        Witness::Bottleneck,
        Witness::Lanes(0),
        Witness::Nobody,
    ];
    let found = [1, 2, 3, 4, 5, 6, 7].map(|rule| shape.witness(RuleId(rule)));
    assert_eq!(found, witnesses);
}

#[test]
fn who_is_not_drawn_meets_no_queue() {
    let lanes = |rules: &[Disturbance]| shaped(rules).unwrap().layout().lanes.len();
    assert_eq!(lanes(&[held_back(7)]), 1);
    assert_eq!(lanes(&[twice()]), 0);
    assert_eq!(lanes(&[late(0, 0)]), 0);
    assert_eq!(lanes(&[narrow(5), held_back(7)]), 2);
}

#[test]
fn what_queues_cannot_do_is_refused() {
    assert!(shaped(&[corrupt(); 4]).is_ok());
    assert_eq!(shaped(&[corrupt(); 5]).err(), Some(Unshapeable::Draws(5)));
    assert!(shaped(&[late(1, 4_000), late(60_000, 294)]).is_ok());
    let wide = shaped(&[late(1, 4_000), late(1, 295)]);
    assert_eq!(wide.err(), Some(Unshapeable::Jitter(4_295)));
    assert!(shaped(&[narrow(4)]).is_ok());
    let slow = Unshapeable::Burst {
        bytes_per_s: 3,
        burst_bytes: 1_000,
    };
    assert_eq!(shaped(&[narrow(4), narrow(3)]).err(), Some(slow));
}

#[test]
fn packets_are_copied_then_marked_then_sorted() {
    let rules = [
        (twice(), 1),
        (corrupt(), 1),
        (held_back(7), 1),
        (late(5, 0), 2),
        (Disturbance::Cut, 2),
    ];
    let shapes = shapes(&laid(&rules), 0).unwrap();
    let mut lines = Lines::default();
    for shape in &shapes {
        let class = |lane: &Lane| u16::try_from(10 * shape.to() + (lane.drawn >> 24) as usize).ok();
        lines.append(shape.lines(&address, class));
    }
    let expected = "\
-A ADRASTEIA -s 10.99.0.1 -d 10.99.0.2 -m mark ! --mark 0x10000000/0x10000000
-A ADRASTEIA -s 10.99.0.1 -d 10.99.0.2 -m mark ! --mark 0x10000000/0x10000000 -m statistic --mode random --probability 0.5 -j ADRASTEIA-COPIES
-A ADRASTEIA -s 10.99.0.1 -d 10.99.0.2
-A ADRASTEIA -s 10.99.0.1 -d 10.99.0.2 -m statistic --mode random --probability 0.5 -j MARK --set-xmark 0x1000000/0x1000000
-A ADRASTEIA -s 10.99.0.1 -d 10.99.0.2
-A ADRASTEIA -s 10.99.0.1 -d 10.99.0.2 -m statistic --mode random --probability 0.125 -j MARK --set-xmark 0x2000000/0x2000000
-A ADRASTEIA -s 10.99.0.1 -d 10.99.0.2 -m mark --mark 0x1000000/0x3000000 -j CLASSIFY --set-class 1:b
-A ADRASTEIA -s 10.99.0.1 -d 10.99.0.2 -m mark --mark 0x2000000/0x3000000 -j CLASSIFY --set-class 1:c
-A ADRASTEIA -s 10.99.0.1 -d 10.99.0.2 -m mark --mark 0x3000000/0x3000000 -j CLASSIFY --set-class 1:d
-A ADRASTEIA -s 10.99.0.1 -d 10.99.0.3
-A ADRASTEIA -s 10.99.0.1 -d 10.99.0.3 -j CLASSIFY --set-class 1:14
";
    assert_eq!(lines.text(), expected);
    let copied = "\
-A ADRASTEIA-COPIES -j MARK --set-xmark 0x10000000/0x10000000
-A ADRASTEIA-COPIES -d 10.99.0.2 -j TEE --gateway 10.99.0.2
-A ADRASTEIA-COPIES -j MARK --set-xmark 0x0/0x10000000
";
    assert_eq!(copying(&shapes, address), copied);
    assert_eq!(copying(&shapes[1..], address), "");
}
