//! Dates in cells.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use serde::{Deserialize, Serialize};

/// How dates are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DateFormat {
    /// `2024-03-31`, also with slashes or dots.
    YearFirst,
    /// `31.3.2024`, also with slashes or dashes.
    DayFirst,
    /// `3/31/2024`, also with dots or dashes.
    MonthFirst,
    /// `31 Mar 2024`, `31-Mar-2024` or `March 31, 2024`: the month by its English name, or the first three letters of it.
    MonthName,
}

impl DateFormat {
    /// All formats; where days and months cannot be told apart, the first that reads all of them.
    pub(crate) const ALL: [DateFormat; 4] =
        [DateFormat::YearFirst, DateFormat::DayFirst, DateFormat::MonthFirst, DateFormat::MonthName];

    /// The format that reads most of some cells, and how many those are.
    pub(crate) fn of<'a>(cells: impl Iterator<Item = &'a str> + Clone) -> (Option<DateFormat>, usize) {
        let count = |format: DateFormat| cells.clone().filter(|cell| format.parse(cell).is_some()).count();
        let most = DateFormat::ALL
            .map(|format| (format, count(format)))
            .into_iter()
            .rev()
            .max_by_key(|(_, dates)| *dates);
        match most {
            Some((format, dates)) if dates > 0 => (Some(format), dates),
            _ => (None, 0),
        }
    }

    /// A cell's date, and its time if it has one: `2024-03-31`, `2024-03-31T12:30:00`, `31.3.2024 12:30`.
    pub(crate) fn parse(self, cell: &str) -> Option<NaiveDateTime> {
        let cell = cell.trim();
        if self == DateFormat::MonthName {
            return with_month_name(cell);
        }
        // Whatever else, a date begins with a digit: most cells of other columns end here.
        if !cell.starts_with(|first: char| first.is_ascii_digit()) {
            return None;
        }
        let (date, time) = match cell.split_once(['T', ' ']) {
            Some((date, time)) => (date, time.trim().trim_end_matches('Z')),
            None => (cell, ""),
        };
        let separator = date.chars().find(|letter| matches!(letter, '-' | '/' | '.'))?;
        let mut parts = date.split(separator).map(|part| match part.len() {
            1 | 2 | 4 if part.bytes().all(|byte| byte.is_ascii_digit()) => part.parse::<u32>().ok(),
            _ => None,
        });
        let parts = [parts.next()??, parts.next()??, parts.next()??, u32::from(parts.next().is_some())];
        let [year, month, day] = match (self, parts) {
            (DateFormat::YearFirst, [year, month, day, 0]) => [year, month, day],
            (DateFormat::DayFirst, [day, month, year, 0]) => [year, month, day],
            (DateFormat::MonthFirst, [month, day, year, 0]) => [year, month, day],
            _ => return None,
        };
        date_and_time([year, month, day], time)
    }
}

/// The months, by the first three letters of their names.
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// A date whose month has a name: day, month and year, or month, day and year, with spaces, commas or dashes between.
fn with_month_name(cell: &str) -> Option<NaiveDateTime> {
    let mut rest = cell;
    let mut parts = [""; 3];
    for part in &mut parts {
        let end = rest.find([' ', ',', '-', '.', '/']).unwrap_or(rest.len());
        *part = &rest[..end];
        rest = rest[end..].trim_start_matches([' ', ',', '-', '.', '/']);
    }
    let number = |part: &str| match part.len() {
        1 | 2 | 4 if part.bytes().all(|byte| byte.is_ascii_digit()) => part.parse::<u32>().ok(),
        _ => None,
    };
    let named = |part: &str| {
        let part = part.to_ascii_lowercase();
        let month = MONTHS.iter().position(|month| part.len() >= 3 && month.starts_with(&part))?;
        u32::try_from(month + 1).ok()
    };
    let [first, second, year] = parts;
    let (day, month) = match number(first) {
        Some(day) => (day, named(second)?),
        None => (number(second)?, named(first)?),
    };
    // Two digits of a year as POSIX reads them.
    let year = match (year.len(), number(year)?) {
        (2, year @ ..69) => year + 2000,
        (2, year) => year + 1900,
        (_, year) => year,
    };
    date_and_time([year, month, day], rest)
}

/// A date, and a time as text that may be empty.
fn date_and_time([year, month, day]: [u32; 3], time: &str) -> Option<NaiveDateTime> {
    let year = i32::try_from(year).ok().filter(|year| *year >= 1000)?;
    let date = NaiveDate::from_ymd_opt(year, month, day)?;
    let formats = ["%H:%M:%S%.f", "%H:%M"];
    let time = match time {
        "" => NaiveTime::MIN,
        time => formats.iter().find_map(|format| NaiveTime::parse_from_str(time, format).ok())?,
    };
    Some(date.and_time(time))
}
