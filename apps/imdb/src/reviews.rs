//! Which texts: the data set's, one's own in folders or tables, or written ones; and how they become tokens.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use fireclay::data::{
    Column, DataDir, DatasetsError, Imdb, TableHeader, TableOptions, TextFolder, TextTable, Texts,
    WrittenReviews,
};
use fireclay_cli::{DownloadBar, Output, PlaceFlags, Preparation, TEST_SHARE, say_what_was_skipped};
use serde::{Deserialize, Serialize};

/// The written reviews are always the same, so that models can be compared: `--seed` does not change them.
const WRITTEN_SEED: u64 = 0;
const WRITTEN_TRAIN: usize = 20_000;
const WRITTEN_TEST: usize = 5_000;

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
pub struct ReviewFlags {
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
    /// Whether the tables begin with the names of their columns [default: as it looks]
    #[arg(long, value_name = "WORD", value_enum, requires = "csv", help_heading = "Data")]
    pub header: Option<Header>,
    /// Column with the texts, by name or by number from 0
    #[arg(long, value_name = "COLUMN", requires = "csv", help_heading = "Data")]
    pub text_column: Option<String>,
    /// Column with the classes, by name or by number from 0
    #[arg(long, value_name = "COLUMN", requires = "csv", help_heading = "Data")]
    pub label_column: Option<String>,
    /// Use the built-in written reviews, which need no files and no network
    #[arg(long, conflicts_with_all = ["data_dir", "texts", "csv"], help_heading = "Data")]
    pub written: bool,
}

/// Flags that say how texts are prepared for training.
#[derive(Args, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReviewPreparation {
    /// Words that the model knows, the most frequent of the training texts [default: 20000, for language models 10000]
    #[arg(long, value_name = "N", conflicts_with = "ngrams", help_heading = "Data",
        value_parser = clap::value_parser!(u32).range(1..=4_194_304))]
    pub max_words: Option<u32>,
    /// Words of each text that the model reads, of a longer one the last; for language models words that are read before
    /// a step of the training; or n-grams, of more than that any [default: 250, for language models 64, 8192 n-grams]
    #[arg(long, visible_alias = "steps", value_name = "N", help_heading = "Data",
        value_parser = clap::value_parser!(u32).range(1..=1_048_576))]
    pub length: Option<u32>,
    /// Read of each text not its words in order but the set of its runs of up to N words, those in at least three
    /// training texts [default: 3 for the model ngram]
    #[arg(long, value_name = "N", help_heading = "Data",
        value_parser = clap::value_parser!(u32).range(1..=8))]
    pub ngrams: Option<u32>,
    /// Whether the model predicts the next word rather than the class.
    #[arg(skip)]
    #[serde(default)]
    pub next_words: bool,
}

impl ReviewPreparation {
    /// With what flags leave open decided by what the model does.
    pub fn settled(self, next_words: bool) -> Self {
        let settled = ReviewPreparation { next_words, ..self };
        let (max_words, length) = (settled.max_words() as u32, settled.length() as u32);
        let max_words = settled.ngrams.is_none().then_some(max_words);
        ReviewPreparation { max_words, length: Some(length), ..settled }
    }

    /// Words that the model knows.
    pub fn max_words(&self) -> usize {
        let usual = if self.next_words { NEXT_WORD_MAX_WORDS } else { MAX_WORDS };
        self.max_words.map_or(usual, |words| words as usize)
    }

    /// Words, or n-grams, that the model reads at a time.
    pub fn length(&self) -> usize {
        let usual = match (self.ngrams, self.next_words) {
            (Some(_), _) => NGRAMS,
            (None, true) => STEPS,
            (None, false) => LENGTH,
        };
        self.length.map_or(usual, |length| length as usize)
    }
}

