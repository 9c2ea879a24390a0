//! Monotonic writes, and writes follow reads: everything as late as possible.
//!
//! The observations of a process stand at times 2, 4, 6, …; a mutation goes between two of them. What must come before what is known:
//! the rules between mutations, and who wrote what was observed. Each observed value is held from its mutation to its last
//! observation, and any other mutation of the register must come before the one or after the other.
//!
//! All of these are upper bounds that depend monotonically on each other: a mutation is no later than those it precedes; the
//! mutation that brought a value is before the first observation of it; any other that cannot be after the last observation must be before
//! the mutation, which is one more rule. So they are lowered from *at the end* until nothing changes, and what is left is the latest place
//! that any order allows. What has to be after something, a mutation after the last observation of the value before, must be so there
//! or nowhere. Where it is, and where the rules are no circle within one gap, the latest places are an order.
//!
//! What may have come from several mutations bounds nothing at first; if the rest has an order, a likely mutation is taken for it. The
//! question stays open only if that leads nowhere.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet};

use super::program::{Program, Source};
use super::view;
use super::{Answer, WeakerLimit};

/// Which mutations come before which, for every process alike. Nodes beyond the operations stand for what a process has observed so
/// far.
pub(super) struct Rules {
    before: Vec<Vec<usize>>,
    /// What certainly took effect.
    is_certain: Vec<bool>,
    /// They contradict each other, whatever was observed.
    contradict: bool,
    /// Some are a circle.
    are_circular: bool,
    /// It is known who wrote what was observed.
    are_certain: bool,
}

impl Rules {
    /// The mutations of each process are in its order.
    pub(super) fn monotonic_writes(program: &Program) -> Self {
        let mut before = vec![Vec::new(); program.actions.len()];
        for (one, other) in view::chains(program, |action| action.writes.is_some()) {
            before[other].push(one);
        }
        Self::new(program, before, true)
    }

    /// Each mutation comes after those its process had observed.
    pub(super) fn writes_follow_reads(program: &Program) -> Self {
        let mut before = vec![Vec::new(); program.actions.len()];
        let mut seen: BTreeMap<i64, usize> = BTreeMap::new();
        let mut are_certain = true;
        for (number, action) in program.actions.iter().enumerate() {
            let source = action
                .observes
                .filter(|_| action.mandatory)
                .map(|value| program.source(action.register, value));
            match source {
                Some(Source::One(writer)) => {
                    let now = before.len();
                    let earlier = seen.insert(action.process, now);
                    before.push([writer].into_iter().chain(earlier).collect());
                }
                Some(Source::Several) => are_certain = false,
                Some(Source::Initial | Source::Nobody) | None => {}
            }
            if action.writes.is_some() {
                before[number].extend(seen.get(&action.process));
            }
        }
        Self::new(program, before, are_certain)
    }

    fn new(program: &Program, before: Vec<Vec<usize>>, are_certain: bool) -> Self {
        let mut rules = Self {
            is_certain: vec![false; before.len()],
            before,
            contradict: false,
            are_circular: false,
            are_certain,
        };
        let mutates = |&one: &usize| program.actions[one].writes.is_some();
        let certain: Vec<usize> = (0..program.actions.len())
            .filter(|&one| program.actions[one].mandatory)
            .filter(mutates)
            .collect();
        let certain = rules.closed(certain);
        for &one in &certain {
            rules.is_certain[one] = true;
        }
        rules.contradict = rules.is_circle(certain, &HashMap::new());
        let all = (0..rules.before.len()).collect();
        rules.are_circular = rules.is_circle(all, &HashMap::new());
        rules
    }

    /// Some nodes and all before them.
    fn closed(&self, mut open: Vec<usize>) -> Vec<usize> {
        let mut reached = vec![false; self.before.len()];
        let mut closed = Vec::new();
        while let Some(one) = open.pop() {
            if !std::mem::replace(&mut reached[one], true) {
                closed.push(one);
                open.extend(&self.before[one]);
            }
        }
        closed
    }

    /// Whether some nodes, with all before them, are in a circle.
    fn is_circle(&self, nodes: Vec<usize>, more: &HashMap<usize, Vec<usize>>) -> bool {
        let before = |one: usize| {
            self.before[one]
                .iter()
                .chain(more.get(&one).into_iter().flatten())
        };
        let mut followers: HashMap<usize, usize> = HashMap::new();
        for &one in nodes.iter().flat_map(|&one| before(one)) {
            *followers.entry(one).or_default() += 1;
        }
        let mut left = nodes.len();
        let mut open = nodes;
        open.retain(|one| !followers.contains_key(one));
        while let Some(one) = open.pop() {
            left -= 1;
            for &earlier in before(one) {
                if let Some(count) = followers.get_mut(&earlier) {
                    *count -= 1;
                    if *count == 0 {
                        open.push(earlier);
                    }
                }
            }
        }
        left > 0
    }
}

