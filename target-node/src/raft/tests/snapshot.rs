//! Snapshots that arrive: figure 13 of the paper, chapter 5 of the thesis.

use super::*;
use crate::raft::{
    SnapshotMeta, Write,
    message::{SnapshotPiece, SnapshotReply, Wanted},
};

/// The first and maybe the last part of a snapshot at `place` arrives.
fn part(bench: &mut Bench, term: u64, place: Position, done: bool) -> &mut Bench {
    let meta = SnapshotMeta {
        at: place,
        membership: voters(3),
    };
    let piece = SnapshotPiece {
        term: Term(term),
        round: 1,
        meta,
        offset: 0,
        data: Payload::new(&[7; 9]),
        done,
    };
    bench.hear(2, Message::SnapshotPiece(piece))
}

/// A snapshot at `place` that arrives as a whole, verified and durable.
fn receive(bench: &mut Bench, place: Position) -> &mut Bench {
    let term = bench.raft.term().0;
    part(bench, term, place, true);
    if bench.effects.parts_received.is_empty() {
        return bench;
    }
    verified(bench, place)
}

fn verified(bench: &mut Bench, place: Position) -> &mut Bench {
    let intact = true;
    bench.input(Input::SnapshotReceived { at: place, intact })
}

fn answer(bench: &Bench) -> Option<Wanted> {
    bench.said().find_map(|envelope| match &envelope.message {
        Message::SnapshotReply(reply) => Some(reply.wanted),
        Message::VoteRequest(_)
        | Message::VoteReply(_)
        | Message::AppendRequest(_)
        | Message::AppendReply(_)
        | Message::SnapshotPiece(_)
        | Message::TimeoutNow(_)
        | Message::ReadRequest(_)
        | Message::ReadReply(_) => None,
    })
}

/// The terms of the log behind the place it begins after, and that place.
fn rest(bench: &Bench) -> (Position, Vec<u64>) {
    let begin = bench.raft.log.begin();
    let entries = bench.raft.log.batch(begin.index.next(), usize::MAX);
    (begin, entries.iter().map(|entry| entry.at.term.0).collect())
}

/// Rules 6 to 8 of figure 13: log before, snapshot, what stays behind it.
#[test]
fn a_log_that_goes_on_behind_a_snapshot_keeps_that_and_any_other_log_goes() {
    let cases: [(&[u64], Position, &[u64]); 6] = [
        (&[1, 1, 2, 2, 3], at(2, 3), &[2, 3]),
        (&[1, 1, 2], at(2, 3), &[]),
        (&[1, 1], at(2, 3), &[]),
        (&[], at(2, 3), &[]),
        (&[1, 1, 1, 1, 1, 1], at(2, 3), &[]),
        (&[1, 1, 1], at(2, 3), &[]),
    ];
    for (terms, place, kept) in cases {
        let mut bench = Bench::new(3, 3, terms);
        receive(&mut bench, place);
        assert_eq!(rest(&bench), (place, kept.to_vec()), "{terms:?}");
        assert_eq!(bench.raft.commit(), place.index);
        assert!(bench.effects.install.is_some());
        let [Write::Begin { at, keeps, .. }] = &bench.effects.writes[..] else {
            panic!("{:?}", bench.effects.writes);
        };
        let agrees = terms.get(2) == Some(&2);
        assert_eq!((*at, *keeps), (place, agrees), "{terms:?}");
        assert_eq!(answer(&bench), Some(Wanted::Nothing));
    }
}

#[test]
fn what_is_committed_here_already_is_not_installed() {
    let mut bench = Bench::new(3, 3, &[1, 1, 2, 2]);
    bench.append(3, at(2, 4), &[], 4);
    for place in [at(1, 2), at(2, 4)] {
        receive(&mut bench, place);
        assert!(bench.effects.install.is_none() && bench.effects.writes.is_empty());
        assert_eq!(answer(&bench), Some(Wanted::Nothing));
    }
    assert_eq!(rest(&bench), (at(0, 0), vec![1, 1, 2, 2]));
}

/// The shell has put it in force by then: a core that forgot it would ask for the earlier one for ever.
#[test]
fn a_complete_snapshot_stays_until_it_is_verified() {
    let mut bench = Bench::new(3, 3, &[1, 1]);
    bench.append(3, at(1, 2), &[], 2);
    part(&mut bench, 3, at(2, 6), true);
    assert_eq!(bench.effects.parts_received.len(), 1);

    // An earlier one of the next leader, the same from its beginning, and one that is no news.
    for (place, told) in [
        (at(2, 5), None),
        (at(2, 6), None),
        (at(1, 2), Some(Wanted::Nothing)),
    ] {
        part(&mut bench, 4, place, false);
        assert!(bench.effects.parts_received.is_empty(), "{place:?}");
        assert_eq!(answer(&bench), told, "{place:?}");
    }

    verified(&mut bench, at(2, 6));
    assert!(bench.effects.install.is_some());
    assert_eq!(bench.raft.commit(), LogIndex(6));
    assert_eq!(answer(&bench), Some(Wanted::Nothing));
}

#[test]
fn what_is_before_the_beginning_of_the_log_agrees() {
    let mut bench = Bench::new(3, 3, &[]);
    receive(&mut bench, at(2, 5));
    let matched = |index| AppendOutcome::Matched(LogIndex(index));
    assert_eq!(bench.append(3, at(1, 1), &[1, 2], 5), matched(5));
    assert_eq!(bench.append(3, at(2, 4), &[2, 3, 3], 5), matched(7));
    assert_eq!(bench.append(3, at(2, 5), &[3], 5), matched(6));
    assert_eq!(rest(&bench), (at(2, 5), vec![3, 3]));
    let AppendOutcome::Mismatch { hint, .. } = bench.append(3, at(3, 9), &[], 5) else {
        panic!("there is no entry 9");
    };
    assert_eq!(hint.index, LogIndex(8));
}

#[test]
fn an_answer_that_cannot_be_is_no_harm() {
    let mut leader = Bench::leader(3, 4, &[1]);
    for place in [at(9, 999), at(4, 2)] {
        let reply = SnapshotReply {
            term: Term(4),
            round: 1,
            at: place,
            wanted: Wanted::Nothing,
        };
        leader
            .hear(2, Message::SnapshotReply(reply))
            .pass(HEARTBEAT);
    }
    assert_eq!(leader.raft.role(), Role::Leader);
}
