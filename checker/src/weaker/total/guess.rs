//! An order of the mutations of each register, and what follows from it.

use std::collections::{BTreeMap, HashMap};

use crate::weaker::program::{Program, Source};
use crate::weaker::{Answer, WeakerLimit};

/// One time that a register holds a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Occurrence {
    First(usize),
    Of(usize),
}

/// Mutations that follow each other directly, and how early they are in real time.
struct Block {
    /// It begins with the first value.
    is_first: bool,
    mutations: Vec<usize>,
    first_return: u64,
    last_call: u64,
}

pub(super) struct Guess<'p> {
    program: &'p Program,
    /// Took effect, or was observed.
    kept: Vec<bool>,
    /// What each operation observed.
    seen: Vec<Option<Occurrence>>,
    /// The blocks of each register, in order.
    blocks: Vec<Vec<Block>>,
    /// Some of what was observed may have come from elsewhere.
    is_ambiguous: bool,
}

impl<'p> Guess<'p> {
    /// By real time; or else what that says of the history.
    pub(super) fn new(program: &'p Program) -> Result<Self, Answer> {
        let mut guess = Self {
            program,
            kept: program.actions.iter().map(|one| one.mandatory).collect(),
            seen: vec![None; program.actions.len()],
            blocks: program.initial.iter().map(|_| Vec::new()).collect(),
            is_ambiguous: false,
        };
        if guess.see().and_then(|()| guess.build()).is_none() {
            return Err(match guess.is_ambiguous {
                true => Answer::Open(WeakerLimit::Ambiguous),
                false => Answer::Broken,
            });
        }
        for blocks in &mut guess.blocks {
            blocks.sort_by_key(|one| {
                let early = one.first_return.min(one.last_call);
                (!one.is_first, early, one.last_call)
            });
        }
        Ok(guess)
    }

    /// Finds out who wrote what was observed; what was observed took effect, and observed something in turn. `None` if nobody did.
    fn see(&mut self) -> Option<()> {
        let is_kept = |&one: &usize| self.kept[one];
        let mut open: Vec<usize> = (0..self.kept.len()).filter(is_kept).collect();
        while let Some(one) = open.pop() {
            let action = &self.program.actions[one];
            let Some(value) = action.observes else {
                continue;
            };
            let occurrence = match self.program.source(action.register, value) {
                Source::Initial => Occurrence::First(action.register),
                Source::One(writer) => Occurrence::Of(writer),
                Source::Several => {
                    self.is_ambiguous = true;
                    self.likely_source(one, value)?
                }
                Source::Nobody => return None,
            };
            self.seen[one] = Some(occurrence);
            if let Occurrence::Of(writer) = occurrence
                && !std::mem::replace(&mut self.kept[writer], true)
            {
                open.push(writer);
            }
        }
        Some(())
    }

    /// The last one called before the observation returned.
    fn likely_source(&self, observer: usize, value: u32) -> Option<Occurrence> {
        let action = &self.program.actions[observer];
        let writers = self.program.writers(action.register, value).iter().rev();
        let found = writers
            .copied()
            .find(|&one| one != observer && self.program.actions[one].call < action.ret);
        let first = self.program.initial[action.register] == value;
        found
            .map(Occurrence::Of)
            .or(first.then_some(Occurrence::First(action.register)))
    }

    /// `None` if two compare-and-sets replaced the same, or some go in a circle.
    fn build(&mut self) -> Option<()> {
        let mut successor: HashMap<Occurrence, usize> = HashMap::new();
        let mut reads: HashMap<Occurrence, (u64, u64)> = HashMap::new();
        let mut roots: Vec<Occurrence> = Vec::new();
        for (number, action) in self.program.actions.iter().enumerate() {
            match (self.seen[number], action.writes) {
                _ if !self.kept[number] => {}
                (Some(seen), Some(_)) => {
                    if successor.insert(seen, number).is_some() {
                        return None;
                    }
                }
                (Some(seen), None) => {
                    let (ret, call) = reads.entry(seen).or_insert((u64::MAX, 0));
                    (*ret, *call) = ((*ret).min(action.ret), (*call).max(action.call));
                }
                (None, Some(_)) => roots.push(Occurrence::Of(number)),
                (None, None) => {}
            }
        }
        let mut placed = roots.len();
        for register in 0..self.blocks.len() {
            roots.push(Occurrence::First(register));
        }
        for root in roots {
            let block = self.block(root, &successor, &reads);
            placed += block.mutations.len() - usize::from(!block.is_first);
            let register = match root {
                Occurrence::First(register) => register,
                Occurrence::Of(one) => self.program.actions[one].register,
            };
            self.blocks[register].push(block);
        }
        let all = self.program.actions.iter().zip(&self.kept);
        let mutations = all.filter(|(action, kept)| **kept && action.writes.is_some());
        (placed == mutations.count()).then_some(())
    }

