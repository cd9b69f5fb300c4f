//! A day of the calendar, for policies that expire, and for times in reports.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

/// A day of the Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::struct_field_names, reason = "the day of the month has no other name")]
pub struct Day {
    year: u16,
    month: u8,
    day: u8,
}

impl Day {
    /// Reads a date in the form `2027-01-31` (ISO 8601).
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let mut part = |digits: usize| {
            let part = parts.next().filter(|part| part.len() == digits)?;
            part.bytes().all(|byte| byte.is_ascii_digit()).then_some(part)
        };
        let (year, month, day) =
            (part(4)?.parse().ok()?, part(2)?.parse().ok()?, part(2)?.parse().ok()?);
        let is_end = parts.next().is_none();
        Day::new(year, month, day).filter(|_| is_end)
    }

    /// Returns a day if the calendar has it.
    pub(crate) fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let is_valid = (1..=12).contains(&month) && (1..=length(year, month)).contains(&day);
        is_valid.then_some(Day { year, month, day })
    }

    /// Returns the current day in UTC.
    pub(crate) fn today() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Day::after_1970(since.as_secs() / (24 * 60 * 60))
    }

    /// Returns the day that is this many days after 1970-01-01.
    fn after_1970(mut days: u64) -> Self {
        let (mut year, mut month) = (1970, 1);
        // A report has the time of each image, so this counts years before months.
        while year < u16::MAX && days >= days_of(year) {
            days -= days_of(year);
            year += 1;
        }
        while month < 12 && days >= u64::from(length(year, month)) {
            days -= u64::from(length(year, month));
            month += 1;
        }
        let day = u8::try_from(days).unwrap_or(0).saturating_add(1);
        Day { year, month, day }
    }
}

/// Returns a time in UTC as in RFC 3339, without a fraction of a second: `2026-11-28T17:46:19Z`.
/// Returns `None` if its year has not four digits, or is before 1970.
pub fn utc(time: SystemTime) -> Option<String> {
    const DAY: u64 = 24 * 60 * 60;
    let seconds = time.duration_since(UNIX_EPOCH).ok()?.as_secs();
    let (day, second) = (Day::after_1970(seconds / DAY), seconds % DAY);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    (day.year <= 9999).then(|| format!("{day}T{hour:02}:{minute:02}:{second:02}Z"))
}

fn is_leap(year: u16) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Returns the number of days in a year.
fn days_of(year: u16) -> u64 {
    if is_leap(year) { 366 } else { 365 }
}

/// Returns the number of days in a month.
fn length(year: u16, month: u8) -> u8 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn only_days_of_the_calendar_are_read() {
        for text in ["1970-01-01", "2000-02-29", "2024-02-29", "2026-11-28", "9999-12-31"] {
            assert_eq!(Day::parse(text).unwrap().to_string(), text);
        }
        for text in [
            "2023-02-29",
            "1900-02-29",
            "2026-04-31",
            "2026-13-01",
            "2026-00-01",
            "2026-01-00",
            "2026-1-1",
            "26-01-01",
            "2026-01-01T00:00",
            "2026-01-01-",
            "+026-01-01",
            "",
            "today",
        ] {
            assert_eq!(Day::parse(text), None, "{text}");
        }
    }

    #[test]
    fn days_since_1970_are_counted() {
        for (days, expected) in [
            (0, "1970-01-01"),
            (30, "1970-01-31"),
            (31, "1970-02-01"),
            (364, "1970-12-31"),
            (365, "1971-01-01"),
            (11_322, "2000-12-31"),
            (11_323, "2001-01-01"),
            (11_016, "2000-02-29"),
            (11_017, "2000-03-01"),
            (20_785, "2026-11-28"),
        ] {
            assert_eq!(Day::after_1970(days).to_string(), expected);
        }
        assert!(Day::after_1970(u64::MAX) > Day::parse("9999-12-31").unwrap());
        assert!(Day::today() > Day::parse("2026-01-01").unwrap());
        assert!(Day::parse("2026-12-31").unwrap() < Day::parse("2027-01-01").unwrap());
    }
    #[test]
    fn times_are_written_as_in_rfc_3339() {
        let utc = |seconds| utc(UNIX_EPOCH + Duration::from_secs(seconds));
        for (seconds, expected) in [
            (0, Some("1970-01-01T00:00:00Z")),
            (86_399, Some("1970-01-01T23:59:59Z")),
            (951_782_400, Some("2000-02-29T00:00:00Z")),
            (1_795_887_979, Some("2026-11-28T17:46:19Z")),
            (253_402_300_799, Some("9999-12-31T23:59:59Z")),
            (253_402_300_800, None),
            (400_000_000_000, None),
        ] {
            assert_eq!(utc(seconds).as_deref(), expected, "{seconds}");
        }
        assert_eq!(super::utc(UNIX_EPOCH - Duration::from_secs(1)), None);
    }
}
