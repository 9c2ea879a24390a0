//! A grudge in the words of people.

use super::Grudge;
use crate::NodeName;
use std::collections::BTreeSet;

type Side<'a> = BTreeSet<&'a NodeName>;

/// The shortest true description: two sides, two sides and who joins them, one direction, or else who hears whom.
pub(super) fn describe(grudge: &Grudge) -> String {
    if grudge.is_empty() {
        return "nothing cut".to_owned();
    }
    two_sides(grudge)
        .or_else(|| one_direction(grudge))
        .unwrap_or_else(|| who_hears_whom(grudge))
}

fn two_sides(grudge: &Grudge) -> Option<String> {
    let first = grudge.links().first()?.from.node()?;
    let right = apart_from(grudge, first);
    let left = apart_from(grudge, right.first()?);
    let exact = same_cut(grudge, |from, to| {
        left.contains(from) && right.contains(to) || right.contains(from) && left.contains(to)
    });
    if !exact || !left.is_disjoint(&right) {
        return None;
    }
    let between: Side = grudge
        .nodes()
        .iter()
        .filter(|name| !left.contains(name) && !right.contains(name))
        .collect();
    let sides = if left.len() <= right.len() {
        format!("{} | {}", list(&left), list(&right))
    } else {
        format!("{} | {}", list(&right), list(&left))
    };
    Some(match between.len() {
        0 => sides,
        1 => format!("{sides}, {} sees both sides", list(&between)),
        _ => format!("{sides}, {} see both sides", list(&between)),
    })
}

fn one_direction(grudge: &Grudge) -> Option<String> {
    let senders: Side = grudge
        .links()
        .iter()
        .filter_map(|link| link.from.node())
        .collect();
    let receivers: Side = grudge
        .links()
        .iter()
        .filter_map(|link| link.to.node())
        .collect();
    let exact = senders.is_disjoint(&receivers)
        && same_cut(grudge, |from, to| {
            senders.contains(from) && receivers.contains(to)
        });
    exact.then(|| format!("{} -> {} cut one way", list(&senders), list(&receivers)))
}

fn who_hears_whom(grudge: &Grudge) -> String {
    let lines = grudge.nodes().iter().map(|to| {
        let heard: Side = grudge
            .nodes()
            .iter()
            .filter(|from| *from != to && !grudge.cuts(from, to))
            .collect();
        match heard.is_empty() {
            true => format!("{to} hears nobody"),
            false => format!("{to} hears {}", list(&heard)),
        }
    });
    lines.collect::<Vec<_>>().join(", ")
}

fn apart_from<'a>(grudge: &'a Grudge, from: &NodeName) -> Side<'a> {
    let links = grudge.links().iter().filter(|link| link.from == *from);
    links.filter_map(|link| link.to.node()).collect()
}

fn same_cut(grudge: &Grudge, cut: impl Fn(&NodeName, &NodeName) -> bool) -> bool {
    let nodes: Vec<NodeName> = grudge.nodes().iter().cloned().collect();
    Grudge::among(&nodes, cut) == *grudge
}

fn list(side: &Side) -> String {
    let names: Vec<&str> = side.iter().map(|name| name.as_str()).collect();
    names.join(" ")
}
