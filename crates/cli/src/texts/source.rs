//! Which texts: the data set's, one's own in folders or tables, or synthetic ones.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use fireclay::data::{
    Column, DataDir, Dataset, DatasetsError, Imdb, MissingNumbers, TableOptions, TextDataset, TextFolder,
    TextTable, Texts, WrittenReviews,
};
use fireclay::report::Content;
use fireclay::store::ModelCard;
use fireclay::train::text_preprocessing;
use serde::{Deserialize, Serialize};

use crate::error::CommandError;
use crate::format::count;
use crate::images::{TEST_FRACTION, report_skipped};
use crate::limit::Limit;
use crate::output::Output;
use crate::program::{DataSourceArgs, Part};
use crate::progress::DownloadBar;
use crate::tables::TableFormat;

/// The synthetic reviews are always the same, so that models can be compared: `--seed` does not change them.
const SYNTHETIC_SEED: u64 = 0;
const SYNTHETIC_TRAIN: usize = 20_000;
const SYNTHETIC_TEST: usize = 5_000;

/// By which one's own texts are split where there is no test part.
const SPLIT_SEED: u64 = 0;

/// Flags that say which texts.
#[derive(Args, Clone, Debug)]
// How a table is written says nothing where none is named.
#[command(
    mut_arg("delimiter", |flag| flag.requires("csv")),
    mut_arg("quotes", |flag| flag.requires("csv")),
    mut_arg("encoding", |flag| flag.requires("csv")),
    mut_arg("header", |flag| flag.requires("csv"))
)]
pub struct TextSourceArgs {
    /// Folder with the reviews as published, packed or not [default: $FIRECLAY_DATA, else a cache that is filled from
    /// the publisher]
    #[arg(long, value_name = "FOLDER", help_heading = "Data")]
    pub data_dir: Option<PathBuf>,
    /// Folder of your own texts (.txt): a sub-folder for each class, or `train` and `test` with one for each class in both
    #[arg(long, value_name = "FOLDER", conflicts_with = "data_dir", help_heading = "Data")]
    pub texts: Option<PathBuf>,
    /// Table of your own texts, CSV or TSV: a column of texts and one of classes
    #[arg(long, value_name = "FILE", conflicts_with_all = ["data_dir", "texts"], help_heading = "Data")]
    pub csv: Option<PathBuf>,
    /// Table with the test texts, in the form of --csv [default: a fifth of --csv]
    #[arg(long, value_name = "FILE", requires = "csv", help_heading = "Data")]
    pub test_csv: Option<PathBuf>,
    /// How the tables are written.
    #[command(flatten)]
    pub format: TableFormat,
    /// Column with the texts, by name or by number from 0
    #[arg(long, value_name = "COLUMN", requires = "csv", help_heading = "Data")]
    pub text_column: Option<String>,
    /// Column with the classes, by name or by number from 0
    #[arg(long, value_name = "COLUMN", requires = "csv", help_heading = "Data")]
    pub label_column: Option<String>,
    /// Use synthetic reviews, written on the spot, which need no files and no network
    #[arg(long, alias = "written", conflicts_with_all = ["data_dir", "texts", "csv"], help_heading = "Data")]
    pub synthetic: bool,
}

/// Where texts come from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextSource {
    /// The folder that was named, with the published files.
    Folder(PathBuf),
    /// The folder of `FIRECLAY_DATA`, the cache or the publisher.
    #[default]
    #[serde(alias = "usual")]
    Default,
    /// Synthetic ones.
    #[serde(alias = "written")]
    Synthetic,
    /// The user's own, in a folder for each class.
    Texts(PathBuf),
    /// The same, with a folder of its own for the test part.
    Parts {
        /// Training texts.
        train: PathBuf,
        /// Test texts.
        test: PathBuf,
    },
    /// The user's own, in tables.
    Table {
        /// Training texts, or all of them.
        train: PathBuf,
        /// Test texts, if they have a table of their own.
        test: Option<PathBuf>,
        /// The column of texts.
        text: Option<String>,
        /// The column of classes.
        label: Option<String>,
        /// How the tables are written.
        #[serde(flatten)]
        format: TableFormat,
    },
}

impl DataSourceArgs for TextSourceArgs {
    type Source = TextSource;

