//! Where data comes from: what flags say, what is found out, and loading it.

mod args;
mod look;
mod table;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use args::{DataArgs, Kind};
use fireclay::data::{Dataset, DatasetsError, Source, TableDataset, TargetKind, TextDataset};
use fireclay::report::Content;
use fireclay::store::ModelCard;
use fireclay_cli::{ImageSource, Limit, Output, Part, PublishedImages, TextSource, load_pictures_like};
pub use look::check_is_model;
use serde::{Deserialize, Serialize};
pub use table::{TableParts, TableSource, unread_cells};

use self::args::Asked;
use crate::program::AnyPreprocessing;

/// Below so many texts n-grams are learnt that occur once.
const FEW_TEXTS: usize = 1_000;

/// Where data comes from, and what it is: what a checkpoint keeps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnySource {
    /// What flags say, before it was looked at.
    Asked(Asked),
    /// A table of numbers and categories.
    Table(Box<TableSource>),
    /// Images of some shape; of which published family where they are published.
    Images {
        source: ImageSource,
        family: PublishedImages,
        shape: [usize; 3],
        /// The folder of validation pictures.
        validation: Option<PathBuf>,
    },
    /// Samples that are rows of numbers already, as NumPy saves them.
    Rows(ImageSource),
    /// Texts.
    Texts {
        source: TextSource,
        /// The folder or the table of validation texts.
        validation: Option<PathBuf>,
    },
}

impl Default for AnySource {
    fn default() -> Self {
        AnySource::Asked(Asked::default())
    }
}

impl AnySource {
    /// Data at a path, of which nothing else is said.
    pub fn at(path: &Path) -> Self {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        AnySource::Asked(Asked { path, ..Asked::default() })
    }

    /// What flags say of the data, with what was found out.
    pub fn settings(&self, train: &Dataset) -> Vec<(&'static str, toml::Value)> {
        let text = |text: &str| toml::Value::String(text.to_owned());
        // From wherever it is read; sources are absolute.
        let path = |path: &Path| text(&path.to_string_lossy());
        let list = |names: &[String]| toml::Value::Array(names.iter().map(|name| text(name)).collect());
        let images = |source: &ImageSource, kind: Kind| match source {
            ImageSource::Folder(folder) | ImageSource::Images(folder) | ImageSource::Npz(folder) => {
                vec![("data", path(folder)), ("kind", text(kind.word()))]
            }
            ImageSource::Parts { train, test } => {
                vec![("data", path(train)), ("test", path(test)), ("kind", text(kind.word()))]
            }
            ImageSource::Default | ImageSource::Synthetic => Vec::new(),
        };
        let validation = match self {
            AnySource::Table(table) => table.validation.as_ref(),
            AnySource::Images { validation, .. } | AnySource::Texts { validation, .. } => validation.as_ref(),
            AnySource::Asked(_) | AnySource::Rows(_) => None,
        };
        let mut settings: Vec<_> =
            validation.map(|folder| ("validation", path(folder))).into_iter().collect();
        settings.extend(match self {
            AnySource::Asked(asked) => vec![("data", path(&asked.path))],
            AnySource::Table(table) => {
                let mut settings = vec![("data", path(&table.table)), ("kind", text(Kind::Table.word()))];
                settings.extend(table.test.as_ref().map(|test| ("test", path(test))));
                if let Some(found) = train.table_preprocessing() {
                    let target = match &found.labels {
                        Some(labels) => list(&labels.columns),
                        None => text(&found.target),
                    };
                    settings.push(("target", target));
                }
                let task = match train.target_kind() {
                    TargetKind::Labels { .. } => "multi-label",
                    TargetKind::Values { .. } => "regression",
                    _ => "classification",
                };
                settings.push(("task", text(task)));
                if !table.ignore.is_empty() {
                    settings.push(("ignore", list(&table.ignore)));
                }
                if !table.category.is_empty() {
                    settings.push(("category", list(&table.category)));
                }
                settings.extend(table.format.settings());
                settings
            }
            AnySource::Images { source, family, shape, .. } => {
                let kind = match (source, family) {
                    (ImageSource::Npz(_), _) => Kind::Npz,
                    (ImageSource::Folder(_), PublishedImages::Mnist) => Kind::Idx,
                    (ImageSource::Folder(_), PublishedImages::Cifar) => Kind::Cifar,
                    _ => Kind::Pictures,
                };
                let mut settings = images(source, kind);
                if kind == Kind::Pictures && shape[1] == shape[2] {
                    settings.push(("size", toml::Value::Integer(shape[1] as i64)));
                }
                settings
            }
            AnySource::Rows(source) => images(source, Kind::Npz),
            AnySource::Texts { source: TextSource::Folder(folder), .. } => {
                vec![("data", path(folder)), ("kind", text(Kind::Imdb.word()))]
            }
            AnySource::Texts { source: TextSource::Texts(folder), .. } => {
                vec![("data", path(folder)), ("kind", text(Kind::Texts.word()))]
            }
            AnySource::Texts { source: TextSource::Parts { train, test }, .. } => {
                vec![("data", path(train)), ("test", path(test)), ("kind", text(Kind::Texts.word()))]
            }
            AnySource::Texts {
                source: TextSource::Table { train, test, text: column, label, format },
                ..
            } => {
                let mut settings = vec![("data", path(train)), ("kind", text(Kind::Texts.word()))];
                settings.extend(test.as_ref().map(|test| ("test", path(test))));
                settings.extend(column.as_ref().map(|column| ("text-column", text(column))));
                settings.extend(label.as_ref().map(|label| ("target", text(label))));
                settings.extend(format.settings());
                settings
            }
            AnySource::Texts { source: TextSource::Default | TextSource::Synthetic, .. } => Vec::new(),
        });
        settings
    }

