//! When the system did not serve though it could have: seen from outside, in what clients asked and were answered. Pure.
//!
//! An *outage* is a stretch in which changes were asked for again and again and none was done, anywhere, although all the
//! while one majority of the nodes ran undisturbed and reached each other and their clients. Where a node led that was
//! hampered (a stuck disk, late packets, clients that do not reach it), nobody can demand that it give up its office, so
//! that counts for nothing; a leader that was killed, stopped or cut off must be replaced.

use std::collections::BTreeSet;

use checker::{History, Nanos, Operation, Outcome};
use reports::{FaultRecord, LeaderSpan, Outage};

use super::client;
use super::elections::beside;
use super::world::World;

/// Where nobody asks for so long, nobody can say whether the system served.
const ASKED_EVERY_NS: u64 = 1_000_000_000;

/// Nodes are asked from time to time whether they lead; for so long the last answer stands.
const LOOKED_AWAY_NS: u64 = 1_000_000_000;

/// Where outages are looked for.
pub(super) struct Search<'a> {
    pub world: &'a World,
    pub faults: &'a [FaultRecord],
    pub leaders: &'a [LeaderSpan],
    /// When changes were done.
    served: Vec<u64>,
    /// The changes that were asked for, by the time of the call.
    asked: Vec<Asked<'a>>,
    end_ns: u64,
}

/// A change that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Asked<'a> {
    from_ns: u64,
    /// The client knew its end, or asked no more.
    to_ns: u64,
    /// At which node first.
    at: &'a str,
}

impl<'a> Search<'a> {
    /// Among what clients did before `end`; `home` is the node that a process asks first.
    pub(super) fn new(
        history: &History,
        home: impl Fn(i64) -> &'a str,
        world: &'a World,
        faults: &'a [FaultRecord],
        leaders: &'a [LeaderSpan],
        end: Nanos,
    ) -> Self {
        let changes = || {
            let all = history.operations.iter();
            all.filter(|operation| operation.f != "read" && operation.call_time < Some(end))
        };
        let asked = |operation: &Operation| {
            Some(Asked {
                from_ns: operation.call_time?.0,
                to_ns: operation.return_time.map_or(end.0, |time| time.0),
                at: home(operation.process),
            })
        };
        let mut served: Vec<u64> = changes().filter_map(done_at).collect();
        let mut asked: Vec<Asked<'_>> = changes().filter_map(asked).collect();
        served.sort_unstable();
        asked.sort_unstable();
        Self {
            world,
            faults,
            leaders,
            served,
            asked,
            end_ns: end.0,
        }
    }

    /// The longest outage, and all that are longer than `limit_ns`, in order of time.
    pub(super) fn outages(&self, limit_ns: u64) -> (Option<Outage>, Vec<Outage>) {
        let mut longest: Option<Outage> = None;
        let mut too_long = Vec::new();
        for (from_ns, to_ns) in self.stretches() {
            let record = longest.as_ref().map_or(0, Outage::length_ns).min(limit_ns);
            if to_ns - from_ns <= record {
                continue;
            }
            let Some(outage) = self.within(from_ns, to_ns) else {
                continue;
            };
            if outage.length_ns() > limit_ns {
                too_long.push(outage.clone());
            }
            if longest
                .as_ref()
                .is_none_or(|best| best.length_ns() < outage.length_ns())
            {
                longest = Some(outage);
            }
        }
        (longest, too_long)
    }

    /// From each change that was done to the next.
    fn stretches(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let served = self
            .served
            .iter()
            .copied()
            .filter(|time| *time < self.end_ns);
        let starts = std::iter::once(0).chain(served.clone());
        starts.zip(served.chain([self.end_ns]))
    }

    /// The longest outage of a stretch in which no change was done.
    fn within(&self, from_ns: u64, to_ns: u64) -> Option<Outage> {
        let moments = self.world.changes(from_ns, to_ns);
        let spans = (0..moments.len()).flat_map(|first| {
            let later = moments[first + 1..].iter();
            let from = moments[first];
            later.map(move |to| (from, *to))
        });
        // Of two that are equally long, the earlier one.
        let mut longest: Option<Outage> = None;
        for outage in spans.filter_map(|(from, to)| self.throughout(from, to)) {
            if longest
                .as_ref()
                .is_none_or(|best| best.length_ns() < outage.length_ns())
            {
                longest = Some(outage);
            }
        }
        longest
    }

