//! Files of steps: what they may say, what is refused, and what holds when.

use std::collections::BTreeSet;

use nemesis::NodeName;
use nemesis::schedule::steps::{Bound, Moment, Pieces, Said, Scene, Seen, Story, View};
use nemesis::schedule::{Fault, FaultKind};
use proptest::prelude::*;

fn cluster() -> Vec<NodeName> {
    NodeName::first(5)
}

fn story(text: &str) -> Result<Story, String> {
    Story::parse(text, &cluster()).map_err(|error| error.to_string())
}

/// n1 leads term 3, n5 still says that it leads term 2, n4 is silent; commits are 100, 90, 80, 70, 60.
fn view() -> View {
    let seen = |(number, node): (u64, NodeName)| {
        let (role, term) = match number {
            0 => ("leader", 3),
            4 => ("leader", 2),
            _ => ("follower", 3),
        };
        let said = Said {
            role: Some(role.to_owned()),
            term: Some(term),
            commit: Some(100 - 10 * number),
            applied: (number > 0).then_some(50),
            log: None,
        };
        let seen = Seen {
            answers: number != 3,
            said,
            acknowledged: 10 * number,
        };
        (node, seen)
    };
    View {
        now_ns: 5_000_000_000,
        nodes: (0..).zip(cluster()).map(seen).collect(),
        moments: BTreeSet::from([Moment::Begun("cut".to_owned())]),
    }
}

fn names(of: &[usize]) -> BTreeSet<NodeName> {
    of.iter().map(|number| NodeName::nth(*number)).collect()
}

fn bound() -> Bound {
    let bound = [("L", names(&[1])), ("F", names(&[2, 3]))];
    bound.map(|(name, nodes)| (name.to_owned(), nodes)).into()
}

/// A story that knows L, F and the step `cut`, with this condition in its last step.
fn with_condition(condition: &str) -> String {
    format!(
        "[[step]]\nname = \"cut\"\nbind = [\"L = n1\", \"F = n2 n3\"]\n[[step]]\nwhen = \"{condition}\"\n"
    )
}

fn holds(condition: &str, view: &View, before: &View) -> Result<String, String> {
    let story = story(&with_condition(condition)).unwrap();
    let bound = bound();
    let scene = Scene {
        view,
        bound: &bound,
    };
    story.steps[1].when[0].holds(scene, before)
}

#[test]
fn conditions_hold_or_say_what_was_seen() {
    let mut before = view();
    before.now_ns = 2_000_000_000;
    for seen in before.nodes.values_mut() {
        seen.said.commit = Some(60);
        seen.said.term = Some(2);
    }
    for (condition, expected, told) in [
        ("n1 leads", true, "n1 leads"),
        ("L leads", true, "n1 leads"),
        ("n5 leads", false, "n1 leads"),
        ("not n5 leads", true, "n1 leads"),
        ("someone leads", true, "n1 leads"),
        ("one of F leads", false, "n1 leads"),
        ("n5 is leader", true, "n5 says leader"),
        ("F are follower", true, "n2 says follower, n3 says follower"),
        ("n4 is follower", false, "n4 does not answer"),
        ("all answers", false, "n4 does not answer"),
        ("4 of all answer", true, "n1 answers"),
        ("one of candidates answers", false, "means nobody now"),
        ("5 of all answer", false, "n4 does not answer"),
        ("n1 commit +40", true, "n1 commit 100, it was 60"),
        ("n1 committed +41", false, "n1 commit 100, it was 60"),
        ("commit 100", true, "the highest commit 100"),
        ("F commit 81", false, "n3 commit 80"),
        ("one of F commit 81", true, "n2 commit 90"),
        ("term +1", true, "the highest term 3, it was 2"),
        ("n1 log 5", false, "n1 does not say its log"),
        ("log 5", false, "no node says its log"),
        ("acknowledged 100", true, "acknowledged 100"),
        ("F acknowledged 31", false, "acknowledged 30"),
        ("L 10 ahead of F", true, "commit 100 against 90"),
        ("L 11 ahead of F", false, "commit 100 against 90"),
        ("L 20 ahead of one of F", true, "commit 100 against 80"),
        ("one of F 30 ahead of n5", true, "commit 90 against 60"),
        ("F 30 ahead of n5", false, "commit 80 against 60"),
        ("n5 20 behind F", true, "commit 80 against 60"),
        ("L 10 ahead of others", true, "commit 100 against 90"),
        ("others 1 ahead of n5", true, "commit 70 against 60"),
        (
            "L 1 ahead of F in applied",
            false,
            "n1 does not say its applied",
        ),
        ("3s passed", true, "3.000 s"),
        ("3001ms passed", false, "3.000 s"),
        ("at 5s", true, "5.000 s"),
        ("step cut begun", true, "step cut begun"),
        ("step cut ended", false, "not yet"),
        ("step cut ended or n1 leads", true, "n1 leads"),
        (
            "step cut ended or n5 leads",
            false,
            "not yet: step cut ended; n1 leads",
        ),
    ] {
        let answer = holds(condition, &view(), &before);
        assert_eq!(answer.is_ok(), expected, "{condition}: {answer:?}");
        let seen = answer.unwrap_or_else(|seen| seen);
        assert!(seen.contains(told), "{condition}: {seen}");
    }
}

