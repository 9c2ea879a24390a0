//! Read your writes, by blocks.
//!
//! The observations of a process come after its earlier mutations, and nothing else is ordered. Registers are independent: in a
//! cycle through several of them each step leads from a mutation to a later operation of the process, or within a register from an
//! observation to a mutation that is not before it in the process, hence after it; so the process would be before itself.
//!
//! Within a register the operations on one occurrence of a value stand together: the mutation that brought it, the observations of it,
//! and, if that was a compare-and-set of the process, what follows from there. Such a block is in order or not by itself. Block A must
//! precede block B if and only if the process's first mutation in A is before its last observation in B: a < b for two numbers
//! per block. In any cycle of such relations take the block with the greatest b: the block after it in the cycle precedes it as well. So
//! there is an order if and only if no two blocks precede each other, and none precedes that of the first value.
//!
//! A value that other processes wrote often enough can be brought anew for each purpose, after everything else. One that only
//! the process itself wrote, several times, leaves the question open, unless it is answered without it.

use std::collections::HashMap;

use super::program::{Program, Source};
use super::{Answer, WeakerLimit};

/// One time that a register holds a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Occurrence {
    First(usize),
    /// What this mutation brought.
    Of(usize),
    /// What some mutation of another process brought: to be read, or for one compare-and-set.
    Spare {
        register: usize,
        value: u32,
        taken_by: Option<usize>,
    },
}

/// What the process does with an occurrence.
#[derive(Clone, Copy, Debug)]
struct Use {
    /// The process's own mutation that brought it, if it certainly took effect.
    mutation: Option<usize>,
    last_read: Option<usize>,
    /// The compare-and-set that replaced it.
    successor: Option<usize>,
    is_root: bool,
}

impl Default for Use {
    fn default() -> Self {
        Self {
            mutation: None,
            last_read: None,
            successor: None,
            is_root: true,
        }
    }
}

/// The first mutation and the last observation of a block.
#[derive(Clone, Copy, Debug)]
struct Block {
    register: usize,
    is_first: bool,
    mutation: usize,
    observation: Option<usize>,
}

struct Uses<'p> {
    program: &'p Program,
    uses: HashMap<Occurrence, Use>,
    /// Whether what some operations saw was left out.
    incomplete: Option<WeakerLimit>,
}

/// Whether one process reads its writes.
pub(super) fn follows(program: &Program, own: &[usize]) -> Answer {
    let mut uses = Uses {
        program,
        uses: HashMap::new(),
        incomplete: None,
    };
    let found = uses.collect(own).and_then(|()| uses.blocks());
    let have_order = found.is_some_and(|mut blocks| have_order(&mut blocks));
    match uses.incomplete {
        _ if !have_order => Answer::Broken,
        Some(limit) => Answer::Open(limit),
        None => Answer::Holds,
    }
}

