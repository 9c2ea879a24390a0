//! The lines of the nodes' logs around the moment it went wrong, merged by time.
//!
//! A log of a run begins with the run: where its lines name no time zone, it is the one in which the first of them is nearest to the beginning.

mod stamp;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::time::SystemTime;

use checker::History;
use nemesis::NodeName;
use reports::{Effect, FaultRecord, LogExcerpt, LogLine, RunResult};

use super::folder::Folder;
use stamp::{Stamp, stamp, unix_ns};

/// How far from the moments that matter lines are of interest.
const MARGIN_NS: u64 = 1_500_000_000;
/// Most lines of a report.
const MOST_LINES: usize = 200;
/// Most of a line, and of what belongs to it, that is kept.
const MOST_BYTES: usize = 8_000;
const QUARTER_HOUR_NS: i128 = 15 * 60 * 1_000_000_000;

/// What the nodes wrote around the first contradiction, else around the first death, else around the first outage beyond the limit; `None` where
/// nothing went wrong.
pub(super) fn excerpt(
    folder: &Folder,
    nodes: &[NodeName],
    began: SystemTime,
    history: &History,
    result: &RunResult,
) -> Option<LogExcerpt> {
    let moments = moments(history, result);
    if moments.is_empty() {
        return None;
    }
    let window = Window { began, moments };
    let (mut lines, mut notes) = (Vec::new(), Vec::new());
    for node in nodes {
        let path = folder.log(node);
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let read =
            File::open(&path).and_then(|file| window.read(node.as_str(), BufReader::new(file)));
        match read {
            Ok(Found::Lines(found)) => lines.extend(found),
            Ok(Found::NoTimes) => notes.push(format!(
                "{name} is left out: its lines begin with no time that is understood, so open it in the folder of the run"
            )),
            Err(error) => notes.push(format!("{name} is left out: {error}")),
        }
    }
    notes.extend(
        result
            .faults
            .iter()
            .filter_map(|fault| window.wrong_clock(fault)),
    );
    Some(window.nearest(lines, notes))
}

/// The moments that matter.
fn moments(history: &History, result: &RunResult) -> Vec<u64> {
    if let Some(first) = result.anomalies.first() {
        let named = |index: &u64| first.operations.contains(index);
        let operations = history
            .operations
            .iter()
            .filter(|operation| named(&operation.invoke_index));
        let times = operations.flat_map(|operation| [operation.call_time, operation.return_time]);
        return times.flatten().map(|time| time.0).collect();
    }
    let death = result.health_events.first().map(|event| event.time_ns);
    let outages = result.availability.iter().flat_map(|all| &all.outages);
    let outage = outages.map(|outage| outage.from_ns).next();
    death.or(outage).into_iter().collect()
}

/// The time around some moments of a run.
struct Window {
    began: SystemTime,
    moments: Vec<u64>,
}

/// What a log has for a window.
#[derive(Debug, PartialEq)]
enum Found {
    Lines(Vec<LogLine>),
    /// There are lines, and none of them names a time.
    NoTimes,
}

impl Window {
    fn distance_ns(&self, at_ns: u64) -> u64 {
        let distances = self.moments.iter().map(|moment| moment.abs_diff(at_ns));
        distances.min().unwrap_or(u64::MAX)
    }

    /// The lines of a log that are of interest. Lines that name no time belong to the one before.
    fn read(&self, node: &str, mut log: impl BufRead) -> std::io::Result<Found> {
        let mut clock = LogClock::new(self.began);
        let mut lines: Vec<LogLine> = Vec::new();
        let (mut inside, mut is_empty) = (false, true);
        let mut bytes = Vec::new();
        while log.read_until(b'\n', &mut bytes)? > 0 {
            is_empty = false;
            bytes.truncate(MOST_BYTES);
            let text = String::from_utf8_lossy(&bytes).trim_end().to_owned();
            bytes.clear();
            if let Some(at_ns) = clock.read(&text) {
                let at_ns = u64::try_from(at_ns).ok();
                let near = at_ns.filter(|at_ns| self.distance_ns(*at_ns) <= MARGIN_NS);
                inside = near.is_some();
                let node = node.to_owned();
                lines.extend(near.map(|at_ns| LogLine { at_ns, node, text }));
            } else if let Some(last) = lines.last_mut().filter(|_| inside)
                && last.text.len() + text.len() < MOST_BYTES
            {
                last.text = format!("{}\n{text}", last.text);
            }
        }
        Ok(match clock.has_read || is_empty {
            true => Found::Lines(lines),
            false => Found::NoTimes,
        })
    }

    /// What a reader has to know of a fault that made the stamps of a node wrong.
    fn wrong_clock(&self, fault: &FaultRecord) -> Option<String> {
        let acted = fault.effect != Effect::Skipped
            && fault
                .evidence
                .get("clock")
                .is_some_and(|clock| clock == "wall");
        let touches = |moment: &u64| {
            fault.start_ns <= moment.saturating_add(MARGIN_NS)
                && fault.end_ns.saturating_add(MARGIN_NS) >= *moment
        };
        if !acted || !self.moments.iter().any(touches) {
            return None;
        }
        let nodes = fault.evidence.get("nodes")?.as_object()?;
        let nodes: Vec<&str> = nodes.keys().map(String::as_str).collect();
        let seconds = |ns: u64| ns as f64 / 1e9;
        Some(format!(
            "the clock of {} was wrong from {:.3} s to {:.3} s (fault #{}): what was written there by then has wrong times, so it stands elsewhere or is missing here",
            nodes.join(" and "),
            seconds(fault.start_ns),
            seconds(fault.end_ns),
            fault.id
        ))
    }

