//! The target column of a table, as it is read.

use fireclay_data::Targets;
use fireclay_tabular::{Number, NumberFormat};

use super::TableProblem;
use super::categories::{Categories, MOST_CLASSES};
use super::plan::Schema;
use super::records::Row;

pub(super) struct TargetColumn {
    index: usize,
    name: String,
    kind: Kind,
}

enum Kind {
    Classes { categories: Categories, labels: Vec<u32> },
    Values(Vec<f32>),
}

impl TargetColumn {
    pub(super) fn new(names: &[String], index: usize, wants_classes: bool, like: Option<&Schema>) -> Self {
        let known = like.and_then(|schema| schema.classes.as_deref());
        let kind = match wants_classes {
            true => Kind::Classes { categories: Categories::new(known, MOST_CLASSES), labels: Vec::new() },
            false => Kind::Values(Vec::new()),
        };
        Self { index, name: names[index].clone(), kind }
    }

    /// Whether the target is there; before anything of the row is kept.
    pub(super) fn check(&self, row: &Row) -> Result<(), TableProblem> {
        let field = row.get(self.index).trim();
        let (line, column, found) = (row.line, || self.name.clone(), || field.to_owned());
        match (&self.kind, NumberFormat::Point.parse(field)) {
            (Kind::Classes { .. }, _) if field.is_empty() => {
                Err(TableProblem::NoLabel { line, column: column() })
            }
            (Kind::Classes { .. }, _) | (_, Number::Finite(_)) => Ok(()),
            (_, Number::Text) => Err(TableProblem::NotATarget { line, column: column(), found: found() }),
            (_, Number::Missing) => Err(TableProblem::Missing { line, column: column(), found: found() }),
        }
    }

    pub(super) fn push(&mut self, row: &Row) -> Result<(), TableProblem> {
        let field = row.get(self.index);
        match &mut self.kind {
            Kind::Classes { categories, labels } => {
                labels.push(categories.number(field, row.line, &self.name)?);
            }
            // Checked before; the other kinds were refused.
            Kind::Values(values) => values.push(match NumberFormat::Point.parse(field) {
                Number::Finite(number) => number,
                _ => 0.0,
            }),
        }
        Ok(())
    }

    pub(super) fn finished(self) -> Targets {
        match self.kind {
            Kind::Classes { categories, labels } => {
                let (names, becomes) = categories.sorted();
                let place = |met: u32| becomes.get(met as usize).copied().unwrap_or(met);
                Targets::Classes { labels: labels.into_iter().map(place).collect(), names }
            }
            Kind::Values(values) => Targets::Values { width: 1, values },
        }
    }
}