    fn source(&self) -> TextSource {
        let whole = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
        match (&self.data_dir, &self.texts, &self.csv) {
            (Some(folder), _, _) => TextSource::Folder(whole(folder)),
            (None, Some(folder), _) => TextSource::Texts(whole(folder)),
            (None, None, Some(file)) => TextSource::Table {
                train: whole(file),
                test: self.test_csv.as_ref().map(whole),
                text: self.text_column.clone(),
                label: self.label_column.clone(),
                format: self.format.clone(),
            },
            (None, None, None) if self.synthetic => TextSource::Synthetic,
            (None, None, None) => TextSource::Default,
        }
    }

    fn is_given(&self) -> bool {
        self.source() != TextSource::Default
    }
}

impl TextSource {
    /// The data sets of this kind that are found without being named, and the synthetic one.
    pub const NAMES: (&'static [&'static str], &'static str) =
        (&["IMDB reviews", "movie reviews"], "written reviews");

    /// Loads training and test texts.
    ///
    /// # Errors
    /// What is wrong with the data.
    pub fn load(&self, limit: Limit, output: &Arc<Output>) -> Result<(Texts, Texts), DatasetsError> {
        let (train, test) = self.load_all(limit, output)?;
        warn_of_unseparated(&train, output);
        Ok((limit.texts(train)?, limit.texts(test)?))
    }

    /// Whether a fifth of the texts becomes the test part, as there is none.
    pub fn holds_out_test(&self) -> bool {
        match self {
            TextSource::Texts(folder) => !TextFolder::has_train_and_test(folder),
            TextSource::Table { test, .. } => test.is_none(),
            TextSource::Folder(_)
            | TextSource::Default
            | TextSource::Synthetic
            | TextSource::Parts { .. } => false,
        }
    }

    /// Where the texts of a data set are that a model file names.
    pub fn known(dataset: &str) -> Option<Self> {
        match dataset {
            _ if Self::NAMES.0.contains(&dataset) => Some(TextSource::Default),
            _ if dataset == Self::NAMES.1 => Some(TextSource::Synthetic),
            _ => None,
        }
    }

    /// The texts that a saved model was trained on, or is measured on, as the tokens that it reads.
    ///
    /// # Errors
    /// What is wrong with the data, or that the model reads no texts.
    pub fn load_part(
        &self,
        part: Part,
        limit: Limit,
        card: &ModelCard,
        output: &Arc<Output>,
    ) -> anyhow::Result<Dataset> {
        let Some(preprocessing) = text_preprocessing("the model".as_ref(), card)? else {
            return Err(CommandError::NoTexts.into());
        };
        let texts = self.load_texts(part, limit, card, output)?;
        Ok(match card.spec.output_steps()? {
            Some(_) => Dataset::next_tokens(&texts, &preprocessing)?,
            None => Dataset::from_texts(&texts, &preprocessing)?,
        })
    }

    /// The same texts as they are.
    ///
    /// # Errors
    /// What is wrong with the data.
    pub fn load_texts(
        &self,
        part: Part,
        limit: Limit,
        card: &ModelCard,
        output: &Arc<Output>,
    ) -> anyhow::Result<Texts> {
        let knows = card.seen.is_some() || part == Part::Own;
        let texts = match self {
            _ if part == Part::Train => self.load_all(limit, output)?.0,
            _ if part == Part::Own && !self.holds_out_test() => self.load_all(limit, output)?.0,
            TextSource::Texts(folder) if knows && !TextFolder::has_train_and_test(folder) => {
                said(TextFolder::load(folder)?, "the folder", output)
            }
            TextSource::Table { train, test: None, text, label, format } if knows => {
                let table = TextTable::load(train, &table_options(text, label, format))?;
                said_of_table(train, &table, format, output);
                table.texts
            }
            _ => self.load_all(limit, output)?.1,
        };
        Ok(limit.texts(texts)?)
    }

    /// Other texts of the same classes: a folder, or a table in the form of the training table.
    ///
    /// # Errors
    /// What is wrong with the data.
    pub fn load_like(&self, path: &Path, output: &Output) -> Result<Texts, DatasetsError> {
        match self {
            TextSource::Table { train, text, label, format, .. } => {
                let train = TextTable::load(train, &table_options(text, label, format))?;
                Ok(train.load_like(path)?.texts)
            }
            TextSource::Texts(folder) if TextFolder::has_train_and_test(folder) => {
                let (train, _) = TextFolder::load_train_and_test(folder)?;
                Ok(said(train.load_like(path)?, "validation", output))
            }
            TextSource::Texts(folder) | TextSource::Parts { train: folder, .. } => {
                let train = TextFolder::load(folder)?;
                Ok(said(train.load_like(path)?, "validation", output))
            }
            _ => Ok(said(TextFolder::load(path)?, "validation", output)),
        }
    }

