//! What is asked about, some of it at a time.

use std::collections::VecDeque;
use std::fs::File;
use std::path::{Path, PathBuf};

use clap::Args;
use fireclay::data::{TableRows, read_picture, read_text};
use fireclay::nn::InputSpec;
use fireclay::store::ModelCard;
use fireclay::train::{Predictor, Sample};
use fireclay_cli::{Output, TableFormat, UsageError};

use crate::error::AppError;
use crate::source::unread_cells;

/// Samples that are answered together; of pictures and texts fewer, as they are larger.
const ROWS_AT_ONCE: usize = 4096;
const FILES_AT_ONCE: usize = 64;

/// Names of columns that are taken for texts, in lower case.
const TEXT_NAMES: [&str; 8] =
    ["text", "texts", "review", "sentence", "content", "message", "body", "comment"];

/// Files and folders that are walked over for pictures and texts.
const MOST_FILES: usize = 10_000_000;

/// What to ask a model about.
#[derive(Args, Debug)]
pub struct InputArgs {
    /// What to ask about: a table, or for models of pictures or texts pictures, texts (.txt), folders of them, or a table of
    /// texts
    #[arg(value_name = "INPUT", required_unless_present = "text")]
    pub inputs: Vec<PathBuf>,
    /// Text to ask about; may be given more than once
    #[arg(long, value_name = "TEXT", conflicts_with = "inputs")]
    pub text: Vec<String>,
    /// Column of the texts in a table of texts [default: the only one, or one that is called text]
    #[arg(long, value_name = "COLUMN")]
    pub text_column: Option<String>,
    /// How tables are written.
    #[command(flatten)]
    pub format: TableFormat,
}

/// A sample, and the cells that stand before its answer.
pub struct Question {
    pub cells: Vec<String>,
    pub asked: Asked,
    /// What was converted.
    pub notes: Vec<String>,
}

/// What a model is asked about.
pub enum Asked {
    Row(Vec<f32>),
    Pixels(Vec<u8>),
    Text(String),
}

impl Asked {
    /// The same for a model.
    pub fn sample(&self) -> Sample<'_> {
        match self {
            Asked::Row(row) => row.into(),
            Asked::Pixels(pixels) => pixels.into(),
            Asked::Text(text) => text.into(),
        }
    }
}

/// Where samples come from.
enum Samples {
    /// A table, and where the columns of the model are in it.
    Rows(Box<TableRows<File>>, Vec<usize>),
    /// A table, and where its texts are.
    TextRows(Box<TableRows<File>>, usize),
    Pictures(VecDeque<PathBuf>, [usize; 3]),
    TextFiles(VecDeque<PathBuf>),
    Texts(VecDeque<String>),
}

/// All samples that are asked about.
pub struct Inputs {
    from: Samples,
    card: ModelCard,
    failed: bool,
    /// Of each column of a table model, cells that say nothing to it, and the rows that were asked about.
    unread: Vec<usize>,
    rows: usize,
}

