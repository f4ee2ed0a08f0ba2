//! How each column of a table becomes numbers, as the training rows say.

mod category;
mod date;
mod number;
mod words;

use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

pub use category::CategoryEncoding;
pub use date::DateEncoding;
pub use number::{NumberEncoding, NumberScale};
pub use words::WordEncoding;

use crate::number::{Number, NumberFormat, is_missing};
use crate::{ColumnKind, Frame, Inferred, LabelColumns, Profile, TabularError, TargetColumn};

/// What is asked of the encoding; the rest is found in the training rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EncodingOptions {
    /// Columns that are left out.
    pub ignore: Vec<String>,
    /// Columns that are what the user says, whatever they look like.
    pub kinds: BTreeMap<String, ColumnKind>,
}

/// How the columns of a table become the numbers that a network reads. It is learnt from the training rows alone, and a model
/// file keeps it.
///
/// See the [crate's documentation](crate) for an example.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TablePreprocessing {
    /// The target column, which rows to predict need not have; of several the first.
    pub target: String,
    /// Where the labels are, where several may hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<LabelColumns>,
    /// Columns that a network learns from, in the order of its inputs.
    pub columns: Vec<ColumnEncoding>,
}

/// How one column becomes numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnEncoding {
    /// The column's name.
    pub name: String,
    /// How its cells become numbers.
    pub encoding: Encoding,
}

/// How cells become numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Encoding {
    /// A number.
    Number(NumberEncoding),
    /// One of some values.
    Category(CategoryEncoding),
    /// A day, or a time on it.
    Date(DateEncoding),
    /// Words.
    Words(WordEncoding),
}

impl TablePreprocessing {
    /// Learns from the training rows how the columns become numbers. Columns that say nothing are left out;
    /// [`inferred`](Self::inferred) says which and why.
    ///
    /// # Errors
    /// If a column that is named is not there, or none is left to learn from.
    pub fn fit(
        frame: &Frame,
        target: &TargetColumn,
        options: &EncodingOptions,
    ) -> Result<Self, TabularError> {
        if frame.is_empty() {
            return Err(TabularError::NoRows);
        }
        let inferred = Self::inferred(frame, &target.column, options)?;
        let mut columns = Vec::new();
        for (index, (name, Inferred { kind, .. })) in inferred.iter().enumerate() {
            let profile = || Profile::of(frame, index);
            let encoding = match kind {
                _ if target.is_target(name) => continue,
                ColumnKind::Number => Encoding::Number(NumberEncoding::fit(frame, index, &profile())),
                ColumnKind::Category => Encoding::Category(CategoryEncoding::fit(&profile())),
                ColumnKind::Date => Encoding::Date(DateEncoding::fit(frame, index)),
                ColumnKind::Text => Encoding::Words(WordEncoding::fit(frame, index)),
                ColumnKind::Identifier | ColumnKind::Constant | ColumnKind::Empty => continue,
            };
            columns.push(ColumnEncoding { name: name.clone(), encoding });
        }
        let preprocessing =
            TablePreprocessing { target: target.column.clone(), labels: target.labels.clone(), columns };
        match preprocessing.width() {
            0 => {
                let others = inferred.into_iter().filter(|(name, _)| !target.is_target(name));
                let reasons = others
                    .map(|(name, found)| format!("{name:?} is {}: {}", found.kind.name(), found.reason));
                Err(TabularError::NoFeatures { reasons: reasons.collect() })
            }
            _ => Ok(preprocessing),
        }
    }

    /// The target of rows that are encoded so, with the names of a model's classes.
    pub fn target_column(&self, classes: &[String]) -> TargetColumn {
        TargetColumn {
            column: self.target.clone(),
            classes: classes.to_vec(),
            format: NumberFormat::default(),
            labels: self.labels.clone(),
        }
    }

