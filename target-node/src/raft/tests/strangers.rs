//! Nodes that lost their disk and kept their name.

use super::*;
use crate::{bug::Bug, raft::StoreId};

fn votes(bench: &mut Bench, from: usize) -> bool {
    let request = VoteRequest {
        ballot: Ballot::Real,
        term: bench.raft.term().next(),
        last: at(9, 9),
    };
    bench.hear(from, Message::VoteRequest(request));
    let reply = bench.said().find_map(as_vote);
    reply.is_some_and(|reply| reply.granted)
}

#[test]
fn a_member_that_comes_back_with_another_folder_is_not_heard() {
    let mut bench = Bench::new(3, 3, &[1]);
    bench.input(Input::Met(id(2), StoreId(7)));
    let written = format!("{:?}", bench.effects.writes);
    assert!(
        written.contains("StoreId(7)"),
        "remembered on disk: {written}"
    );
    assert!(votes(&mut bench, 2));

    bench.input(Input::Met(id(2), StoreId(8)));
    assert!(bench.effects.writes.is_empty());
    assert!(!votes(&mut bench, 2));
    assert!(votes(&mut bench, 3), "whom it never met it hears");

    bench.input(Input::Met(id(2), StoreId(7)));
    assert!(votes(&mut bench, 2), "the folder was found again");
}

#[test]
fn with_the_bug_nobody_is_a_stranger() {
    let mut bench = Bench::new(3, 3, &[1]);
    bench.raft.config.bugs = [Bug::WipedSameId].into_iter().collect();
    for store in [7, 8] {
        bench.input(Input::Met(id(2), StoreId(store)));
        assert!(votes(&mut bench, 2));
    }
}

#[test]
fn whoever_was_removed_and_added_again_is_met_anew() {
    let mut bench = Bench::leader(3, 4, &[]);
    bench.sync().matched(2, 1, 1);
    bench.input(Input::Met(id(3), StoreId(7)));
    bench.input(Input::Change(Token(1), Change::Remove(id(3))));
    bench.sync().matched(2, 2, 1);
    assert_eq!(bench.effects.done, [Token(1)]);
    assert!(!bench.raft.hard.met.contains_key(&id(3)));
    bench.input(Input::Met(id(3), StoreId(8)));
    assert!(!bench.raft.is_stranger(&id(3)));
}

fn member_entry(index: u64, members: Membership) -> Entry {
    Entry {
        at: at(1, index),
        body: Body::Membership(Box::new(members)),
    }
}

/// Who was away when a node was removed and added anew learns of both at once, and hears it all the same; and it no longer
/// hears the folder of before.
#[test]
fn whoever_was_away_knows_an_added_node_by_the_mark_in_the_members() {
    let mut bench = Bench::new(4, 1, &[1]);
    bench.input(Input::Met(id(3), StoreId(7)));
    let all = voters(4);
    let mut without = all.clone();
    without.voters.remove(&id(3));
    without.addresses.remove(&id(3));
    let mut anew = all;
    anew.stores.insert(id(3), StoreId(8));
    let entries = vec![member_entry(2, without), member_entry(3, anew)];
    let request = AppendRequest {
        term: Term(1),
        prev: at(1, 1),
        entries,
        commit: LogIndex(3),
        round: 1,
    };
    bench.hear(2, Message::AppendRequest(request));
    assert!(
        bench.raft.is_stranger(&id(3)),
        "the old folder is not in force"
    );
    bench.input(Input::Met(id(3), StoreId(8)));
    assert!(!bench.raft.is_stranger(&id(3)));
}

/// The leader names whom it adds by the folder that has caught up.
#[test]
fn an_added_node_is_named_with_its_mark() {
    let mut bench = Bench::leader(3, 4, &[]);
    bench.sync().matched(2, 1, 1);
    bench.input(Input::Met(id(4), StoreId(9)));
    let addresses = voters(4).addresses[&id(4)];
    bench.input(Input::Change(Token(1), Change::Add(id(4), addresses)));
    bench.sync().matched(2, 2, 2).matched(4, 2, 2);
    bench.sync().matched(2, 3, 3).matched(4, 3, 3);
    let members = bench.raft.log.membership();
    assert_eq!(members.stores, [(id(4), StoreId(9))].into());
    assert!(members.voters.contains(&id(4)));
}
