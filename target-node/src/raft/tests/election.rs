//! Elections: §5.2, §5.4.1 of the paper; §4.2.3, §6.2, §9.6 of the thesis.

use std::collections::BTreeSet;

use super::*;

/// The own vote, which travels as a message to oneself once it is on disk.
fn own_vote(bench: &mut Bench) {
    let term = bench.raft.term().0;
    bench.vote(1, Ballot::Real, term, true);
}

#[test]
fn a_silent_cluster_is_sounded_out_before_a_term_is_opened() {
    let mut bench = Bench::new(5, 3, &[1, 3]);
    bench.pass(Duration::from_millis(149));
    assert_eq!(bench.raft.role(), Role::Follower);
    bench.pass(Duration::from_millis(151));
    assert_eq!(
        (bench.raft.role(), bench.raft.term()),
        (Role::PreCandidate, Term(3))
    );
    assert_eq!(bench.effects.messages_now.len(), 4);
    assert!(bench.effects.writes.is_empty(), "nothing is promised yet");

    bench.vote(2, Ballot::Pre, 4, true);
    assert_eq!(bench.raft.role(), Role::PreCandidate);
    bench.vote(3, Ballot::Pre, 4, true);
    assert_eq!(
        (bench.raft.role(), bench.raft.term()),
        (Role::Candidate, Term(4))
    );
    assert!(
        bench.effects.messages_now.is_empty(),
        "requests wait for the disk"
    );
    assert_eq!(
        bench.effects.messages_durable.len(),
        5,
        "four requests and the own vote"
    );
    let writes = format!("{:?}", bench.effects.writes);
    assert!(writes.contains("n1"), "{writes}");
}

#[test]
fn votes_are_counted_by_name_and_for_this_election_only() {
    let mut bench = Bench::new(5, 3, &[]);
    bench
        .pass(ELECTION_MAX)
        .vote(2, Ballot::Pre, 4, true)
        .vote(3, Ballot::Pre, 4, true);
    bench
        .vote(2, Ballot::Real, 4, true)
        .vote(2, Ballot::Real, 4, true);
    bench
        .vote(3, Ballot::Real, 3, true)
        .vote(3, Ballot::Pre, 4, true)
        .vote(4, Ballot::Real, 4, false);
    assert_eq!(bench.raft.role(), Role::Candidate);
    own_vote(&mut bench);
    assert_eq!(bench.raft.role(), Role::Candidate, "two of five");
    bench.vote(5, Ballot::Real, 4, true);
    assert_eq!(bench.raft.role(), Role::Leader);
    assert_eq!(bench.terms(), [4], "the no-op that opens the term");
    assert_eq!(
        bench.said().filter_map(as_append).count(),
        4,
        "announced to all"
    );
}

#[test]
fn one_vote_a_term_first_come_first_served_and_the_same_answer_again() {
    let mut bench = Bench::new(3, 3, &[1, 2]);
    assert!(bench.ask_vote(2, Ballot::Real, 4, at(2, 2)).granted);
    assert!(!bench.ask_vote(3, Ballot::Real, 4, at(2, 2)).granted);
    assert!(bench.ask_vote(2, Ballot::Real, 4, at(2, 2)).granted);
    assert!(
        bench.ask_vote(3, Ballot::Real, 5, at(2, 2)).granted,
        "a new term, a new vote"
    );
    let late = bench.ask_vote(2, Ballot::Real, 4, at(2, 2));
    assert!(!late.granted && late.term == Term(5));
}

#[test]
fn no_vote_for_a_log_that_is_behind() {
    for ballot in [Ballot::Pre, Ballot::Real] {
        for (last, granted) in [
            (at(1, 9), false),
            (at(2, 2), false),
            (at(2, 3), true),
            (at(2, 4), true),
            (at(3, 1), true),
        ] {
            let mut bench = Bench::new(3, 3, &[1, 2, 2]);
            let reply = bench.ask_vote(2, ballot, 4, last);
            assert_eq!(reply.granted, granted, "{ballot:?} {last:?}");
        }
    }
}

#[test]
fn sounding_out_changes_nothing_at_the_voter() {
    let mut bench = Bench::new(3, 3, &[1]);
    let deadline = bench.raft.deadline();
    assert!(bench.ask_vote(2, Ballot::Pre, 9, at(1, 1)).granted);
    assert!(
        bench.ask_vote(3, Ballot::Pre, 9, at(1, 1)).granted,
        "not a vote"
    );
    assert_eq!(
        (bench.raft.term(), bench.raft.deadline()),
        (Term(3), deadline)
    );
    assert!(bench.effects.writes.is_empty());
}

#[test]
fn the_timer_is_reset_by_granting_not_by_refusing() {
    let mut bench = Bench::new(3, 3, &[2]);
    bench.now = Duration::from_millis(100);
    let deadline = bench.raft.deadline();
    bench.ask_vote(2, Ballot::Real, 4, at(1, 1));
    assert_eq!(bench.raft.deadline(), deadline);
    bench.ask_vote(3, Ballot::Real, 4, at(2, 1));
    assert!(bench.raft.deadline() >= bench.now + Duration::from_millis(150));
}

