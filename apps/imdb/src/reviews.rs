//! Which texts: the data set's, one's own in folders or tables, or written ones; and how they become tokens.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use fireclay::data::{
    Column, DataDir, DatasetsError, Imdb, TableOptions, TextFolder, TextTable, Texts, WrittenReviews,
};
use fireclay_cli::{
    DataSourceArgs, DownloadBar, Limit, Output, Preprocessing, TEST_FRACTION, TableFormat, report_skipped,
};
use serde::{Deserialize, Serialize};

/// The synthetic reviews are always the same, so that models can be compared: `--seed` does not change them.
const SYNTHETIC_SEED: u64 = 0;
const SYNTHETIC_TRAIN: usize = 20_000;
const SYNTHETIC_TEST: usize = 5_000;

/// By which one's own texts are split where there is no test part.
const SPLIT_SEED: u64 = 0;

/// Unless flags say otherwise: words that a model knows, and words of a text that it reads.
pub const MAX_WORDS: usize = 20_000;
pub const LENGTH: usize = 250;

/// The same for language models, which have an output for each word.
pub const NEXT_WORD_MAX_WORDS: usize = 10_000;
pub const STEPS: usize = 64;

/// Words of the longest n-gram of the model that reads them, and n-grams of a text: more than any of IMDB's has.
pub const LONGEST_NGRAM: u32 = 3;
pub const NGRAMS: usize = 8192;
/// How many different n-grams of at least three reviews the published training reviews have, with the reserved tokens.
pub const IMDB_NGRAMS: usize = 583_294;

/// Flags that say which texts.
#[derive(Args, Clone, Debug)]
// How a table is written says nothing where none is named.
#[command(
    mut_arg("delimiter", |flag| flag.requires("csv")),
    mut_arg("quotes", |flag| flag.requires("csv")),
    mut_arg("header", |flag| flag.requires("csv"))
)]
pub struct ReviewSourceArgs {
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

/// Flags that say how texts are prepared for training.
#[derive(Args, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReviewPreprocessing {
    /// Vocabulary size: the N most frequent words of the training texts [default: 20000, for language models 10000]
    #[arg(long, value_name = "N", conflicts_with = "ngrams", help_heading = "Data",
        value_parser = clap::value_parser!(u32).range(1..=4_194_304))]
    pub max_words: Option<u32>,
    /// Sequence length: words of each text that the model reads, of a longer one the last; for language models the words
    /// of one training sample; with n-grams the greatest number of them in a text [default: 250, for language models 64, 8192 n-grams]
    #[arg(long, visible_alias = "steps", value_name = "N", help_heading = "Data",
        value_parser = clap::value_parser!(u32).range(1..=1_048_576))]
    pub length: Option<u32>,
    /// Bag of n-grams: read each text as the set of its n-grams of up to N words that occur in at least three training
    /// texts, instead of its words in order [default: 3 for the model ngram]
    #[arg(long, value_name = "N", help_heading = "Data",
        value_parser = clap::value_parser!(u32).range(1..=8))]
    pub ngrams: Option<u32>,
    /// Whether the model predicts the next word rather than the class.
    #[arg(skip)]
    #[serde(default)]
    pub next_words: bool,
}

impl ReviewPreprocessing {
    /// With every default filled in, for a classifier or a language model.
    pub fn resolve(self, next_words: bool) -> Self {
        let resolved = ReviewPreprocessing { next_words, ..self };
        let (max_words, length) = (resolved.max_words() as u32, resolved.length() as u32);
        let max_words = resolved.ngrams.is_none().then_some(max_words);
        ReviewPreprocessing { max_words, length: Some(length), ..resolved }
    }

    /// Words that the model knows.
    pub fn max_words(&self) -> usize {
        let default = if self.next_words { NEXT_WORD_MAX_WORDS } else { MAX_WORDS };
        self.max_words.map_or(default, |words| words as usize)
    }

    /// Words, or n-grams, that the model reads at a time.
    pub fn length(&self) -> usize {
        let default = match (self.ngrams, self.next_words) {
            (Some(_), _) => NGRAMS,
            (None, true) => STEPS,
            (None, false) => LENGTH,
        };
        self.length.map_or(default, |length| length as usize)
    }
}

impl Preprocessing for ReviewPreprocessing {
    fn merge(self, defaults: Self) -> Self {
        ReviewPreprocessing {
            max_words: self.max_words.or(defaults.max_words),
            length: self.length.or(defaults.length),
            // Who asks for words does not want n-grams.
            ngrams: self.ngrams.or(defaults.ngrams.filter(|_| self.max_words.is_none())),
            next_words: self.next_words || defaults.next_words,
        }
    }