    /// As many lines as a report has room for.
    fn nearest(&self, mut lines: Vec<LogLine>, notes: Vec<String>) -> LogExcerpt {
        lines.sort_by_key(|line| self.distance_ns(line.at_ns));
        let left_out = lines.len().saturating_sub(MOST_LINES);
        lines.truncate(MOST_LINES);
        lines.sort_by_key(|line| line.at_ns);
        LogExcerpt {
            lines,
            left_out,
            margin_ns: MARGIN_NS,
            notes,
        }
    }
}

/// The clock by which a log was written.
struct LogClock {
    began_ns: i128,
    year: u32,
    /// Whether any line named a time.
    has_read: bool,
    /// East of UTC, for lines that do not name their zone.
    zone_ns: Option<i128>,
}

impl LogClock {
    fn new(began: SystemTime) -> Self {
        let text = humantime::format_rfc3339_seconds(began).to_string();
        Self {
            began_ns: unix_ns(began),
            year: text
                .get(..4)
                .and_then(|year| year.parse().ok())
                .unwrap_or(1970),
            has_read: false,
            zone_ns: None,
        }
    }

    /// Nanoseconds since the beginning of the run, if the line names a time.
    fn read(&mut self, line: &str) -> Option<i128> {
        let Stamp {
            unix_ns,
            names_zone,
        } = stamp(line, self.year)?;
        self.has_read = true;
        let since_ns = unix_ns - self.began_ns;
        if names_zone {
            return Some(since_ns);
        }
        let zone_ns = self.zone_ns.get_or_insert_with(|| {
            (since_ns + QUARTER_HOUR_NS / 2).div_euclid(QUARTER_HOUR_NS) * QUARTER_HOUR_NS
        });
        Some(since_ns - *zone_ns)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::run::scene::fault;

    const SECOND: u64 = 1_000_000_000;

    fn window(moments: &[u64]) -> Window {
        Window {
            began: humantime::parse_rfc3339("2026-11-22T05:41:20Z").unwrap(),
            moments: moments.iter().map(|moment| moment * SECOND).collect(),
        }
    }

    fn told(window: &Window, log: &str) -> Vec<(u64, String)> {
        match window.read("n1", log.as_bytes()).unwrap() {
            Found::Lines(lines) => lines
                .into_iter()
                .map(|line| (line.at_ns / 1_000_000, line.text))
                .collect(),
            Found::NoTimes => panic!("there are times in it"),
        }
    }

    #[test]
    fn lines_without_a_time_belong_to_the_one_before() {
        let log = "banner\n2026-11-22T05:41:20Z too early\n  below it\n2026-11-22T05:41:24.5Z in time\n  at f\n\n2026-11-22T05:41:29Z too late\n at g\n";
        assert_eq!(
            told(&window(&[5]), log),
            [(4_500, "in time\n  at f\n".to_owned())]
                .map(|(at, text)| (at, format!("2026-11-22T05:41:24.5Z {text}")))
        );
    }

    #[test]
    fn a_zone_that_is_not_named_is_the_one_of_the_beginning() {
        let log = "2026-11-22 11:11:19,700 starting\n2026-11-22 11:11:25,000 leader\n";
        assert_eq!(
            told(&window(&[5]), log),
            [(5_000, "2026-11-22 11:11:25,000 leader".to_owned())]
        );
    }

    #[test]
    fn a_log_without_times_is_told_from_an_empty_one() {
        let window = window(&[5]);
        assert_eq!(
            window.read("n1", &b"ready\nsteady\n"[..]).unwrap(),
            Found::NoTimes
        );
        assert_eq!(
            window.read("n1", &b""[..]).unwrap(),
            Found::Lines(Vec::new())
        );
        let odd = b"2026-11-22T05:41:25Z \xff\xfe";
        assert_eq!(told(&window, &String::from_utf8_lossy(odd)).len(), 1);
    }

    #[test]
    fn of_too_many_lines_the_nearest_stay() {
        let line = |at_ms: u64| LogLine {
            at_ns: at_ms * 1_000_000,
            node: "n1".to_owned(),
            text: String::new(),
        };
        let excerpt = window(&[5]).nearest((4_000..6_000).map(line).collect(), Vec::new());
        assert_eq!(
            (excerpt.lines.len(), excerpt.left_out),
            (MOST_LINES, 2_000 - MOST_LINES)
        );
        let at_ms = |line: &LogLine| line.at_ns / 1_000_000;
        assert_eq!(
            (
                at_ms(&excerpt.lines[0]),
                at_ms(&excerpt.lines[MOST_LINES - 1])
            ),
            (4_900, 5_099)
        );
    }

    #[test]
    fn wrong_clocks_are_told_where_they_matter() {
        let evidence = json!({"clock": "wall", "nodes": {"n2": {}, "n3": {}}});
        let jump = fault(1, "clock-jump", evidence, [2_000, 4_000]);
        let said = window(&[5]).wrong_clock(&jump).unwrap();
        assert!(
            said.starts_with("the clock of n2 and n3 was wrong from 2.000 s to 4.000 s (fault #1)"),
            "{said}"
        );
        assert_eq!(window(&[6]).wrong_clock(&jump), None, "too long ago");
        let slow = fault(
            1,
            "clock-monotonic",
            json!({"clock": "monotonic", "nodes": {"n2": {}}}),
            [2_000, 6_000],
        );
        assert_eq!(
            window(&[5]).wrong_clock(&slow),
            None,
            "stamps come from the other clock"
        );
    }
}