#[test]
fn nobody_leads_while_the_newest_leader_is_silent() {
    let mut view = view();
    view.nodes.get_mut(&NodeName::nth(1)).unwrap().answers = false;
    let seen = holds("n5 leads", &view, &view).unwrap_err();
    assert!(seen.contains("nobody"), "{seen}");
}

/// The fault that a phrase means in the scene of [`view`].
fn fault(phrase: &str) -> Result<Fault, String> {
    let text = format!(
        "[[step]]\nbind = [\"L = n1\", \"F = n2 n3\"]\n[[step]]\ndo = \"{phrase}\"\nuntil = \"1s passed\"\n"
    );
    let text = match phrase.starts_with("transfer") {
        true => text.replace("until = \"1s passed\"\n", ""),
        false => text,
    };
    let story = story(&text)?;
    let (view, bound) = (view(), bound());
    let scene = Scene {
        view: &view,
        bound: &bound,
    };
    let act = &story.steps[1].acts[0];
    let fault = act.fault(scene, &mut story.rng(7, 0, 1))?;
    assert_eq!(fault.kind(), act.kind(), "{phrase}");
    Ok(fault)
}

#[test]
fn acts_are_faults_with_nodes_in_place_of_roles() {
    for (phrase, told) in [
        ("cut L | F", "cut, n1->n2 n1->n3 n2->n1 n3->n1"),
        ("cut L F|others", "cut, n1->n4 n1->n5 n2->n4"),
        ("cut leader -> F", "cut, n1->n2 n1->n3"),
        ("cut F <- leader", "cut, n1->n2 n1->n3"),
        ("cut n5", "cut, n1->n5 n2->n5 n3->n5 n4->n5 n5->n1"),
        ("cut clients | L", "cut, n1->clients clients->n1"),
        ("cut L -> clients", "cut, n1->clients"),
        (
            "delay 300ms +50ms L -> others",
            "300 to 350 ms late, n1->n2",
        ),
        ("loss 20% L | n2", "20 % of packets lost, n1->n2 n2->n1"),
        ("reorder 10% 20ms L -> F", "10 % of packets held back 20 ms"),
        ("duplicate 50% L -> F", "50 % of packets twice"),
        ("corrupt 5% L -> F", "5 % of packets corrupted"),
        ("corrupt-unnoticed 0.5% L -> F", "corrupted unnoticed"),
        ("rate 20000 L -> F", "20000 bytes a second"),
        (
            "flap 100ms 50ms L | F",
            "flapping, 100 ms down and 50 ms up",
        ),
        ("partition bridge", "partition bridge"),
        ("kill L", "kill n1"),
        ("pause followers", "pause n2 n3 n5"),
        (
            "slow-cpu 30% L",
            "slow n1 down to 30 % of the time (30 ms of 100)",
        ),
        ("crash-loop 300ms L", "crash n1 again and again"),
        ("rolling-restart all", "restart every node in turn"),
        ("ask L for voters L F", "ask n1 to have n1 n2 n3 vote"),
        ("remove L", "remove n1 from the cluster"),
        ("member L", "remove n1 from the cluster"),
        ("transfer n2", "hand leadership to n2"),
        ("power-loss all but L F", "power lost at n4 n5"),
        ("torn-write 30% L", "30 % of unsynced sectors kept"),
        ("blackout all", "power lost at n1 n2 n3 n4 n5"),
        ("disk-eio syncs L", "syncs fail at n1"),
        ("disk-full L", "no space left at n1"),
        ("disk-slow 200ms F", "200 ms longer at n2 n3"),
        ("disk-stuck L", "syncs hang at n1"),
        ("disk-lie L", "syncs do nothing"),
        ("disk-misread 3 L", "one in 3 reads is wrong at n1"),
        ("bit-flip 4 L", "bits flipped (4) at n1"),
        ("truncate L", "the end of a file cut off at n1"),
        ("clock-jump -2s L", "wall clock jumps by -2.000 s on n1"),
        ("clock-drift +25% L", "wall clock runs at 125.0 % on n1"),
        (
            "clock-strobe +1s 40ms L",
            "flips by +1.000 s every 40 ms on n1",
        ),
        (
            "clock-monotonic -10% L",
            "monotonic clock runs at 90.0 % on n1",
        ),
    ] {
        let fault = fault(phrase).unwrap_or_else(|error| panic!("{phrase}: {error}"));
        let said = fault.to_string();
        assert!(said.contains(told), "{phrase}: {said}");
    }
}