    fn describe(&self) -> Vec<String> {
        let length = self.length();
        match (self.ngrams, self.next_words) {
            (Some(longest), _) => vec![format!("n-grams of up to {longest} words")],
            (None, true) => vec![format!("{} words", self.max_words()), format!("{length} at a time")],
            (None, false) => {
                vec![format!("{} words", self.max_words()), format!("the last {length} of a text")]
            }
        }
    }
}

/// Where texts come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReviewSource {
    /// The folder that was named, with the published files.
    Folder(PathBuf),
    /// The folder of `FIRECLAY_DATA`, the cache or the publisher.
    #[serde(alias = "usual")]
    Default,
    /// Synthetic ones.
    #[serde(alias = "written")]
    Synthetic,
    /// The user's own, in a folder for each class.
    Texts(PathBuf),
    /// The user's own, in tables.
    Table {
        train: PathBuf,
        test: Option<PathBuf>,
        text: Option<String>,
        label: Option<String>,
        #[serde(flatten)]
        format: TableFormat,
    },
}

impl DataSourceArgs for ReviewSourceArgs {
    type Source = ReviewSource;

    fn source(&self) -> ReviewSource {
        let whole = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
        match (&self.data_dir, &self.texts, &self.csv) {
            (Some(folder), _, _) => ReviewSource::Folder(whole(folder)),
            (None, Some(folder), _) => ReviewSource::Texts(whole(folder)),
            (None, None, Some(file)) => ReviewSource::Table {
                train: whole(file),
                test: self.test_csv.as_ref().map(whole),
                text: self.text_column.clone(),
                label: self.label_column.clone(),
                format: self.format.clone(),
            },
            (None, None, None) if self.synthetic => ReviewSource::Synthetic,
            (None, None, None) => ReviewSource::Default,
        }
    }

    fn is_given(&self) -> bool {
        self.source() != ReviewSource::Default
    }
}

impl ReviewSource {
    /// Loads training and test texts.
    pub fn load(&self, limit: Limit, output: &Arc<Output>) -> Result<(Texts, Texts), DatasetsError> {
        let (train, test) = self.load_all(limit, output)?;
        Ok((limit.texts(train)?, limit.texts(test)?))
    }

    /// The texts to measure a saved model on: the test part, or where the user's own have no parts all of them if the model
    /// `knows` which it has seen.
    pub fn load_test(&self, limit: Limit, knows: bool, output: &Arc<Output>) -> Result<Texts, DatasetsError> {
        let test = match self {
            ReviewSource::Texts(folder) if knows && !TextFolder::has_train_and_test(folder) => {
                said(TextFolder::load(folder)?, "the folder", output)
            }
            ReviewSource::Table { train, test: None, text, label, format } if knows => {
                let table = TextTable::load(train, &table_options(text, label, format))?;
                format.say(train, table.dialect, table.over_lines, output);
                table.texts
            }
            _ => self.load_all(limit, output)?.1,
        };
        Ok(limit.texts(test)?)
    }

    /// All texts; of synthetic ones no more than are used.
    fn load_all(&self, limit: Limit, output: &Arc<Output>) -> Result<(Texts, Texts), DatasetsError> {
        let published = |dir: DataDir| {
            let bar = DownloadBar::new(output.clone());
            Imdb::load_with(&dir, &|progress| bar.show(&progress))
        };
        match self {
            ReviewSource::Folder(folder) => published(DataDir::named(folder)),
            ReviewSource::Default => published(DataDir::default()),
            ReviewSource::Synthetic => Ok(WrittenReviews::new(SYNTHETIC_SEED)
                .train_and_test(limit.of(SYNTHETIC_TRAIN), limit.of(SYNTHETIC_TEST))),
            ReviewSource::Texts(folder) if TextFolder::has_train_and_test(folder) => {
                let (train, test) = TextFolder::load_train_and_test(folder)?;
                Ok((said(train, "train", output), said(test, "test", output)))
            }
            ReviewSource::Texts(folder) => {
                set_aside(&said(TextFolder::load(folder)?, "the folder", output), output)
            }
            ReviewSource::Table { train: train_path, test, text, label, format } => {
                let options = table_options(text, label, format);
                let train = TextTable::load(train_path, &options)?;
                format.say(train_path, train.dialect, train.over_lines, output);
                match test {
                    Some(path) => {
                        let test = train.load_like(path)?;
                        format.say(path, test.dialect, test.over_lines, output);
                        Ok((train.texts, test.texts))
                    }
                    None => set_aside(&train.texts, output),
                }
            }
        }
    }
}

/// How a table of texts is read.
fn table_options(text: &Option<String>, label: &Option<String>, format: &TableFormat) -> TableOptions {
    let column = |flag: &Option<String>| flag.as_deref().map(column);
    TableOptions { text: column(text), target: column(label), ..format.options() }
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
