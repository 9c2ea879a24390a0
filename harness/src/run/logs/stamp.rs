//! The time that a line of a log names, in the forms that servers write.
//!
//! Known are RFC 3339 and its relatives (`2026-11-22 05:41:24,571`, `2026/11/22 05:41:24.571 +01:00`), wherever they stand near the beginning of a
//! line; `22 Nov 2026 05:41:24.571` and `22/Nov/2026:05:41:24 +0000`; the year-less `I1122 05:41:24.571998` of glog and `Nov 22 05:41:24` of syslog; and
//! seconds, milliseconds or nanoseconds since 1970 at the beginning or as `ts`, `time` or `timestamp` of JSON.

use std::time::{SystemTime, UNIX_EPOCH};

/// So far into a line a time may begin.
const REACH: usize = 300;
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const FIELDS: [&str; 3] = ["\"ts\":", "\"time\":", "\"timestamp\":"];
const NANOS_PER_SECOND: i128 = 1_000_000_000;

/// A moment as a line names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    /// Nanoseconds since 1970; as if it were UTC where no zone is named.
    pub unix_ns: i128,
    pub names_zone: bool,
}

/// The first time in this line. A year that is not named is that of `year`.
pub(super) fn stamp(line: &str, year: u32) -> Option<Stamp> {
    let line = line.as_bytes();
    let begins_word = |at: usize| at == 0 || !line[at - 1].is_ascii_alphanumeric();
    let starts = (0..line.len().min(REACH)).filter(|at| begins_word(*at));
    let mut dates = starts.filter_map(|at| {
        let rest = &line[at..];
        date_first(rest).or_else(|| day_first(rest))
    });
    dates
        .next()
        .or_else(|| glog(line, year))
        .or_else(|| month_first(line, year))
        .or_else(|| since_1970(line))
}

/// `2026-11-22T05:41:24.571998Z`.
fn date_first(text: &[u8]) -> Option<Stamp> {
    let mut text = Text(text);
    let year = text.digits(4)?;
    text.one_of(b"-/.")?;
    let month = text.digits(2)?;
    text.one_of(b"-/.")?;
    let day = text.digits(2)?;
    text.one_of(b"Tt ")?;
    moment([year, month, day], text)
}

/// `22 Nov 2026 05:41:24.571`.
fn day_first(text: &[u8]) -> Option<Stamp> {
    let mut text = Text(text);
    let day = text.digits(2)?;
    text.one_of(b" /-")?;
    let month = text.month()?;
    text.one_of(b" /-")?;
    let year = text.digits(4)?;
    text.one_of(b" :")?;
    moment([year, month, day], text)
}

/// `I1122 05:41:24.571998`.
fn glog(text: &[u8], year: u32) -> Option<Stamp> {
    let mut text = Text(text);
    text.one_of(b"IWEFD")?;
    let (month, day) = (text.digits(2)?, text.digits(2)?);
    text.one_of(b" ")?;
    moment([year, month, day], text)
}

/// `Nov 22 05:41:24`, or with the day as ` 2`.
fn month_first(text: &[u8], year: u32) -> Option<Stamp> {
    let mut text = Text(text);
    let month = text.month()?;
    text.one_of(b" ")?;
    let day = match text.one_of(b" ") {
        Some(_) => text.digits(1)?,
        None => text.digits(2)?,
    };
    text.one_of(b" ")?;
    moment([year, month, day], text)
}

fn moment([year, month, day]: [u32; 3], mut text: Text<'_>) -> Option<Stamp> {
    let hour = text.digits(2)?;
    text.one_of(b":")?;
    let minute = text.digits(2)?;
    text.one_of(b":")?;
    let second = text.digits(2)?;
    let nanos = text.fraction();
    let whole = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z");
    let whole = humantime::parse_rfc3339(&whole).ok()?;
    let zone_s = text.zone();
    Some(Stamp {
        unix_ns: unix_ns(whole) + i128::from(nanos)
            - i128::from(zone_s.unwrap_or(0)) * NANOS_PER_SECOND,
        names_zone: zone_s.is_some(),
    })
}

/// `1795326084.571`, or in milliseconds or nanoseconds.
fn since_1970(line: &[u8]) -> Option<Stamp> {
    let reach = &line[..line.len().min(REACH)];
    let text = std::str::from_utf8(reach).unwrap_or_else(|error| {
        std::str::from_utf8(&reach[..error.valid_up_to()]).unwrap_or_default()
    });
    let fields = FIELDS
        .iter()
        .filter_map(|name| Some(text.split_once(name)?.1));
    let unix_ns = std::iter::once(text)
        .chain(fields)
        .find_map(|text| number(text.trim_start_matches([' ', '[', '"'])))?;
    Some(Stamp {
        unix_ns,
        names_zone: true,
    })
}

fn number(text: &str) -> Option<i128> {
    let whole = text.bytes().take_while(u8::is_ascii_digit).count();
    let number: i128 = text.get(..whole)?.parse().ok()?;
    let mut rest = Text(&text.as_bytes()[whole..]);
    match whole {
        10 => Some(number * NANOS_PER_SECOND + i128::from(rest.fraction())),
        13 => Some(number * 1_000_000),
        19 => Some(number),
        _ => None,
    }
}

