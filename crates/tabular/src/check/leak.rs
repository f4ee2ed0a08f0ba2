//! Columns that give the target away: what a model could read off them is often not known when it is asked.
//!
//! Such a column stands out by being too good. A column that predicts the target well is not one yet: it has to decide it in all
//! rows but one in a thousand, and in 19 of 20 of those that the most frequent class alone gets wrong.

use std::collections::HashMap;
use std::fmt;

use serde::Serialize;

use super::percent;
use crate::number::{Number, NumberFormat, is_missing};
use crate::{ColumnKind, Frame, Profile, TableTask, TargetColumn};

/// Fewer rows than this show nothing.
const FEW_ROWS: usize = 50;

/// Fewer rows outside the most frequent class than this may be told by chance.
const FEW_OTHERS: usize = 10;

/// A number column that is correlated more with the target is a linear function of it.
const LINEAR: f64 = 0.9999;

/// Rows for each value of a column on average, at least: otherwise its values tell rows apart, not classes.
const ROWS_PER_VALUE: usize = 10;

/// The share of rows that may be of another class than their value says.
const IMPURITY: f64 = 0.001;

/// The share that may be so of the rows outside the most frequent class.
const UNEXPLAINED: f64 = 0.05;

/// A column that gives the target away.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TargetLeak {
    /// The column.
    pub column: String,
    /// How it does.
    pub evidence: LeakEvidence,
}

/// How a column gives the target away.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum LeakEvidence {
    /// Its cells are those of the target.
    Equal,
    /// Its numbers are a linear function of the target's.
    Linear {
        /// Pearson's correlation, beyond 0.9999 or below -0.9999.
        correlation: f64,
    },
    /// Each of its values goes with one class.
    Values {
        /// How many different values it has; no value is one of them where it has to be.
        distinct: usize,
        /// The share of rows that are of the most frequent class of their value, at least 0.999.
        purity: f64,
    },
    /// Whether it has a value goes with the class.
    Presence {
        /// The share of rows of which that tells the class, at least 0.999.
        purity: f64,
    },
    /// The numbers of each class lie apart from those of the others.
    Thresholds {
        /// Between the classes, ascending.
        thresholds: Vec<f32>,
    },
}

/// `its 3 values tell the class in 99.95 % of the rows`
impl fmt::Display for LeakEvidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LeakEvidence::Equal => f.write_str("it is the same in every row"),
            LeakEvidence::Linear { correlation } => {
                write!(f, "it is a linear function of it (correlation {correlation:.5})")
            }
            LeakEvidence::Values { distinct, purity } => {
                write!(f, "its {distinct} values tell the class in {} of the rows", percent(*purity, 2))
            }
            LeakEvidence::Presence { purity } => {
                write!(f, "whether it has a value tells the class in {} of the rows", percent(*purity, 2))
            }
            LeakEvidence::Thresholds { thresholds } => match thresholds.as_slice() {
                [one] => write!(f, "the classes lie on both sides of {one}"),
                [first, second] => write!(f, "{first} and {second} lie between the classes"),
                many => write!(f, "{} numbers lie between the classes", many.len()),
            },
        }
    }
}

