//! Units in which the numbers of faults are counted, and how people write them: `50ms`, `5%`, `20kB/s`, `4`.

use std::str::FromStr as _;
use std::time::Duration;

/// What one stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A thousandth of a second.
    Milliseconds,
    /// A billionth of a second.
    Nanoseconds,
    /// A tenth of a percent.
    Permille,
    /// A hundredth.
    Percent,
    /// A billionth of the true pace; written in percent.
    PartsPerBillion,
    /// A byte in each second.
    BytesPerSecond,
    /// One.
    Number,
}

/// As fine as people write percents; what is finer than the unit is refused.
const EXACT: f64 = 1e-6;

impl Unit {
    /// A number of these units, from text; none where it is no whole number of them.
    pub(super) fn read(self, text: &str) -> Option<u64> {
        match self {
            Unit::Milliseconds => time(text, 1_000_000),
            Unit::Nanoseconds => time(text, 1),
            Unit::Permille => percent(text, 10.0),
            Unit::Percent => percent(text, 1.0),
            Unit::PartsPerBillion => percent(text, 1e7),
            Unit::BytesPerSecond => {
                let text = text.strip_suffix("/s").unwrap_or(text);
                bytesize::ByteSize::from_str(text)
                    .ok()
                    .map(|size| size.as_u64())
            }
            Unit::Number => text.parse().ok(),
        }
    }

    /// So many of these units, as text that [`Unit::read`] understands.
    pub(super) fn write(self, count: u64) -> String {
        match self {
            Unit::Milliseconds => written(Duration::from_millis(count)),
            Unit::Nanoseconds => written(Duration::from_nanos(count)),
            Unit::Permille => format!("{}%", count as f64 / 10.0),
            Unit::Percent => format!("{count}%"),
            Unit::PartsPerBillion => format!("{}%", count as f64 / 1e7),
            Unit::BytesPerSecond => match count % 1_000 {
                0 => format!("{}kB/s", count / 1_000),
                _ => format!("{count}B/s"),
            },
            Unit::Number => count.to_string(),
        }
    }
}

fn time(text: &str, unit_ns: u128) -> Option<u64> {
    let ns = humantime::parse_duration(text).ok()?.as_nanos();
    (ns % unit_ns == 0).then(|| u64::try_from(ns / unit_ns).ok())?
}

fn percent(text: &str, scale: f64) -> Option<u64> {
    let count = text.strip_suffix('%')?.trim().parse::<f64>().ok()? * scale;
    let whole = count.round();
    let fits = (count - whole).abs() < EXACT && (0.0..=1e12).contains(&whole);
    fits.then_some(whole as u64)
}

fn written(duration: Duration) -> String {
    humantime::format_duration(duration)
        .to_string()
        .replace(' ', "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [Unit; 7] = [
        Unit::Milliseconds,
        Unit::Nanoseconds,
        Unit::Permille,
        Unit::Percent,
        Unit::PartsPerBillion,
        Unit::BytesPerSecond,
        Unit::Number,
    ];

    proptest! {
        #[test]
        fn what_is_written_is_read(unit in prop::sample::select(ALL.to_vec()), count in 0_u64..1_000_000_000) {
            prop_assert_eq!(unit.read(&unit.write(count)), Some(count));
        }
    }

    #[test]
    fn numbers_are_read_as_people_write_them() {
        for (unit, text, expected) in [
            (Unit::Milliseconds, "1.5s", Some(1_500)),
            (Unit::Milliseconds, "1s 500ms", Some(1_500)),
            (Unit::Milliseconds, "20us", None),
            (Unit::Nanoseconds, "20us", Some(20_000)),
            (Unit::Nanoseconds, "20", None),
            (Unit::Permille, "0.5%", Some(5)),
            (Unit::Permille, "0.05%", None),
            (Unit::Permille, "5", None),
            (Unit::Percent, "-5%", None),
            (Unit::PartsPerBillion, "12.5%", Some(125_000_000)),
            (Unit::BytesPerSecond, "20kB/s", Some(20_000)),
            (Unit::BytesPerSecond, "1MiB", Some(1_048_576)),
            (Unit::BytesPerSecond, "fast", None),
            (Unit::Number, "4", Some(4)),
            (Unit::Number, "4%", None),
        ] {
            assert_eq!(unit.read(text), expected, "{unit:?} {text}");
        }
    }
}