/// A time in which a register held one value.
struct Run {
    /// `None` if it was there from the start.
    source: Option<usize>,
    /// The time of its last observation.
    last: u32,
}

/// What cannot be.
struct Contradiction;

/// No bound.
const AT_THE_END: u32 = u32::MAX;

/// Whether one process follows the rules.
pub(super) fn follows(program: &Program, rules: &Rules, own: &[usize]) -> Answer {
    if rules.contradict {
        return Answer::Broken;
    }
    let mut places = Places::new(program, rules, false);
    if places.fill(own).is_err() {
        return Answer::Broken;
    }
    match places.open {
        _ if !rules.are_certain => Answer::Open(WeakerLimit::Ambiguous),
        None => Answer::Holds,
        Some(limit) => {
            let mut guessed = Places::new(program, rules, true);
            match (guessed.fill(own), guessed.open) {
                (Ok(()), None) => Answer::Holds,
                (Ok(()) | Err(Contradiction), _) => Answer::Open(limit),
            }
        }
    }
}

/// The latest place of each mutation, as one process sees it.
struct Places<'p> {
    program: &'p Program,
    rules: &'p Rules,
    /// Whether one of several mutations is taken for what brought a value.
    guesses: bool,
    /// What was left out.
    open: Option<WeakerLimit>,
    /// For each register in the order of time.
    runs: BTreeMap<usize, Vec<Run>>,
    latest: HashMap<usize, u32>,
    /// The process's own compare-and-sets: they stand where they observe.
    fixed: HashMap<usize, u32>,
    /// Which mutations brought an observed value.
    sources: HashSet<usize>,
    /// Further rules.
    more: HashMap<usize, Vec<usize>>,
    /// Whose place has changed, the earliest first: what they lower is seldom lowered again.
    changed: BinaryHeap<Reverse<(u32, usize)>>,
}

impl<'p> Places<'p> {
    fn new(program: &'p Program, rules: &'p Rules, guesses: bool) -> Self {
        Self {
            program,
            rules,
            guesses,
            open: None,
            runs: BTreeMap::new(),
            latest: HashMap::new(),
            fixed: HashMap::new(),
            sources: HashSet::new(),
            more: HashMap::new(),
            changed: BinaryHeap::new(),
        }
    }

    fn fill(&mut self, own: &[usize]) -> Result<(), Contradiction> {
        self.observe(own)?;
        while let Some(Reverse((latest, one))) = self.changed.pop() {
            if self.latest.get(&one) != Some(&latest) {
                continue;
            }
            let bound = self.bound_before(one);
            let rules = self.rules;
            for &earlier in &rules.before[one] {
                self.lower(earlier, bound)?;
            }
            let more = self.more.get(&one).cloned().unwrap_or_default();
            for earlier in more {
                self.lower(earlier, bound)?;
            }
        }
        let in_order = !self.rules.are_circular && self.more.is_empty();
        let placed = || self.latest.keys().copied().collect();
        if !in_order && self.rules.is_circle(placed(), &self.more) {
            return Err(Contradiction);
        }
        if own.iter().any(|&one| self.is_doubtful(one)) {
            self.open = Some(WeakerLimit::Indeterminate);
        }
        Ok(())
    }

    /// A compare-and-set of the process that took effect, although nobody knows where.
    fn is_doubtful(&self, one: usize) -> bool {
        let action = &self.program.actions[one];
        let took_effect = self.rules.is_certain[one] || self.latest.contains_key(&one);
        let has_place = action.mandatory || self.fixed.contains_key(&one);
        took_effect && !has_place && action.observes.is_some()
    }

    /// What the process observed, and when.
    fn observe(&mut self, own: &[usize]) -> Result<(), Contradiction> {
        let mut held: HashMap<usize, (u32, Option<usize>)> = HashMap::new();
        for (time, (one, value)) in (2..).step_by(2).zip(self.observations(own)) {
            let action = &self.program.actions[one];
            let register = action.register;
            let is_unclear = self.program.source(register, value) == Source::Several;
            let run = match held.get(&register) {
                // Something else may have been there in between.
                Some(&(now, _)) if now == value && is_unclear && !self.guesses => {
                    self.open = Some(WeakerLimit::Ambiguous);
                    None
                }
                Some(&(now, run)) if now == value => run,
                before => self.new_run(one, value, time, before.is_none())?,
            };
            if let (Some(run), Some(runs)) = (run, self.runs.get_mut(&register)) {
                runs[run].last = time;
            }
            let now = match action.writes {
                None => (value, run),
                Some(new) => {
                    self.fixed.insert(one, time);
                    (new, Some(self.begin(register, Some(one), time)))
                }
            };
            held.insert(register, now);
        }
        let placed = self.latest.iter();
        self.changed = placed
            .map(|(&one, &latest)| Reverse((latest, one)))
            .collect();
        Ok(())
    }