impl Inputs {
    /// Opens what a command names, as the model in a file reads it.
    pub fn open(
        asked: &InputArgs,
        model: &Path,
        predictor: &Predictor,
        card: ModelCard,
    ) -> anyhow::Result<Self> {
        let model = || model.to_path_buf();
        if !asked.text.is_empty() && predictor.text().is_none() {
            return Err(UsageError::of(AppError::NoTexts { path: model() }));
        }
        let from = if let Some(table) = predictor.table() {
            let path = only_table(asked, &model())?;
            let rows = TableRows::open(path, &asked.format.options())?;
            let names = rows.names();
            let missing = |missing: &str| AppError::NoColumn {
                path: path.to_path_buf(),
                missing: missing.to_owned(),
                found: names.to_vec(),
            };
            let place =
                |name: &String| names.iter().position(|known| known == name).ok_or_else(|| missing(name));
            let columns = table.columns.iter().map(|column| place(&column.name));
            let places = columns.collect::<Result<_, _>>()?;
            Samples::Rows(Box::new(rows), places)
        } else if predictor.text().is_some() {
            if predictor.model().spec().output_steps()?.is_some() {
                return Err(UsageError::of(AppError::LanguageModel { path: model() }));
            }
            match asked.inputs.as_slice() {
                [] => Samples::Texts(asked.text.iter().cloned().collect()),
                [table] if is_table(table) => {
                    let rows = TableRows::open(table, &asked.format.options())?;
                    let place = text_place(rows.names(), asked.text_column.as_deref(), table)?;
                    Samples::TextRows(Box::new(rows), place)
                }
                inputs => match inputs.iter().find(|path| is_table(path)) {
                    Some(_) => return Err(UsageError::of(AppError::OneTable { model: model() })),
                    None => Samples::TextFiles(files(inputs, &["txt"])?),
                },
            }
        } else {
            match (&card.spec.input, card.spec.input.shape()) {
                (InputSpec::Values(_), &[channels @ (1 | 3), height, width]) => {
                    let pictures = files(&asked.inputs, &["png", "jpg", "jpeg"])?;
                    Samples::Pictures(pictures, [channels, height, width])
                }
                (found, _) => {
                    return Err(AppError::OtherInput { path: model(), found: found.to_string() }.into());
                }
            }
        };
        let unread = vec![0; predictor.table().map_or(0, |table| table.columns.len())];
        Ok(Inputs { from, card, failed: false, unread, rows: 0 })
    }

    /// The columns of the input.
    pub fn names(&self) -> Vec<String> {
        match &self.from {
            Samples::Rows(rows, _) | Samples::TextRows(rows, _) => rows.names().to_vec(),
            Samples::Pictures(..) | Samples::TextFiles(_) => vec!["file".into()],
            Samples::Texts(_) => vec!["text".into()],
        }
    }

    /// What samples are called.
    pub fn what(&self) -> &'static str {
        match &self.from {
            Samples::Rows(..) | Samples::TextRows(..) => "rows",
            Samples::Pictures(..) => "pictures",
            Samples::TextFiles(_) | Samples::Texts(_) => "texts",
        }
    }

    /// Whether they are the rows of a table.
    pub fn is_table(&self) -> bool {
        matches!(self.from, Samples::Rows(..) | Samples::TextRows(..))
    }

    /// Whether some could not be read.
    pub fn failed(&self) -> bool {
        self.failed
    }

    /// Warns of columns with cells that a table's model cannot read: those counted as missing.
    pub fn warn_of_unread(&self, predictor: &Predictor, output: &Output) {
        let columns = predictor.table().map(|table| table.columns.as_slice()).unwrap_or_default();
        for (column, unread) in columns.iter().zip(&self.unread).filter(|(_, unread)| **unread > 0) {
            output.warn(unread_cells(column, *unread, self.rows));
        }
    }

    /// The next samples; none at the end. A picture or text that cannot be read is said and left out, a row that cannot be
    /// read is an error.
    pub fn next(&mut self, predictor: &Predictor, output: &Output) -> anyhow::Result<Vec<Question>> {
        loop {
            let questions = self.some(predictor, output)?;
            // All of these may be broken, and others follow.
            if !questions.is_empty() || self.is_empty() {
                return Ok(questions);
            }
        }
    }

    fn some(&mut self, predictor: &Predictor, output: &Output) -> anyhow::Result<Vec<Question>> {
        let mut questions = Vec::new();
        match &mut self.from {
            Samples::Rows(rows, places) => {
                let columns = predictor.table().map(|table| table.columns.as_slice()).unwrap_or_default();
                let (unread, asked) = (&mut self.unread, &mut self.rows);
                let ask = |row: &[&str]| {
                    let mut encoded = Vec::new();
                    *asked += 1;
                    for ((column, place), unread) in columns.iter().zip(&*places).zip(unread.iter_mut()) {
                        let cell = row.get(*place).copied().unwrap_or_default();
                        column.encoding.encode(cell, &mut encoded);
                        *unread += usize::from(!column.encoding.reads(cell));
                    }
                    Asked::Row(encoded)
                };
                read_rows(rows, ROWS_AT_ONCE, ask, &mut questions)?;
            }
            Samples::TextRows(rows, place) => {
                let ask = |row: &[&str]| Asked::Text(row.get(*place).copied().unwrap_or_default().to_owned());
                read_rows(rows, FILES_AT_ONCE, ask, &mut questions)?;
            }
            Samples::Pictures(files, shape) => {
                for path in files.drain(..files.len().min(FILES_AT_ONCE)) {
                    match read_picture(&path, *shape, self.card.picture_form()) {
                        Ok(picture) => questions.push(Question {
                            cells: vec![path.display().to_string()],
                            asked: Asked::Pixels(picture.pixels),
                            notes: picture.notes,
                        }),
                        Err(error) => {
                            output.error(&error.to_string());
                            self.failed = true;
                        }
                    }
                }
            }
            Samples::TextFiles(files) => {
                for path in files.drain(..files.len().min(FILES_AT_ONCE)) {
                    match read_text(&path) {
                        Ok(text) => questions.push(Question {
                            cells: vec![path.display().to_string()],
                            asked: Asked::Text(text),
                            notes: Vec::new(),
                        }),
                        Err(error) => {
                            output.error(&error.to_string());
                            self.failed = true;
                        }
                    }
                }
            }
            Samples::Texts(texts) => questions.extend(texts.drain(..).map(|text| Question {
                cells: vec![text.clone()],
                asked: Asked::Text(text),
                notes: Vec::new(),
            })),
        }
        Ok(questions)
    }

    /// Whether nothing is left.
    fn is_empty(&self) -> bool {
        match &self.from {
            Samples::Pictures(files, _) | Samples::TextFiles(files) => files.is_empty(),
            Samples::Texts(texts) => texts.is_empty(),
            Samples::Rows(..) | Samples::TextRows(..) => true,
        }
    }
}