    /// The outage of a time in which no change was done, if one majority was undisturbed throughout.
    fn throughout(&self, from_ns: u64, to_ns: u64) -> Option<Outage> {
        let span = self.world.between(from_ns, to_ns);
        let majority = span.majority(None)?;
        let mut leading = self.leading(from_ns, to_ns);
        if leading.any(|node| !majority.contains(node) && span.is_hampered(node)) {
            return None;
        }
        let (from_ns, to_ns, asked) = self.longest_asking(from_ns, to_ns, &majority)?;
        Some(Outage {
            from_ns,
            to_ns,
            majority: majority.into_iter().collect(),
            asked,
            fault: beside(self.faults, from_ns, to_ns),
        })
    }

    /// Who was seen leading then or shortly before, and who led last before it.
    fn leading(&self, from_ns: u64, to_ns: u64) -> impl Iterator<Item = &str> {
        let earlier = self
            .leaders
            .iter()
            .filter(move |span| span.from_ns <= from_ns);
        let last = earlier.max_by_key(|span| span.term);
        let then = self.leaders.iter().filter(move |span| {
            span.from_ns <= to_ns && span.to_ns.saturating_add(LOOKED_AWAY_NS) >= from_ns
        });
        last.into_iter().chain(then).map(|span| span.node.as_str())
    }

    /// The longest row of changes asked for at these nodes without a long pause: from the first call to the end of all, and
    /// how many they were.
    fn longest_asking(
        &self,
        from_ns: u64,
        to_ns: u64,
        nodes: &BTreeSet<String>,
    ) -> Option<(u64, u64, u64)> {
        let start = self.asked.partition_point(|asked| asked.from_ns < from_ns);
        let then = self.asked[start..].iter();
        let then = then
            .take_while(|asked| asked.from_ns < to_ns)
            .filter(|asked| nodes.contains(asked.at));
        let mut rows: Vec<(u64, u64, u64)> = Vec::new();
        for asked in then {
            let over_ns = asked.to_ns.min(to_ns);
            match rows.last_mut() {
                Some((_, end, count)) if asked.from_ns <= end.saturating_add(ASKED_EVERY_NS) => {
                    (*end, *count) = (over_ns.max(*end), *count + 1);
                }
                Some(_) | None => rows.push((asked.from_ns, over_ns, 1)),
            }
        }
        let length = |(first, last, _): &(u64, u64, u64)| last - first;
        rows.into_iter().rev().max_by_key(length)
    }
}

/// When a change was done: acknowledged, or refused for what it found, which takes the same way through the system.
fn done_at(operation: &Operation) -> Option<u64> {
    let done = match operation.outcome {
        Outcome::Ok => true,
        Outcome::Fail => operation
            .error
            .as_ref()
            .is_some_and(|why| client::is_final(why)),
        Outcome::Info => false,
    };
    operation.return_time.filter(|_| done).map(|time| time.0)
}

#[cfg(test)]
mod tests {
    use rand::RngExt as _;

    use super::*;
    use crate::run::scene::{self, apart, change, history, led, nodes, on_links, on_nodes};
    use crate::workload::stream;

    const MS: u64 = 1_000_000;
    const NODES: [&str; 5] = ["n1", "n2", "n3", "n4", "n5"];

    fn found(
        asked: &[scene::Asked],
        faults: &[FaultRecord],
        leaders: &[LeaderSpan],
        limit_ms: u64,
    ) -> (Option<Outage>, Vec<Outage>) {
        let world = World::new(nodes(5).into_iter(), faults);
        let home = |process: i64| NODES[usize::try_from(process).unwrap() % 5];
        let history = history(asked);
        let end = Nanos(20_000 * MS);
        Search::new(&history, home, &world, faults, leaders, end).outages(limit_ms * MS)
    }

    /// Served up to 1 s and from 9 s on, and asked in vain by this process meanwhile.
    fn in_vain(process: i64) -> Vec<scene::Asked> {
        let served = [100, 500, 900, 9_000, 9_400].map(|ms| change(7, [ms, ms + 50], Ok(())));
        let asked =
            (0..20).map(|n| change(process, [1_000 + 400 * n, 1_300 + 400 * n], Err("late?")));
        served.into_iter().chain(asked).collect()
    }