#[test]
fn who_is_drawn_depends_on_the_seed_alone() {
    let one = fault("kill one of all but L").unwrap();
    assert_eq!(one, fault("kill one of all but L").unwrap());
    let story = story("[[step]]\ndo = \"kill 2 of all\"\nfor = \"1s\"\n").unwrap();
    let (view, bound) = (view(), bound());
    let scene = Scene {
        view: &view,
        bound: &bound,
    };
    let drawn = |seed| {
        let act = &story.steps[0].acts[0];
        act.fault(scene, &mut story.rng(seed, 0, 0))
            .unwrap()
            .to_string()
    };
    let all: BTreeSet<String> = (0..200).map(drawn).collect();
    assert_eq!(all.len(), 10, "every pair of five comes: {all:?}");
}

#[test]
fn who_is_not_there_is_said() {
    for (phrase, part) in [
        ("kill 3 of F", "3 of F means 2 nodes"),
        ("remove F", "means 2 nodes, not one"),
        ("kill all but n1 n2 n3 n4 n5", "means nobody"),
    ] {
        let error = fault(phrase).unwrap_err();
        assert!(error.contains(part), "{phrase}: {error}");
    }
}

#[test]
fn each_mistake_is_named_with_its_line_its_word_and_the_remedy() {
    let step = "\n[[step]]\ndo = \"kill n1\"\nfor = \"1s\"\n";
    for (text, parts) in [
        ("", vec!["line 1", "[[step]]"]),
        ("a = [", vec!["line 1"]),
        ("\nspeed = 3\n", vec!["line 2", "speed", "repeat"]),
        ("[step]\ndo = 3", vec!["double brackets"]),
        ("repeat = 0\n[[step]]", vec!["line 1", "1 to 1000"]),
        ("[[step]]\ndone = 3", vec!["line 2", "done", "until"]),
        ("[[step]]\ndo = 3", vec!["line 2", "in quotes"]),
        (
            "[[step]]\ndo = \"kick n1\"",
            vec!["line 2", "kick", "list nemeses"],
        ),
        (
            "[[step]]\ndo = \"kill n9\"",
            vec!["n9", "n1 n2 n3 n4 n5", "--nodes"],
        ),
        ("[[step]]\ndo = \"kill\"", vec!["missing", "leader"]),
        (
            "[[step]]\ndo = \"kill n1 quickly\"",
            vec!["quickly", "leave it out"],
        ),
        (
            "[[step]]\ndo = \"kill 3 of n1 n2\"",
            vec!["more nodes than"],
        ),
        ("[[step]]\ndo = \"kill L\"\nfor = \"1s\"", vec!["L", "bind"]),
        (
            "[[step]]\ndo = \"kill n1\"",
            vec!["line 2", "for = ", "until ="],
        ),
        ("[[step]]\ndo = \"delay n1 | n2\"", vec!["n1", "300ms"]),
        ("[[step]]\ndo = \"slow-cpu 100% n1\"", vec!["100%", "30%"]),
        (
            "[[step]]\ndo = \"ask n1 voters n2\"",
            vec!["voters", "ask L for"],
        ),
        (
            "[[step]]\ndo = \"reconfigure n1\"",
            vec!["ask L for voters"],
        ),
        (
            "[[step]]\ndo = \"cut n1 n2\"\nfor = \"x\"",
            vec!["line 3", "300ms"],
        ),
        ("[[step]]\ndo = \"cut n1 by n2\"", vec!["by", "->"]),
        ("[[step]]\ndo = \"cut n1 | n1 n2\"", vec!["both sides"]),
        (
            "[[step]]\ndo = \"cut clients | clients\"",
            vec!["both sides"],
        ),
        (
            "[[step]]\ndo = \"lost-replies n1\"",
            vec!["cut L -> clients"],
        ),
        (
            "[[step]]\ndo = \"partition sideways\"",
            vec!["sideways", "bridge"],
        ),
        ("[[step]]\ndo = \"loss 120% n1\"", vec!["120%", "20%"]),
        ("[[step]]\nbind = \"L\"", vec!["L = leader"]),
        ("[[step]]\nbind = \"l = leader\"", vec!["capital"]),
        ("[[step]]\nbind = \"L = others\"", vec!["all but"]),
        ("[[step]]\nname = \"A\"", vec!["line 2", "lower-case"]),
        ("[[step]]\nwhen = \"n1 rules\"", vec!["rules", "leads"]),
        ("[[step]]\nwhen = \"n1 commit lots\"", vec!["lots", "+100"]),
        ("[[step]]\nwhen = \"n1 5 above n2\"", vec!["ahead of"]),
        (
            "[[step]]\nwhen = \"n1 5 ahead of n1\"",
            vec!["ahead of itself"],
        ),
        ("[[step]]\nwhen = \"step x begun\"", vec!["x", "no step"]),
        ("[[step]]\nafter = \"x over\"", vec!["x begun"]),
        (
            "[[step]]\nwhen = [\"n1 leads\", \"n2 leads\"]",
            vec!["never hold"],
        ),
        (
            "[[step]]\nwhen = [\"n1 leads\", \"not n1 leads\"]",
            vec!["never hold"],
        ),
        (
            "[[step]]\nwhen = [\"n1 is leader\", \"n1 is follower\"]",
            vec!["never hold"],
        ),
        (
            "[[step]]\nuntil = \"n1 leads\"",
            vec!["when of the next step"],
        ),
        ("[[step]]\nlimit = \"0s\"", vec!["limit", "10s"]),
        (
            "[[step]]\ndo = \"kill n1\"\nfor = \"1s\"\nuntil = \"n1 leads\"",
            vec!["line 3", "either"],
        ),
        (
            "[[step]]\nname = \"a\"\n[[step]]\nname = \"a\"",
            vec!["line 3", "rename"],
        ),
        (
            "[[step]]\nname = \"a\"\ndo = \"kill n1\"\nuntil = \"step b ended\"\n[[step]]\nname = \"b\"",
            vec!["line 1", "waits for it"],
        ),
    ] {
        let error = story(text).unwrap_err();
        for part in parts {
            assert!(error.contains(part), "{text:?}: {error} lacks {part}");
        }
    }
    assert!(story(step).is_ok());
}

