//! Files of PyTorch and Keras, and folders of Hugging Face, as their readers see them.

use std::collections::BTreeMap;
use std::path::Path;

use fireclay_nn::{LayerKind, LayerSpec};

use super::{Inspection, TensorEntry, ValueRange};
use crate::huggingface::weights_path;
use crate::pytorch::TensorFile;
use crate::{ExchangeError, FileFormat, keras};

/// The dictionary of weights of a PyTorch file; its storages are read only for ranges.
pub(super) fn pytorch(path: &Path, ranges: bool) -> Result<Inspection, ExchangeError> {
    let mut file = TensorFile::open(path)?;
    let mut facts = Vec::new();
    if let Some(key) = file.key() {
        facts.push(("found under".to_owned(), key.to_owned()));
    }
    if !file.ignored().is_empty() {
        facts.push(("no tensors".to_owned(), file.ignored().join(", ")));
    }
    let mut tensors = Vec::with_capacity(file.tensors().len());
    for info in file.tensors().to_vec() {
        let range = match ranges {
            true => Some(ValueRange::of(file.read(&info.name)?.values.into_iter().map(f64::from))),
            false => None,
        };
        tensors.push(TensorEntry {
            shape: info.shape.iter().map(|size| *size as u64).collect(),
            // As the other formats are told: f32, bf16, i64.
            dtype: info.element.to_string().replace("uint", "u").replace("int", "i").replace("float", "f"),
            name: info.name,
            range,
        });
    }
    Ok(Inspection {
        format: FileFormat::PyTorch,
        bytes: size(path)?,
        facts,
        card: None,
        layers: Vec::new(),
        tensors,
    })
}

/// The weights of a folder, and what its `config.json` calls the network.
pub(super) fn hugging_face(folder: &Path, ranges: bool) -> Result<Inspection, ExchangeError> {
    /// The largest `config.json` that is read, in bytes.
    const MAX_CONFIG: u64 = 1 << 20;
    let config = folder.join("config.json");
    let text = crate::file::read(&config, MAX_CONFIG)?;
    let config: serde_json::Value = serde_json::from_slice(&text).map_err(|error| {
        ExchangeError::Malformed { path: config, format: FileFormat::HuggingFace, problem: error.to_string() }
    })?;
    let weights = super::inspect(&weights_path(folder), ranges)?;
    let mut facts = Vec::new();
    for name in ["model_type", "architectures", "hidden_size", "num_hidden_layers", "vocab_size"] {
        match config.get(name) {
            Some(serde_json::Value::String(text)) => facts.push((name.to_owned(), text.clone())),
            Some(value) => facts.push((name.to_owned(), value.to_string())),
            None => {}
        }
    }
    facts.extend(weights.facts);
    Ok(Inspection { format: FileFormat::HuggingFace, facts, ..weights })
}

/// A whole model of Keras. Its description says which weights there are only together with them, so all of it is read; names and
/// shapes are those that it has here.
pub(super) fn whole_keras(
    path: &Path,
    format: FileFormat,
    ranges: bool,
) -> Result<Inspection, ExchangeError> {
    let imported = keras::import(path)?;
    let mut layers = BTreeMap::new();
    count(&imported.model.card.spec.layers, &mut layers);
    let tensors = (imported.model.tensors.into_iter())
        .map(|tensor| TensorEntry {
            range: ranges.then(|| ValueRange::of(tensor.values.iter().map(|value| f64::from(*value)))),
            name: tensor.name,
            shape: tensor.shape.iter().map(|size| *size as u64).collect(),
            dtype: "f32".to_owned(),
        })
        .collect();
    let mut facts = vec![("takes".to_owned(), imported.model.card.spec.input.to_string())];
    facts.extend(imported.notes.into_iter().map(|note| ("note".to_owned(), note)));
    Ok(Inspection {
        format,
        bytes: size(path)?,
        facts,
        card: None,
        layers: layers.into_iter().collect(),
        tensors,
    })
}

fn count(layers: &[LayerSpec], found: &mut BTreeMap<String, usize>) {
    for layer in layers {
        *found.entry(layer.kind.type_name().to_owned()).or_insert(0) += 1;
        if let LayerKind::Residual(block) = &layer.kind {
            count(&block.layers, found);
            count(&block.shortcut, found);
        }
    }
}

fn size(path: &Path) -> Result<u64, ExchangeError> {
    let wrong = |source| ExchangeError::Read { path: path.to_path_buf(), source };
    Ok(std::fs::metadata(path).map_err(wrong)?.len())
}
