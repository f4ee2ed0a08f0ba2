//! A table of texts: a column of texts and one to predict.

use std::io::Read;
use std::path::Path;

use fireclay_data::{Provenance, Targets};
use fireclay_text::Texts;

use super::TableProblem;
use super::dialect::Dialect;
use super::load::open_table;
use super::options::{MissingNumbers, TableOptions};
use super::plan::{Opened, Schema, text_roles};
use super::records::refuse;
use super::target::TargetColumn;
use crate::DatasetsError;
use crate::formats::whole::file_name;

/// The memory of a text beside its letters.
const PER_TEXT: u64 = size_of::<String>() as u64;

/// A table of texts, and how another one is read in the same way.
#[derive(Clone, Debug)]
pub struct TextTable {
    /// The texts, in the order of the file.
    pub texts: Texts,
    /// How many rows were left out for want of a label; see [`TableOptions::missing`].
    pub dropped: usize,
    /// How many texts are empty or only white space; they are kept.
    pub empty: usize,
    /// How the file is written.
    pub dialect: Dialect,
    /// The first row whose text goes over several lines, and over how many: a quote that was meant as a letter looks so.
    pub over_lines: Option<(u64, usize)>,
    schema: Schema,
}

impl TextTable {
    /// Reads a CSV or TSV file: a column of texts, and a column to predict. Texts are kept as they are.
    ///
    /// ```
    /// use fireclay_datasets::{TableOptions, TextTable};
    ///
    /// # fn main() -> Result<(), fireclay_datasets::DatasetsError> {
    /// let file = b"review,verdict\n\"a joy,\nfrom start to end\",good\na bore,bad\n";
    /// let options = TableOptions { text: Some("review".into()), ..TableOptions::default() };
    /// let table = TextTable::from_bytes("reviews.csv", file, &options)?;
    /// assert_eq!(table.texts.texts(), ["a joy,\nfrom start to end", "a bore"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Table::load`](super::Table::load), and if it is not clear which column is the text.
    pub fn load(path: &Path, options: &TableOptions) -> Result<Self, DatasetsError> {
        read(path, open_table(path)?, options, None)
    }

    /// As [`TextTable::load`], from a file's bytes; `name` is what errors and provenance call it, and its ending decides
    /// what delimits fields.
    ///
    /// # Errors
    /// As [`TextTable::load`].
    pub fn from_bytes(name: &str, bytes: &[u8], options: &TableOptions) -> Result<Self, DatasetsError> {
        read(Path::new(name), bytes, options, None)
    }

    /// Reads another file with the columns and classes of this one, which is the training table.
    ///
    /// # Errors
    /// As [`TextTable::load`], and if it has a label that this one does not have.
    pub fn load_like(&self, path: &Path) -> Result<Self, DatasetsError> {
        read(path, open_table(path)?, &self.schema.options, Some(&self.schema))
    }
}

fn read(
    path: &Path,
    input: impl Read,
    options: &TableOptions,
    like: Option<&Schema>,
) -> Result<TextTable, DatasetsError> {
    let refuse = |problem| refuse(path, problem);
    let mut opened = Opened::new(path, input, options)?;
    let roles = text_roles(&opened.columns, options).map_err(refuse)?;
    let [text] = roles.features[..] else { unreachable!("the text is one column") };
    let mut schema = Schema::new(&opened.columns, &roles, options, &[], true);
    let mut target = TargetColumn::new(&opened.columns.names, roles.target, schema.wants_classes(), like);
    let (mut texts, mut bytes, mut rows) = (Vec::new(), 0u64, 0usize);
    while let Some(row) = opened.next()? {
        rows += 1;
        match (target.check(&row), options.missing) {
            (Err(TableProblem::Missing { .. } | TableProblem::NoLabel { .. }), MissingNumbers::DropRow) => {}
            (Err(problem), _) => return Err(refuse(problem)),
            (Ok(()), _) => {
                let text = row.get(text).to_owned();
                bytes = bytes.saturating_add(text.len() as u64 + PER_TEXT);
                if bytes > options.most_bytes {
                    let limit = options.most_bytes;
                    return Err(refuse(TableProblem::TooLarge { line: row.line, limit }));
                }
                texts.push(text);
                target.push(&row).map_err(refuse)?;
            }
        }
        opened.records.recycle(row);
    }
    if texts.is_empty() {
        return Err(refuse(TableProblem::AllDropped { rows }));
    }
    let targets = target.finished();
    if let Targets::Classes { names, .. } = &targets {
        schema.classes = Some(names.clone());
    }
    let empty = texts.iter().filter(|text: &&String| text.trim().is_empty()).count();
    let dropped = rows - texts.len();
    let name = file_name(path);
    let split = if like.is_some() { "test" } else { "all" };
    let source = format!("{} rows of the table {name}", texts.len());
    let texts = Texts::new(texts, targets, Provenance::new(name, split, source).of_own_data())?;
    let (dialect, over_lines) = (opened.dialect, opened.records.over_lines);
    Ok(TextTable { texts, dropped, empty, dialect, over_lines, schema })
}