fn read_rows(
    rows: &mut TableRows<File>,
    most: usize,
    mut ask: impl FnMut(&[&str]) -> Asked,
    questions: &mut Vec<Question>,
) -> anyhow::Result<()> {
    while questions.len() < most {
        let more = rows.read(|row| {
            let cells = row.iter().map(|cell| (*cell).to_owned()).collect();
            questions.push(Question { cells, asked: ask(row), notes: Vec::new() });
        })?;
        if !more {
            break;
        }
    }
    Ok(())
}

fn only_table<'a>(asked: &'a InputArgs, model: &Path) -> anyhow::Result<&'a Path> {
    match asked.inputs.as_slice() {
        [path] => Ok(path),
        _ => Err(UsageError::of(AppError::OneTable { model: model.to_path_buf() })),
    }
}

fn is_table(path: &Path) -> bool {
    let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
    path.is_file() && ["csv", "tsv", "tab"].iter().any(|known| ending == *known)
}

/// Where the texts are in a table.
fn text_place(names: &[String], asked: Option<&str>, path: &Path) -> anyhow::Result<usize> {
    let place = match asked {
        Some(asked) => names.iter().position(|name| name == asked),
        None if names.len() == 1 => Some(0),
        None => names.iter().position(|name| TEXT_NAMES.contains(&name.trim().to_lowercase().as_str())),
    };
    place.ok_or_else(|| {
        let (path, found) = (path.to_path_buf(), names.to_vec());
        UsageError::of(AppError::NoTextColumn { path, found })
    })
}

/// The files that are named, and those of some endings in the folders that are.
fn files(inputs: &[PathBuf], endings: &[&str]) -> anyhow::Result<VecDeque<PathBuf>> {
    let mut found = VecDeque::new();
    for input in inputs {
        if !input.is_dir() {
            found.push_back(input.clone());
            continue;
        }
        let (mut open, mut inside) = (vec![input.clone()], Vec::new());
        while let Some(folder) = open.pop() {
            let entries = std::fs::read_dir(&folder)
                .map_err(|source| AppError::ReadFolder { path: folder.clone(), source })?;
            for path in entries.flatten().map(|entry| entry.path()) {
                let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
                if path.is_dir() && !path.is_symlink() {
                    open.push(path);
                } else if endings.iter().any(|known| ending == *known) && inside.len() < MOST_FILES {
                    inside.push(path);
                }
            }
        }
        if inside.is_empty() {
            let endings = endings.join(", .");
            return Err(AppError::EmptyFolder { path: input.clone(), endings }.into());
        }
        inside.sort();
        found.extend(inside);
    }
    Ok(found)
}
