//! A table of numbers: features and a target.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use fireclay_data::{Dataset, Provenance, Targets, sha256};
use fireclay_tabular::{Number, NumberFormat};

use super::TableProblem;
use super::categories::{Categories, MOST_CATEGORIES};
use super::dialect::Dialect;
use super::options::{MissingNumbers, TableOptions};
use super::plan::{Opened, Roles, Schema, number_roles};
use super::records::{Row, refuse};
use super::target::TargetColumn;
use crate::DatasetsError;
use crate::formats::digest;
use crate::formats::whole::{file_name, open};

/// A table of numbers, and how another one is read in the same way.
#[derive(Clone, Debug)]
pub struct Table {
    /// The rows, `[features]` numbers each, in the order of the file.
    pub dataset: Dataset,
    /// The features' names, in order; a column that was one-hot encoded gives `column=value` for each of its values.
    pub feature_names: Vec<String>,
    /// How many rows were left out for want of a number; see [`TableOptions::missing`].
    pub dropped: usize,
    /// How the file is written.
    pub dialect: Dialect,
    schema: Schema,
}

impl Table {
    /// Reads a CSV or TSV file: numbers to learn from, and a column to predict.
    ///
    /// Fields may stand in double quotes, with line breaks in them; lines may end as on any system, and a byte order
    /// mark is dropped. The text is UTF-8, UTF-16 with its byte order mark, or in the encoding that the options name. White space around numbers, labels and names does not count. Memory stays within the values' own
    /// size and one row's.
    ///
    /// Columns of very different ranges are best brought to one with [`Normalization::of`](fireclay_data::Normalization::of).
    ///
    /// ```
    /// use fireclay_datasets::{Table, TableOptions};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let (train_path, test_path) = (folder.path().join("train.csv"), folder.path().join("test.csv"));
    /// std::fs::write(&train_path, "length,width,kind\n5.1,3.5,tulip\n6.2,2.9,rose\n")?;
    /// let train = Table::load(&train_path, &TableOptions::default())?;
    /// assert_eq!(train.dataset.class_names(), ["rose", "tulip"]);
    /// assert_eq!((train.dataset.shape(), train.dataset.label(0)), (&[2][..], Some(1)));
    ///
    /// // Another file is read with this one's columns and classes, wherever its columns stand.
    /// std::fs::write(&test_path, "kind,length,width\ntulip,5.0,3.4\n")?;
    /// let test = train.load_like(&test_path)?;
    /// assert_eq!((test.feature_names, test.dataset.label(0)), (train.feature_names, Some(1)));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`DatasetsError::File`] with a [`TableProblem`] that names line and column, [`DatasetsError::Read`] if the file cannot be
    /// read.
    pub fn load(path: &Path, options: &TableOptions) -> Result<Self, DatasetsError> {
        read(path, open_table(path)?, options, None)
    }

    /// As [`Table::load`], from a file's bytes; `name` is what errors and provenance call it, and its ending decides
    /// what delimits fields.
    ///
    /// # Errors
    /// As [`Table::load`].
    pub fn from_bytes(name: &str, bytes: &[u8], options: &TableOptions) -> Result<Self, DatasetsError> {
        read(Path::new(name), bytes, options, None)
    }

    /// Reads another file with the columns, classes and categories of this one, which is the training table.
    ///
    /// # Errors
    /// As [`Table::load`], and if it has a label or a category that this one does not have.
    pub fn load_like(&self, path: &Path) -> Result<Self, DatasetsError> {
        read(path, open_table(path)?, &self.schema.options, Some(&self.schema))
    }
}

/// The file of a table.
pub(super) fn open_table(path: &Path) -> Result<File, DatasetsError> {
    Ok(open(path, "a CSV or TSV file")?.0)
}

fn read(
    path: &Path,
    input: impl Read,
    options: &TableOptions,
    like: Option<&Schema>,
) -> Result<Table, DatasetsError> {
    let refuse = |problem| refuse(path, problem);
    let mut opened = Opened::new(path, input, options)?;
    let roles = number_roles(&opened.columns, options).map_err(refuse)?;
    let one_hot = opened.columns.find_all(&options.one_hot).map_err(refuse)?;
    let mut schema = Schema::new(&opened.columns, &roles, options, &one_hot, false);
    let names = &opened.columns.names;
    let mut features = Features::new(names, &roles, &one_hot, like);
    let mut target = TargetColumn::new(names, roles.target, schema.wants_classes(), like);
    let (mut rows, mut dropped) = (0usize, 0usize);
    while let Some(row) = opened.next()? {
        rows += 1;
        match (features.check(&row).and_then(|()| target.check(&row)), options.missing) {
            (Err(TableProblem::Missing { .. } | TableProblem::NoLabel { .. }), MissingNumbers::DropRow) => {
                dropped += 1;
            }
            (Err(problem), _) => return Err(refuse(problem)),
            (Ok(()), _) => {
                features.push(&row).map_err(refuse)?;
                target.push(&row).map_err(refuse)?;
                if features.bytes(rows - dropped) > options.most_bytes {
                    let limit = options.most_bytes;
                    return Err(refuse(TableProblem::TooLarge { line: row.line, limit }));
                }
            }
        }
        opened.records.recycle(row);
    }
    if dropped == rows {
        return Err(refuse(TableProblem::AllDropped { rows }));
    }
    let Encoded { values, names: feature_names, categories } = features.encoded();
    let targets = target.finished();
    schema.categories = categories;
    if let Targets::Classes { names, .. } = &targets {
        schema.classes = Some(names.clone());
    }
    let name = file_name(path);
    let split = if like.is_some() { "test" } else { "all" };
    let source = format!("{} rows of the table {name}", rows - dropped);
    let mut provenance = Provenance::new(name, split, source).of_own_data();
    provenance.sha256 = Some(sha256::hex(&digest::of_floats(&values, &targets)));
    let dataset = Dataset::from_f32(&[feature_names.len()], values, targets, provenance)?;
    Ok(Table { dataset, feature_names, dropped, dialect: opened.dialect, schema })
}

