//! Which data, as flags say it.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use fireclay::data::DataKind;
use fireclay_cli::{DataSourceArgs, TableFormat};
use serde::{Deserialize, Serialize};

use super::AnySource;
use super::table::Task;

/// Flags that say which data, and what to learn from it.
#[derive(Args, Clone, Debug)]
pub struct DataArgs {
    /// Data: a table (CSV, TSV), a folder of pictures or texts with a sub-folder for each class, NumPy's arrays (.npz), or
    /// the files of MNIST, CIFAR or IMDB as published
    #[arg(value_name = "DATA")]
    pub path: Option<PathBuf>,
    /// File of settings, in TOML: flags by their names [default: fireclay.toml in the folder that DATA is, or beside the file]
    #[arg(long, value_name = "FILE", help_heading = "Data")]
    pub config: Option<PathBuf>,
    /// What DATA is [default: found out]
    #[arg(long, value_name = "KIND", value_enum, help_heading = "Data")]
    pub kind: Option<Kind>,
    /// Test samples, in the form of DATA [default: the test part of DATA, or a fifth of it]
    #[arg(long, value_name = "PATH", help_heading = "Data")]
    pub test: Option<PathBuf>,
    /// Validation samples, in the form of DATA, measured after each epoch [default: none, or the --validation-split of the model]
    #[arg(long, value_name = "PATH", help_heading = "Data")]
    pub validation: Option<PathBuf>,
    /// Column of a table to predict; several are labels, each of which holds or not [default: one that is called as targets often
    /// are, or the last one]
    #[arg(long, value_name = "COLUMN", help_heading = "Data")]
    pub target: Vec<String>,
    /// Column of the texts in a table of texts [default: the only one that holds sentences]
    #[arg(long, value_name = "COLUMN", help_heading = "Data")]
    pub text_column: Option<String>,
    /// What to predict from a table [default: by the target's values]
    #[arg(long, value_name = "TASK", value_enum, help_heading = "Data")]
    pub task: Option<Task>,
    /// Column of a table to leave out; may be given more than once
    #[arg(long, value_name = "COLUMN", help_heading = "Data")]
    pub ignore: Vec<String>,
    /// Column of a table whose numbers are names of categories; may be given more than once
    #[arg(long, value_name = "COLUMN", help_heading = "Data")]
    pub category: Vec<String>,
    /// How tables are written.
    #[command(flatten)]
    pub format: TableFormat,
    /// Height and width that pictures of a folder are brought to, 8 to 256 [default: theirs, or 28, 32 or 64]
    #[arg(long, value_name = "PIXELS", help_heading = "Data", value_parser = clap::value_parser!(u16).range(8..=256))]
    pub size: Option<u16>,
}

/// A kind of data.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A table: a row for each sample
    Table,
    /// Pictures in a folder for each class
    Pictures,
    /// Texts: a folder for each class, or a table with a column of texts
    Texts,
    /// NumPy's arrays x_train, y_train, x_test and y_test, in an .npz file or a folder of files x_train*.npy and so on
    Npz,
    /// Four IDX files, as MNIST's
    Idx,
    /// CIFAR-10's or CIFAR-100's binary records
    Cifar,
    /// IMDB's reviews as published
    Imdb,
}

impl Kind {
    /// The value of `--kind`.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Table => "table",
            Kind::Pictures => "pictures",
            Kind::Texts => "texts",
            Kind::Npz => "npz",
            Kind::Idx => "idx",
            Kind::Cifar => "cifar",
            Kind::Imdb => "imdb",
        }
    }
}

impl From<DataKind> for Kind {
    fn from(kind: DataKind) -> Self {
        match kind {
            DataKind::Images => Kind::Pictures,
            DataKind::Texts => Kind::Texts,
            DataKind::Numpy => Kind::Npz,
            DataKind::Idx => Kind::Idx,
            DataKind::Cifar => Kind::Cifar,
            DataKind::Imdb => Kind::Imdb,
            _ => Kind::Table,
        }
    }
}

/// What flags say of the data, before anything was looked at.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    pub path: PathBuf,
    pub kind: Option<Kind>,
    pub test: Option<PathBuf>,
    pub validation: Option<PathBuf>,
    pub target: Vec<String>,
    pub text_column: Option<String>,
    pub task: Option<Task>,
    pub ignore: Vec<String>,
    pub category: Vec<String>,
    pub format: TableFormat,
    pub size: Option<u16>,
}

impl DataArgs {
    /// What the flags say; paths are absolute.
    pub fn asked(&self) -> Asked {
        let whole = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
        Asked {
            path: self.path.as_ref().map(whole).unwrap_or_default(),
            kind: self.kind,
            test: self.test.as_ref().map(whole),
            validation: self.validation.as_ref().map(whole),
            target: self.target.clone(),
            text_column: self.text_column.clone(),
            task: self.task,
            ignore: self.ignore.clone(),
            category: self.category.clone(),
            format: self.format.clone(),
            size: self.size,
        }
    }
}

impl DataSourceArgs for DataArgs {
    type Source = AnySource;

    fn source(&self) -> AnySource {
        AnySource::Asked(self.asked())
    }

    fn is_given(&self) -> bool {
        self.source() != AnySource::default()
    }

    fn names_validation(&self) -> bool {
        self.validation.is_some()
    }
}
