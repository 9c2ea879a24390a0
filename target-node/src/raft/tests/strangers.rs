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
