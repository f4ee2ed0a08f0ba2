//! A network of ours as PyTorch's: its weights, and the Python that rebuilds it.

mod class;
mod code;
mod helpers;
mod layers;
mod names;

use std::collections::HashMap;
use std::path::Path;

use fireclay_nn::{LayerKind, ModelSpec, PlacedLayer};
use fireclay_store::ModelFile;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, serialize};

use crate::{ExchangeError, FileFormat};
use code::Code;

/// What [`export`] writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PyTorchExport {
    /// The weights, a file of safetensors. `load_state_dict(load_file(FILE), strict=True)` takes its names as they are.
    pub safetensors: Vec<u8>,
    /// Python with a class `Network`, an `nn.Module`; it needs PyTorch alone.
    pub source: String,
}

/// Writes a model as weights and the Python that rebuilds its network.
///
/// The class is plain code: each layer is a module of PyTorch's where PyTorch has one that computes the same, else a few
/// lines that are in the file as well. Outputs agree within rounding, as do those of samples that padding fills up, and of
/// test-time augmentation once `eval()` was called. What is done to inputs before is `Network.prepare`. Layers whose names are
/// Python's or `nn.Module`'s own have an underscore behind them, in the weights as well.
///
/// ```
/// use fireclay_exchange::{ModelFile, pytorch};
/// use fireclay_nn::{Device, ModelSpec, state};
/// use fireclay_store::ModelCard;
///
/// let spec = ModelSpec::new([1, 8, 8]).conv2d(4, 3).relu().flatten().dense(2);
/// let model = spec.build(&Device::default())?;
/// let file = ModelFile { card: ModelCard::new(spec), tensors: state(&model) };
/// let written = pytorch::export(&file)?;
/// assert!(written.source.contains("self.conv2d_1 = nn.Conv2d(1, 4, (3, 3))"));
/// assert!(written.source.contains("x = F.relu(x)"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`ExchangeError::Network`] if the tensors are not those of the description or not finite, and [`ExchangeError::NotExpressible`] for a kind of
/// layer that has no translation.
pub fn export(model: &ModelFile) -> Result<PyTorchExport, ExchangeError> {
    fireclay_nn::check_tensors(&model.card.spec, &model.tensors)?;
    let placed = model.card.spec.placed_layers()?;
    let code = Code::of(&model.card, &placed);
    if !code.unsupported.is_empty() {
        let (format, items) = (FileFormat::PyTorch, code.unsupported);
        return Err(ExchangeError::NotExpressible { format, items });
    }
    let safetensors = weights(model, &placed, &code.names)?;
    Ok(PyTorchExport { safetensors, source: code.text })
}

/// `names` has, for each layer by its full name, what the Python calls it.
fn weights(
    model: &ModelFile,
    placed: &[PlacedLayer],
    names: &HashMap<String, String>,
) -> Result<Vec<u8>, ExchangeError> {
    let damaged = |error: safetensors::SafeTensorError| ExchangeError::Malformed {
        path: Path::new("the model").to_path_buf(),
        format: FileFormat::Safetensors,
        problem: error.to_string(),
    };
    let mut values = Vec::new();
    for tensor in &model.tensors {
        let bytes: Vec<u8> = tensor.values.iter().flat_map(|value| value.to_le_bytes()).collect();
        values.push((renamed(&tensor.name, names), Dtype::F32, tensor.shape.clone(), bytes));
    }
    // PyTorch counts the batches that a batch norm has seen, and asks for the number.
    each_layer(placed, &mut |layer| {
        if let (LayerKind::BatchNorm(_), Some(name)) = (&layer.kind, names.get(&layer.name)) {
            let counter = format!("{name}.num_batches_tracked");
            values.push((counter, Dtype::I64, Vec::new(), 0i64.to_le_bytes().to_vec()));
        }
    });
    let mut views = Vec::with_capacity(values.len());
    for (name, dtype, shape, bytes) in &values {
        views.push((name.as_str(), TensorView::new(*dtype, shape.clone(), bytes).map_err(damaged)?));
    }
    serialize(views, None).map_err(damaged)
}

/// The Python's name of a tensor: the longest name of a layer that it begins with is its layer's.
fn renamed(tensor: &str, names: &HashMap<String, String>) -> String {
    let places = tensor.rmatch_indices('.');
    let mut found =
        places.filter_map(|(at, _)| Some(format!("{}{}", names.get(&tensor[..at])?, &tensor[at..])));
    found.next().unwrap_or_else(|| tensor.to_owned())
}

fn each_layer<'a>(placed: &'a [PlacedLayer], found: &mut impl FnMut(&'a PlacedLayer)) {
    for layer in placed {
        found(layer);
        each_layer(&layer.body, found);
        each_layer(&layer.shortcut, found);
    }
}

/// What one sample of a description is, in Python's words.
fn described_input(spec: &ModelSpec) -> String {
    match &spec.input {
        fireclay_nn::InputSpec::Tokens(count) => format!("tokens, whole numbers [batch, up to {count}]"),
        input => {
            let sizes: Vec<String> = input.shape().iter().map(ToString::to_string).collect();
            format!("numbers [batch, {}]", sizes.join(", "))
        }
    }
}
