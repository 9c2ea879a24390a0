//! Steps that wait for the system: each watches what the nodes say of themselves and what clients got acknowledged, acts when
//! its conditions hold, and leaves a record of which did, at what values.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nemesis::NodeName;
use nemesis::schedule::steps::{
    Act, Bound, Condition, End, Moment, Scene, Seen, Story, StoryStep, View,
};
use nemesis::schedule::{Schedule, Step};
use rand_chacha::ChaCha8Rng;
use reports::{Effect, FaultRecord};
use serde_json::{Map, Value, json};
use tokio::task::JoinSet;

use super::{Begun, Director, skip};
use crate::config::RunConfig;
use crate::run::phase::Ending;

/// How often conditions are looked at; nodes are asked less often.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// A story to be followed.
pub(crate) struct Tale {
    story: Arc<Story>,
    seed: u64,
    /// The number of its first fault.
    first_id: u32,
    /// When everything must be over.
    until_ns: u64,
}

/// What came of it.
#[derive(Default)]
pub(crate) struct Told {
    pub records: Vec<FaultRecord>,
    /// What was really done, by names and times.
    pub steps: Vec<Step>,
}

/// One of the times a story is told.
#[derive(Clone)]
struct Telling {
    director: Director,
    story: Arc<Story>,
    seed: u64,
    number: u32,
    until_ns: u64,
    ending: Ending,
    so_far: Arc<Mutex<SoFar>>,
}

/// What its steps know of each other.
#[derive(Default)]
struct SoFar {
    moments: BTreeSet<Moment>,
    bound: Bound,
}

/// Why a wait was given up.
enum Missed {
    /// What it waited for did not come.
    Never(String),
    /// The clients' time is over.
    Over,
}

/// Which conditions held, at what values.
type Held = Map<String, Value>;

/// A fault of a step that acts now.
struct Acting {
    begun: Begun,
    record: FaultRecord,
    step: Step,
}

impl Tale {
    /// A story beside the faults of a schedule, which have the first numbers.
    pub(crate) fn new(story: Story, config: &RunConfig, beside: &Schedule) -> Self {
        let last = beside.steps.iter().map(|step| step.id).max();
        Self {
            story: Arc::new(story),
            seed: config.seed,
            first_id: last.map_or(1, |last| last.saturating_add(1)),
            until_ns: config.clients_end().0,
        }
    }
}

impl Director {
    /// Tells a story as often as it says, or until the clients' time is over.
    pub(crate) async fn tell(self, tale: Tale, ending: Ending) -> Told {
        let faults = |step: &StoryStep| u32::try_from(step.acts.len().max(1)).unwrap_or(u32::MAX);
        let mut next_id = tale.first_id;
        let mut told = Told::default();
        for number in 0..tale.story.repeat {
            if ending.is_given() || self.clock.nanos().0 >= tale.until_ns {
                break;
            }
            let telling = Telling {
                director: self.clone(),
                story: Arc::clone(&tale.story),
                seed: tale.seed,
                number,
                until_ns: tale.until_ns,
                ending: ending.clone(),
                so_far: Arc::default(),
            };
            let mut steps = JoinSet::new();
            for (place, step) in tale.story.steps.iter().enumerate() {
                steps.spawn(telling.clone().step(place, next_id));
                next_id = next_id.saturating_add(faults(step));
            }
            for done in steps.join_all().await {
                told.records.extend(done.records);
                told.steps.extend(done.steps);
            }
        }
        told.records.sort_by_key(|record| record.id);
        told.steps.sort_by_key(|step| (step.start_ns, step.id));
        told
    }
}

impl Telling {
    async fn step(mut self, place: usize, id: u32) -> Told {
        let story = Arc::clone(&self.story);
        let step = &story.steps[place];
        let mut rng = story.rng(self.seed, self.number, place);
        let told = match self.reach(step, &mut rng).await {
            Ok(held) => self.act(step, id, held, &mut rng).await,
            // A story that is told again and again ends somewhere.
            Err(Missed::Over) if self.number > 0 => Told::default(),
            Err(Missed::Over) => self.skipped(step, id, "the clients' time was over"),
            Err(Missed::Never(why)) => self.skipped(step, id, &why),
        };
        self.mark(Moment::Ended(step.name.clone()));
        told
    }

