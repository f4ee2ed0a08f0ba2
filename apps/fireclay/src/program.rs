//! What `fireclay` is for tables, besides the commands that all programs share.

use std::path::Path;
use std::sync::Arc;

use clap::Args;
use fireclay::data::{DatasetsError, Normalization};
use fireclay::nn::InputSpec;
use fireclay::prelude::*;
use fireclay::store::ModelCard;
use fireclay::train::table_preprocessing;
use fireclay_cli::{DataSpec, Fallback, Limit, Output, Preprocessing, Program};
use serde::{Deserialize, Serialize};

use crate::error::AppError;
use crate::models::ModelName;
use crate::source::{TableArgs, TableSource};

/// The program, on a table.
#[derive(Debug)]
pub struct TableProgram;

/// How columns become numbers is found in the table: there are no flags.
#[derive(Args, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableEncoding {}

impl Preprocessing for TableEncoding {
    fn merge(self, _: Self) -> Self {
        self
    }

    fn describe(&self) -> Vec<String> {
        Vec::new()
    }
}

impl Program for TableProgram {
    const NAME: &'static str = "fireclay";
    const MODEL_FILE: &'static str = "model.fireclay";
    const SAMPLES: &'static str = "rows";
    const TRY: &'static str = "predict TABLE.csv";
    const DATASETS: &'static [&'static str] = &[];
    const COMPARES_WITH_BASELINES: bool = true;

    type Model = ModelName;
    type SourceArgs = TableArgs;
    type Preprocessing = TableEncoding;

    fn default_data(_: Self::Model) -> DataSpec {
        DataSpec { input: InputSpec::from([10].as_slice()), vocabulary_size: 0, classes: 2, samples: 1_000 }
    }

    fn load(
        source: &TableSource,
        limit: Limit,
        _: &TableEncoding,
        output: &Arc<Output>,
    ) -> Result<(Dataset, Dataset), DatasetsError> {
        source.load(limit, output)
    }

    fn fallback() -> Option<Fallback<TableSource>> {
        None
    }

    fn load_test(
        source: &TableSource,
        limit: Limit,
        card: &ModelCard,
        output: &Arc<Output>,
    ) -> anyhow::Result<Dataset> {
        // Of this the file's name is not known here.
        let path = Path::new("the model");
        let Some(preprocessing) = table_preprocessing(path, card)? else {
            return Err(AppError::NoTable { path: path.to_path_buf() }.into());
        };
        let test = source.load_test(&preprocessing, &card.classes, output)?;
        let test = match &card.target_scale {
            Some(scale) => {
                let (mean, std) = (scale.mean.clone(), scale.std.clone());
                test.with_target_scale(Some(&Normalization { mean, std }))?
            }
            None => test,
        };
        Ok(limit.dataset(test)?)
    }
}