#[test]
fn a_story_is_told_in_words() {
    let text = "repeat = 2\n[[step]]\nname = \"cut\"\nwhen = [\"someone leads\", \"acknowledged +9\"]\nbind = \"L = leader\"\ndo = \"cut L | others\"\nuntil = \"others 200 ahead of L\"\n[[step]]\nafter = \"cut begun\"\nwait = \"10ms..20ms\"\ndo = [\"kill n2\", \"pause n3\"]\nfor = \"1s\"\n";
    let story = story(text).unwrap();
    let told = "2 times:\n\
        step cut: once someone leads and acknowledged +9 (within 10s); call leader L; cut L | others; until others 200 ahead of L (at most 10s)\n\
        step 2: after cut begun; 10ms to 20ms later; kill n2; pause n3; for 1s\n";
    assert_eq!(story.to_string(), told);
    let kinds = [FaultKind::Partition, FaultKind::Kill, FaultKind::Pause];
    assert_eq!(story.kinds(), kinds);
}

/// What the documentation shows works, and it names every key.
#[test]
fn the_documentation_is_true() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/steps.md");
    let page = std::fs::read_to_string(path).unwrap();
    let blocks: Vec<&str> = page.split("```toml\n").skip(1).collect();
    assert!(blocks.len() > 3);
    for block in blocks {
        let text = block.split("```").next().unwrap();
        let told = story(text);
        assert!(told.is_ok(), "{told:?}: {text}");
    }
    for key in [
        "name", "after", "when", "wait", "bind", "do", "for", "until", "limit",
    ] {
        assert!(page.contains(&format!("| `{key}` |")), "{key}");
    }
}