    /// Waits until the step may act.
    async fn reach(&mut self, step: &StoryStep, rng: &mut ChaCha8Rng) -> Result<Held, Missed> {
        self.turn(step).await?;
        let began = self.director.clock.nanos().0;
        let before = self.view();
        let mut held = self.hold(&step.when, &before, step.limit).await?;
        self.pause(step.wait.draw(rng)).await?;
        let waited_ms = (self.director.clock.nanos().0 - began) / 1_000_000;
        held.insert("waited_ms".to_owned(), json!(waited_ms));
        Ok(held)
    }

    /// Waits for the steps it comes after.
    async fn turn(&mut self, step: &StoryStep) -> Result<(), Missed> {
        for moment in &step.after {
            loop {
                let moments = self.so_far().moments.clone();
                if moments.contains(moment) {
                    break;
                }
                let other = moment.step().to_owned();
                if moments.contains(&Moment::Ended(other.clone())) {
                    return Err(Missed::Never(format!("step {other} was skipped")));
                }
                self.pause(LOOK_EVERY).await?;
            }
        }
        Ok(())
    }

    /// Waits until all of these hold at once.
    async fn hold(
        &mut self,
        conditions: &[Condition],
        before: &View,
        limit: Duration,
    ) -> Result<Held, Missed> {
        let _watch = self.director.leaders.watch_closely();
        let deadline_ns = before.now_ns.saturating_add(nanos(limit));
        loop {
            let why = match self.look(conditions, before) {
                Ok(held) => return Ok(held),
                Err(why) => why,
            };
            if self.director.clock.nanos().0 >= deadline_ns {
                let limit = humantime::format_duration(limit);
                return Err(Missed::Never(format!("not within {limit}: {why}")));
            }
            self.pause(LOOK_EVERY).await?;
        }
    }

    fn look(&self, conditions: &[Condition], before: &View) -> Result<Held, String> {
        let view = self.view();
        let bound = self.so_far().bound.clone();
        let scene = Scene {
            view: &view,
            bound: &bound,
        };
        let mut held = Held::new();
        for condition in conditions {
            let values = condition
                .holds(scene, before)
                .map_err(|seen| format!("\"{condition}\" ({seen})"))?;
            held.insert(condition.to_string(), json!(values));
        }
        Ok(held)
    }

    async fn pause(&mut self, time: Duration) -> Result<(), Missed> {
        let clock = self.director.clock;
        let wanted = clock.nanos().0.saturating_add(nanos(time));
        let until = clock.instant(wanted.min(self.until_ns));
        let ended = self.ending.sleep_until(until).await.is_break();
        match ended || wanted > self.until_ns {
            true => Err(Missed::Over),
            false => Ok(()),
        }
    }

    async fn act(&mut self, step: &StoryStep, id: u32, held: Held, rng: &mut ChaCha8Rng) -> Told {
        let view = self.view();
        let names = match self.bind(step, &view, rng) {
            Ok(names) => names,
            Err(why) => return self.skipped(step, id, &why),
        };
        let evidence = json!({
            "step": step.name, "telling": self.number + 1, "when": held, "names": names,
        });
        if step.acts.is_empty() {
            self.director.recorder.nemesis("step", evidence);
            self.mark(Moment::Begun(step.name.clone()));
            return Told::default();
        }
        let (mut acting, mut told) = (Vec::new(), Told::default());
        for (id, act) in (id..).zip(&step.acts) {
            match self.begin(act, id, &view, &evidence, rng).await {
                Ok(begun) => acting.push(begun),
                Err(record) => told.records.push(record),
            }
        }
        if !acting.is_empty() {
            self.mark(Moment::Begun(step.name.clone()));
            let ended_by = self.last(step, rng).await;
            self.undo(acting, &ended_by, &mut told).await;
        }
        told
    }

    /// Gives the step's names to nodes.
    fn bind(
        &self,
        step: &StoryStep,
        view: &View,
        rng: &mut ChaCha8Rng,
    ) -> Result<BTreeMap<String, BTreeSet<NodeName>>, String> {
        let mut names = BTreeMap::new();
        for (name, nodes) in &step.bind {
            let bound = self.so_far().bound.clone();
            let scene = Scene {
                view,
                bound: &bound,
            };
            let chosen = nodes.choose(scene, &BTreeSet::new(), rng)?;
            self.so_far().bound.insert(name.clone(), chosen.clone());
            names.insert(name.clone(), chosen);
        }
        Ok(names)
    }