    #[test]
    fn an_outage_is_where_a_majority_could_have_served() {
        let cut = |ones: &[&str], ms| {
            let all = apart(ones, &["n2", "n3", "n4", "n5"]);
            let links: Vec<&str> = all.iter().map(String::as_str).collect();
            on_links(1, "partition", &links, ms)
        };
        let led_by_n1 = || vec![led("n1", 1, [0, 900])];
        let deaf = ["n2->n1", "n3->n1", "n4->n1", "n5->n1"];
        for (what, process, fault, leaders, expected) in [
            ("nothing is wrong", 1, vec![], vec![], Some(8_050)),
            (
                "a leader that was killed",
                1,
                vec![on_nodes(1, "kill", &["n1"], [950, 8_000])],
                led_by_n1(),
                Some(8_050),
            ),
            (
                "a leader that hears nobody",
                1,
                vec![on_links(1, "partition", &deaf, [950, 8_000])],
                led_by_n1(),
                Some(8_050),
            ),
            (
                "asked where the cut leaves nobody",
                0,
                vec![cut(&["n1"], [950, 9_000])],
                led_by_n1(),
                None,
            ),
            (
                "all lost power",
                1,
                vec![on_nodes(1, "blackout", &NODES, [950, 9_000])],
                led_by_n1(),
                None,
            ),
            (
                "all lost power for a while",
                1,
                vec![on_nodes(1, "blackout", &NODES, [950, 5_900])],
                led_by_n1(),
                Some(2_850),
            ),
            (
                "a leader with a stuck disk",
                1,
                vec![on_nodes(1, "disk-stuck", &["n1"], [950, 9_000])],
                led_by_n1(),
                None,
            ),
            (
                "a follower with a stuck disk",
                1,
                vec![on_nodes(1, "disk-stuck", &["n5"], [950, 9_000])],
                led_by_n1(),
                Some(8_050),
            ),
            (
                "clients without the leader",
                1,
                vec![on_links(
                    1,
                    "client-partition",
                    &["clients->n1"],
                    [950, 9_000],
                )],
                led_by_n1(),
                None,
            ),
            (
                "who knows",
                1,
                vec![on_nodes(1, "no-such-fault", &["n5"], [950, 9_000])],
                led_by_n1(),
                None,
            ),
        ] {
            let (longest, _) = found(&in_vain(process), &fault, &leaders, 5_000);
            let during = longest.filter(|outage| outage.length_ns() > 1_000 * MS);
            let length = during.as_ref().map(|outage| outage.length_ns() / MS);
            assert_eq!(length, expected, "{what}: {during:?}");
        }
    }

    #[test]
    fn only_what_is_beyond_the_limit_is_too_long_and_the_longest_is_told_all_the_same() {
        for (limit_ms, count) in [(7_000, 1), (8_049, 1), (8_050, 0), (350, 1), (60_000, 0)] {
            let (longest, too_long) = found(&in_vain(1), &[], &[], limit_ms);
            assert_eq!(longest.unwrap().length_ns(), 8_050 * MS);
            assert_eq!(too_long.len(), count, "{limit_ms}");
        }
    }

    #[test]
    fn reads_do_not_count_and_a_change_that_found_another_value_does() {
        let mut all = in_vain(1);
        all.push(scene::Asked {
            f: "read",
            ..change(8, [5_000, 5_010], Ok(()))
        });
        all.push(change(8, [5_100, 5_110], Err("not_leader")));
        let length = |all: &[scene::Asked]| found(all, &[], &[], 5_000).0.unwrap().length_ns() / MS;
        assert_eq!(length(&all), 8_050);
        all.push(change(8, [5_200, 5_210], Err("cas_mismatch")));
        assert_eq!(length(&all), 4_210);
    }

    #[test]
    fn nobody_knows_where_nobody_asks() {
        let served = [100, 9_000].map(|ms| change(7, [ms, ms + 50], Ok(())));
        let (longest, _) = found(&served, &[], &[], 5_000);
        assert_eq!(longest.unwrap().length_ns(), 50 * MS);
    }