/// The feature columns, as they are read.
struct Features {
    columns: Vec<Feature>,
    /// `[rows, columns]`; of categories their numbers, which are small enough to be exact.
    values: Vec<f32>,
}

struct Feature {
    index: usize,
    name: String,
    categories: Option<Categories>,
}

struct Encoded {
    values: Vec<f32>,
    names: Vec<String>,
    categories: Vec<Option<Vec<String>>>,
}

impl Features {
    fn new(names: &[String], roles: &Roles, one_hot: &[usize], like: Option<&Schema>) -> Self {
        let feature = |(at, index): (usize, &usize)| {
            let known = like.and_then(|schema| schema.categories.get(at)?.as_deref());
            let categories = one_hot.contains(index).then(|| Categories::new(known, MOST_CATEGORIES));
            Feature { index: *index, name: names[*index].clone(), categories }
        };
        Self { columns: roles.features.iter().enumerate().map(feature).collect(), values: Vec::new() }
    }

    /// Whether every number is there; before anything of the row is kept.
    fn check(&self, row: &Row) -> Result<(), TableProblem> {
        for feature in &self.columns {
            let field = row.get(feature.index);
            let (line, column) = (row.line, &feature.name);
            let found = || field.trim().to_owned();
            match (&feature.categories, NumberFormat::Point.parse(field)) {
                (None, Number::Finite(_)) => {}
                (Some(_), _) if !field.trim().is_empty() => {}
                (None, Number::Text) => {
                    return Err(TableProblem::NotANumber { line, column: column.clone(), found: found() });
                }
                _ => return Err(TableProblem::Missing { line, column: column.clone(), found: found() }),
            }
        }
        Ok(())
    }

    fn push(&mut self, row: &Row) -> Result<(), TableProblem> {
        for feature in &mut self.columns {
            let field = row.get(feature.index);
            let value = match &mut feature.categories {
                Some(categories) => categories.number(field, row.line, &feature.name)? as f32,
                // Checked before; the other kinds were refused.
                None => match NumberFormat::Point.parse(field) {
                    Number::Finite(number) => number,
                    _ => 0.0,
                },
            };
            self.values.push(value);
        }
        Ok(())
    }

    /// What the encoded values of so many rows will take.
    fn bytes(&self, rows: usize) -> u64 {
        let width: usize = self.columns.iter().map(Feature::width).sum();
        (rows as u64).saturating_mul(width as u64).saturating_mul(4)
    }

    fn encoded(self) -> Encoded {
        let Features { columns, values } = self;
        if columns.iter().all(|feature| feature.categories.is_none()) {
            let categories = vec![None; columns.len()];
            let names = columns.into_iter().map(|feature| feature.name).collect();
            return Encoded { values, names, categories };
        }
        let read = columns.len();
        let (mut names, mut categories, mut becomes) = (Vec::new(), Vec::new(), Vec::new());
        for feature in columns {
            match feature.categories.map(Categories::sorted) {
                Some((known, order)) => {
                    names.extend(known.iter().map(|value| format!("{}={value}", feature.name)));
                    categories.push(Some(known));
                    becomes.push(Some(order));
                }
                None => {
                    names.push(feature.name);
                    categories.push(None);
                    becomes.push(None);
                }
            }
        }
        let mut encoded = Vec::with_capacity(values.len() / read * names.len());
        for row in values.chunks_exact(read) {
            for (value, order) in row.iter().zip(&becomes) {
                match order {
                    Some(order) => {
                        let hot = order.get(*value as usize).copied();
                        encoded
                            .extend((0..order.len() as u32).map(|at| f32::from(u8::from(Some(at) == hot))));
                    }
                    None => encoded.push(*value),
                }
            }
        }
        Encoded { values: encoded, names, categories }
    }
}

impl Feature {
    fn width(&self) -> usize {
        self.categories.as_ref().map_or(1, Categories::len)
    }
}
