//! Which table, and what is to be predicted from it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::ValueEnum;
use fireclay::data::{
    ColumnCheck, ColumnEncoding, ColumnKind, Dataset, DatasetsError, EncodingOptions, Frame, Normalization,
    Provenance, TableDataset, TablePreprocessing, TableProblem, TableRows, TableTask, TabularError,
    TargetColumn, sha256, split_indices,
};
use fireclay::report::Content;
use fireclay::store::ModelCard;
use fireclay::train::table_preprocessing;
use fireclay_cli::{Limit, Output, Part, TEST_FRACTION, TableFormat, count, listed};
use serde::{Deserialize, Serialize};

use crate::error::AppError;

/// By which one's own rows are split where there is no test part.
const SPLIT_SEED: u64 = 0;

/// Names that a line lists.
const MOST_LISTED: usize = 8;

/// What to predict.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// One of several classes
    Classification,
    /// A number
    Regression,
    /// Any number of labels: several target columns of yes and no, or one with names and semicolons between
    MultiLabel,
}

/// Where a table is and how it is read: what a checkpoint keeps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableSource {
    pub table: PathBuf,
    pub test: Option<PathBuf>,
    pub validation: Option<PathBuf>,
    pub target: Vec<String>,
    pub task: Option<Task>,
    pub ignore: Vec<String>,
    pub category: Vec<String>,
    pub format: TableFormat,
}

/// The cells of both parts, and what is predicted from which columns.
pub struct TableParts {
    pub train: Frame,
    pub test: Frame,
    pub target: TargetColumn,
    pub options: EncodingOptions,
}

impl TableSource {
    /// Training and test rows; what was found and decided is said in a line each.
    pub fn load(&self, limit: Limit, output: &Arc<Output>) -> Result<(Dataset, Dataset), DatasetsError> {
        let parts = self.parts(output)?;
        let TableParts { train, target, options, .. } = &parts;
        say_columns(train, target, options, output).map_err(|error| refuse(&self.table, error))?;
        let check = ColumnCheck::of(train, target, options).map_err(|error| refuse(&self.table, error))?;
        check.warnings().iter().for_each(|warning| output.warn(format!("data: {warning}")));
        let (train, test) = self.datasets(&parts)?;
        Ok((limit.dataset(train)?, limit.dataset(test)?))
    }

    /// The cells of both parts; how the table is written and what is predicted is said.
    pub fn parts(&self, output: &Output) -> Result<TableParts, DatasetsError> {
        let wrong = |error| refuse(&self.table, error);
        let frame = self.read(&self.table, output)?;
        let (targets, why) = match self.target.as_slice() {
            [] => {
                let left: Vec<&String> =
                    frame.names().iter().filter(|name| !self.ignore.contains(name)).collect();
                let names = Frame::new(left.into_iter().cloned()).map_err(wrong)?;
                let (target, why) = TargetColumn::guess(&names).map_err(wrong)?;
                (vec![target], why)
            }
            targets => (targets.to_vec(), "you say so".to_string()),
        };
        let named: Vec<String> = targets.iter().map(|target| format!("{target:?}")).collect();
        output.note(format!("target: {}, since {why}", named.join(", ")));
        if let Some(column) = targets.iter().find(|target| self.ignore.contains(target)) {
            return Err(wrong(TabularError::IgnoredTarget { column: column.clone() }));
        }
        let target = targets[0].clone();
        let (task, why) = match self.task {
            Some(Task::Classification) => (TableTask::Classification, "you say so".to_string()),
            Some(Task::Regression) => (TableTask::Regression, "you say so".to_string()),
            Some(Task::MultiLabel) => (TableTask::MultiLabel, "you say so".to_string()),
            None if targets.len() > 1 => {
                (TableTask::MultiLabel, "there are several target columns".to_string())
            }
            None => TargetColumn::task(&frame, &target).map_err(wrong)?,
        };
        let what = match task {
            TableTask::Classification => "classification",
            TableTask::Regression => "regression",
            TableTask::MultiLabel => "multi-label",
        };
        output.note(format!("task: {what}, since {why}"));
        if targets.len() > 1 && task != TableTask::MultiLabel {
            return Err(wrong(TabularError::SeveralTargets { columns: targets }));
        }
        let frame = match task {
            TableTask::MultiLabel => frame,
            _ => with_value(frame, &self.table, &target, task, output)?,
        };
        let column = match task {
            TableTask::Classification => TargetColumn::classes(&frame, &target),
            TableTask::Regression => TargetColumn::numbers(&frame, &target),
            TableTask::MultiLabel => TargetColumn::labels(&frame, &targets),
        }
        .map_err(wrong)?;
        let frame = with_target(frame, &self.table, &column, output)?;

        let (train, test) = match &self.test {
            Some(path) => {
                let test = with_target(self.read(path, output)?, path, &column, output)?;
                (frame, test)
            }
            None => {
                output.note("a fifth of the rows is held out for the test, as no test table was named");
                split(&frame, &column).map_err(wrong)?
            }
        };
        Ok(TableParts { train, test, target: column, options: self.encoding() })
    }

