//! Replication and commit: §5.3, §5.4.2 of the paper.

use super::*;
use crate::raft::{Write, message::Hint};

#[test]
fn an_append_is_checked_against_what_comes_before_it() {
    let mut bench = Bench::new(3, 3, &[1, 1, 2]);
    assert_eq!(bench.append(2, at(2, 3), &[2], 0), AppendOutcome::StaleTerm);
    let too_short = AppendOutcome::Mismatch {
        prev: LogIndex(5),
        hint: Hint {
            term: None,
            index: LogIndex(4),
        },
    };
    assert_eq!(bench.append(3, at(3, 5), &[3], 0), too_short);
    let other_term = AppendOutcome::Mismatch {
        prev: LogIndex(2),
        hint: Hint {
            term: Some(Term(1)),
            index: LogIndex(1),
        },
    };
    assert_eq!(bench.append(3, at(2, 2), &[3], 0), other_term);
    assert_eq!(bench.terms(), [1, 1, 2], "nothing was touched");
}

#[test]
fn only_a_conflict_cuts_the_log() {
    let mut bench = Bench::new(3, 3, &[1, 1, 2, 2]);
    assert_eq!(
        bench.append(3, at(1, 1), &[1], 0),
        AppendOutcome::Matched(LogIndex(2))
    );
    assert_eq!(
        bench.append(3, at(1, 1), &[], 0),
        AppendOutcome::Matched(LogIndex(1))
    );
    assert_eq!(
        bench.terms(),
        [1, 1, 2, 2],
        "an old, shorter request changes nothing"
    );
    assert_eq!(
        bench.append(3, at(1, 2), &[2, 3], 0),
        AppendOutcome::Matched(LogIndex(4))
    );
    assert_eq!(bench.terms(), [1, 1, 2, 3]);
    let [Write::Append(entries)] = &bench.effects.writes[..] else {
        panic!("{:?}", bench.effects.writes);
    };
    assert_eq!(entries[0].at, at(3, 4), "only what is new is written");
}

#[test]
fn a_repeated_append_changes_nothing() {
    let mut bench = Bench::new(3, 3, &[1]);
    bench.append(3, at(1, 1), &[3, 3], 0);
    assert_eq!(
        bench.append(3, at(1, 1), &[3, 3], 0),
        AppendOutcome::Matched(LogIndex(3))
    );
    assert!(bench.effects.writes.is_empty());
    assert_eq!(bench.terms(), [1, 3, 3]);
}

#[test]
fn a_follower_commits_no_further_than_the_request_covers() {
    let mut bench = Bench::new(3, 3, &[1, 2, 2, 2]);
    bench.append(3, at(1, 1), &[], 4);
    assert_eq!(
        bench.raft.commit(),
        LogIndex(1),
        "2 to 4 may be another leader's leftovers"
    );
    bench.append(3, at(1, 1), &[2], 4);
    assert_eq!(bench.raft.commit(), LogIndex(2));
    let applied: Vec<_> = bench.effects.committed.iter().map(|c| c.entry.at).collect();
    assert_eq!(applied, [at(2, 2)], "each entry once, in order");
}

#[test]
fn what_is_committed_is_never_replaced() {
    let mut bench = Bench::new(3, 3, &[1, 2]);
    bench.append(3, at(2, 2), &[], 2);
    bench.append(4, at(1, 1), &[4], 2);
    assert!(bench.effects.fault.is_some(), "the node must stop");
    assert_eq!(bench.terms(), [1, 2]);
}

#[test]
fn malformed_appends_are_ignored() {
    let mut bench = Bench::new(3, 3, &[1]);
    let mut request = AppendRequest {
        term: Term(3),
        prev: at(1, 1),
        entries: log(&[1, 2, 3]),
        commit: LogIndex(9),
        round: 1,
    };
    bench.hear(2, Message::AppendRequest(request.clone()));
    request.entries = vec![Entry {
        at: at(9, 2),
        body: Body::Noop,
    }];
    bench.hear(2, Message::AppendRequest(request));
    assert_eq!((bench.terms(), bench.said().count()), (vec![1], 0));

    let mut leader = Bench::leader(3, 4, &[1]);
    leader.matched(2, 999, 1).sync();
    assert!(leader.raft.commit() <= LogIndex(2));
}

