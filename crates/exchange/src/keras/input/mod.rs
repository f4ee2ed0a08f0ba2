//! From the description of a Keras model to ours.

mod config;
mod flow;
mod graph;
mod layers;
mod translate;
mod translation;
mod weights;

use std::path::Path;

use fireclay_nn::NnError;
use serde_json::{Map, Value};

use super::hdf5::{Hdf5, Problem};
use crate::{ExchangeError, FileFormat, Imported};
pub(super) use flow::permuted;
pub(super) use graph::snake_case;
use translation::Translation;
use weights::Weights;

/// How the weights lie in the file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Container {
    /// `model.weights.h5` of a `.keras` file.
    Keras,
    /// A whole model in HDF5.
    Hdf5,
}

/// Translates a model whose description is `text`.
pub(super) fn translate(
    path: &Path,
    container: Container,
    text: &str,
    file: &Hdf5,
) -> Result<Imported, ExchangeError> {
    let format = match container {
        Container::Keras => FileFormat::Keras,
        Container::Hdf5 => FileFormat::Hdf5,
    };
    let malformed = |problem: String| ExchangeError::Malformed { path: path.to_path_buf(), format, problem };
    let model: Map<String, Value> = serde_json::from_str(text)
        .map_err(|error| malformed(format!("the description of the network is not JSON: {error}")))?;
    let weights = match container {
        Container::Keras => Weights::by_class(file),
        Container::Hdf5 => Weights::by_name(file),
    };
    let mut translation = Translation::new(&weights);
    let flow = translation.model(&model).map_err(|problem| wrap(path, format, problem))?;
    let done = translation.finish(flow);
    if !done.unsupported.is_empty() {
        return Err(ExchangeError::Unsupported { path: path.to_path_buf(), items: done.unsupported });
    }
    let mismatch = weights.mismatch();
    if !mismatch.is_empty() {
        let source = NnError::Weights(Box::new(mismatch));
        return Err(ExchangeError::Model { path: path.to_path_buf(), source });
    }
    let mut imported = Imported::new(path, done.spec, done.tensors)?;
    imported.model.card.classes = done.classes;
    imported.model.card.preprocessing = done.preprocessing;
    imported.notes = done.notes;
    Ok(imported)
}

/// A problem with the bytes, with the file's name.
pub(super) fn wrap(path: &Path, format: FileFormat, problem: Problem) -> ExchangeError {
    let path = path.to_path_buf();
    match problem {
        Problem::Malformed(problem) => ExchangeError::Malformed { path, format, problem },
        Problem::TooLarge { what, found, limit } => ExchangeError::TooLarge { path, what, found, limit },
    }
}
