//! Reads without log entries: §6.4 of the thesis.

use super::*;
use crate::{
    bug::Bug,
    raft::message::{SnapshotReply, Wanted},
};

fn read(bench: &mut Bench, token: u64) {
    bench.input(Input::Read(ReadLevel::Leader, vec![Token(token)]));
}

fn granted(bench: &Bench) -> Vec<u64> {
    bench
        .effects
        .reads
        .iter()
        .map(|grant| grant.token.0)
        .collect()
}

/// A leader of three whose no-op is committed, with round 1 answered by all.
fn settled() -> Bench {
    let mut bench = Bench::leader(3, 4, &[1]);
    bench.sync().matched(2, 2, 1).matched(3, 2, 1);
    assert_eq!(bench.raft.commit(), LogIndex(2));
    bench
}

fn round(bench: &Bench) -> u64 {
    let rounds = bench
        .said()
        .filter_map(as_append)
        .map(|(_, request)| request.round);
    rounds.max().expect("a request was sent")
}

#[test]
fn a_read_needs_a_round_sent_after_it_arrived() {
    let mut bench = settled();
    bench.pass(HEARTBEAT);
    let before = round(&bench);
    read(&mut bench, 1);
    let after = round(&bench);
    assert!(after > before);
    bench.matched(2, 2, before);
    assert!(
        granted(&bench).is_empty(),
        "an answer to an earlier round proves nothing"
    );
    bench.matched(3, 2, after);
    assert_eq!(granted(&bench), [1]);
    assert_eq!(bench.effects.reads[0].index, LogIndex(2));
}

#[test]
fn a_read_asks_nothing_of_the_disk() {
    for level in [ReadLevel::Leader, ReadLevel::Anywhere, ReadLevel::Lease] {
        let mut bench = settled();
        bench.pass(ELECTION_MAX - HEARTBEAT);
        bench.input(Input::Read(level, vec![Token(1)]));
        assert!(bench.effects.writes.is_empty());
        let round = round(&bench);
        bench.matched(2, 2, round);
        assert!(bench.effects.writes.is_empty());
        assert_eq!(granted(&bench), [1], "{level:?}");
    }
}

/// A leader hears nobody any more, and its wall clock is set back meanwhile.
#[test]
fn a_lease_does_not_go_by_the_wall_clock() {
    let says = Duration::from_hours(1);
    for (bug, served) in [(None, vec![]), (Some(Bug::LeaseWallclock), vec![1])] {
        let mut bench = settled();
        bench.raft.config.bugs = bug.into_iter().collect();
        bench.input(Input::Wall(says)).pass(HEARTBEAT);
        let round = round(&bench);
        bench.matched(2, 2, round).pass(4 * HEARTBEAT);
        bench.input(Input::Wall(says - Duration::from_secs(1)));
        bench.input(Input::Read(ReadLevel::Lease, vec![Token(1)]));
        assert_eq!(granted(&bench), served, "{bug:?}");
    }
}

#[test]
fn reads_that_arrive_during_a_round_share_the_next() {
    let mut bench = settled();
    read(&mut bench, 1);
    let first = round(&bench);
    read(&mut bench, 2);
    read(&mut bench, 3);
    assert_eq!(bench.said().count(), 0, "no round of their own");
    bench.matched(2, 2, first);
    assert_eq!(granted(&bench), [1]);
    let second = round(&bench);
    bench.matched(2, 2, second);
    assert_eq!(granted(&bench), [2, 3]);
}

#[test]
fn a_lost_round_is_made_up_for_by_the_next_heartbeat() {
    let mut bench = settled();
    read(&mut bench, 1);
    bench.pass(HEARTBEAT);
    let later = round(&bench);
    bench.matched(3, 2, later);
    assert_eq!(granted(&bench), [1]);
}

#[test]
fn a_new_leader_waits_for_an_entry_of_its_own_term() {
    let mut bench = Bench::leader(3, 4, &[1]);
    read(&mut bench, 1);
    bench.pass(HEARTBEAT);
    let early = round(&bench);
    bench.matched(2, 1, early).matched(3, 1, early);
    assert!(
        granted(&bench).is_empty(),
        "it does not know yet what is committed"
    );
    bench.sync().matched(2, 2, early);
    assert_eq!(bench.raft.commit(), LogIndex(2));
    assert!(granted(&bench).is_empty());
    let own = round(&bench);
    bench.matched(3, 1, own);
    assert_eq!(granted(&bench), [1]);
    assert_eq!(bench.effects.reads[0].index, LogIndex(2));
}

#[test]
fn a_minority_confirms_nothing() {
    let mut bench = Bench::leader(5, 4, &[]);
    bench.sync().matched(2, 1, 1).matched(3, 1, 1);
    read(&mut bench, 1);
    let sent = round(&bench);
    bench.matched(2, 1, sent).matched(2, 1, sent);
    assert!(granted(&bench).is_empty(), "two of five");
    bench.matched(4, 0, sent);
    assert_eq!(granted(&bench), [1]);
}

#[test]
fn others_than_the_leader_refuse_and_name_it() {
    let mut bench = Bench::new(3, 3, &[1]);
    bench.append(3, at(1, 1), &[], 0);
    read(&mut bench, 1);
    assert_eq!(bench.effects.refused.len(), 1);
    assert_eq!(bench.raft.leader(), Some(&id(2)));
}

#[test]
fn a_stale_answer_of_an_earlier_term_of_the_same_leader_confirms_no_read() {
    let mut leader = Bench::leader(3, 4, &[1]);
    leader.sync().matched(2, 2, 1).matched(3, 2, 1);
    leader.input(Input::Read(ReadLevel::Leader, vec![Token(1)]));
    let append = AppendReply {
        term: Term(4),
        round: 99,
        outcome: AppendOutcome::StaleTerm,
    };
    let piece = SnapshotReply {
        term: Term(4),
        round: 99,
        at: at(1, 1),
        wanted: Wanted::StaleTerm,
    };
    for late in [Message::AppendReply(append), Message::SnapshotReply(piece)] {
        leader.hear(2, late);
        assert!(leader.effects.reads.is_empty());
    }
    leader.matched(2, 2, 2);
    assert_eq!(leader.effects.reads.len(), 1);
}
