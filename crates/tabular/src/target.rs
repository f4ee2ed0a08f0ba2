//! The column to predict.

use std::collections::HashMap;

use fireclay_data::Targets;
use serde::Serialize;

use crate::labels::{LabelColumns, sort_labels};
use crate::number::{Number, NumberFormat, is_missing};
use crate::{Frame, Profile, TabularError};

/// More different labels than this are no labels.
const MOST_CLASSES: usize = 65_536;

/// Fewer rows than this do not show that classes hardly repeat.
const FEW_ROWS: usize = 40;

/// A column of numbers with this many different whole values at most holds classes.
const MOST_WHOLE_CLASSES: usize = 10;

/// Names by which a target is often called.
const USUAL_NAMES: [&str; 12] = [
    "target", "label", "class", "y", "outcome", "response", "survived", "species", "default", "churn",
    "price", "quality",
];

/// What is to be predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TableTask {
    /// One of several classes.
    Classification,
    /// A number.
    Regression,
    /// Any number of labels.
    MultiLabel,
}

/// The column to predict, and what its cells mean.
#[derive(Clone, Debug, PartialEq)]
pub struct TargetColumn {
    /// Its name.
    pub column: String,
    /// The classes, sorted, as numbers if all of them are numbers; empty where numbers are predicted.
    pub classes: Vec<String>,
    /// How its numbers are written, where numbers are predicted.
    pub format: NumberFormat,
    /// Where the labels are, where several may hold; the classes are their names then, and the column is the first of theirs.
    pub labels: Option<LabelColumns>,
}

impl TargetColumn {
    /// The column that is most likely to be predicted, and why: one that is called as targets often are, or the last one.
    ///
    /// # Errors
    /// [`TabularError::NoFeatures`] if there are no columns.
    pub fn guess(frame: &Frame) -> Result<(String, String), TabularError> {
        let usual = USUAL_NAMES
            .iter()
            .find_map(|usual| frame.names().iter().find(|name| name.trim().eq_ignore_ascii_case(usual)));
        if let Some(name) = usual {
            return Ok((name.clone(), "it is called as targets often are".into()));
        }
        let last = frame.names().last().ok_or(TabularError::NoFeatures { reasons: Vec::new() })?;
        Ok((last.clone(), "it is the last column".into()))
    }

    /// What a column asks for, and why.
    ///
    /// # Errors
    /// [`TabularError::NoColumn`].
    pub fn task(frame: &Frame, column: &str) -> Result<(TableTask, String), TabularError> {
        let profile = Profile::of(frame, frame.find(column)?);
        let distinct = profile.values.len();
        let classes = |reason| Ok((TableTask::Classification, reason));
        let stated = profile.present() - profile.missing_words;
        let strays = stated - profile.numbers;
        if strays > 0 && 50 * strays <= stated && distinct > MOST_WHOLE_CLASSES {
            return Ok((
                TableTask::Regression,
                format!("{column:?} holds numbers in all but {strays} of {stated} rows"),
            ));
        }
        if profile.numbers + profile.missing_words < profile.present() {
            return classes(format!("{column:?} has {distinct} different values, which are no numbers"));
        }
        if distinct <= MOST_WHOLE_CLASSES
            && profile.whole == profile.numbers
            && 5 * distinct <= profile.present().max(10)
        {
            return classes(format!(
                "{column:?} has only {distinct} different values, all of them whole numbers"
            ));
        }
        let many = if profile.has_more_values { "more than " } else { "" };
        Ok((TableTask::Regression, format!("{column:?} holds numbers, {many}{distinct} different ones")))
    }

    /// Classes: the different values of a column.
    ///
    /// # Errors
    /// If there is no such column, a row has no value there, or there is one class or too many.
    pub fn classes(frame: &Frame, column: &str) -> Result<Self, TabularError> {
        let index = frame.find(column)?;
        let mut classes: Vec<String> = Vec::new();
        let mut seen = HashMap::new();
        for (row, cell) in frame.column(index).map(str::trim).enumerate() {
            if cell.is_empty() {
                return Err(TabularError::NoTarget { row, column: column.to_owned() });
            }
            if seen.insert(cell, ()).is_none() {
                classes.push(cell.to_owned());
            }
            if classes.len() > MOST_CLASSES {
                return Err(TabularError::TooManyClasses { column: column.to_owned(), limit: MOST_CLASSES });
            }
        }
        match classes.as_slice() {
            [] => return Err(TabularError::NoRows),
            [class] => {
                return Err(TabularError::OneClass { column: column.to_owned(), class: class.clone() });
            }
            _ => {}
        }
        if frame.len() >= FEW_ROWS && 2 * classes.len() > frame.len() {
            let (distinct, rows) = (classes.len(), frame.len());
            return Err(TabularError::HardlyRepeated { column: column.to_owned(), distinct, rows });
        }
        sort_labels(&mut classes, String::as_str);
        Ok(TargetColumn { column: column.to_owned(), classes, format: NumberFormat::default(), labels: None })
    }