    /// What each column is taken for, and why, in the order of the table. The target, and what is to be ignored, are in it.
    ///
    /// # Errors
    /// [`TabularError::NoColumn`] for a name in the options that no column has.
    pub fn inferred(
        frame: &Frame,
        target: &str,
        options: &EncodingOptions,
    ) -> Result<Vec<(String, Inferred)>, TabularError> {
        for name in options.ignore.iter().chain(options.kinds.keys()) {
            frame.find(name)?;
        }
        let inferred = |(index, name): (usize, &String)| {
            let said = |kind, reason: &str| Inferred { kind, reason: reason.to_owned() };
            let found = match options.kinds.get(name) {
                _ if options.ignore.contains(name) => said(ColumnKind::Identifier, "it is to be ignored"),
                _ if name == target => said(ColumnKind::Category, "the target"),
                Some(kind) => said(*kind, "as you say"),
                None => ColumnKind::infer(&Profile::of(frame, index)),
            };
            (name.clone(), found)
        };
        Ok(frame.names().iter().enumerate().map(inferred).collect())
    }

    /// How many numbers a row becomes.
    pub fn width(&self) -> usize {
        self.columns.iter().map(|column| column.encoding.width()).sum()
    }

    /// Each column with the places of its numbers in an encoded row.
    ///
    /// ```
    /// # use fireclay_tabular::{Frame, EncodingOptions, TablePreprocessing, TargetColumn};
    /// # fn main() -> Result<(), fireclay_tabular::TabularError> {
    /// let mut frame = Frame::new(["age", "smoker", "ill"])?;
    /// for row in [["41", "no", "no"], ["52.5", "yes", "yes"], ["", "no", "no"]] {
    ///     frame.push(row)?;
    /// }
    /// let target = TargetColumn::classes(&frame, "ill")?;
    /// let preprocessing = TablePreprocessing::fit(&frame, &target, &EncodingOptions::default())?;
    /// assert_eq!(preprocessing.column_ranges(), [("age", 0..2), ("smoker", 2..4)]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn column_ranges(&self) -> Vec<(&str, Range<usize>)> {
        let mut end = 0;
        let range = |column: &ColumnEncoding| {
            let start = end;
            end += column.encoding.width();
            start..end
        };
        let ranges: Vec<_> = self.columns.iter().map(range).collect();
        self.columns.iter().map(|column| column.name.as_str()).zip(ranges).collect()
    }

    /// What each number of an encoded row stands for: `age`, `age is missing`, `colour=red`.
    pub fn features(&self) -> Vec<String> {
        self.columns.iter().flat_map(|ColumnEncoding { name, encoding }| encoding.names(name)).collect()
    }

    /// Appends the numbers of a row; `cell` gives the cell of a column, the empty one if the row has none.
    ///
    /// ```
    /// # use fireclay_tabular::{Frame, EncodingOptions, TablePreprocessing, TargetColumn};
    /// # fn main() -> Result<(), fireclay_tabular::TabularError> {
    /// let mut frame = Frame::new(["smoker", "ill"])?;
    /// for row in [["no", "no"], ["yes", "yes"], ["no", "no"]] {
    ///     frame.push(row)?;
    /// }
    /// let target = TargetColumn::classes(&frame, "ill")?;
    /// let preprocessing = TablePreprocessing::fit(&frame, &target, &EncodingOptions::default())?;
    /// let mut row = Vec::new();
    /// preprocessing.encode(|column| if column == "smoker" { "yes" } else { "" }, &mut row);
    /// assert_eq!((row.len(), row[1] > row[0]), (2, true));
    /// # Ok(())
    /// # }
    /// ```
    pub fn encode<'a>(&self, cell: impl Fn(&str) -> &'a str, out: &mut Vec<f32>) {
        for ColumnEncoding { name, encoding } in &self.columns {
            encoding.encode(cell(name), out);
        }
    }

    /// Whether encodings out of a file can be used.
    ///
    /// # Errors
    /// [`TabularError::Encoding`] with the column, [`TabularError::NoFeatures`] if there is none.
    pub fn check(&self) -> Result<(), TabularError> {
        for ColumnEncoding { name, encoding } in &self.columns {
            let damaged = |problem| TabularError::Encoding { column: name.clone(), problem };
            match encoding {
                Encoding::Number(number) => number.check(),
                Encoding::Category(category) => category.check(),
                Encoding::Date(date) => date.check(),
                Encoding::Words(words) => words.check(),
            }
            .map_err(damaged)?;
        }
        if let Some(labels) = &self.labels
            && labels.columns.first() != Some(&self.target)
        {
            let problem = "its labels do not begin with it";
            return Err(TabularError::Encoding { column: self.target.clone(), problem });
        }
        match self.width() {
            0 => Err(TabularError::NoFeatures { reasons: Vec::new() }),
            _ => Ok(()),
        }
    }
}

