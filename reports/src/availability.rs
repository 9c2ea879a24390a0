//! How available the system was while clients worked, as part of `result.json`.

use serde::{Deserialize, Serialize};

use crate::clip::clip;
use crate::quantity::{counted, duration, moment};

/// What was seen of outages and of leaders that lost their office for nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Availability {
    /// How long an outage may be.
    pub outage_limit_ns: u64,
    /// The longest outage, however short.
    pub longest: Option<Outage>,
    /// Every outage beyond the limit, in order of time.
    pub outages: Vec<Outage>,
    /// How many needless elections there may be, if somebody said so.
    pub max_needless_elections: Option<u32>,
    /// Every needless election, in order of terms.
    pub needless_elections: Vec<NeedlessElection>,
    /// When the machine itself did not keep up: such times count for no outage and no needless election.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stalls: Vec<MachineStall>,
}

/// A time in which timers fired late on this machine, or small syncs took long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineStall {
    /// From here.
    pub from_ns: u64,
    /// To there.
    pub to_ns: u64,
    /// The longest that one thing in it was held up.
    pub longest_ns: u64,
}

/// A stretch in which no change was done, though one majority ran undisturbed and clients asked for changes all the while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outage {
    /// The first change that was asked for in vain.
    pub from_ns: u64,
    /// The last one.
    pub to_ns: u64,
    /// The nodes that could have served.
    pub majority: Vec<String>,
    /// How many changes these were asked for.
    pub asked: u64,
    /// The fault beside it, by [`FaultRecord::id`](crate::FaultRecord::id).
    pub fault: Option<u32>,
}

impl Outage {
    /// How long clients asked in vain.
    #[must_use]
    pub fn length_ns(&self) -> u64 {
        self.to_ns - self.from_ns
    }
}

/// A new leader's term although nothing had been wrong with the old leader and a majority around it for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NeedlessElection {
    /// When the new leader was first seen.
    pub at_ns: u64,
    /// The leader of the term before.
    pub old: String,
    /// The new leader.
    pub new: String,
    /// Its term.
    pub term: u64,
    /// The fault beside it, by [`FaultRecord::id`](crate::FaultRecord::id).
    pub fault: Option<u32>,
}

/// All of it in words.
pub(crate) fn sentences(all: &Availability) -> String {
    let Some(longest) = &all.longest else {
        return join([elections(all), stalls(all)]);
    };
    let (length, from) = (duration(longest.length_ns()), moment(longest.from_ns));
    let beside = beside(longest.fault);
    let limit = duration(all.outage_limit_ns);
    let outage = format!(
        "The longest outage while a majority could have served: {length} from {from}{beside} (limit {limit})."
    );
    join([outage, elections(all), stalls(all)])
}

fn join<const N: usize>(sentences: [String; N]) -> String {
    let told: Vec<String> = sentences
        .into_iter()
        .filter(|one| !one.is_empty())
        .collect();
    told.join(" ")
}

fn stalls(all: &Availability) -> String {
    let Some(longest) = all.stalls.iter().map(|stall| stall.longest_ns).max() else {
        return String::new();
    };
    let times = counted(all.stalls.len() as u64, "time");
    let longest = duration(longest);
    format!(
        "The machine itself was held up {times}, by up to {longest}: that counts for no outage."
    )
}

/// As much of it as fits beside other answers.
pub(crate) fn in_short(all: &Availability) -> String {
    let longest = all.longest.as_ref().map(|longest| {
        let (length, limit) = (duration(longest.length_ns()), duration(all.outage_limit_ns));
        format!("Longest outage: {length} (limit {limit}).")
    });
    let needless = all.needless_elections.len() as u64;
    let needless = (needless > 0).then(|| format!("{}.", counted(needless, "needless election")));
    let both: Vec<String> = longest.into_iter().chain(needless).collect();
    both.join(" ")
}

fn elections(all: &Availability) -> String {
    let Some(first) = all.needless_elections.first() else {
        return String::new();
    };
    let count = counted(all.needless_elections.len() as u64, "needless election");
    let (old, new) = (clip(&first.old, 40), clip(&first.new, 40));
    let (at, beside) = (moment(first.at_ns), beside(first.fault));
    format!("{count}: the first at {at}, from {old} to {new}{beside}.")
}

fn beside(fault: Option<u32>) -> String {
    fault.map_or_else(String::new, |id| format!(", beside fault {id}"))
}