    /// Some test rows as they were read; empty if they cannot be had again, as where only a part of them was used.
    pub fn originals(&self, test: &Dataset, indices: &[usize]) -> Vec<Content> {
        let Ok(parts) = self.parts(&Output::silent()) else { return Vec::new() };
        let rows = parts.test;
        if rows.len() != test.len() {
            return Vec::new();
        }
        let cells = |row: usize| {
            let cell = |(column, name): (usize, &String)| (name.clone(), rows.cell(row, column).to_owned());
            Content::Row(rows.names().iter().enumerate().map(cell).collect())
        };
        indices.iter().map(|row| cells(*row)).collect()
    }

    /// Both parts as samples.
    pub fn datasets(&self, parts: &TableParts) -> Result<(Dataset, Dataset), DatasetsError> {
        let TableParts { train, test, target, options } = parts;
        let preprocessing =
            TablePreprocessing::fit(train, target, options).map_err(|error| refuse(&self.table, error))?;
        let dataset = |frame: &Frame, path: &Path, split: &str| {
            Dataset::from_frame(frame, &preprocessing, target, provenance(frame, path, split))
                .map_err(|error| refuse(path, error))
        };
        let train = dataset(train, &self.table, "train")?;
        let test = dataset(test, self.test.as_ref().unwrap_or(&self.table), "test")?;
        Ok(match target.what() {
            TableTask::Classification | TableTask::MultiLabel => (train, test),
            TableTask::Regression => {
                let train = train.with_standardized_targets()?;
                let test = test.with_target_scale(train.target_scale())?;
                (train, test)
            }
        })
    }

    /// The rows of the validation table, if one is named, as the training rows are prepared.
    pub fn load_validation(
        &self,
        train: &Dataset,
        output: &Output,
    ) -> Result<Option<Dataset>, DatasetsError> {
        let (Some(path), Some(preprocessing)) = (&self.validation, train.table_preprocessing()) else {
            return Ok(None);
        };
        let of_table = TableSource { test: Some(path.clone()), ..self.clone() };
        let (_, validation) = of_table.rows_to_measure(preprocessing, train.class_names(), output)?;
        Ok(Some(validation.with_target_scale(train.target_scale())?.with_split("validation")))
    }

    /// The rows to measure a saved model on: those of the test table if one is named, else all of the table.
    pub fn load_part(
        &self,
        part: Part,
        limit: Limit,
        card: &ModelCard,
        output: &Arc<Output>,
    ) -> anyhow::Result<Dataset> {
        // Of this the file's name is not known here.
        let path = Path::new("the model");
        let Some(preprocessing) = table_preprocessing(path, card)? else {
            return Err(AppError::NoTable { path: path.to_path_buf() }.into());
        };
        let samples = match part {
            Part::Test => self.frame_to_measure(&preprocessing, card, output)?.1,
            Part::Train | Part::Own => {
                let of_table = TableSource { test: None, ..self.clone() };
                let all = of_table.frame_to_measure(&preprocessing, card, output)?.1;
                match &card.seen {
                    Some(seen) if part == Part::Train => all.subset(&all.seen_indices(seen))?,
                    _ => all,
                }
            }
        };
        Ok(limit.dataset(samples)?)
    }