impl Encoding {
    /// The kind of columns that it is for.
    pub fn kind(&self) -> ColumnKind {
        match self {
            Encoding::Number(_) => ColumnKind::Number,
            Encoding::Category(_) => ColumnKind::Category,
            Encoding::Date(_) => ColumnKind::Date,
            Encoding::Words(_) => ColumnKind::Text,
        }
    }

    /// Whether a cell says something to it: of numbers and dates also that it is missing, of categories a value that the training
    /// rows had.
    pub fn reads(&self, cell: &str) -> bool {
        let cell = cell.trim();
        match self {
            _ if cell.is_empty() => true,
            Encoding::Number(number) => !matches!(number.format.parse(cell), Number::Text),
            Encoding::Date(date) => is_missing(cell) || date.format.parse(cell).is_some(),
            Encoding::Category(category) => {
                category.other || category.values.iter().any(|value| value == cell)
            }
            Encoding::Words(_) => true,
        }
    }

    /// How many numbers a cell becomes.
    pub fn width(&self) -> usize {
        match self {
            Encoding::Number(number) => number.width(),
            Encoding::Category(category) => category.width(),
            Encoding::Date(date) => date.width(),
            Encoding::Words(words) => words.width(),
        }
    }

    /// Appends the numbers of a cell.
    pub fn encode(&self, cell: &str, out: &mut Vec<f32>) {
        match self {
            Encoding::Number(number) => number.encode(cell, out),
            Encoding::Category(category) => category.encode(cell, out),
            Encoding::Date(date) => date.encode(cell, out),
            Encoding::Words(words) => words.encode(cell, out),
        }
    }

    /// Appends the numbers of a cell that is a number already, however the training rows wrote theirs.
    pub fn encode_number(&self, number: f64, out: &mut Vec<f32>) {
        match self {
            Encoding::Number(encoding) => encoding.encode_number(Some(number as f32), out),
            other => other.encode(&number.to_string(), out),
        }
    }

    fn names(&self, column: &str) -> Vec<String> {
        match self {
            Encoding::Number(number) => number.names(column),
            Encoding::Category(category) => category.names(column),
            Encoding::Date(date) => date.names(column),
            Encoding::Words(words) => words.names(column),
        }
    }
}

/// Brings numbers to mean 0 and deviation 1; what does not vary becomes 0.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standard {
    /// The mean of the training rows.
    pub mean: f32,
    /// Their standard deviation, or 1 where they do not vary.
    pub std: f32,
}

impl Standard {
    fn fit(values: impl Iterator<Item = f32> + Clone) -> Self {
        let count = values.clone().count().max(1) as f64;
        let mean = values.clone().map(f64::from).sum::<f64>() / count;
        let variance = values.map(|value| (f64::from(value) - mean).powi(2)).sum::<f64>() / count;
        let std = variance.sqrt() as f32;
        Standard { mean: mean as f32, std: if std.is_normal() { std } else { 1.0 } }
    }

    fn of(self, value: f32) -> f32 {
        (value - self.mean) / self.std
    }

    fn check(self) -> Result<(), &'static str> {
        match self.mean.is_finite() && self.std.is_finite() && self.std > 0.0 {
            true => Ok(()),
            false => Err("a mean or deviation is no number, or not above 0"),
        }
    }
}

#[cfg(test)]
mod tests;
