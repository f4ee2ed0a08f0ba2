//! Which columns are read, decided once the first rows are known.

use std::io::{Chain, Cursor, Read};
use std::path::Path;

use super::columns::{Columns, is_header};
use super::dialect::{Dialect, SAMPLE_BYTES, beginning, take_stated};
use super::encoding::Decoded;
use super::options::{TableOptions, TableTarget};
use super::records::{Records, Row, refuse};
use super::{Column, TableHeader, TableProblem};
use crate::DatasetsError;

/// A table whose header is read, and its first rows that had to be looked at.
pub(super) struct Opened<R> {
    pub(super) dialect: Dialect,
    pub(super) records: Records<Chain<Cursor<Vec<u8>>, Decoded<R>>>,
    pub(super) columns: Columns,
    waiting: Vec<Row>,
}

impl<R: Read> Opened<R> {
    /// A table of a target and what it is learnt from.
    pub(super) fn new(path: &Path, input: R, options: &TableOptions) -> Result<Self, DatasetsError> {
        Self::open(path, input, options, true)
    }

    /// A table of any columns, which the first row names unless it holds numbers.
    pub(super) fn of_any(path: &Path, input: R, options: &TableOptions) -> Result<Self, DatasetsError> {
        Self::open(path, input, options, false)
    }

    fn open(path: &Path, input: R, options: &TableOptions, has_target: bool) -> Result<Self, DatasetsError> {
        let read = |source| DatasetsError::Read { path: path.to_owned(), source };
        let mut input = Decoded::new(input, options.encoding).map_err(read)?;
        let (mut sample, is_whole) = beginning(&mut input, SAMPLE_BYTES).map_err(read)?;
        let stated = take_stated(&mut sample);
        let delimiter = options.delimiter.or(stated);
        let dialect = Dialect::find(path, &sample, is_whole, (delimiter, options.quotes));
        let dialect = Dialect { encoding: input.encoding(), ..dialect };
        let mut records = Records::new(path, Cursor::new(sample).chain(input), options.format(dialect))?;
        records.lines_before = u64::from(stated.is_some());
        let Some(first) = records.next()? else {
            return Err(refuse(path, TableProblem::Empty { found: "an empty file" }));
        };
        if has_target && first.iter().nth(1).is_none() {
            return Err(refuse(path, too_few(first.get(0))));
        }
        let second = records.next()?;
        let has_header = match is_header(options.header, options.names_columns(), &first, second.as_ref()) {
            Err(_) if !has_target => Ok(true),
            found => found,
        };
        let has_header = has_header.map_err(|problem| refuse(path, problem))?;
        let columns = Columns::new(&first, has_header).map_err(|problem| refuse(path, problem))?;
        let mut waiting: Vec<Row> = second.into_iter().collect();
        if !has_header {
            waiting.push(first);
        }
        if waiting.is_empty() {
            return Err(refuse(path, TableProblem::Empty { found: "only a header" }));
        }
        Ok(Self { dialect, records, columns, waiting })
    }

    pub(super) fn next(&mut self) -> Result<Option<Row>, DatasetsError> {
        match self.waiting.pop() {
            Some(row) => Ok(Some(row)),
            None => self.records.next(),
        }
    }
}

/// The columns of a table's target and of what it is predicted from.
#[derive(Clone, Debug)]
pub(super) struct Roles {
    pub(super) target: usize,
    pub(super) features: Vec<usize>,
}

/// For a table of numbers.
pub(super) fn number_roles(columns: &Columns, options: &TableOptions) -> Result<Roles, TableProblem> {
    let target = target(columns, options)?;
    let features = match &options.features {
        Some(features) => columns.find_all(features)?,
        None => (0..columns.names.len()).filter(|index| *index != target).collect(),
    };
    if features.is_empty() {
        return Err(TableProblem::TooFewColumns { names: columns.names.clone(), hint: "" });
    }
    let name = |index: usize| columns.names[index].clone();
    let mut seen = vec![false; columns.names.len()];
    for &index in &features {
        let (first, second) = ("a feature", if index == target { "the target" } else { "a feature again" });
        if index == target || seen[index] {
            return Err(TableProblem::TwoRoles { name: name(index), first, second });
        }
        seen[index] = true;
    }
    for index in columns.find_all(&options.one_hot)? {
        if index == target {
            let (first, second) = ("categories", "the target");
            return Err(TableProblem::TwoRoles { name: name(index), first, second });
        }
    }
    Ok(Roles { target, features })
}

/// For a table of texts: the text is the one feature.
pub(super) fn text_roles(columns: &Columns, options: &TableOptions) -> Result<Roles, TableProblem> {
    let text = options.text.as_ref().map(|column| columns.find(column)).transpose()?;
    let target = match (&options.target, text) {
        // The text may well be the last column; of two, the other is the label.
        (None, Some(text)) if columns.names.len() == 2 => 1 - text,
        _ => target(columns, options)?,
    };
    let others = || (0..columns.names.len()).filter(|index| *index != target);
    let text = match text {
        Some(text) if text == target => {
            let name = columns.names[text].clone();
            return Err(TableProblem::TwoRoles { name, first: "the text", second: "the target" });
        }
        Some(text) => text,
        None => match (others().next(), others().nth(1)) {
            (Some(text), None) => text,
            _ => {
                let names = others().map(|index| columns.names[index].clone()).collect();
                return Err(TableProblem::WhichText { names });
            }
        },
    };
    Ok(Roles { target, features: vec![text] })
}

fn target(columns: &Columns, options: &TableOptions) -> Result<usize, TableProblem> {
    match &options.target {
        Some(column) => columns.find(column),
        None => Ok(columns.names.len().saturating_sub(1)),
    }
}

/// A table of one column.
fn too_few(name: &str) -> TableProblem {
    let hint = match (name.contains(';'), name.contains('\t')) {
        (true, _) => ", perhaps a semicolon",
        (_, true) => ", perhaps a tab",
        _ => "",
    };
    TableProblem::TooFewColumns { names: vec![name.to_owned()], hint }
}

/// How another table is read as one was read: its columns are found as this one's were, by name where it has a header.
#[derive(Clone, Debug)]
pub(super) struct Schema {
    pub(super) options: TableOptions,
    /// The classes' names; `None` for numbers.
    pub(super) classes: Option<Vec<String>>,
    /// For each feature column its categories; `None` for numbers.
    pub(super) categories: Vec<Option<Vec<String>>>,
}

impl Schema {
    pub(super) fn new(
        columns: &Columns,
        roles: &Roles,
        options: &TableOptions,
        one_hot: &[usize],
        is_text: bool,
    ) -> Self {
        let found: Vec<Column> = roles.features.iter().map(|index| columns.as_found(*index)).collect();
        let options = TableOptions {
            header: if columns.has_header { TableHeader::Yes } else { TableHeader::No },
            text: found.first().cloned().filter(|_| is_text),
            features: (!is_text).then_some(found),
            target: Some(columns.as_found(roles.target)),
            one_hot: one_hot.iter().map(|index| columns.as_found(*index)).collect(),
            ..options.clone()
        };
        Self { options, classes: None, categories: Vec::new() }
    }

    pub(super) fn wants_classes(&self) -> bool {
        self.options.target_kind == TableTarget::Classes
    }
}
