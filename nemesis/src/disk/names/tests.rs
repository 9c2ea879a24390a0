//! Against the plain definition: replay, from the first change on, those that are durable.

use super::*;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

type Folders = BTreeMap<Place, u64>;

fn place(folder: u64, name: u8) -> Place {
    Place {
        folder: NodeId(folder),
        name: format!("{name}").into(),
    }
}

#[derive(Clone, Debug)]
enum Act {
    Make(Place),
    Remove(Place),
    Rename(Place, Place),
    Sync(u64),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let place = || (0u64..4, 0u8..4).prop_map(|(folder, name)| place(folder, name));
    let act = prop_oneof![
        3 => place().prop_map(Act::Make),
        2 => place().prop_map(Act::Remove),
        3 => (place(), place()).prop_map(|(from, to)| Act::Rename(from, to)),
        1 => (0u64..4).prop_map(Act::Sync),
    ];
    prop::collection::vec(act, 0..40)
}

/// Names and what they name, with what is kept, as a file system holds them.
#[derive(Default)]
struct Live {
    names: Folders,
    kept: BTreeMap<Slot, u64>,
    made: u64,
}

impl Live {
    fn keep(&mut self, place: &Place) -> Option<Slot> {
        let file = self.names.remove(place)?;
        self.made += 1;
        self.kept.insert(Slot(self.made), file);
        Some(Slot(self.made))
    }

    /// The change that an act makes, if it can be made.
    fn act(&mut self, act: &Act) -> Option<Change> {
        match act {
            Act::Make(place) if !self.names.contains_key(place) => {
                self.made += 1;
                self.names.insert(place.clone(), self.made);
                Some(Change::Make {
                    place: place.clone(),
                    folder: None,
                })
            }
            Act::Remove(place) => {
                let kept = self.keep(place)?;
                Some(Change::Remove {
                    place: place.clone(),
                    folder: None,
                    kept,
                })
            }
            Act::Rename(from, to) if from != to && self.names.contains_key(from) => {
                let replaced = self.keep(to);
                let file = self.names.remove(from)?;
                self.names.insert(to.clone(), file);
                Some(Change::Rename {
                    from: from.clone(),
                    to: to.clone(),
                    replaced,
                })
            }
            Act::Make(_) | Act::Rename(..) | Act::Sync(_) => None,
        }
    }

    fn undo(&mut self, change: &Change) {
        match change {
            Change::Make { place, .. } => drop(self.names.remove(place).unwrap()),
            Change::Remove { place, kept, .. } => {
                let file = self.kept.remove(kept).unwrap();
                assert_eq!(self.names.insert(place.clone(), file), None);
            }
            Change::Rename { from, to, replaced } => {
                let file = self.names.remove(to).unwrap();
                assert_eq!(self.names.insert(from.clone(), file), None);
                if let Some(slot) = replaced {
                    let file = self.kept.remove(slot).unwrap();
                    self.names.insert(to.clone(), file);
                }
            }
        }
    }
}

/// Which of the changes are durable: those that touch a folder that was synced later, and with each what came before in
/// its folders.
fn durable(steps: &[(Option<Change>, Option<u64>)]) -> BTreeSet<usize> {
    let folders = |at: usize| -> BTreeSet<NodeId> {
        let change = steps[at].0.as_ref();
        change
            .into_iter()
            .flat_map(|change| change.touches().into_iter().flatten())
            .collect()
    };
    let mut durable = BTreeSet::new();
    loop {
        let before = durable.len();
        for at in 0..steps.len() {
            let synced = (at..steps.len()).any(|later| {
                steps[later]
                    .1
                    .is_some_and(|folder| folders(at).contains(&NodeId(folder)))
            });
            let built_on = durable
                .iter()
                .any(|later| *later > at && !folders(at).is_disjoint(&folders(*later)));
            if steps[at].0.is_some() && (synced || built_on) {
                durable.insert(at);
            }
        }
        if durable.len() == before {
            return durable;
        }
    }
}

fn replay(acts: &[Act], durable: &BTreeSet<usize>) -> BTreeSet<Place> {
    let mut names = BTreeSet::new();
    for at in durable {
        match &acts[*at] {
            Act::Make(place) => drop(names.insert(place.clone())),
            Act::Remove(place) => drop(names.remove(place)),
            Act::Rename(from, to) => {
                names.remove(from);
                names.insert(to.clone());
            }
            Act::Sync(_) => {}
        }
    }
    names
}

proptest! {
    #[test]
    fn undoing_leaves_what_replaying_the_durable_changes_gives(acts in acts()) {
        let (mut live, mut names) = (Live::default(), Names::default());
        let mut steps = Vec::new();
        for act in &acts {
            let change = live.act(act);
            if let Some(change) = &change {
                names.record(change.clone());
            }
            let synced = match act {
                Act::Sync(folder) => Some(*folder),
                Act::Make(_) | Act::Remove(_) | Act::Rename(..) => None,
            };
            for change in synced.map(|folder| names.sync(NodeId(folder))).unwrap_or_default() {
                if let Some(slot) = change.kept() {
                    live.kept.remove(&slot).unwrap();
                }
            }
            steps.push((change, synced));
        }
        let (reached, undone) = names.lose(0);
        prop_assert!(reached.is_empty());
        undone.iter().for_each(|change| live.undo(change));
        let left: BTreeSet<Place> = live.names.keys().cloned().collect();
        prop_assert_eq!(left, replay(&acts, &durable(&steps)));
        prop_assert!(live.kept.is_empty());
    }
}

#[test]
fn a_rename_is_durable_in_both_folders_or_in_none() {
    let mut names = Names::default();
    let make = Change::Make {
        place: place(1, 0),
        folder: None,
    };
    let rename = Change::Rename {
        from: place(1, 0),
        to: place(2, 0),
        replaced: None,
    };
    let later = Change::Make {
        place: place(1, 1),
        folder: None,
    };
    for change in [&make, &rename, &later] {
        names.record(change.clone());
    }
    assert_eq!(names.sync(NodeId(2)), [make, rename]);
    assert_eq!(names.lose(0), (vec![], vec![later]));
}

#[test]
fn a_new_folder_is_reachable_once_it_is_synced() {
    let mut names = Names::default();
    let folder = Change::Make {
        place: place(1, 0),
        folder: Some(NodeId(7)),
    };
    let inside = Change::Make {
        place: place(7, 0),
        folder: None,
    };
    names.record(folder.clone());
    names.record(inside.clone());
    assert_eq!(names.sync(NodeId(7)), [folder, inside]);
}

#[test]
fn some_changes_may_have_reached_the_disk() {
    let mut names = Names::default();
    let made: Vec<Change> = (0..3)
        .map(|name| Change::Make {
            place: place(1, name),
            folder: None,
        })
        .collect();
    made.iter().for_each(|change| names.record(change.clone()));
    let (reached, undone) = names.lose(1);
    assert_eq!(reached, made[..1]);
    assert_eq!(undone, [made[2].clone(), made[1].clone()]);
}