    /// Numbers.
    ///
    /// # Errors
    /// If there is no such column, or a row has no number there.
    pub fn numbers(frame: &Frame, column: &str) -> Result<Self, TabularError> {
        let index = frame.find(column)?;
        let format = Profile::of(frame, index).format;
        let target = TargetColumn { column: column.to_owned(), classes: Vec::new(), format, labels: None };
        target.of(frame)?;
        Ok(target)
    }

    /// Labels, of which any number may hold: of several columns each is one and says yes or no, a single one has the names of
    /// those that hold, with semicolons, bars or commas between.
    ///
    /// # Errors
    /// If there is no such column, or a single one has fewer than two labels.
    pub fn labels(frame: &Frame, columns: &[String]) -> Result<Self, TabularError> {
        let (labels, names) = LabelColumns::of(frame, columns)?;
        let column = columns.first().cloned().unwrap_or_default();
        Ok(TargetColumn { column, classes: names, format: NumberFormat::default(), labels: Some(labels) })
    }

    /// Whether a column is the target, or one of them.
    pub fn is_target(&self, name: &str) -> bool {
        name == self.column
            || self.labels.as_ref().is_some_and(|labels| labels.columns.iter().any(|c| c == name))
    }

    /// What is predicted.
    pub fn what(&self) -> TableTask {
        match (self.labels.is_some(), self.classes.is_empty()) {
            (true, _) => TableTask::MultiLabel,
            (false, true) => TableTask::Regression,
            (false, false) => TableTask::Classification,
        }
    }

    /// The rows that say what the target is: see [`rows_with_value`](Self::rows_with_value).
    ///
    /// # Errors
    /// [`TabularError::NoColumn`].
    pub fn rows_with_target(&self, frame: &Frame) -> Result<Vec<usize>, TabularError> {
        match &self.labels {
            None => Self::rows_with_value(frame, &self.column, self.what()),
            Some(labels) => {
                let mut rows = Vec::new();
                for row in 0..frame.len() {
                    if labels.is_said(frame, row)? {
                        rows.push(row);
                    }
                }
                Ok(rows)
            }
        }
    }

    /// The targets of a table's rows.
    ///
    /// # Errors
    /// If there is no such column, or a row has no value there, or one that cannot be.
    pub fn of(&self, frame: &Frame) -> Result<Targets, TabularError> {
        if let Some(labels) = &self.labels {
            return labels.targets(frame, &self.classes);
        }
        let index = frame.find(&self.column)?;
        let cells = frame.column(index).map(str::trim).enumerate();
        let column = || self.column.clone();
        if self.classes.is_empty() {
            let number = |(row, cell): (usize, &str)| match self.format.parse(cell) {
                Number::Finite(number) => Ok(number),
                Number::Missing => Err(TabularError::NoTarget { row, column: column() }),
                Number::Text => {
                    Err(TabularError::NotANumber { row, column: column(), found: cell.to_owned() })
                }
            };
            return Ok(Targets::Values { width: 1, values: cells.map(number).collect::<Result<_, _>>()? });
        }
        let places: HashMap<&str, u32> = self.classes.iter().map(String::as_str).zip(0..).collect();
        // `1` and `1.0`, `True` and `true` are one class, unless the training rows tell them apart.
        let key = |cell: &str| match cell.parse::<f64>() {
            Ok(number) => number.to_string(),
            Err(_) => cell.to_lowercase(),
        };
        let mut alike: HashMap<String, Option<u32>> = HashMap::new();
        for (class, label) in self.classes.iter().zip(0..) {
            alike.entry(key(class)).and_modify(|known| *known = None).or_insert(Some(label));
        }
        let find =
            |cell: &str| places.get(cell).copied().or_else(|| alike.get(&key(cell)).copied().flatten());
        let label = |(row, cell): (usize, &str)| match find(cell) {
            Some(label) => Ok(label),
            None if cell.is_empty() => Err(TabularError::NoTarget { row, column: column() }),
            None => Err(TabularError::UnknownClass {
                row,
                column: column(),
                found: cell.to_owned(),
                classes: self.classes.clone(),
            }),
        };
        Ok(Targets::Classes {
            labels: cells.map(label).collect::<Result<_, _>>()?,
            names: self.classes.clone(),
        })
    }