/// Figure 7: followers with entries missing, extra ones, or both end with the leader's log.
#[test]
fn figure_7_every_follower_comes_to_the_leaders_log() {
    let followers: [&[u64]; 7] = [
        &[1, 1, 1, 4, 4, 5, 5, 6, 6],
        &[1, 1, 1, 4],
        &[1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
        &[1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
        &[1, 1, 1, 4, 4, 4, 4],
        &[1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
        &[],
    ];
    for terms in followers {
        let mut leader = Bench::leader(2, 8, &[1, 1, 1, 4, 4, 5, 5, 6, 6, 6]);
        let mut follower = Bench::new(2, 7, terms);
        // The announcement of the new leader starts it all.
        leader.pass(HEARTBEAT);
        converse(&mut leader, &mut follower, 2);
        assert_eq!(follower.terms(), leader.terms(), "from {terms:?}");
        leader.sync();
        assert_eq!(leader.raft.commit(), LogIndex(11), "from {terms:?}");
    }
}

/// Ten thousand entries apart, in runs of terms: one exchange for each term at most, and then the entries.
#[test]
fn a_long_divergence_heals_in_a_few_exchanges() {
    const ENTRIES: usize = 10_000;
    let runs = |terms: &[u64]| -> Vec<u64> {
        let length = ENTRIES / terms.len();
        let runs = terms.iter().flat_map(|term| vec![*term; length]);
        [1; 10].into_iter().chain(runs).collect()
    };
    let batches = ENTRIES * 36 / (64 << 10) + 1;
    for (leads, follows) in [
        (&[12_u64][..], &[2_u64][..]),
        (&[12], &[2, 3, 4, 5, 6]),
        (&[7, 8, 9, 10, 11], &[2, 3, 4, 5, 6]),
        (&[2, 4, 6, 8, 10, 12], &[3, 5, 7, 9, 11]),
        (&[12], &[]),
    ] {
        let leaders = runs(leads);
        let followers = match follows {
            [] => Vec::new(),
            terms => runs(terms),
        };
        let mut leader = Bench::leader(2, 13, &leaders);
        let mut follower = Bench::new(2, 12, &followers);
        leader.pass(HEARTBEAT);
        let exchanges = converse(&mut leader, &mut follower, 2);
        assert_eq!(follower.terms(), leader.terms());
        let bound = leads.len().min(follows.len()) + batches + 4;
        assert!(
            exchanges <= bound,
            "{exchanges} requests for {leads:?} and {follows:?}"
        );
    }
}

/// Figure 8: an entry of an earlier term on a majority is not committed by counting.
#[test]
fn figure_8_only_entries_of_the_own_term_are_counted() {
    // (c): elected in term 4 with an entry of term 2, which reaches a majority.
    let mut leader = Bench::leader(5, 4, &[1, 2]);
    leader.sync().matched(2, 2, 1).matched(3, 2, 1);
    assert_eq!(
        leader.raft.commit(),
        LogIndex(0),
        "term 2 on three of five is not enough"
    );
    // (e): once the own no-op is there too, all before it is committed with it.
    leader.matched(2, 3, 1);
    assert_eq!(leader.raft.commit(), LogIndex(0));
    leader.matched(3, 3, 1);
    assert_eq!(leader.raft.commit(), LogIndex(3));
    assert_eq!(leader.effects.committed.len(), 3);
}

#[test]
fn a_leader_counts_itself_only_from_its_disk() {
    let mut leader = Bench::leader(3, 4, &[]);
    leader.matched(2, 1, 1);
    assert_eq!(leader.raft.commit(), LogIndex(0), "one disk of three");
    leader.sync();
    assert_eq!(leader.raft.commit(), LogIndex(1));
}

#[test]
fn the_result_goes_to_the_request_that_proposed_the_entry() {
    let mut leader = Bench::leader(3, 4, &[]);
    leader
        .propose(70)
        .propose(71)
        .sync()
        .matched(2, 0, 1)
        .matched(3, 3, 1);
    let tokens: Vec<_> = leader.effects.committed.iter().map(|c| c.token).collect();
    assert_eq!(tokens, [None, Some(Token(70)), Some(Token(71))]);

    let mut follower = Bench::new(3, 3, &[]);
    follower.propose(72);
    assert_eq!(follower.effects.refused.len(), 1);
}

#[test]
fn nothing_but_probes_before_the_logs_are_known_to_agree() {
    let mut leader = Bench::leader(3, 4, &[1, 1]);
    let all_empty = |bench: &Bench| {
        let requests: Vec<_> = bench.said().filter_map(as_append).collect();
        requests
            .iter()
            .all(|(_, request)| request.entries.is_empty())
    };
    assert!(all_empty(&leader));
    leader.propose(1);
    assert!(all_empty(&leader));
    leader.matched(2, 2, 1);
    let sent: Vec<_> = leader.said().filter_map(as_append).collect();
    let [(to, request)] = sent[..] else {
        panic!("{sent:?}");
    };
    assert_eq!(
        (to, request.entries.len()),
        (&id(2), 2),
        "no-op and command, to who answered"
    );
}

#[test]
fn a_lost_request_is_noticed_with_the_next_heartbeat() {
    let mut leader = Bench::leader(2, 4, &[]);
    let mut follower = Bench::new(2, 3, &[]);
    leader.pass(HEARTBEAT);
    converse(&mut leader, &mut follower, 2);
    leader.propose(1); // lost
    leader.propose(2); // lost
    assert_eq!(follower.terms(), [4]);
    leader.pass(HEARTBEAT);
    converse(&mut leader, &mut follower, 2);
    assert_eq!(follower.terms(), [4, 4, 4]);
}

#[test]
fn what_is_under_way_to_a_silent_follower_is_bounded() {
    let mut leader = Bench::leader(3, 4, &[]);
    leader.matched(2, 0, 1);
    let mut sent = 0;
    for token in 0..1000 {
        leader.propose(token);
        sent += leader.said().filter_map(as_append).count();
    }
    assert!(sent < 40, "{sent} requests without an answer");
    assert_eq!(leader.terms().len(), 1001);
}

#[test]
fn a_leader_that_cannot_commit_says_busy_in_the_end() {
    let mut leader = Bench::leader(3, 4, &[]);
    let commands = (0..20_000).map(|token| (Token(token), Payload::new(&[1])));
    leader.input(Input::Propose(commands.collect()));
    let busy = leader.effects.refused.len();
    assert!(busy > 10_000 && leader.effects.refused[0].1 == crate::raft::Refusal::Busy);
    assert_eq!(
        leader.terms().len() + busy,
        20_001,
        "each is either taken or refused"
    );
}

#[test]
fn answers_of_an_earlier_term_count_for_nothing() {
    let mut leader = Bench::leader(3, 4, &[1]);
    leader.sync();
    let late = AppendReply {
        term: Term(3),
        round: 99,
        outcome: AppendOutcome::Matched(LogIndex(2)),
    };
    leader.hear(2, Message::AppendReply(late.clone()));
    assert_eq!(leader.raft.commit(), LogIndex(0), "neither an entry");
    leader.matched(3, 2, 1);
    assert_eq!(leader.raft.commit(), LogIndex(2));
    leader.input(Input::Read(ReadLevel::Leader, vec![Token(1)]));
    leader.hear(2, Message::AppendReply(late));
    assert!(
        leader.effects.reads.is_empty(),
        "nor a read is confirmed by them"
    );
}