/// Nanoseconds since 1970.
pub(super) fn unix_ns(time: SystemTime) -> i128 {
    let nanos =
        |length: std::time::Duration| i128::try_from(length.as_nanos()).unwrap_or(i128::MAX);
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => nanos(since),
        Err(before) => -nanos(before.duration()),
    }
}

/// What is left of a line.
struct Text<'a>(&'a [u8]);

impl Text<'_> {
    fn one_of(&mut self, set: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        let found = set.contains(first).then_some(*first)?;
        self.0 = rest;
        Some(found)
    }

    /// A number of exactly so many digits.
    fn digits(&mut self, count: usize) -> Option<u32> {
        let (digits, rest) = self.0.split_at_checked(count)?;
        let is_number = digits.iter().all(u8::is_ascii_digit);
        let is_whole = !rest.first().is_some_and(u8::is_ascii_digit) || count < 4;
        let number = std::str::from_utf8(digits).ok()?.parse().ok()?;
        self.0 = rest;
        (is_number && is_whole).then_some(number)
    }

    fn month(&mut self) -> Option<u32> {
        let (name, rest) = self.0.split_at_checked(3)?;
        let number = (1..)
            .zip(MONTHS)
            .find(|(_, month)| month.as_bytes() == name)?
            .0;
        self.0 = rest;
        Some(number)
    }

    /// Nanoseconds; 0 where there is no fraction.
    fn fraction(&mut self) -> u32 {
        let mut ahead = Text(self.0);
        if ahead.one_of(b".,").is_none() {
            return 0;
        }
        let digits = ahead
            .0
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if digits == 0 {
            return 0;
        }
        let (fraction, rest) = ahead.0.split_at(digits);
        self.0 = rest;
        let padded = fraction.iter().copied().chain(std::iter::repeat(b'0'));
        padded
            .take(9)
            .fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'))
    }

    /// Seconds east of UTC, if they are named.
    fn zone(&mut self) -> Option<i32> {
        let is_parted = self.one_of(b" ").is_some();
        if self.0.starts_with(b"UTC") || self.0.starts_with(b"GMT") {
            return Some(0);
        }
        let marks: &[u8] = if is_parted { b"+-" } else { b"Zz+-" };
        let sign = match self.one_of(marks)? {
            b'+' => 1,
            b'-' => -1,
            _ => return Some(0),
        };
        let hours = self.digits(2)?;
        let _ = self.one_of(b":");
        let minutes = self.digits(2)?;
        let seconds = i32::try_from(hours * 3_600 + minutes * 60).ok()?;
        Some(sign * seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_servers_write_them() {
        let expected = humantime::parse_rfc3339("2026-11-22T05:41:24.571Z").unwrap();
        for (line, names_zone) in [
            ("2026-11-22T05:41:24.571Z  INFO role role=\"leader\"", true),
            ("2026-11-22T05:41:24.571000000z warn", true),
            ("2026-11-22T06:41:24.571+01:00 info", true),
            ("2026-11-22 05:41:24.571 UTC [71] LOG:  ready", true),
            ("2026-11-22 05:41:24,571 [main] INFO  QuorumPeer", false),
            ("[2026/11/22 00:11:24.571 -05:30] [INFO] [lib.rs:88]", true),
            ("2026/11/22 05:41:24.571 raft: n1 became leader", false),
            ("2026-11-22 05:41:24.571 Zoo is open", false),
            ("2026-11-22 05:41:24.571 -- ready", false),
            (
                "{\"level\":\"info\",\"ts\":\"2026-11-22T05:41:24.571Z\"}",
                true,
            ),
            (
                "{\"level\":\"info\",\"ts\":1795326084.571,\"msg\":\"x\"}",
                true,
            ),
            ("{\"level\":30,\"time\":1795326084571,\"msg\":\"x\"}", true),
            ("[1795326084.571] start", true),
            ("1795326084571000000 start", true),
            ("I1122 05:41:24.571000   71 server.cc:80] ready", false),
            ("71:M 22 Nov 2026 05:41:24.571 * Ready", false),
            (
                "10.0.0.1 - - [22/Nov/2026:05:41:24.571 +0000] \"GET /\"",
                true,
            ),
            ("Nov 22 05:41:24.571 host etcd[71]: ready", false),
        ] {
            let unix_ns = unix_ns(expected);
            let found = stamp(line, 2026);
            assert_eq!(
                found,
                Some(Stamp {
                    unix_ns,
                    names_zone
                }),
                "{line}"
            );
        }
        let early = stamp("Nov  2 05:41:24 host x", 2026).unwrap();
        assert_eq!(
            early.unix_ns,
            unix_ns(humantime::parse_rfc3339("2026-11-02T05:41:24Z").unwrap())
        );
    }

    #[test]
    fn what_is_no_time_is_not_taken_for_one() {
        for line in [
            "",
            "    at Server.run(Server.java:80)",
            "target-node 0.1.0 id=n5 client=10.99.0.5:8000",
            "2026-11-22",
            "2026-13-45T05:41:24Z",
            "12026-11-22T05:41:24Z",
            "order 1795326084571 of 80",
            "éé 9999999999999999999999",
        ] {
            assert_eq!(stamp(line, 2026), None, "{line}");
        }
    }
}