impl Uses<'_> {
    /// `None` if something cannot be.
    fn collect(&mut self, own: &[usize]) -> Option<()> {
        let asked = self.asked(own);
        for &one in own {
            let action = &self.program.actions[one];
            if !action.mandatory {
                continue;
            }
            if action.writes.is_some() {
                self.at(Occurrence::Of(one)).mutation = Some(one);
            }
            let Some(value) = action.observes else {
                continue;
            };
            let Some(seen) = self.seen(one, &asked)? else {
                continue;
            };
            if action.writes.is_some() {
                if self.at(seen).successor.replace(one).is_some() {
                    return None;
                }
                self.at(Occurrence::Of(one)).is_root = false;
            } else {
                self.at(seen).last_read = Some(one);
            }
            if let Source::One(writer) = self.program.source(action.register, value) {
                self.check_source(writer, action.process);
            }
        }
        Some(())
    }

    fn at(&mut self, occurrence: Occurrence) -> &mut Use {
        self.uses.entry(occurrence).or_default()
    }

    /// How many occurrences of each value the process would like to have to itself.
    fn asked(&self, own: &[usize]) -> HashMap<(usize, u32), usize> {
        let mut reads: HashMap<(usize, u32), usize> = HashMap::new();
        let mut asked: HashMap<(usize, u32), usize> = HashMap::new();
        for action in own.iter().map(|&one| &self.program.actions[one]) {
            let (Some(value), true) = (action.observes, action.mandatory) else {
                continue;
            };
            let place = (action.register, value);
            if action.writes.is_some() || reads.insert(place, 1).is_none() {
                *asked.entry(place).or_default() += 1;
            }
        }
        asked
    }

    /// What an operation saw; `None` within if that stays open.
    fn seen(
        &mut self,
        one: usize,
        asked: &HashMap<(usize, u32), usize>,
    ) -> Option<Option<Occurrence>> {
        let action = &self.program.actions[one];
        let register = action.register;
        let value = action.observes?;
        Some(match self.program.source(register, value) {
            Source::Nobody => return None,
            Source::Initial => Some(Occurrence::First(register)),
            Source::One(writer) => Some(Occurrence::Of(writer)),
            Source::Several => {
                let others = self
                    .program
                    .writers(register, value)
                    .iter()
                    .filter(|&&one| {
                        let writer = &self.program.actions[one];
                        writer.process != action.process
                    });
                if others.count() < asked.get(&(register, value)).copied().unwrap_or(0) {
                    self.incomplete = Some(WeakerLimit::Ambiguous);
                    None
                } else {
                    Some(Occurrence::Spare {
                        register,
                        value,
                        taken_by: action.writes.map(|_| one),
                    })
                }
            }
        })
    }

    /// A compare-and-set with an unknown outcome that must have taken effect also has to be placed where it fits; that is left out.
    fn check_source(&mut self, writer: usize, process: i64) {
        let writer = &self.program.actions[writer];
        let own_cas = writer.process == process && writer.observes.is_some();
        if own_cas && !writer.mandatory {
            self.incomplete = Some(WeakerLimit::Indeterminate);
        }
    }

    /// `None` if a block is not in order by itself, or compare-and-sets go in a circle.
    fn blocks(&self) -> Option<Vec<Block>> {
        let mut roots: Vec<Occurrence> = self
            .uses
            .iter()
            .filter(|(_, one)| one.is_root)
            .map(|(&occurrence, _)| occurrence)
            .collect();
        roots.sort_unstable();
        let mut reached = 0;
        let mut blocks = Vec::with_capacity(roots.len());
        for root in roots {
            let chain = self.chain(root);
            reached += chain.len();
            blocks.push(self.block(root, &chain)?);
        }
        (reached == self.uses.len()).then_some(blocks)
    }

    fn chain(&self, root: Occurrence) -> Vec<Use> {
        let next = |one: &Use| {
            let successor = one.successor?;
            self.uses.get(&Occurrence::Of(successor)).copied()
        };
        std::iter::successors(self.uses.get(&root).copied(), next).collect()
    }

    fn block(&self, root: Occurrence, chain: &[Use]) -> Option<Block> {
        let mut mutation = usize::MAX;
        let mut observation = None;
        for one in chain.iter().rev() {
            let last = one.last_read.max(one.successor);
            if last.is_some_and(|last| last > mutation) {
                return None;
            }
            observation = observation.max(last);
            mutation = mutation.min(one.mutation.unwrap_or(usize::MAX));
        }
        Some(Block {
            register: self.register(root),
            is_first: matches!(root, Occurrence::First(_)),
            mutation,
            observation,
        })
    }

    fn register(&self, occurrence: Occurrence) -> usize {
        match occurrence {
            Occurrence::First(register) => register,
            Occurrence::Of(one) => self.program.actions[one].register,
            Occurrence::Spare { register, .. } => register,
        }
    }
}

/// Whether the blocks of each register can follow each other.
fn have_order(blocks: &mut [Block]) -> bool {
    blocks.sort_unstable_by_key(|one| (one.register, one.mutation));
    blocks
        .chunk_by(|one, other| one.register == other.register)
        .all(have_order_in_register)
}

/// Whether no two precede each other, by the first mutation of each.
fn have_order_in_register(blocks: &[Block]) -> bool {
    let first = blocks.iter().find(|one| one.is_first);
    let precedes = |one: &Block, other: &Block| Some(one.mutation) < other.observation;
    if let Some(first) = first
        && blocks
            .iter()
            .any(|one| !one.is_first && precedes(one, first))
    {
        return false;
    }
    // For each number of blocks from the start, the two of them with the last observations.
    let mut latest = Vec::with_capacity(blocks.len());
    let mut best = [(None, usize::MAX); 2];
    for (place, block) in blocks.iter().enumerate() {
        best = match (block.observation, place) {
            new if new.0 > best[0].0 => [new, best[0]],
            new if new.0 > best[1].0 => [best[0], new],
            _ => best,
        };
        latest.push(best);
    }
    blocks.iter().enumerate().all(|(place, block)| {
        let Some(last) = blocks
            .partition_point(|one| precedes(one, block))
            .checked_sub(1)
        else {
            return true;
        };
        let other = latest[last].iter().find(|(_, other)| *other != place);
        other.is_none_or(|&(observation, _)| Some(block.mutation) >= observation)
    })
}