    /// The cells of a column, of all rows that a saved model is measured on.
    pub fn cells(&self, column: &str, card: &ModelCard, output: &Arc<Output>) -> anyhow::Result<Vec<String>> {
        let path = Path::new("the model");
        let Some(preprocessing) = table_preprocessing(path, card)? else {
            return Err(AppError::NoTable { path: path.to_path_buf() }.into());
        };
        let (frame, _) = self.frame_to_measure(&preprocessing, card, output)?;
        let column = frame.find(column).map_err(|error| self.refuse(error))?;
        Ok(frame.column(column).map(str::to_owned).collect())
    }

    /// The cells of the rows to measure a saved model on, and the same as samples.
    pub fn frame_to_measure(
        &self,
        preprocessing: &TablePreprocessing,
        card: &ModelCard,
        output: &Arc<Output>,
    ) -> Result<(Frame, Dataset), DatasetsError> {
        let (frame, test) = self.rows_to_measure(preprocessing, &card.classes, output)?;
        let test = match &card.target_scale {
            Some(scale) => {
                let (mean, std) = (scale.mean.clone(), scale.std.clone());
                test.with_target_scale(Some(&Normalization { mean, std }))?
            }
            None => test,
        };
        Ok((frame, test))
    }

    /// An error of the rows that are measured, with their path.
    pub fn refuse(&self, error: TabularError) -> DatasetsError {
        refuse(self.test.as_ref().unwrap_or(&self.table), error)
    }

    fn rows_to_measure(
        &self,
        preprocessing: &TablePreprocessing,
        classes: &[String],
        output: &Output,
    ) -> Result<(Frame, Dataset), DatasetsError> {
        let (path, split) = match &self.test {
            Some(test) => (test, "test"),
            None => (&self.table, "all"),
        };
        let wrong = |error| refuse(path, error);
        let frame = self.read(path, output)?;
        let column = match (classes.is_empty(), &preprocessing.labels) {
            (true, None) => {
                let target = &preprocessing.target;
                let rows =
                    TargetColumn::rows_with_value(&frame, target, TableTask::Regression).map_err(wrong)?;
                TargetColumn::numbers(&frame.select(&rows), target).map_err(wrong)?
            }
            _ => preprocessing.target_column(classes),
        };
        let frame = with_target(frame, path, &column, output)?;
        for encoded in &preprocessing.columns {
            let index = frame.find(&encoded.name).map_err(wrong)?;
            let unread = frame.column(index).filter(|cell| !encoded.encoding.reads(cell)).count();
            if unread > 0 {
                output.warn(unread_cells(encoded, unread, frame.len()));
            }
        }
        let test = Dataset::from_frame(&frame, preprocessing, &column, provenance(&frame, path, split));
        let test = test.map_err(wrong)?;
        Ok((frame, test))
    }

    fn encoding(&self) -> EncodingOptions {
        EncodingOptions {
            ignore: self.ignore.clone(),
            kinds: self.category.iter().map(|name| (name.clone(), ColumnKind::Category)).collect(),
        }
    }

    fn read(&self, path: &Path, output: &Output) -> Result<Frame, DatasetsError> {
        let mut rows = TableRows::open(path, &self.format.options())?;
        let names = match rows.has_header() {
            true => "the first row names the columns",
            false => "the columns have no names, so they are called by their numbers from 0",
        };
        let frame = rows.read_all()?;
        output.note(format!(
            "{}: {} rows of {} columns; {names}",
            path.file_name().unwrap_or_default().to_string_lossy(),
            count(frame.len() as u64),
            frame.names().len()
        ));
        self.format.say(path, rows.dialect(), rows.over_lines(), output);
        Ok(frame)
    }
}