    /// Some test texts as they were read; empty if they cannot be had again.
    pub fn originals(&self, limit: Limit, indices: &[usize]) -> Vec<Content> {
        let silent = Arc::new(Output::silent());
        let texts = self.load_all(limit, &silent).ok().and_then(|(_, test)| limit.texts(test).ok());
        let Some(texts) = texts else { return Vec::new() };
        let text = |index: &usize| texts.texts().get(*index).cloned().map(Content::Text);
        indices.iter().map(text).collect::<Option<_>>().unwrap_or_default()
    }

    /// All texts; of synthetic ones no more than are used.
    fn load_all(&self, limit: Limit, output: &Arc<Output>) -> Result<(Texts, Texts), DatasetsError> {
        let published = |dir: DataDir| {
            let bar = DownloadBar::new(output.clone());
            Imdb::load_with(&dir, &|progress| bar.show(&progress))
        };
        match self {
            TextSource::Folder(folder) => published(DataDir::named(folder)),
            TextSource::Default => published(DataDir::default()),
            TextSource::Synthetic => Ok(WrittenReviews::new(SYNTHETIC_SEED)
                .train_and_test(limit.of(SYNTHETIC_TRAIN), limit.of(SYNTHETIC_TEST))),
            TextSource::Texts(folder) if TextFolder::has_train_and_test(folder) => {
                let (train, test) = TextFolder::load_train_and_test(folder)?;
                Ok((said(train, "train", output), said(test, "test", output)))
            }
            TextSource::Texts(folder) => {
                set_aside(&said(TextFolder::load(folder)?, "the folder", output), output)
            }
            TextSource::Parts { train, test } => {
                let train = TextFolder::load(train)?;
                let test = TextFolder::load_like(&train, test)?;
                Ok((said(train, "train", output), said(test, "test", output)))
            }
            TextSource::Table { train: train_path, test, text, label, format } => {
                let options = table_options(text, label, format);
                let train = TextTable::load(train_path, &options)?;
                said_of_table(train_path, &train, format, output);
                match test {
                    Some(path) => {
                        let test = train.load_like(path)?;
                        said_of_table(path, &test, format, output);
                        Ok((train.texts, test.texts))
                    }
                    None => set_aside(&train.texts, output),
                }
            }
        }
    }
}

/// Characters of a text without a space that is not one word.
const LONG_WORD: usize = 100;

/// Warns of texts that are one long "word", as in a language that does not separate words: to a model each is a word of its own.
fn warn_of_unseparated(texts: &Texts, output: &Output) {
    let is_one = |text: &&String| {
        let text = text.trim();
        text.chars().nth(LONG_WORD).is_some() && !text.contains(char::is_whitespace)
    };
    let found = texts.texts().iter().filter(is_one).count();
    if found > 0 {
        output.warn(format!(
            "data: {} of {} texts are a single word of more than {LONG_WORD} characters, which no model knows again; separate their words by spaces",
            count(found as u64),
            count(texts.len() as u64)
        ));
    }
}

/// How a table of texts is read.
fn table_options(text: &Option<String>, label: &Option<String>, format: &TableFormat) -> TableOptions {
    let column = |flag: &Option<String>| flag.as_deref().map(column);
    TableOptions {
        text: column(text),
        target: column(label),
        missing: MissingNumbers::DropRow,
        ..format.options()
    }
}

/// Says how a table of texts is written, and how many of its rows are left out.
fn said_of_table(path: &Path, table: &TextTable, format: &TableFormat, output: &Output) {
    format.say(path, table.dialect, table.over_lines, output);
    if table.dropped > 0 {
        output.warn(format!("{} rows have no class and are left out", count(table.dropped as u64)));
    }
}

/// A column by its number, or else by its name.
fn column(flag: &str) -> Column {
    flag.parse().map_or_else(|_| Column::from(flag), Column::Index)
}

/// The texts of a folder, after noting what was skipped.
fn said(folder: TextFolder, which: &str, output: &Output) -> Texts {
    report_skipped(&folder.skipped, which, output);
    if folder.empty > 0 {
        output.note(format!("{which}: {} texts are empty", folder.empty));
    }
    folder.texts
}

/// A fifth of each class becomes the test texts.
fn set_aside(all: &Texts, output: &Output) -> Result<(Texts, Texts), DatasetsError> {
    output.note("a fifth of the texts is held out for the test, as no test texts were named");
    Ok(all.split(TEST_FRACTION, SPLIT_SEED)?)
}
