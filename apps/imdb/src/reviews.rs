//! Which texts: the data set's, one's own in folders or tables, or written ones; and how they become tokens.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use fireclay::data::{
    Column, DataDir, DataError, Imdb, TableOptions, TextFolder, TextTable, Texts, WrittenReviews,
};
use fireclay_cli::{DataFlags, DownloadBar, Output, TEST_SHARE};
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
    /// Column with the texts, by name or by number from 1
    #[arg(long, value_name = "COLUMN", requires = "csv", help_heading = "Data")]
    pub text_column: Option<String>,
    /// Column with the classes, by name or by number from 1
    #[arg(long, value_name = "COLUMN", requires = "csv", help_heading = "Data")]
    pub label_column: Option<String>,
    /// Use the built-in written reviews, which need no files and no network
    #[arg(long, conflicts_with_all = ["data_dir", "texts", "csv"], help_heading = "Data")]
    pub written: bool,
    /// Words that the model knows, the most frequent of the training texts
    #[arg(long, value_name = "N", default_value_t = MAX_WORDS as u32, help_heading = "Data",
        value_parser = clap::value_parser!(u32).range(1..=4_194_304))]
    pub max_words: u32,
    /// Words of each text that the model reads; of a longer one the last
    #[arg(long, value_name = "N", default_value_t = LENGTH as u32, help_heading = "Data",
        value_parser = clap::value_parser!(u32).range(1..=1_048_576))]
    pub length: u32,
}

/// Which texts, as a checkpoint keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reviews {
    pub place: Place,
    pub max_words: usize,
    pub length: usize,
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
    Table { train: PathBuf, test: Option<PathBuf>, text: Option<String>, label: Option<String> },
}

impl DataFlags for ReviewFlags {
    type Choice = Reviews;

    fn choice(&self) -> Reviews {
        let whole = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
        let place = match (&self.data_dir, &self.texts, &self.csv) {
            (Some(folder), _, _) => Place::Folder(whole(folder)),
            (None, Some(folder), _) => Place::Texts(whole(folder)),
            (None, None, Some(file)) => Place::Table {
                train: whole(file),
                test: self.test_csv.as_ref().map(whole),
                text: self.text_column.clone(),
                label: self.label_column.clone(),
            },
            (None, None, None) if self.written => Place::Written,
            (None, None, None) => Place::Usual,
        };
        Reviews { place, max_words: self.max_words as usize, length: self.length as usize }
    }

    fn is_given(&self) -> bool {
        self.choice().place != Place::Usual
    }
}

impl Place {
    /// Loads training and test texts.
    pub fn load(&self, output: &Arc<Output>) -> Result<(Texts, Texts), DataError> {
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
                Ok((train.texts, test.texts))
            }
            Place::Texts(folder) => set_aside(&TextFolder::load(folder)?.texts, output),
            Place::Table { train, test, text, label } => {
                let column = |flag: &Option<String>| flag.as_deref().map(column);
                let options =
                    TableOptions { text: column(text), target: column(label), ..TableOptions::default() };
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

/// A column by its number from 1, or else by its name.
fn column(flag: &str) -> Column {
    match flag.parse::<usize>() {
        Ok(number) if number > 0 => Column::Index(number - 1),
        _ => Column::from(flag),
    }
}

/// A fifth of each class becomes the test texts.
fn set_aside(all: &Texts, output: &Output) -> Result<(Texts, Texts), DataError> {
    output.note("a fifth of the texts is set aside for the test, as no test texts were named");
    all.split(TEST_SHARE, SPLIT_SEED)
}
