//! Numbers and times as a reader wants them: `6 012`, `619 ms`, `12.401 s`.

const NANOS_PER_MILLI: u64 = 1_000_000;
const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// A narrow space that does not break a line.
const THIN_SPACE: char = '\u{202f}';

/// A count with its digits in groups of three.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(THIN_SPACE);
        }
        text.push(digit);
    }
    text
}

/// A count with its noun: `1 operation`, `2 operations`.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(number))
}

/// A moment of the run, in seconds to the millisecond.
pub(crate) fn moment(time_ns: u64) -> String {
    let millis = time_ns / NANOS_PER_MILLI;
    format!("{}.{:03} s", millis / 1000, millis % 1000)
}

/// A length of time, in the largest unit that keeps three digits.
pub(crate) fn duration(length_ns: u64) -> String {
    match length_ns {
        0 => "0 ms".to_owned(),
        1..10_000_000 => format!("{:.2} ms", as_millis(length_ns)),
        10_000_000..1_000_000_000 => format!("{} ms", length_ns / NANOS_PER_MILLI),
        1_000_000_000..100_000_000_000 => format!("{:.1} s", as_seconds(length_ns)),
        _ => format!("{} s", length_ns / NANOS_PER_SECOND),
    }
}

pub(crate) fn as_seconds(time_ns: u64) -> f64 {
    time_ns as f64 / NANOS_PER_SECOND as f64
}

pub(crate) fn as_millis(time_ns: u64) -> f64 {
    time_ns as f64 / NANOS_PER_MILLI as f64
}

/// A number with as many decimals as it needs, at most six.
pub(crate) fn plain(number: f64) -> String {
    let text = format!("{number:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A step between axis marks: the least 1, 2 or 5 times a power of ten that gives at most `marks` steps.
pub(crate) fn axis_step_ns(range_ns: u64, marks: u64) -> u64 {
    let least = (range_ns / marks.max(1)).max(1);
    let mut power = 1_u64;
    loop {
        for factor in [1, 2, 5] {
            let step = power.saturating_mul(factor);
            if step >= least {
                return step;
            }
        }
        power = power.saturating_mul(10);
    }
}

/// An axis mark with as many decimals as its step needs.
pub(crate) fn axis_label(time_ns: u64, step_ns: u64) -> String {
    let decimals = match step_ns {
        NANOS_PER_SECOND.. => 0,
        100_000_000.. => 1,
        10_000_000.. => 2,
        NANOS_PER_MILLI.. => 3,
        _ => 6,
    };
    format!("{:.decimals$} s", as_seconds(time_ns))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped() {
        let rows = [
            (0, "0"),
            (999, "999"),
            (6012, "6\u{202f}012"),
            (1_234_567, "1\u{202f}234\u{202f}567"),
        ];
        for (number, expected) in rows {
            assert_eq!(count(number), expected);
        }
        assert_eq!(counted(1, "key"), "1 key");
        assert_eq!(counted(0, "key"), "0 keys");
    }

    #[test]
    fn times_keep_the_digits_that_matter() {
        let rows = [
            (0, "0 ms"),
            (1_000, "0.00 ms"),
            (1_234_000, "1.23 ms"),
            (619_400_000, "619 ms"),
            (1_500_000_000, "1.5 s"),
            (250_000_000_000, "250 s"),
        ];
        for (length_ns, expected) in rows {
            assert_eq!(duration(length_ns), expected);
        }
        assert_eq!(moment(12_401_999_999), "12.401 s");
    }

    #[test]
    fn plain_numbers_have_no_noise() {
        let rows = [
            (0.1 + 0.2, "0.3"),
            (0.0, "0"),
            (100.0, "100"),
            (1e10, "10000000000"),
            (0.000_25, "0.00025"),
        ];
        for (number, expected) in rows {
            assert_eq!(plain(number), expected);
        }
    }

    #[test]
    fn axis_steps_are_round_and_few() {
        let rows = [
            (0, 1),
            (7, 1),
            (900_000_000, 200_000_000),
            (30_000_000_000, 5_000_000_000),
            (u64::MAX, 5_000_000_000_000_000_000),
        ];
        for (range_ns, expected) in rows {
            assert_eq!(axis_step_ns(range_ns, 6), expected, "range {range_ns}");
        }
        assert_eq!(axis_label(1_200_000_000, 200_000_000), "1.2 s");
        assert_eq!(axis_label(15_000_000_000, 5_000_000_000), "15 s");
    }
}