#[test]
fn a_file_in_pieces_is_the_same_file() {
    let text = "# About.\nrepeat = 2\n\n# Why.\n[[step]]\nname = \"a\"\n\n# And\n# then.\n[[step]]\nname = \"b\"\n";
    let pieces = Pieces::of(text);
    assert_eq!(pieces.text(), text);
    assert_eq!(pieces.steps.len(), 2);
    assert!(pieces.steps[1].starts_with("# And\n"));
    assert_eq!(Pieces::of("no steps").head, "no steps");
}

proptest! {
    /// `K of A N ahead of M of B` says: some K of A are each N ahead of some M of B.
    #[test]
    fn ahead_of_is_what_trying_every_choice_finds(
        commits in prop::collection::vec(0_u64..6, 5),
        split in 1_usize..5,
        (few, some) in (1_usize..5, 1_usize..5),
        by in 0_u64..4,
    ) {
        let (few, some) = (few.min(split), some.min(5 - split));
        let mut view = view();
        for (seen, commit) in view.nodes.values_mut().zip(&commits) {
            seen.said.commit = Some(*commit);
        }
        let side = |numbers: std::ops::RangeInclusive<usize>| {
            numbers.map(|number| format!("n{number}")).collect::<Vec<_>>().join(" ")
        };
        let condition = format!("{few} of {} {by} ahead of {some} of {}", side(1..=split), side(split + 1..=5));
        let choices = |range: std::ops::Range<usize>, count: usize| {
            (0_u32..32).filter(move |bits| {
                let inside = range.clone().map(|bit| 1 << bit).sum::<u32>();
                bits & !inside == 0 && bits.count_ones() as usize == count
            })
        };
        let all_ahead = |front: u32, back: u32| {
            let of = |bits: u32| (0..5).filter(move |bit| bits >> bit & 1 == 1);
            of(front).all(|a| of(back).all(|b| commits[a] >= commits[b] + by))
        };
        let expected = choices(0..split, few)
            .any(|front| choices(split..5, some).any(|back| all_ahead(front, back)));
        prop_assert_eq!(holds(&condition, &view, &view).is_ok(), expected, "{}", condition);
    }

    /// A story is refused exactly if what its steps wait for goes round in a circle.
    #[test]
    fn steps_that_wait_for_each_other_are_refused(
        waits in prop::collection::vec((0_usize..4, any::<bool>(), prop::option::of((0_usize..4, any::<bool>()))), 4),
    ) {
        let moment = |(step, ended): (usize, bool)| {
            format!("s{step} {}", if ended { "ended" } else { "begun" })
        };
        // Begun and ended of each step, and what each comes after.
        let place = |(step, ended): (usize, bool)| 2 * step + usize::from(ended);
        let mut after = vec![Vec::new(); 8];
        let mut text = String::new();
        for (number, (step, ended, until)) in waits.iter().enumerate() {
            after[place((number, false))].push(place((*step, *ended)));
            after[place((number, true))].push(place((number, false)));
            text += &format!("[[step]]\nname = \"s{number}\"\ndo = \"kill n1\"\n");
            // The first may begin at once.
            if number > 0 {
                text += &format!("after = \"{}\"\n", moment((*step, *ended)));
            }
            match until {
                Some(until) => {
                    after[place((number, true))].push(place(*until));
                    text += &format!("until = \"step {}\"\n", moment(*until));
                }
                None => text += "for = \"1s\"\n",
            }
        }
        after[place((0, false))].clear();
        // Warshall: what comes after what, however far.
        let mut reach = [[false; 8]; 8];
        for (to, froms) in after.iter().enumerate() {
            froms.iter().for_each(|from| reach[to][*from] = true);
        }
        for (via, a, b) in (0..512).map(|n| (n / 64, n / 8 % 8, n % 8)) {
            reach[a][b] |= reach[a][via] && reach[via][b];
        }
        let circle = (0..8).any(|place| reach[place][place]);
        prop_assert_eq!(story(&text).is_err(), circle, "{}", text);
    }
}
