//! Each bug that lives at the desk, beside the same story without it.

use serde_json::json;

use super::*;
use crate::{
    kv::JsonText,
    raft::{Body, Entry, Position, Term},
    replica::Outcome,
};

/// A desk, and a log in which everything is committed as soon as it is asked.
struct Scene {
    desk: Desk<&'static str>,
    now: Duration,
    proposed: Vec<(Token, Payload)>,
    outputs: Vec<Output<&'static str>>,
}

impl Scene {
    fn new(bug: Option<Bug>) -> Self {
        let bugs = bug.into_iter().collect();
        Self {
            desk: Desk::new(Kv::default(), bugs, &NodeId::new("n1")),
            now: Duration::ZERO,
            proposed: Vec::new(),
            outputs: Vec::new(),
        }
    }

    fn ask(&mut self, who: &'static str, operation: Operation) {
        let mut asked = Asked::default();
        let request = Request {
            operation,
            reply: who,
        };
        self.desk
            .enlist(self.now, request, &mut asked, &mut self.outputs);
        self.proposed.extend(asked.commands);
    }

    fn command(&mut self, who: &'static str, command: Command) {
        let stamp = None;
        self.ask(who, Operation::Command { command, stamp });
    }

    fn once(&mut self, who: &'static str, command: Command) {
        let stamp = Some(Stamp {
            client: ClientId(1),
            sequence: Sequence(1),
            unanswered: Sequence(1),
        });
        self.ask(who, Operation::Command { command, stamp });
    }

    /// Commits everything that was proposed.
    fn commit(&mut self) {
        for (token, payload) in std::mem::take(&mut self.proposed) {
            let entry = self.next_entry(Body::Command(payload));
            let token = Some(token);
            let committed = Committed { entry, token };
            self.desk.apply(self.now, &committed, &mut self.outputs);
        }
    }

    fn next_entry(&self, body: Body) -> Entry {
        let at = Position {
            term: Term(1),
            index: self.desk.kv.applied().next(),
        };
        Entry { at, body }
    }

    /// Who was told what since the last time.
    fn told(&mut self) -> Vec<(&'static str, Answer)> {
        let told = std::mem::take(&mut self.outputs).into_iter();
        let told = told.map(|output| {
            let Output::Answer(who, answer) = output else {
                panic!("{output:?}")
            };
            (who, answer)
        });
        told.collect()
    }

    fn value(&self) -> JsonText {
        self.desk.kv.read(&"k".into())
    }
}

fn json(value: i64) -> JsonText {
    JsonText::from(value)
}

fn cas(expected: &JsonText, value: i64) -> Command {
    Command::Cas {
        key: "k".into(),
        expected: expected.clone(),
        value: json(value),
    }
}

fn single(micro_op: MicroOp) -> Command {
    let key = "k".into();
    Command::Single { key, micro_op }
}

#[test]
fn cas_at_propose_lets_two_succeed_on_one_value() {
    let story = |bug| {
        let mut scene = Scene::new(bug);
        let absent = JsonText::new(&json!(null));
        scene.command("ann", cas(&absent, 1));
        scene.command("bob", cas(&absent, 2));
        scene.commit();
        let outcomes: Vec<_> = scene.told().iter().map(|(_, told)| told.outcome).collect();
        scene.command("cid", cas(&absent, 3));
        scene.commit();
        (outcomes, scene.told()[0].1.outcome, scene.value())
    };
    let healthy = (vec![Outcome::Ok, Outcome::Fail], Outcome::Fail, json(1));
    assert_eq!(story(None), healthy);
    let broken = (vec![Outcome::Ok, Outcome::Ok], Outcome::Fail, json(2));
    assert_eq!(story(Some(Bug::CasAtPropose)), broken);
}

#[test]
fn dedup_leader_memory_forgets_with_the_leader() {
    let register = Command::Register { idle_ms: 1000 };
    let add = || single(MicroOp::Add(1));
    let story = |bug: Option<Bug>| {
        let mut scene = Scene::new(bug);
        scene.command("ann", register.clone());
        scene.commit();
        for _ in 0..2 {
            scene.once("ann", add());
            scene.commit();
        }
        let same_leader = scene.value();
        let next = Desk::new(scene.desk.kv, scene.desk.bugs, &NodeId::new("n1"));
        scene.desk = next;
        scene.once("ann", add());
        scene.commit();
        let told: Vec<_> = scene.told().into_iter().map(|(_, told)| told).collect();
        assert!(
            told.iter().all(|told| told.outcome == Outcome::Ok),
            "{told:?}"
        );
        (same_leader, scene.value())
    };
    assert_eq!(story(None), (json(1), json(1)));
    assert_eq!(story(Some(Bug::DedupLeaderMemory)), (json(1), json(2)));
}

#[test]
fn applied_index_split_stores_a_state_behind_its_index() {
    let story = |bug| {
        let mut scene = Scene::new(bug);
        for _ in 0..2 {
            scene.command("ann", single(MicroOp::Add(1)));
            scene.commit();
        }
        let image = scene.desk.image();
        assert_eq!(image.applied(), scene.desk.kv.applied());
        image.read(&"k".into())
    };
    assert_eq!(story(None), json(2));
    assert_eq!(story(Some(Bug::AppliedIndexSplit)), json(1));
}

#[test]
fn reply_mixup_gives_one_the_answer_of_another() {
    let story = |bug| {
        let mut scene = Scene::new(bug);
        scene.command("ann", single(MicroOp::Add(5)));
        scene.now = Duration::from_secs(1);
        scene.command("bob", single(MicroOp::Read));
        // Only the first of the two is committed.
        let late = scene.proposed.split_off(1);
        scene.commit();
        let told = scene.told();
        scene.proposed = late;
        scene.commit();
        (told, scene.told())
    };
    let five = Answer::value(json(5));
    let healthy = (vec![("ann", five.clone())], vec![("bob", five.clone())]);
    assert_eq!(story(None), healthy);
    assert_eq!(story(Some(Bug::ReplyMixup)), (vec![("bob", five)], vec![]));
}

#[test]
fn unknown_as_fail_claims_what_nobody_knows() {
    let lost = || Answer::lost(crate::replica::Reason::Timeout, Nature::Writes);
    let told = |bug: Option<Bug>| lost().told_by(bug.into_iter().collect());
    assert_eq!(
        (told(None).outcome, told(None).status()),
        (Outcome::Unknown, 504)
    );
    let broken = told(Some(Bug::UnknownAsFail));
    assert_eq!((broken.outcome, broken.status()), (Outcome::Fail, 503));
    let done = Answer::done().told_by([Bug::UnknownAsFail].into_iter().collect());
    assert_eq!(done, Answer::done());
}