    /// The longest outage by trying every pair of moments, millisecond by millisecond.
    fn by_brute_force(
        asked: &[scene::Asked],
        faults: &[FaultRecord],
        leaders: &[LeaderSpan],
        end_ms: u64,
    ) -> u64 {
        let done = |one: &&scene::Asked| one.end.is_ok() || one.end == Err("cas_mismatch");
        let done: Vec<u64> = asked.iter().filter(done).map(|one| one.ms[1]).collect();
        let bounds = faults
            .iter()
            .flat_map(|fault| [fault.start_ns / MS, fault.end_ns / MS]);
        let moments: Vec<u64> = bounds
            .chain(done.iter().copied())
            .chain([0, end_ms])
            .collect();
        let world = World::new(nodes(5).into_iter(), faults);
        let mut longest = 0;
        for from in &moments {
            for to in moments.iter().filter(|to| *to > from && **to <= end_ms) {
                if done.iter().any(|done| from < done && done < to) {
                    continue;
                }
                let span = world.between(from * MS, to * MS);
                let Some(majority) = span.majority(None) else {
                    continue;
                };
                let led_last = leaders
                    .iter()
                    .filter(|one| one.from_ns <= from * MS)
                    .max_by_key(|one| one.term);
                let seen = |one: &&LeaderSpan| {
                    one.from_ns <= to * MS && one.to_ns + LOOKED_AWAY_NS >= from * MS
                };
                let mut led = leaders.iter().filter(seen).chain(led_last);
                if led.any(|one| span.is_hampered(&one.node) && !majority.contains(&one.node)) {
                    continue;
                }
                // Asked, or in the pause after it, at each millisecond: rows are what is not interrupted.
                let at_home = |one: &&scene::Asked| {
                    majority.contains(NODES[usize::try_from(one.process).unwrap() % 5])
                };
                let own: Vec<&scene::Asked> = asked
                    .iter()
                    .filter(at_home)
                    .filter(|one| (*from..*to).contains(&one.ms[0]))
                    .collect();
                let (mut start, mut end) = (None, 0);
                for now in *from..=*to {
                    let begun = own.iter().filter(|one| one.ms[0] == now);
                    for one in begun {
                        if start.is_none() || now > end + ASKED_EVERY_NS / MS {
                            (start, end) = (Some(now), one.ms[1].min(*to));
                        }
                        end = end.max(one.ms[1].min(*to));
                        longest = longest.max(end - start.unwrap());
                    }
                }
            }
        }
        longest
    }

    #[test]
    fn the_longest_outage_is_that_of_trying_all() {
        let mut rng = stream(3, 3);
        let mut lengths = BTreeSet::new();
        for round in 0..400 {
            let end_ms = 6_000;
            // No two moments of different kinds are equal: their last digits differ.
            let mut moment =
                |digit: u64, from: u64, to: u64| rng.random_range(from / 10..to / 10) * 10 + digit;
            let mut asked = Vec::new();
            for process in 0..6 {
                let mut now = 0;
                for _ in 0..4 {
                    let called = moment(3, now, now + 1_500);
                    let returned = moment(7, called, called + 900);
                    let end = [Ok(()), Err("late?"), Err("not_leader"), Err("late?")]
                        [moment(0, 0, 40) as usize / 10];
                    asked.push(change(process, [called, returned], end));
                    now = returned + 10;
                }
            }
            asked.retain(|one| one.ms[0] < end_ms);
            let mut faults = Vec::new();
            for id in 0..3 {
                let from = moment(0, 0, 4_000);
                let ms = [from, moment(0, from + 10, 5_000)];
                let node = NODES[moment(0, 0, 50) as usize / 10];
                faults.push(match moment(0, 0, 30) / 10 {
                    0 => on_nodes(id, "kill", &[node, "n2"], ms),
                    1 => on_nodes(id, "disk-slow", &[node], ms),
                    _ => on_links(id, "partition", &[&format!("{node}->n3"), "n4->n3"], ms),
                });
            }
            let leaders = vec![
                led("n1", 1, [5, moment(5, 10, 6_000)]),
                led("n3", 2, [moment(5, 10, 3_000), 4_005]),
            ];
            let world = World::new(nodes(5).into_iter(), &faults);
            let home = |process: i64| NODES[usize::try_from(process).unwrap() % 5];
            let history = history(&asked);
            let search = Search::new(
                &history,
                home,
                &world,
                &faults,
                &leaders,
                Nanos(end_ms * MS),
            );
            let (longest, too_long) = search.outages(1_000 * MS);
            let length = longest.map_or(0, |outage| outage.length_ns() / MS);
            assert_eq!(
                length,
                by_brute_force(&asked, &faults, &leaders, end_ms),
                "round {round}"
            );
            assert_eq!(length > 1_000, !too_long.is_empty());
            lengths.insert(length);
        }
        assert!(
            lengths.len() > 50 && lengths.first() < Some(&500) && lengths.last() > Some(&1_500),
            "{lengths:?}"
        );
    }
}