/// A table's error, with its path.
fn refuse(path: &Path, error: TabularError) -> DatasetsError {
    DatasetsError::File { path: path.to_owned(), problem: Box::new(TableProblem::Columns(error).into()) }
}

/// That some cells of a column say nothing to a model.
pub fn unread_cells(column: &ColumnEncoding, unread: usize, rows: usize) -> String {
    let what = match column.encoding.kind() {
        ColumnKind::Category => "values that the training rows did not have",
        ColumnKind::Date => "no dates as the training rows wrote them, and count as missing",
        _ => "no numbers as the training rows wrote them, and count as missing",
    };
    let [unread, rows] = [unread, rows].map(|rows| count(rows as u64));
    format!("data: column {:?}: {unread} of {rows} cells are {what}", column.name)
}

/// The rows that have a value in a column that is to be the target.
fn with_value(
    frame: Frame,
    path: &Path,
    target: &str,
    task: TableTask,
    output: &Output,
) -> Result<Frame, DatasetsError> {
    let rows = TargetColumn::rows_with_value(&frame, target, task).map_err(|error| refuse(path, error))?;
    these(frame, rows, path, target, output)
}

/// The rows that have a target.
fn with_target(
    frame: Frame,
    path: &Path,
    column: &TargetColumn,
    output: &Output,
) -> Result<Frame, DatasetsError> {
    let rows = column.rows_with_target(&frame).map_err(|error| refuse(path, error))?;
    these(frame, rows, path, &column.column, output)
}

/// Some rows; how many the others are is said.
fn these(
    frame: Frame,
    rows: Vec<usize>,
    path: &Path,
    target: &str,
    output: &Output,
) -> Result<Frame, DatasetsError> {
    let without = frame.len() - rows.len();
    if rows.is_empty() {
        return Err(refuse(path, TabularError::NoTarget { row: 0, column: target.to_owned() }));
    }
    if without == 0 {
        return Ok(frame);
    }
    output.warn(format!("{} rows have no {target:?} and are left out", count(without as u64)));
    Ok(frame.select(&rows))
}

/// A fifth of the rows, of each class if there are classes, is held out.
fn split(frame: &Frame, column: &TargetColumn) -> Result<(Frame, Frame), TabularError> {
    let targets = column.of(frame)?;
    let labels = targets.classes().map(|(labels, _)| labels);
    let (train, test) = split_indices(
        frame.len(),
        labels,
        labels.map_or(0, |_| column.classes.len()),
        TEST_FRACTION,
        SPLIT_SEED,
    )?;
    Ok((frame.select(&train), frame.select(&test)))
}

/// What the columns are taken for, a line for each kind.
fn say_columns(
    frame: &Frame,
    target: &TargetColumn,
    options: &EncodingOptions,
    output: &Output,
) -> Result<(), TabularError> {
    let inferred = TablePreprocessing::inferred(frame, &target.column, options)?;
    let kinds = [ColumnKind::Number, ColumnKind::Category, ColumnKind::Date, ColumnKind::Text];
    for kind in kinds {
        let names = inferred.iter().filter(|(name, found)| found.kind == kind && !target.is_target(name));
        let names: Vec<&str> = names.map(|(name, _)| name.as_str()).collect();
        if !names.is_empty() {
            output.note(format!("{}: {}", kind.name(), listed(&names, MOST_LISTED)));
        }
    }
    for (name, found) in
        inferred.iter().filter(|(name, found)| !target.is_target(name) && !found.kind.is_feature())
    {
        output.note(format!("left out: {name} ({})", found.reason));
    }
    Ok(())
}

fn provenance(frame: &Frame, path: &Path, split: &str) -> Provenance {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let source = format!("{} rows of the table {name}", frame.len());
    let mut provenance = Provenance::new(name, split, source).of_own_data();
    let cells = |column: usize| frame.column(column).flat_map(|cell| [cell.as_bytes(), &[0]]);
    let parts: Vec<&[u8]> = (0..frame.names().len()).flat_map(cells).collect();
    provenance.sha256 = Some(sha256::of_parts(&parts));
    provenance
}
