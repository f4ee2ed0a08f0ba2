//! What is wrong with a table's columns and rows before a model is trained on it.
//!
//! Everything is found in the cells as they were written, of the rows that a model is to be trained on.

mod leak;
mod rows;

use rayon::prelude::*;
use serde::Serialize;
use thousands::Separable;

use crate::kind::shortened;
use crate::number::is_missing;
use crate::{ColumnKind, EncodingOptions, Frame, Profile, TableTask, TabularError, TargetColumn};

pub use leak::{LeakEvidence, TargetLeak};
pub use rows::{RowCount, RowPairs};

/// A column with a larger share of cells without a value is mostly missing.
const MOSTLY: f64 = 0.5;

/// Words of more characters are none.
const LONG_WORD: usize = 100;

/// How many columns or rows a warning lists.
const MOST_LISTED: usize = 5;

/// What is wrong with the columns and rows of a table, before a model is trained on it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ColumnCheck {
    /// The target column.
    pub target: String,
    /// Whether it holds classes or numbers.
    pub task: TableTask,
    /// How many rows there are.
    pub rows: usize,
    /// Columns that give the target away, of those that a model learns from.
    pub leaks: Vec<TargetLeak>,
    /// Columns without a value in more than half of the rows, in the order of the table.
    pub mostly_missing: Vec<MissingShare>,
    /// Columns of texts that are not separated into words.
    pub unseparated_texts: Vec<UnseparatedText>,
    /// Rows without a value in any column but the target.
    pub empty_rows: RowCount,
    /// Rows that repeat an earlier row, the target included.
    pub repeated_rows: RowPairs,
    /// Rows that are the same as others in all columns but the target.
    pub conflicting_rows: RowPairs,
}

/// How much of a column is missing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MissingShare {
    /// The column.
    pub column: String,
    /// Rows without a value in it.
    pub rows: usize,
    /// That as a part of all rows, in `[0, 1]`.
    pub share: f64,
}

/// A column where most values are one word of more than 100 characters, as of texts in a language that does not separate words,
/// or of data that is encoded as text.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UnseparatedText {
    /// The column.
    pub column: String,
    /// How many values are such a word.
    pub rows: usize,
    /// Characters of the longest.
    pub longest: usize,
}

impl ColumnCheck {
    /// Checks the rows that a model is to be trained on. Columns that are to be ignored count as if they were not there; rows whose
    /// target is missing or another than the target column's count for nothing that has to do with the target.
    ///
    /// All threads of rayon's pool take part; the result does not depend on how many there are.
    ///
    /// ```
    /// use fireclay_tabular::{ColumnCheck, EncodingOptions, Frame, TargetColumn};
    ///
    /// # fn main() -> Result<(), fireclay_tabular::TabularError> {
    /// let mut customers = Frame::new(["age", "reason for leaving", "left"])?;
    /// for i in 0..100 {
    ///     let (reason, left) = [("", "no"), ("price", "yes"), ("", "no"), ("service", "yes")][i % 4];
    ///     customers.push([(i * 37 % 101).to_string().as_str(), reason, left])?;
    /// }
    /// let target = TargetColumn::classes(&customers, "left")?;
    /// let check = ColumnCheck::of(&customers, &target, &EncodingOptions::default())?;
    /// assert_eq!(
    ///     check.warnings(),
    ///     ["column \"reason for leaving\" gives the target away, as its 3 values tell the class in 100.00 % of the rows; \
    ///      ignore it unless it is known before \"left\" is"]
    /// );
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`TabularError::NoColumn`] if the target, or a column that the options name, is not there.
    pub fn of(frame: &Frame, target: &TargetColumn, options: &EncodingOptions) -> Result<Self, TabularError> {
        let target_index = frame.find(&target.column)?;
        for name in options.ignore.iter().chain(options.kinds.keys()) {
            frame.find(name)?;
        }
        let targets = leak::Targets::of(frame, target_index, target);
        let mut check = ColumnCheck {
            target: target.column.clone(),
            task: target.what(),
            rows: frame.len(),
            leaks: Vec::new(),
            mostly_missing: Vec::new(),
            unseparated_texts: Vec::new(),
            empty_rows: RowCount::default(),
            repeated_rows: RowPairs::default(),
            conflicting_rows: RowPairs::default(),
        };
        let is_feature =
            |(_, name): &(usize, &String)| !target.is_target(name) && !options.ignore.contains(name);
        let columns: Vec<(usize, &String)> = frame.names().iter().enumerate().filter(is_feature).collect();
        let of_column = |&(index, name): &(usize, &String)| {
            let profile = Profile::of(frame, index);
            let kind = options.kinds.get(name).copied().unwrap_or_else(|| ColumnKind::infer(&profile).kind);
            let evidence =
                kind.is_feature().then(|| leak::find(frame, index, kind, &profile, &targets)).flatten();
            let leak = evidence.map(|evidence| TargetLeak { column: name.clone(), evidence });
            (leak, mostly_missing(frame, index, kind, &profile), unseparated(frame, index, &profile))
        };
        let found: Vec<_> = columns.par_iter().map(of_column).collect();
        for (leak, missing, text) in found {
            check.leaks.extend(leak);
            check.mostly_missing.extend(missing);
            check.unseparated_texts.extend(text);
        }
        let columns: Vec<usize> = columns.into_iter().map(|(index, _)| index).collect();
        let found = rows::find(frame, &columns, target_index);
        (check.empty_rows, check.repeated_rows, check.conflicting_rows) = found;
        Ok(check)
    }

    /// What weakens a result, a line for each finding; empty if there is nothing. That rows which are otherwise the same have
    /// different numbers as targets is usual, and no warning.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings: Vec<String> = Vec::new();
        let known = format!("ignore it unless it is known before {} is", quoted(&self.target));
        for TargetLeak { column, evidence } in self.leaks.iter().take(MOST_LISTED) {
            warnings.push(format!("column {} gives the target away, as {evidence}; {known}", quoted(column)));
        }
        if let Some(more @ [_, ..]) = self.leaks.get(MOST_LISTED..) {
            let names = listed(more, |leak| quoted(&leak.column));
            warnings.push(format!("{} more give the target away: {names}", counted(more.len(), "column")));
        }
        if !self.mostly_missing.is_empty() {
            let columns = listed(&self.mostly_missing, |missing| {
                format!("{} ({})", quoted(&missing.column), percent(missing.share, 1))
            });
            let count = counted(self.mostly_missing.len(), "column");
            warnings.push(format!("{count} without a value in most rows: {columns}"));
        }
        for UnseparatedText { column, longest, .. } in self.unseparated_texts.iter().take(MOST_LISTED) {
            warnings.push(format!(
                "column {} holds texts that are not separated into words; the longest is one of {} characters",
                quoted(column),
                longest.separate_with_commas()
            ));
        }
        let of = |count: usize, verb: &str| {
            let s = if count == 1 { "s" } else { "" };
            format!("{} of {} rows {verb}{s}", count.separate_with_commas(), self.rows.separate_with_commas())
        };
        // Two are enough to look at.
        let pairs = |found: &RowPairs| {
            let pairs = found.examples.iter().take(2).map(|(first, second)| format!("{first} and {second}"));
            format!("for example {}, counted from 0", pairs.collect::<Vec<_>>().join(", "))
        };
        let RowCount { rows, examples } = &self.empty_rows;
        if let Some(first) = examples.first() {
            warnings.push(format!(
                "{} no value but the target; the first is {first}, counted from 0",
                of(*rows, "hold")
            ));
        }
        let repeated = &self.repeated_rows;
        if repeated.rows > 0 {
            warnings.push(format!("{} an earlier one; {}", of(repeated.rows, "repeat"), pairs(repeated)));
        }
        let conflicting = &self.conflicting_rows;
        if conflicting.rows > 0 && self.task == TableTask::Classification {
            warnings.push(format!(
                "{} others of another class, and no model gets all right; {}",
                of(conflicting.rows, "equal"),
                pairs(conflicting)
            ));
        }
        warnings
    }
}