    /// The rows that have a value in the target column: any for classes, of numbers also none of the words for nothing.
    ///
    /// # Errors
    /// [`TabularError::NoColumn`].
    pub fn rows_with_value(frame: &Frame, column: &str, task: TableTask) -> Result<Vec<usize>, TabularError> {
        let has_value = |cell: &str| match task {
            TableTask::Classification | TableTask::MultiLabel => !cell.trim().is_empty(),
            TableTask::Regression => !is_missing(cell),
        };
        let cells = frame.column(frame.find(column)?).enumerate();
        Ok(cells.filter(|(_, cell)| has_value(cell)).map(|(row, _)| row).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(cells: &[&str]) -> Frame {
        let mut frame = Frame::new(["x", "y"]).unwrap();
        cells.iter().for_each(|cell| frame.push(["1", cell]).unwrap());
        frame
    }

    #[test]
    fn a_column_asks_for_classes_or_numbers() {
        let task = |cells: &[&str]| TargetColumn::task(&frame(cells), "y").unwrap().0;
        assert_eq!(task(&["yes", "no", "yes"]), TableTask::Classification);
        assert_eq!(task(&["1.5", "2.5", "7.25"]), TableTask::Regression);
        let (few, many): (Vec<String>, Vec<String>) =
            (0..100).map(|i| ((i % 3).to_string(), (i * 7).to_string())).unzip();
        let of = |cells: &[String]| task(&cells.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!((of(&few), of(&many)), (TableTask::Classification, TableTask::Regression));
    }

    #[test]
    fn classes_are_sorted_and_known_to_other_tables() {
        let target = TargetColumn::classes(&frame(&["10", " 9", "9", "-1"]), "y").unwrap();
        assert_eq!(target.classes, ["-1", "9", "10"]);
        let Targets::Classes { labels, .. } = target.of(&frame(&["9", "10"])).unwrap() else { panic!() };
        assert_eq!(labels, [1, 2]);
        let message = target.of(&frame(&["9", "11"])).unwrap_err().to_string();
        assert!(message.contains("row 1") && message.contains("\"11\""), "{message}");
        assert!(matches!(target.of(&frame(&[""])), Err(TabularError::NoTarget { row: 0, .. })));
    }

    #[test]
    fn one_class_cannot_be_learnt() {
        let message = TargetColumn::classes(&frame(&["a", "a "]), "y").unwrap_err().to_string();
        assert!(message.contains("one class cannot be learnt"), "{message}");
    }

    #[test]
    fn numbers_are_read_as_they_are_written() {
        let cells = frame(&["1,5", "2"]);
        let target = TargetColumn::numbers(&cells, "y").unwrap();
        assert_eq!(target.of(&cells).unwrap(), Targets::Values { width: 1, values: vec![1.5, 2.0] });
        assert!(TargetColumn::numbers(&frame(&["1", "x"]), "y").is_err());
        let rows = |task| TargetColumn::rows_with_value(&frame(&["1", "", "3", "none"]), "y", task).unwrap();
        assert_eq!(
            (rows(TableTask::Regression), rows(TableTask::Classification)),
            (vec![0, 2], vec![0, 2, 3])
        );
    }

    #[test]
    fn a_target_is_guessed_by_name_or_place() {
        assert_eq!(TargetColumn::guess(&frame(&[])).unwrap().0, "y");
        let names = Frame::new(["Label", "size"]).unwrap();
        assert_eq!(TargetColumn::guess(&names).unwrap().0, "Label");
        let names = Frame::new(["size", "weight"]).unwrap();
        assert_eq!(TargetColumn::guess(&names).unwrap(), ("weight".into(), "it is the last column".into()));
    }
}