impl Preparation for ReviewPreparation {
    fn or(self, recipe: Self) -> Self {
        ReviewPreparation {
            max_words: self.max_words.or(recipe.max_words),
            length: self.length.or(recipe.length),
            // Who asks for words does not want n-grams.
            ngrams: self.ngrams.or(recipe.ngrams.filter(|_| self.max_words.is_none())),
            next_words: self.next_words || recipe.next_words,
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

/// Whether a table begins with the names of its columns.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Header {
    /// Its first row holds names.
    Yes,
    /// Its first row is a text already.
    No,
}

/// Where texts come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// The folder that was named, with the published files.
    Folder(PathBuf),
    /// The environment's folder, the cache or the publisher.
    Usual,
    /// The built-in ones.
    Written,
    /// One's own, in a folder for each class.
    Texts(PathBuf),
    /// One's own, in tables.
    Table {
        train: PathBuf,
        test: Option<PathBuf>,
        text: Option<String>,
        label: Option<String>,
        header: Option<Header>,
    },
}

impl PlaceFlags for ReviewFlags {
    type Place = Place;

    fn place(&self) -> Place {
        let whole = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
        match (&self.data_dir, &self.texts, &self.csv) {
            (Some(folder), _, _) => Place::Folder(whole(folder)),
            (None, Some(folder), _) => Place::Texts(whole(folder)),
            (None, None, Some(file)) => Place::Table {
                train: whole(file),
                test: self.test_csv.as_ref().map(whole),
                text: self.text_column.clone(),
                label: self.label_column.clone(),
                header: self.header,
            },
            (None, None, None) if self.written => Place::Written,
            (None, None, None) => Place::Usual,
        }
    }

    fn is_given(&self) -> bool {
        self.place() != Place::Usual
    }
}

impl Place {
    /// Loads training and test texts.
    pub fn load(&self, output: &Arc<Output>) -> Result<(Texts, Texts), DatasetsError> {
        let published = |dir: DataDir| {
            let bar = DownloadBar::new(output.clone());
            Imdb::load_with(&dir, &|progress| bar.show(&progress))
        };
        match self {
            Place::Folder(folder) => published(DataDir::named(folder)),
            Place::Usual => published(DataDir::default()),
            Place::Written => {
                Ok(WrittenReviews::new(WRITTEN_SEED).train_and_test(WRITTEN_TRAIN, WRITTEN_TEST))
            }
            Place::Texts(folder) if TextFolder::has_train_and_test(folder) => {
                let (train, test) = TextFolder::load_train_and_test(folder)?;
                Ok((said(train, "train", output), said(test, "test", output)))
            }
            Place::Texts(folder) => set_aside(&said(TextFolder::load(folder)?, "the folder", output), output),
            Place::Table { train, test, text, label, header } => {
                let column = |flag: &Option<String>| flag.as_deref().map(column);
                let options = TableOptions {
                    text: column(text),
                    target: column(label),
                    header: match header {
                        None => TableHeader::Guess,
                        Some(Header::Yes) => TableHeader::Yes,
                        Some(Header::No) => TableHeader::No,
                    },
                    ..TableOptions::default()
                };
                let train = TextTable::load(train, &options)?;
                match test {
                    Some(test) => {
                        let test = train.load_like(test)?;
                        Ok((train.texts, test.texts))
                    }
                    None => set_aside(&train.texts, output),
                }
            }
        }
    }
}

/// A column by its number, or else by its name.
fn column(flag: &str) -> Column {
    flag.parse().map_or_else(|_| Column::from(flag), Column::Index)
}

/// The texts of a folder, after saying what was passed over.
fn said(folder: TextFolder, which: &str, output: &Output) -> Texts {
    say_what_was_skipped(&folder.skipped, which, output);
    if folder.empty > 0 {
        output.note(format!("{which}: {} texts are empty", folder.empty));
    }
    folder.texts
}

/// A fifth of each class becomes the test texts.
fn set_aside(all: &Texts, output: &Output) -> Result<(Texts, Texts), DatasetsError> {
    output.note("a fifth of the texts is set aside for the test, as no test texts were named");
    Ok(all.split(TEST_SHARE, SPLIT_SEED)?)
}