/// The target of each row, where it has one.
pub(super) enum Targets<'a> {
    Classes { cells: Vec<&'a str>, labels: Vec<Option<u32>>, classes: usize },
    Numbers { cells: Vec<&'a str>, numbers: Vec<Option<f32>> },
}

impl<'a> Targets<'a> {
    pub(super) fn of(frame: &'a Frame, index: usize, target: &TargetColumn) -> Self {
        let cells: Vec<&str> = frame.column(index).map(str::trim).collect();
        match target.what() {
            TableTask::Classification => {
                let places: HashMap<&str, u32> = target.classes.iter().map(String::as_str).zip(0..).collect();
                let labels = cells.iter().map(|cell| places.get(cell).copied()).collect();
                Targets::Classes { cells, labels, classes: target.classes.len() }
            }
            // What gives one of several labels away is not looked for.
            TableTask::MultiLabel => Targets::Numbers { numbers: vec![None; cells.len()], cells },
            TableTask::Regression => {
                let numbers = cells.iter().map(|cell| finite(target.format, cell)).collect();
                Targets::Numbers { cells, numbers }
            }
        }
    }
}

fn finite(format: NumberFormat, cell: &str) -> Option<f32> {
    match format.parse(cell) {
        Number::Finite(number) => Some(number),
        Number::Missing | Number::Text => None,
    }
}

/// How a column gives the target away, if it does.
pub(super) fn find(
    frame: &Frame,
    column: usize,
    kind: ColumnKind,
    profile: &Profile,
    targets: &Targets,
) -> Option<LeakEvidence> {
    if frame.len() < FEW_ROWS {
        return None;
    }
    let cells = || frame.column(column).map(str::trim);
    let (Targets::Classes { cells: of_target, .. } | Targets::Numbers { cells: of_target, .. }) = targets;
    if cells().eq(of_target.iter().copied()) {
        return Some(LeakEvidence::Equal);
    }
    let numbers = || cells().map(|cell| finite(profile.format, cell));
    match targets {
        Targets::Numbers { numbers: of_target, .. } if kind == ColumnKind::Number => {
            let pairs =
                || numbers().zip(of_target).filter_map(|(x, y)| Some((f64::from(x?), f64::from((*y)?))));
            correlation(pairs)
                .filter(|correlation| correlation.abs() > LINEAR)
                .map(|correlation| LeakEvidence::Linear { correlation })
        }
        Targets::Numbers { .. } => None,
        Targets::Classes { labels, classes, .. } => {
            let rows = || cells().zip(labels).filter_map(|(cell, label)| Some((cell, (*label)?)));
            let is_few =
                !profile.has_more_values && ROWS_PER_VALUE * profile.values.len() <= profile.present();
            let present = || rows().filter(|(cell, _)| !is_missing(cell));
            let missing = profile.missing + profile.missing_words;
            let is_mostly_present = 2 * missing <= frame.len();
            let of_values = || is_few.then(|| Purity::of(rows()));
            let of_present = || (is_few && missing > 0 && is_mostly_present).then(|| Purity::of(present()));
            let values =
                |purity: Purity| LeakEvidence::Values { distinct: purity.values, purity: purity.share() };
            let thresholds = || {
                let rows = || numbers().zip(labels).filter_map(|(number, label)| Some((number?, (*label)?)));
                (kind == ColumnKind::Number && is_mostly_present)
                    .then(|| thresholds(rows(), *classes))
                    .flatten()
            };
            let presence =
                || (missing > 0).then(|| Purity::of(rows().map(|(cell, label)| (is_missing(cell), label))));
            of_values()
                .filter(Purity::decides)
                .or_else(|| of_present().filter(Purity::decides))
                .map(values)
                .or_else(|| thresholds().map(|thresholds| LeakEvidence::Thresholds { thresholds }))
                .or_else(|| {
                    let purity = presence().filter(Purity::decides)?;
                    Some(LeakEvidence::Presence { purity: purity.share() })
                })
        }
    }
}

/// Pearson's correlation; `None` if there are few pairs, or one of both does not vary.
fn correlation<I: Iterator<Item = (f64, f64)>>(pairs: impl Fn() -> I) -> Option<f64> {
    let count = pairs().count();
    if count < FEW_ROWS {
        return None;
    }
    let (x, y) = pairs().fold((0.0, 0.0), |sum, pair| (sum.0 + pair.0, sum.1 + pair.1));
    let mean = (x / count as f64, y / count as f64);
    let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
    for (x, y) in pairs() {
        let (x, y) = (x - mean.0, y - mean.1);
        (xx, xy, yy) = (xx + x * x, xy + x * y, yy + y * y);
    }
    let scale = xx.sqrt() * yy.sqrt();
    (scale > 0.0).then(|| xy / scale)
}

/// How well values go with classes.
struct Purity {
    rows: usize,
    /// Different values.
    values: usize,
    /// Rows of another class than the most frequent one of their value.
    impure: usize,
    /// Rows of another class than the most frequent one of all.
    others: usize,
}

impl Purity {
    fn of<V: std::hash::Hash + Eq + Copy>(rows: impl Iterator<Item = (V, u32)>) -> Self {
        let mut counts: HashMap<(V, u32), usize> = HashMap::new();
        rows.for_each(|row| *counts.entry(row).or_default() += 1);
        let (mut of_values, mut of_classes) = (HashMap::<V, usize>::new(), HashMap::<u32, usize>::new());
        for ((value, label), count) in &counts {
            let most = of_values.entry(*value).or_default();
            *most = (*most).max(*count);
            *of_classes.entry(*label).or_default() += count;
        }
        let rows: usize = of_classes.values().sum();
        let impure = rows - of_values.values().sum::<usize>();
        let others = rows - of_classes.values().max().copied().unwrap_or(0);
        Purity { rows, values: of_values.len(), impure, others }
    }

    fn decides(&self) -> bool {
        self.rows >= FEW_ROWS
            && self.others >= FEW_OTHERS
            && self.impure as f64 <= IMPURITY * self.rows as f64
            && self.impure as f64 <= UNEXPLAINED * self.others as f64
    }

    fn share(&self) -> f64 {
        1.0 - self.impure as f64 / self.rows.max(1) as f64
    }
}

/// The numbers between the classes, if the range of each lies apart from the others'.
fn thresholds(rows: impl Iterator<Item = (f32, u32)>, classes: usize) -> Option<Vec<f32>> {
    let mut ranges: Vec<Option<(f32, f32, usize)>> = vec![None; classes];
    for (number, label) in rows {
        let range = ranges[label as usize].get_or_insert((number, number, 0));
        *range = (range.0.min(number), range.1.max(number), range.2 + 1);
    }
    let mut ranges: Vec<(f32, f32, usize)> = ranges.into_iter().flatten().collect();
    ranges.sort_by(|a, b| a.0.total_cmp(&b.0));
    let rows: usize = ranges.iter().map(|range| range.2).sum();
    let others = rows - ranges.iter().map(|range| range.2).max().unwrap_or(0);
    let apart = ranges.windows(2).all(|pair| pair[0].1 < pair[1].0);
    let found = apart && rows >= FEW_ROWS && others >= FEW_OTHERS;
    found.then(|| ranges.windows(2).map(|pair| pair[0].1 / 2.0 + pair[1].0 / 2.0).collect())
}
