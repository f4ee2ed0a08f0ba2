//! Dates, taken apart.

use chrono::{Datelike, NaiveDateTime, NaiveTime, Timelike};
use serde::{Deserialize, Serialize};

use super::Standard;
use crate::Frame;
use crate::date::DateFormat;
use crate::number::is_missing;

/// A cell becomes its day on the scale of the training rows, and where in the year, the week and, if times are given, the day it
/// lies, each as sine and cosine; the day of the middle row if it is missing, and a 1 behind it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DateEncoding {
    /// How it is written.
    pub format: DateFormat,
    /// Days since 1970, of all training rows.
    pub days: Standard,
    /// Whether there are times on the days.
    pub has_time: bool,
    /// Whether training rows lacked it, so that there is a number that says so.
    pub missing: bool,
}

impl DateEncoding {
    /// From the training rows.
    pub fn fit(frame: &Frame, column: usize) -> Self {
        let cells = frame.column(column).filter(|cell| !is_missing(cell));
        let format = DateFormat::of(cells.clone()).0.unwrap_or(DateFormat::YearFirst);
        let dates: Vec<NaiveDateTime> = cells.filter_map(|cell| format.parse(cell)).collect();
        DateEncoding {
            format,
            days: Standard::fit(dates.iter().map(days)),
            has_time: dates.iter().any(|date| date.time() != NaiveTime::MIN),
            missing: dates.len() < frame.len(),
        }
    }

    pub(super) fn width(&self) -> usize {
        5 + 2 * usize::from(self.has_time) + usize::from(self.missing)
    }

    pub(super) fn names(&self, column: &str) -> Vec<String> {
        let mut parts = vec!["year", "week"];
        parts.extend(self.has_time.then_some("day"));
        let mut names = vec![column.to_owned()];
        names.extend(
            parts
                .iter()
                .flat_map(|part| ["sine", "cosine"].map(|of| format!("{column}, {of} of the {part}"))),
        );
        names.extend(self.missing.then(|| format!("{column} is missing")));
        names
    }

    pub(super) fn encode(&self, cell: &str, out: &mut Vec<f32>) {
        let Some(date) = self.format.parse(cell) else {
            out.resize(out.len() + self.width(), 0.0);
            if self.missing {
                out.pop();
                out.push(1.0);
            }
            return;
        };
        out.push(self.days.of(days(&date)));
        let mut turn = |share: f32| {
            let (sin, cos) = (share * std::f32::consts::TAU).sin_cos();
            out.extend([sin, cos]);
        };
        turn(date.ordinal0() as f32 / 366.0);
        turn(date.weekday().num_days_from_monday() as f32 / 7.0);
        if self.has_time {
            turn(date.num_seconds_from_midnight() as f32 / 86_400.0);
        }
        if self.missing {
            out.push(0.0);
        }
    }

    pub(super) fn check(&self) -> Result<(), &'static str> {
        self.days.check()
    }
}

/// Days since 1970, with a fraction.
fn days(date: &NaiveDateTime) -> f32 {
    (date.and_utc().timestamp() as f64 / 86_400.0) as f32
}
