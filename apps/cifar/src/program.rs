//! What `cifar` is, besides the commands that all programs share.

use std::sync::Arc;

use fireclay::data::DatasetsError;
use fireclay::prelude::*;
use fireclay::store::ModelCard;
use fireclay_cli::networks::ObjectNetwork;
use fireclay_cli::{
    DataSpec, Fallback, ImagePreprocessing, ImageProgram, ImageSource, ImageSourceArgs, Limit, Output, Part,
    Program, PublishedImages,
};

const FAMILY: PublishedImages = PublishedImages::Cifar;

/// The program.
#[derive(Debug)]
pub struct CifarProgram;

impl Program for CifarProgram {
    const NAME: &'static str = "cifar";
    const MODEL_FILE: &'static str = "cifar.fireclay";

    type Model = ObjectNetwork;
    type SourceArgs = ImageSourceArgs;
    type Preprocessing = ImagePreprocessing;

    fn samples(_: &Dataset) -> &'static str {
        "images"
    }

    fn next_command(_: &Dataset) -> &'static str {
        "predict PICTURE.png"
    }

    fn known_source(dataset: &str) -> Option<ImageSource> {
        FAMILY.known_source(dataset)
    }

    fn default_preprocessing(model: ObjectNetwork) -> ImagePreprocessing {
        model.preprocessing()
    }

    fn default_data(_: ObjectNetwork) -> DataSpec {
        DataSpec::images(FAMILY.shape(), 10)
    }

    fn load(
        source: &ImageSource,
        limit: Limit,
        preprocessing: &ImagePreprocessing,
        output: &Arc<Output>,
    ) -> Result<(Dataset, Dataset), DatasetsError> {
        source.load(FAMILY, FAMILY.shape(), limit, preprocessing, output)
    }

    fn holds_out_test(source: &ImageSource) -> bool {
        source.holds_out_test()
    }

    fn fallback() -> Option<Fallback<ImageSource>> {
        Some(Fallback {
            source: ImageSource::Synthetic,
            dataset: FAMILY.names().1,
            missing: "CIFAR-10",
            remedy: "give CIFAR-10's files with --data-dir FOLDER",
        })
    }

    fn load_part(
        source: &ImageSource,
        part: Part,
        limit: Limit,
        card: &ModelCard,
        output: &Arc<Output>,
    ) -> anyhow::Result<Dataset> {
        Ok(source.load_part(FAMILY, FAMILY.shape(), part, limit, card, output)?)
    }
}

impl ImageProgram for CifarProgram {
    const PREDICT_ABOUT: &'static str = "Predict what pictures show: PNG or JPEG, any size";
    const CHANNELS: &'static [usize] = &[1, 3];
}
