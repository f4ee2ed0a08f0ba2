//! The columns of a table: their names, and which is which.

use std::collections::HashMap;

use fireclay_tabular::{Number, NumberFormat};

use super::options::TableHeader;
use super::records::Row;
use super::{Column, TableProblem};

/// Whether the first row is a header.
pub(super) fn is_header(
    header: TableHeader,
    by_name: bool,
    first: &Row,
    second: Option<&Row>,
) -> Result<bool, TableProblem> {
    let is_number = |field: &str| matches!(NumberFormat::Point.parse(field), Number::Finite(_));
    let has_number = |row: &Row| row.iter().any(is_number);
    match header {
        TableHeader::Yes => Ok(true),
        TableHeader::No => Ok(false),
        TableHeader::Guess if by_name => Ok(true),
        TableHeader::Guess if numbers_columns(first) => Ok(true),
        TableHeader::Guess if has_number(first) => Ok(false),
        TableHeader::Guess if second.is_some_and(has_number) => Ok(true),
        TableHeader::Guess => {
            Err(TableProblem::HeaderUnclear { first: first.iter().map(str::to_owned).collect() })
        }
    }
}

/// Whether a row is what pandas writes above columns without names: nothing, then 0, 1, 2 and so on.
fn numbers_columns(first: &Row) -> bool {
    let mut fields = first.iter().map(str::trim);
    fields.next() == Some("")
        && first.iter().count() > 2
        && fields.enumerate().all(|(at, field)| field == at.to_string())
}

/// The columns' names.
pub(super) struct Columns {
    pub(super) names: Vec<String>,
    pub(super) has_header: bool,
    by_name: HashMap<String, usize>,
}

impl Columns {
    pub(super) fn new(first: &Row, has_header: bool) -> Result<Self, TableProblem> {
        let name = |(index, field): (usize, &str)| match field.trim() {
            // An index that a tool wrote without a name is still a column.
            name if has_header && !name.is_empty() => name.to_owned(),
            _ if first.iter().any(|field| has_header && field.trim() == index.to_string()) => {
                format!("unnamed {index}")
            }
            _ => index.to_string(),
        };
        let names: Vec<String> = first.iter().enumerate().map(name).collect();
        let mut by_name = HashMap::new();
        for (second, name) in names.iter().enumerate() {
            if let Some(first) = by_name.insert(name.clone(), second) {
                return Err(TableProblem::DuplicateName { name: name.clone(), first, second });
            }
        }
        Ok(Self { names, has_header, by_name })
    }

    /// Where a column is.
    pub(super) fn find(&self, column: &Column) -> Result<usize, TableProblem> {
        let found = match column {
            Column::Name(name) if !self.has_header => {
                return Err(TableProblem::NoHeader { name: name.clone() });
            }
            Column::Name(name) => self.by_name.get(name.trim()).copied(),
            Column::Index(index) => (*index < self.names.len()).then_some(*index),
        };
        found.ok_or_else(|| TableProblem::NoColumn {
            name: match column {
                Column::Name(name) => name.clone(),
                Column::Index(index) => index.to_string(),
            },
            names: self.names.clone(),
        })
    }

    pub(super) fn find_all(&self, columns: &[Column]) -> Result<Vec<usize>, TableProblem> {
        columns.iter().map(|column| self.find(column)).collect()
    }

    /// How another table's column of the same meaning is found: by name where there are names.
    pub(super) fn as_found(&self, index: usize) -> Column {
        match self.has_header {
            true => Column::Name(self.names[index].clone()),
            false => Column::Index(index),
        }
    }
}
