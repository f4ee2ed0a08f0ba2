//! Where data comes from: what flags say, what is found out, and loading it.

mod args;
mod look;
mod table;

use std::sync::Arc;

pub use args::DataArgs;
use fireclay::data::{Dataset, DatasetsError};
use fireclay::store::ModelCard;
use fireclay_cli::{ImageSource, Limit, Output, PublishedImages, TextSource};
use serde::{Deserialize, Serialize};
pub use table::TableSource;

use self::args::Asked;
use crate::program::AnyPreprocessing;

/// Where data comes from, and what it is: what a checkpoint keeps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnySource {
    /// What flags say, before it was looked at.
    Asked(Asked),
    /// A table of numbers and categories.
    Table(Box<TableSource>),
    /// Images of some shape; of which published family where they are published.
    Images { source: ImageSource, family: PublishedImages, shape: [usize; 3] },
    /// Samples that are rows of numbers already, as NumPy saves them.
    Rows(ImageSource),
    /// Texts.
    Texts(TextSource),
}

impl Default for AnySource {
    fn default() -> Self {
        AnySource::Asked(Asked::default())
    }
}

impl AnySource {
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
            AnySource::Images { source, family, shape } => {
                source.load(*family, *shape, limit, &images, output)
            }
            AnySource::Rows(source) => {
                source.load(PublishedImages::Mnist, PublishedImages::Mnist.shape(), limit, &images, output)
            }
            AnySource::Texts(source) => {
                let tokens = preprocessing.texts.clone().unwrap_or_default();
                tokens.prepare(source.load(limit, output)?)
            }
        }
    }

    /// The samples to measure a saved model on.
    pub fn load_test(&self, limit: Limit, card: &ModelCard, output: &Arc<Output>) -> anyhow::Result<Dataset> {
        match self {
            AnySource::Asked(asked) if card.table.is_some() => asked.table().load_test(limit, card, output),
            AnySource::Asked(asked) => asked.clone().look(output)?.load_test(limit, card, output),
            AnySource::Table(table) => table.load_test(limit, card, output),
            AnySource::Images { source, family, shape } => {
                let shape = card.spec.input.shape().try_into().unwrap_or(*shape);
                Ok(source.load_test(*family, shape, limit, card, output)?)
            }
            AnySource::Rows(source) => {
                let family = PublishedImages::Mnist;
                Ok(source.load_test(family, family.shape(), limit, card, output)?)
            }
            AnySource::Texts(source) => source.load_test(limit, card, output),
        }
    }
}
