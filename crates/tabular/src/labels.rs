//! Several labels for a row, each of which holds or does not.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};

use fireclay_data::Targets;
use serde::{Deserialize, Serialize};

use crate::{Frame, TabularError};

/// What may stand between the labels of one cell, the first that occurs.
const SEPARATORS: [char; 3] = [';', '|', ','];

/// More different names than this are no labels.
const MOST_LABELS: usize = 1_024;

/// Where the labels of a row are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelColumns {
    /// The columns: one for each label, with yes and no, or a single one with the names of those that hold.
    pub columns: Vec<String>,
    /// What stands between the names in a single column; `None` where each label has a column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub separator: Option<char>,
}

impl LabelColumns {
    /// A column for each label, or for a single column the names in its cells; the labels' names, in order.
    pub(crate) fn of(frame: &Frame, columns: &[String]) -> Result<(Self, Vec<String>), TabularError> {
        let [column] = columns else {
            for (at, column) in columns.iter().enumerate() {
                frame.find(column)?;
                if let Some(first) = columns[..at].iter().position(|known| known == column) {
                    return Err(TabularError::SameName { name: column.clone(), first, second: at });
                }
            }
            if columns.is_empty() {
                return Err(TabularError::NoFeatures { reasons: vec!["no target column is named".into()] });
            }
            return Ok((LabelColumns { columns: columns.to_vec(), separator: None }, columns.to_vec()));
        };
        let index = frame.find(column)?;
        let occurs = |separator: &char| frame.column(index).any(|cell| cell.contains(*separator));
        let separator = SEPARATORS.into_iter().find(occurs).unwrap_or(SEPARATORS[0]);
        let mut names: BTreeSet<&str> = BTreeSet::new();
        for name in frame.column(index).flat_map(|cell| parts(cell, separator)) {
            names.insert(name);
            if names.len() > MOST_LABELS {
                return Err(TabularError::TooManyClasses { column: column.clone(), limit: MOST_LABELS });
            }
        }
        let mut names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        if let [class] = names.as_slice() {
            return Err(TabularError::OneClass { column: column.clone(), class: class.clone() });
        }
        if names.is_empty() {
            return Err(TabularError::NoTarget { row: 0, column: column.clone() });
        }
        sort_labels(&mut names, String::as_str);
        Ok((LabelColumns { columns: columns.to_vec(), separator: Some(separator) }, names))
    }

    /// The targets of a table's rows.
    pub(crate) fn targets(&self, frame: &Frame, names: &[String]) -> Result<Targets, TabularError> {
        let mut values = Vec::with_capacity(frame.len() * names.len());
        let known: HashMap<&str, usize> = names.iter().map(String::as_str).zip(0..).collect();
        let places: Vec<usize> =
            self.columns.iter().map(|column| frame.find(column)).collect::<Result<_, _>>()?;
        for row in 0..frame.len() {
            match (self.separator, places.as_slice()) {
                (Some(separator), [place, ..]) => {
                    let start = values.len();
                    values.resize(start + names.len(), 0.0);
                    for name in parts(frame.cell(row, *place), separator) {
                        let Some(label) = known.get(name) else {
                            return Err(TabularError::UnknownClass {
                                row,
                                column: self.columns[0].clone(),
                                found: name.to_owned(),
                                classes: names.to_vec(),
                            });
                        };
                        values[start + label] = 1.0;
                    }
                }
                _ => {
                    for (place, column) in places.iter().zip(&self.columns) {
                        let cell = frame.cell(row, *place);
                        let holds = yes_or_no(cell).ok_or_else(|| match cell.trim().is_empty() {
                            true => TabularError::NoTarget { row, column: column.clone() },
                            false => TabularError::NotYesOrNo {
                                row,
                                column: column.clone(),
                                found: cell.trim().to_owned(),
                            },
                        })?;
                        values.push(f32::from(u8::from(holds)));
                    }
                }
            }
        }
        Ok(Targets::Labels { values, names: names.to_vec() })
    }

    /// Whether a row says of each label whether it holds; in a single column an empty cell says that none does.
    pub(crate) fn is_said(&self, frame: &Frame, row: usize) -> Result<bool, TabularError> {
        if self.separator.is_some() {
            return Ok(true);
        }
        let mut said = true;
        for column in &self.columns {
            said &= !frame.cell(row, frame.find(column)?).trim().is_empty();
        }
        Ok(said)
    }
}