    /// What took effect and observed something, in its order. One whose outcome nobody knows has a place in it only if it is the last.
    fn observations(&self, own: &[usize]) -> Vec<(usize, u32)> {
        let observed = |&one: &usize| Some((one, self.program.actions[one].observes?));
        let all: Vec<(usize, u32)> = own.iter().filter_map(observed).collect();
        let last = all.last().map(|&(one, _)| one);
        let took_effect = |one: usize| {
            self.program.actions[one].mandatory || Some(one) == last && self.rules.is_certain[one]
        };
        all.into_iter()
            .filter(|&(one, _)| took_effect(one))
            .collect()
    }

    /// A value that was not there before; `None` within if nothing follows from it.
    fn new_run(
        &mut self,
        one: usize,
        value: u32,
        time: u32,
        is_first: bool,
    ) -> Result<Option<usize>, Contradiction> {
        let action = &self.program.actions[one];
        let register = action.register;
        let source = match self.program.source(register, value) {
            Source::Nobody => return Err(Contradiction),
            Source::Initial if is_first => return Ok(Some(self.begin(register, None, time))),
            Source::Initial => return Err(Contradiction),
            Source::One(writer) => writer,
            Source::Several if !self.guesses => {
                self.open = Some(WeakerLimit::Ambiguous);
                return Ok(None);
            }
            Source::Several if is_first && self.program.initial[register] == value => {
                return Ok(Some(self.begin(register, None, time)));
            }
            Source::Several => self.likely_source(one, value).ok_or(Contradiction)?,
        };
        let writer = &self.program.actions[source];
        let own_cas = writer.process == action.process && writer.observes.is_some();
        if own_cas && !writer.mandatory {
            self.open = Some(WeakerLimit::Indeterminate);
            return Ok(None);
        }
        if own_cas || self.sources.contains(&source) {
            return Err(Contradiction);
        }
        Ok(Some(self.begin(register, Some(source), time)))
    }

    /// The last one called before the observation returned that is still free.
    fn likely_source(&self, observer: usize, value: u32) -> Option<usize> {
        let observer = &self.program.actions[observer];
        let writers = self.program.writers(observer.register, value).iter();
        let is_free = |&&one: &&usize| {
            let writer = &self.program.actions[one];
            let own_cas = writer.process == observer.process && writer.observes.is_some();
            !own_cas && writer.call < observer.ret && !self.sources.contains(&one)
        };
        writers.rev().find(is_free).copied()
    }

    fn begin(&mut self, register: usize, source: Option<usize>, time: u32) -> usize {
        if let Some(source) = source {
            self.sources.insert(source);
            let latest = if self.fixed.contains_key(&source) {
                time
            } else {
                time - 1
            };
            self.latest.insert(source, latest);
        }
        let runs = self.runs.entry(register).or_default();
        runs.push(Run { source, last: time });
        runs.len() - 1
    }

    /// Up to where something can be that comes before a node: a compare-and-set of the process takes its time for itself.
    fn bound_before(&self, one: usize) -> u32 {
        let latest = self.latest.get(&one).copied().unwrap_or(AT_THE_END);
        latest - u32::from(latest.is_multiple_of(2))
    }

    fn lower(&mut self, one: usize, bound: u32) -> Result<(), Contradiction> {
        if let Some(&time) = self.fixed.get(&one) {
            return if bound < time {
                Err(Contradiction)
            } else {
                Ok(())
            };
        }
        let mut latest = bound;
        if self.latest.get(&one).is_some_and(|&now| now <= latest) {
            return Ok(());
        }
        while let Some(source) = self.in_the_way(one, latest)? {
            let more = self.more.entry(source).or_default();
            if more.last() != Some(&one) {
                more.push(one);
            }
            let before = self.bound_before(source);
            if before >= latest {
                break;
            }
            latest = before;
        }
        self.latest.insert(one, latest);
        self.changed.push(Reverse((latest, one)));
        Ok(())
    }

    /// Whose value a mutation would replace before its last observation, if it were at the latest at a time.
    fn in_the_way(&self, one: usize, latest: u32) -> Result<Option<usize>, Contradiction> {
        let Some(action) = self.program.actions.get(one) else {
            return Ok(None);
        };
        let runs = self
            .runs
            .get(&action.register)
            .map_or(&[][..], Vec::as_slice);
        let first = runs.partition_point(|run| run.last <= latest);
        match runs.get(first) {
            None => Ok(None),
            Some(run) if run.source == Some(one) => Ok(None),
            Some(_) if self.sources.contains(&one) => Err(Contradiction),
            Some(run) => run.source.map(Some).ok_or(Contradiction),
        }
    }
}