    fn block(
        &self,
        root: Occurrence,
        successor: &HashMap<Occurrence, usize>,
        reads: &HashMap<Occurrence, (u64, u64)>,
    ) -> Block {
        let mut block = Block {
            is_first: matches!(root, Occurrence::First(_)),
            mutations: Vec::new(),
            first_return: u64::MAX,
            last_call: 0,
        };
        let next = |one: &Occurrence| successor.get(one).map(|&one| Occurrence::Of(one));
        for one in std::iter::successors(Some(root), next) {
            if let Occurrence::Of(mutation) = one {
                let action = &self.program.actions[mutation];
                block.include(action.ret, action.call);
                block.mutations.push(mutation);
            }
            if let Some(&(ret, call)) = reads.get(&one) {
                block.include(ret, call);
            }
        }
        block
    }

    /// What comes right before what, for every kept operation those after it.
    pub(super) fn edges(&self) -> Vec<Vec<usize>> {
        let mut after = vec![Vec::new(); self.program.actions.len()];
        let mut last: BTreeMap<i64, usize> = BTreeMap::new();
        for (number, action) in self.program.actions.iter().enumerate() {
            if !self.kept[number] {
                continue;
            }
            if let Some(&before) = last.get(&action.process) {
                after[before].push(number);
            }
            if action.mandatory {
                last.insert(action.process, number);
            }
        }
        let mut next: HashMap<Occurrence, usize> = HashMap::new();
        for (register, blocks) in self.blocks.iter().enumerate() {
            let mut before = Occurrence::First(register);
            for &mutation in blocks.iter().flat_map(|block| &block.mutations) {
                if let Occurrence::Of(before) = before {
                    after[before].push(mutation);
                }
                next.insert(before, mutation);
                before = Occurrence::Of(mutation);
            }
        }
        for (number, seen) in self.seen.iter().enumerate() {
            let Some(seen) = *seen else {
                continue;
            };
            if let Occurrence::Of(writer) = seen {
                after[writer].push(number);
            }
            if let Some(&replaced) = next.get(&seen).filter(|&&next| next != number) {
                after[number].push(replaced);
            }
        }
        after
    }

    /// Puts the blocks of some mutations in the order of these; whether that changes anything.
    pub(super) fn adopt(&mut self, order: &[usize]) -> bool {
        let rank: HashMap<usize, usize> = order.iter().copied().zip(0..).collect();
        let mut has_changed = false;
        for blocks in &mut self.blocks {
            let rank_of = |block: &Block| {
                let ranks = block.mutations.iter().filter_map(|one| rank.get(one));
                ranks.min().copied()
            };
            let places: Vec<usize> = (0..blocks.len())
                .filter(|&place| !blocks[place].is_first && rank_of(&blocks[place]).is_some())
                .collect();
            let mut wanted = places.clone();
            wanted.sort_by_key(|&place| rank_of(&blocks[place]));
            if wanted == places {
                continue;
            }
            has_changed = true;
            let mut target: Vec<usize> = (0..blocks.len()).collect();
            for (&to, &from) in places.iter().zip(&wanted) {
                target[from] = to;
            }
            let mut moved: Vec<(usize, Block)> =
                target.into_iter().zip(std::mem::take(blocks)).collect();
            moved.sort_by_key(|(to, _)| *to);
            *blocks = moved.into_iter().map(|(_, block)| block).collect();
        }
        has_changed
    }

    /// An estimate of what it and its edges hold.
    pub(super) fn bytes(&self) -> u64 {
        (self.program.actions.len() * 160) as u64
    }
}

impl Block {
    fn include(&mut self, ret: u64, call: u64) {
        self.first_return = self.first_return.min(ret);
        self.last_call = self.last_call.max(call);
    }
}