fn mostly_missing(frame: &Frame, column: usize, kind: ColumnKind, profile: &Profile) -> Option<MissingShare> {
    // `none` and `-` are values as good as any where the others are no numbers.
    let is_value = |cell: &str| matches!(cell, "-") || cell.eq_ignore_ascii_case("none");
    let words = match kind {
        ColumnKind::Number | ColumnKind::Date | ColumnKind::Empty => profile.missing_words,
        _ if profile.missing_words == 0 => 0,
        _ => {
            let cells = frame.column(column).map(str::trim).filter(|cell| !cell.is_empty());
            cells.filter(|cell| is_missing(cell) && !is_value(cell)).count()
        }
    };
    let rows = profile.missing + words;
    let share = rows as f64 / profile.rows.max(1) as f64;
    (share > MOSTLY).then(|| MissingShare { column: frame.names()[column].clone(), rows, share })
}

fn unseparated(frame: &Frame, column: usize, profile: &Profile) -> Option<UnseparatedText> {
    let long_word = |cell: &str| {
        let cell = cell.trim();
        let length = if cell.len() > LONG_WORD { cell.chars().count() } else { 0 };
        (length > LONG_WORD && !cell.contains(char::is_whitespace)).then_some(length)
    };
    let (mut rows, mut longest) = (0, 0);
    for length in frame.column(column).filter_map(long_word) {
        rows += 1;
        longest = longest.max(length);
    }
    let is_most = rows as f64 > MOSTLY * profile.present() as f64;
    is_most.then(|| UnseparatedText { column: frame.names()[column].clone(), rows, longest })
}

/// A column's name, of a long one the beginning.
fn quoted(name: &str) -> String {
    format!("{:?}", shortened(name))
}

/// `1 column`, `3 columns`
fn counted(count: usize, noun: &str) -> String {
    format!("{} {noun}{}", count.separate_with_commas(), if count == 1 { "" } else { "s" })
}

fn percent(share: f64, decimals: usize) -> String {
    format!("{:.decimals$} %", 100.0 * share)
}

/// `a, b and 3 more`
fn listed<T>(items: &[T], shown: impl Fn(&T) -> String) -> String {
    let first: Vec<String> = items.iter().take(MOST_LISTED).map(shown).collect();
    match items.len().saturating_sub(MOST_LISTED) {
        0 => first.join(", "),
        more => format!("{} and {} more", first.join(", "), more.separate_with_commas()),
    }
}

#[cfg(test)]
mod tests;