    /// Training and test samples, prepared.
    pub fn load(
        &self,
        limit: Limit,
        preprocessing: &AnyPreprocessing,
        output: &Arc<Output>,
    ) -> Result<(Dataset, Dataset), DatasetsError> {
        let images = preprocessing.images.clone().unwrap_or_default();
        match self {
            AnySource::Asked(asked) => asked.table().load(limit, output),
            AnySource::Table(table) => table.load(limit, output),
            AnySource::Images { source, family, shape, .. } => {
                source.load(*family, *shape, limit, &images, output)
            }
            AnySource::Rows(source) => {
                source.load(PublishedImages::Mnist, PublishedImages::Mnist.shape(), limit, &images, output)
            }
            AnySource::Texts { source, .. } => {
                let mut tokens = preprocessing.texts.clone().unwrap_or_default();
                let (train, test) = source.load(limit, output)?;
                // Where texts are few, what occurs once is worth its place.
                if train.len() < FEW_TEXTS {
                    tokens.min_count.get_or_insert(1);
                }
                tokens.prepare((train, test))
            }
        }
    }

    /// The validation samples that are named, prepared as the training samples are.
    pub fn load_validation(&self, train: &Dataset, output: &Output) -> anyhow::Result<Option<Dataset>> {
        match self {
            AnySource::Table(table) => Ok(table.load_validation(train, output)?),
            AnySource::Images { validation: Some(folder), shape, .. } => {
                Ok(Some(load_pictures_like(train, folder, *shape, output)?))
            }
            AnySource::Texts { source, validation: Some(path) } => {
                let Some(tokens) = train.text_preprocessing() else { return Ok(None) };
                let texts = source.load_like(path, output)?;
                Ok(Some(Dataset::from_texts(&texts, tokens)?.with_split("validation")))
            }
            _ => Ok(None),
        }
    }

    /// Whether validation samples are named.
    pub fn has_validation(&self) -> bool {
        match self {
            AnySource::Asked(asked) => asked.validation.is_some() || asked.validation_part().is_some(),
            AnySource::Table(table) => table.validation.is_some(),
            AnySource::Images { validation, .. } | AnySource::Texts { validation, .. } => {
                validation.is_some()
            }
            AnySource::Rows(_) => false,
        }
    }

    /// Whether a fifth of the samples becomes the test part, as there is none.
    pub fn holds_out_test(&self) -> bool {
        match self {
            AnySource::Asked(asked) => asked.table().test.is_none(),
            AnySource::Table(table) => table.test.is_none(),
            AnySource::Images { source, .. } | AnySource::Rows(source) => source.holds_out_test(),
            AnySource::Texts { source, .. } => source.holds_out_test(),
        }
    }

    /// Some test samples as they were read; empty if they cannot be had again.
    pub fn originals(&self, limit: Limit, test: &Dataset, indices: &[usize]) -> Vec<Content> {
        match self {
            AnySource::Table(table) => table.originals(test, indices),
            AnySource::Texts { source, .. } => source.originals(limit, indices),
            _ => Vec::new(),
        }
    }

    /// All texts that a saved model is measured on; `None` where samples are none.
    pub fn texts_to_measure(&self, limit: Limit, card: &ModelCard) -> anyhow::Result<Option<Vec<String>>> {
        match self {
            AnySource::Asked(asked) if card.text.is_some() => {
                asked.clone().look(&Output::silent())?.texts_to_measure(limit, card)
            }
            AnySource::Texts { source, .. } => {
                let silent = Arc::new(Output::silent());
                Ok(Some(source.load_texts(Part::Test, limit, card, &silent)?.texts().to_vec()))
            }
            _ => Ok(None),
        }
    }

    /// The cells of a column, of all rows that a saved model is measured on; `None` where samples are no rows.
    pub fn cells(
        &self,
        column: &str,
        card: &ModelCard,
        output: &Arc<Output>,
    ) -> anyhow::Result<Option<Vec<String>>> {
        match self {
            AnySource::Asked(asked) if card.table.is_some() => {
                let (asked, _) = asked.clone().located(Some(Kind::Table), output)?;
                Ok(Some(asked.table().cells(column, card, output)?))
            }
            AnySource::Table(table) => Ok(Some(table.cells(column, card, output)?)),
            _ => Ok(None),
        }
    }

    /// The samples that a saved model was trained on, or is measured on.
    pub fn load_part(
        &self,
        part: Part,
        limit: Limit,
        card: &ModelCard,
        output: &Arc<Output>,
    ) -> anyhow::Result<Dataset> {
        match self {
            AnySource::Asked(asked) if card.table.is_some() => asked
                .clone()
                .located(Some(Kind::Table), output)?
                .0
                .table()
                .load_part(part, limit, card, output),
            AnySource::Asked(asked) => asked.clone().look(output)?.load_part(part, limit, card, output),
            AnySource::Table(table) => table.load_part(part, limit, card, output),
            AnySource::Images { source, family, shape, .. } => {
                let shape = card.spec.input.shape().try_into().unwrap_or(*shape);
                Ok(source.load_part(*family, shape, part, limit, card, output)?)
            }
            AnySource::Rows(source) => {
                let family = PublishedImages::Mnist;
                Ok(source.load_part(family, family.shape(), part, limit, card, output)?)
            }
            AnySource::Texts { source, .. } => source.load_part(part, limit, card, output),
        }
    }
}