    /// Begins one fault; a record of why not, otherwise.
    async fn begin(
        &self,
        act: &Act,
        id: u32,
        view: &View,
        evidence: &Value,
        rng: &mut ChaCha8Rng,
    ) -> Result<Acting, FaultRecord> {
        let director = &self.director;
        let bound = self.so_far().bound.clone();
        let scene = Scene {
            view,
            bound: &bound,
        };
        let mut record = self.blank(id, act.kind().name(), &act.to_string());
        record
            .evidence
            .extend(evidence.as_object().cloned().unwrap_or_default());
        let fault = match act.fault(scene, rng) {
            Ok(fault) => fault,
            Err(why) => {
                skip(&mut record, &why);
                director.announce(&record, "end");
                return Err(record);
            }
        };
        record.description = fault.to_string();
        let step = Step {
            id,
            start_ns: record.start_ns,
            stop_ns: record.start_ns,
            fault,
        };
        match director.begin(&step.fault, &mut record).await {
            Ok(begun) => {
                director.announce(&record, "start");
                Ok(Acting {
                    begun,
                    record,
                    step,
                })
            }
            Err(why) => {
                skip(&mut record, &why);
                director.announce(&record, "end");
                Err(record)
            }
        }
    }

    /// Lets the step last; returns what ended it.
    async fn last(&mut self, step: &StoryStep, rng: &mut ChaCha8Rng) -> Value {
        let ended = match &step.end {
            End::After(span) => {
                let time = span.draw(rng);
                let told = json!(format!("{} passed", humantime::format_duration(time)));
                self.pause(time).await.map(|()| told)
            }
            End::Until(conditions) => {
                let before = self.view();
                let held = self.hold(conditions, &before, step.limit).await;
                held.map(Value::Object)
            }
        };
        match ended {
            Ok(told) => told,
            Err(Missed::Never(why)) => json!({ "missed": why }),
            Err(Missed::Over) => json!("the clients' time was over"),
        }
    }

    /// What began last ends first.
    async fn undo(&self, acting: Vec<Acting>, ended_by: &Value, told: &mut Told) {
        for acting in acting.into_iter().rev() {
            let Acting {
                begun,
                mut record,
                mut step,
            } = acting;
            record.evidence.insert("until".to_owned(), ended_by.clone());
            step.stop_ns = self.director.clock.nanos().0;
            self.director.undo(begun, &mut record).await;
            self.director.announce(&record, "end");
            told.records.push(record);
            told.steps.push(step);
        }
    }

    fn skipped(&self, step: &StoryStep, id: u32, why: &str) -> Told {
        let named = |act: &Act| (act.kind().name(), act.to_string());
        let acts: Vec<(&str, String)> = match step.acts.is_empty() {
            true => vec![("step", format!("step {}", step.name))],
            false => step.acts.iter().map(named).collect(),
        };
        let skipped = |(id, (name, description)): (u32, (&str, String))| {
            let mut record = self.blank(id, name, &description);
            let evidence = json!({ "step": step.name, "telling": self.number + 1 });
            record
                .evidence
                .extend(evidence.as_object().cloned().unwrap_or_default());
            skip(&mut record, why);
            self.director.announce(&record, "end");
            record
        };
        Told {
            records: (id..).zip(acts).map(skipped).collect(),
            steps: Vec::new(),
        }
    }

    fn blank(&self, id: u32, name: &str, description: &str) -> FaultRecord {
        let now_ns = self.director.clock.nanos().0;
        FaultRecord {
            id,
            name: name.to_owned(),
            effect: Effect::Indeterminate,
            description: description.to_owned(),
            evidence: Map::new(),
            start_ns: now_ns,
            end_ns: now_ns,
        }
    }

    fn view(&self) -> View {
        let director = &self.director;
        let seen = |node: &NodeName| {
            let (answers, said) = director.leaders.said(node.as_str());
            let seen = Seen {
                answers,
                said,
                acknowledged: director.recorder.acknowledged(node.as_str()),
            };
            (node.clone(), seen)
        };
        View {
            now_ns: director.clock.nanos().0,
            nodes: director.cluster.names().map(seen).collect(),
            moments: self.so_far().moments.clone(),
        }
    }

    fn mark(&self, moment: Moment) {
        self.so_far().moments.insert(moment);
    }

    fn so_far(&self) -> MutexGuard<'_, SoFar> {
        self.so_far.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