/// The names in a cell.
fn parts(cell: &str, separator: char) -> impl Iterator<Item = &str> {
    cell.split(separator).map(str::trim).filter(|part| !part.is_empty())
}

fn yes_or_no(cell: &str) -> Option<bool> {
    match cell.trim().to_lowercase().as_str() {
        "1" | "1.0" | "yes" | "y" | "true" | "t" | "x" => Some(true),
        "0" | "0.0" | "no" | "n" | "false" | "f" | "-" => Some(false),
        _ => None,
    }
}

/// Sorts by labels: as numbers if all of them are numbers, else as texts.
pub fn sort_labels<T>(items: &mut [T], label: impl Fn(&T) -> &str) {
    let number = |item: &T| label(item).parse::<f64>().ok().filter(|number| number.is_finite());
    let all_numbers = items.iter().all(|item| number(item).is_some());
    items.sort_by(|a, b| {
        let by_number = match (number(a), number(b)) {
            (Some(a), Some(b)) if all_numbers => a.total_cmp(&b),
            _ => Ordering::Equal,
        };
        by_number.then_with(|| label(a).cmp(label(b)))
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EncodingOptions, TablePreprocessing, TableTask, TargetColumn};

    fn frame(names: &[&str], rows: &[&[&str]]) -> Frame {
        let mut frame = Frame::new(names.iter().copied()).unwrap();
        rows.iter().for_each(|row| frame.push(row.iter().copied()).unwrap());
        frame
    }

    fn values(target: &TargetColumn, frame: &Frame) -> Vec<f32> {
        let Targets::Labels { values, .. } = target.of(frame).unwrap() else { panic!() };
        values
    }

    #[test]
    fn labels_have_a_column_each_or_one_for_all() {
        let each = frame(&["size", "rain", "wind"], &[&["1", "yes", "0"], &["2", "No", "true"]]);
        let target = TargetColumn::labels(&each, &["rain".into(), "wind".into()]).unwrap();
        assert_eq!(
            (target.what(), target.classes.as_slice()),
            (TableTask::MultiLabel, &["rain".into(), "wind".into()][..])
        );
        assert_eq!(values(&target, &each), [1.0, 0.0, 0.0, 1.0]);
        let fitted = TablePreprocessing::fit(&each, &target, &EncodingOptions::default()).unwrap();
        assert_eq!(fitted.features(), ["size"], "no label is learnt from");
        assert_eq!(fitted.target_column(&target.classes).labels, target.labels);

        for columns in [vec![], vec!["wind".to_owned()]] {
            let labels = Some(LabelColumns { columns, separator: None });
            let damaged = TablePreprocessing { labels, ..fitted.clone() };
            let message = damaged.check().unwrap_err().to_string();
            assert!(message.contains("\"rain\" is damaged"), "{message}");
        }

        let tags = frame(&["size", "tags"], &[&["1", "wind; rain"], &["2", ""], &["3", "rain"]]);
        let target = TargetColumn::labels(&tags, &["tags".into()]).unwrap();
        assert_eq!(target.classes, ["rain", "wind"]);
        assert_eq!(values(&target, &tags), [1.0, 1.0, 0.0, 0.0, 1.0, 0.0]);
        let other = frame(&["tags"], &[&["snow"]]);
        assert!(matches!(target.of(&other), Err(TabularError::UnknownClass { .. })));
    }

    #[test]
    fn what_is_neither_yes_nor_no_is_refused() {
        let odd = frame(&["rain", "wind"], &[&["perhaps", "0"]]);
        let target = TargetColumn::labels(&odd, &["rain".into(), "wind".into()]).unwrap();
        let message = target.of(&odd).unwrap_err().to_string();
        assert!(message.contains("\"perhaps\"") && message.contains("yes or no"), "{message}");
        let empty = frame(&["rain", "wind"], &[&["1", ""], &["1", "0"]]);
        assert_eq!(target.rows_with_target(&empty).unwrap(), [1]);
        assert!(TargetColumn::labels(&odd, &["rain".into(), "snow".into()]).is_err());
    }
}
