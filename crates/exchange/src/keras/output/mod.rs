//! From one of our models to the description and the weights of a Keras model.

mod attention;
mod conv;
mod graph;
mod layers;
mod recurrent;
mod writer;

use fireclay_nn::{InputSpec, TestTimeAugmentation};
use fireclay_store::{ModelFile, Preprocessing, StoreError};
use serde_json::json;

use super::archive::{CONFIG, METADATA, WEIGHTS, write};
use super::hdf5;
use crate::{ExchangeError, FileFormat, Unsupported};
use graph::{Graph, Value};
use writer::Writer;

/// The version of Keras whose files these are.
const KERAS_VERSION: &str = "3.15.1";

/// What errors of a model in memory call its file.
const IN_MEMORY: &str = "the model";

pub(super) fn export(model: &ModelFile) -> Result<Vec<u8>, ExchangeError> {
    let layers = model.card.spec.placed_layers()?;
    fireclay_nn::check_tensors(&model.card.spec, &model.tensors)?;
    let mut graph = Graph::default();
    let (shape, tokens) = match &model.card.spec.input {
        InputSpec::Tokens(tokens) => (vec![*tokens], true),
        input => match input.shape() {
            [channels, height, width] => (vec![*height, *width, *channels], false),
            shape => (shape.to_vec(), false),
        },
    };
    let mut batch_shape = vec![None];
    batch_shape.extend(shape.iter().copied().map(Some));
    let dtype = if tokens { "int32" } else { "float32" };
    let input = graph.add(
        "InputLayer",
        "input",
        json!({ "batch_shape": batch_shape, "dtype": dtype }),
        &[],
        Vec::new(),
    );
    let mut value = Value::of(input, shape);
    if let Some(Preprocessing { mean, std }) = &model.card.preprocessing {
        // A byte reaches our networks as a number from 0 to 1, and Keras's as it is.
        let (unit, features) = (if value.shape.len() == 3 { 255.0 } else { 1.0 }, value.features());
        let of = |values: &[f32], place: usize| f64::from(values[place % values.len().max(1)]) * unit;
        let mean: Vec<f64> = (0..features).map(|place| of(mean, place)).collect();
        let variance: Vec<f64> = (0..features).map(|place| of(std, place).powi(2)).collect();
        let config = json!({ "axis": -1, "mean": mean, "variance": variance });
        value.node = graph.add("Normalization", "preprocessing", config, &[value.node], Vec::new());
    }
    let mut writer = Writer::new(graph, model);
    if model.card.spec.test_time_augmentation != TestTimeAugmentation::None {
        writer.refuse(
            "the network",
            "",
            "views",
            "Keras applies a network to an image once; set test_time_augmentation to none",
        );
    }
    let value = writer.list(&layers, value, "");
    if value.flat_image.is_some() {
        writer.refuse(
            "the end",
            "",
            "flatten",
            "an image laid out flat is the output, in another order than Keras's",
        );
    }
    let Writer { graph, refused, .. } = writer;
    if !refused.is_empty() {
        return Err(ExchangeError::NotExpressible { format: FileFormat::Keras, items: refused });
    }
    let (config, tree) = graph.finish(input, value.node);
    let metadata = json!({ "keras_version": KERAS_VERSION, "date_saved": "1980-01-01@00:00:00" }).to_string();
    let weights = hdf5::write(&tree);
    let entries = [(METADATA, metadata.as_bytes()), (CONFIG, config.as_bytes()), (WEIGHTS, &weights)];
    write(&entries)
        .map_err(|source| ExchangeError::Store(StoreError::Write { path: IN_MEMORY.into(), source }))
}

/// A part of a network for which Keras has nothing.
fn refused(position: &str, name: &str, kind: &str, reason: &str) -> Unsupported {
    Unsupported { position: position.into(), name: name.into(), kind: kind.into(), reason: reason.into() }
}