#[test]
fn who_hears_a_leader_ignores_candidates_and_their_terms() {
    let mut bench = Bench::new(3, 3, &[1]);
    bench.append(3, at(1, 1), &[], 0);
    let request = VoteRequest {
        ballot: Ballot::Real,
        term: Term(9),
        last: at(9, 9),
    };
    bench.now += Duration::from_millis(149);
    bench.hear(3, Message::VoteRequest(request.clone()));
    assert_eq!((bench.said().count(), bench.raft.term()), (0, Term(3)));
    bench.now += Duration::from_millis(1);
    bench.hear(3, Message::VoteRequest(request.clone()));
    assert_eq!(bench.raft.term(), Term(9));

    let mut leader = Bench::leader(3, 4, &[1]);
    leader.hear(3, Message::VoteRequest(request));
    assert_eq!(leader.raft.role(), Role::Leader);
}

#[test]
fn a_leader_without_a_majority_steps_down_within_two_timeouts() {
    let mut bench = Bench::leader(5, 4, &[1]);
    bench
        .propose(7)
        .input(Input::Read(ReadLevel::Leader, vec![Token(8)]));
    let start = bench.now;
    let mut refused = Vec::new();
    while bench.raft.role() == Role::Leader {
        // One follower of four still answers: not a majority.
        let round = 1;
        bench.matched(2, 1, round).pass(HEARTBEAT);
        refused.append(&mut bench.effects.refused);
        assert!(bench.now - start <= 2 * ELECTION_MAX);
    }
    assert!(bench.now - start >= ELECTION_MAX);
    assert_eq!(
        refused,
        [
            (Token(7), super::super::Refusal::LeadershipLost),
            (Token(8), super::super::Refusal::NotLeader),
        ]
    );
    assert_eq!(bench.raft.leader(), None, "no hint to itself");
}

#[test]
fn a_leader_with_a_bare_majority_stays() {
    let mut bench = Bench::leader(5, 4, &[1]);
    for _ in 0..40 {
        bench.matched(2, 1, 1).matched(3, 1, 1).pass(HEARTBEAT);
    }
    assert_eq!(bench.raft.role(), Role::Leader);
}

#[test]
fn a_leader_that_slept_steps_down_before_it_serves() {
    let mut bench = Bench::leader(3, 4, &[]);
    bench.sync().matched(2, 0, 1).matched(2, 1, 1);
    assert_eq!(bench.raft.commit(), LogIndex(1));
    bench.now += Duration::from_secs(3);
    bench.input(Input::Read(ReadLevel::Leader, vec![Token(1)]));
    assert_eq!(bench.raft.role(), Role::Follower);
    assert_eq!(
        bench.effects.refused,
        [(Token(1), super::super::Refusal::NotLeader)]
    );
}

#[test]
fn a_later_term_ends_every_role() {
    let stale = AppendReply {
        term: Term(9),
        round: 0,
        outcome: AppendOutcome::StaleTerm,
    };
    let mut leader = Bench::leader(3, 4, &[1]);
    leader.hear(2, Message::AppendReply(stale));
    assert_eq!(
        (leader.raft.role(), leader.raft.term()),
        (Role::Follower, Term(9))
    );

    let mut candidate = Bench::new(3, 3, &[]);
    candidate.pass(ELECTION_MAX).vote(2, Ballot::Pre, 4, true);
    assert_eq!(candidate.raft.role(), Role::Candidate);
    assert_eq!(
        candidate.append(4, at(0, 0), &[4], 0),
        AppendOutcome::Matched(LogIndex(1))
    );
    assert_eq!(candidate.raft.role(), Role::Follower);
}

#[test]
fn timeouts_are_drawn_anew_from_the_range() {
    let mut bench = Bench::new(3, 0, &[]);
    let mut drawn = BTreeSet::new();
    for _ in 0..50 {
        let wait = bench.raft.deadline() - bench.now;
        assert!((Duration::from_millis(150)..ELECTION_MAX).contains(&wait));
        drawn.insert(wait);
        bench.pass(wait);
    }
    assert!(drawn.len() > 40);
}

#[test]
fn a_cluster_of_one_leads_once_its_vote_is_on_disk() {
    let mut bench = Bench::new(1, 0, &[]);
    bench.pass(ELECTION_MAX);
    assert_eq!(bench.raft.role(), Role::Candidate);
    own_vote(&mut bench);
    assert_eq!(
        (bench.raft.role(), bench.raft.commit()),
        (Role::Leader, LogIndex(0))
    );
    bench.sync();
    assert_eq!(bench.raft.commit(), LogIndex(1));
    bench.input(Input::Read(ReadLevel::Leader, vec![Token(1)]));
    assert_eq!(bench.effects.reads.len(), 1);
}
