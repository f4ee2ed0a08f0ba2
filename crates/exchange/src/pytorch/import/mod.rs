//! The weights of a file in an architecture of ours.
//!
//! PyTorch's names are those of a program's attributes, `features.0.weight`, ours those of a description, `conv2d_1.weight`;
//! what is inside a layer has the same names in both. So tensors are put together by layer, and layers are matched by name
//! where names agree, else by the shapes of all their tensors, and where several layers are alike by their order.

mod groups;
mod matching;
mod rules;

use std::path::Path;

use fireclay_nn::{LayerKind, ModelSpec, NamedTensor, NnError, PlacedLayer, TensorSpec};

use crate::{ExchangeError, Imported};
use matching::{Assignment, Copy};
pub use rules::NameRule;

use super::tensors::TensorFile;
use crate::words::short;

/// How the weights of a file are found in it and named.
#[derive(Clone, Debug, Default)]
pub struct WeightOptions {
    /// Under which key of a checkpoint the weights are, such as `ema` or `net.encoder`; found by its usual names by default.
    pub key: Option<String>,
    /// Names that are changed before they are compared, one rule after another.
    pub rules: Vec<NameRule>,
}

/// Takes the weights of a PyTorch file, or of safetensors of another program, into an architecture.
///
/// A file says which numbers a network has learnt and not what it is, so the description is needed as well; a
/// [`ModelFile`](crate::ModelFile) of the same architecture has one. The names need not be ours: see
/// [`WeightOptions::rules`] for those that cannot be told otherwise. The prefixes `module.` of `DataParallel` and
/// `_orig_mod.` of `torch.compile` are left out, as are the counters `num_batches_tracked`. An output layer that shares
/// the weight of an embedding may have a copy of it.
///
/// ```
/// use fireclay_exchange::pytorch::{WeightOptions, import_weights};
/// use fireclay_nn::ModelSpec;
/// # let folder = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/pytorch"));
///
/// // nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
/// let spec = ModelSpec::new([4]).dense(8).relu().dense(3);
/// let imported = import_weights(folder.join("sequential.pt"), &spec, &WeightOptions::default())?;
/// assert_eq!(imported.model.tensors[0].name, "dense_1.weight");
/// assert_eq!(imported.notes[0], "dense_1 has the weights of '0'");
/// # Ok::<(), fireclay_exchange::ExchangeError>(())
/// ```
///
/// # Errors
/// As for [`TensorFile`]; [`ExchangeError::Model`] with all that is missing, unexpected or of another shape, or for a value
/// that is NaN or infinite; [`ExchangeError::AmbiguousWeights`] where names, shapes and order leave a choice.
pub fn import_weights(
    path: impl AsRef<Path>,
    spec: &ModelSpec,
    options: &WeightOptions,
) -> Result<Imported, ExchangeError> {
    let path = path.as_ref();
    let wrong = |source: NnError| ExchangeError::Model { path: path.to_path_buf(), source };
    let layers = layers_with_tensors(spec).map_err(wrong)?;
    let mut file = match &options.key {
        Some(key) => TensorFile::open_at(path, key)?,
        None => TensorFile::open(path)?,
    };
    let mut notes = Vec::new();
    if let Some(key) = file.key() {
        notes.push(format!("the weights were found under '{}'", short(key)));
    }
    if !file.ignored().is_empty() {
        let names: Vec<String> = file.ignored().iter().take(10).map(|name| format!("'{name}'")).collect();
        notes.push(format!("{} beside the weights were left out, as they are no tensors", names.join(", ")));
    }
    let offered = groups::offered(path, &file, &options.rules, &mut notes)?;
    let in_order = file.format() == crate::FileFormat::PyTorch;
    let assignment = matching::assign(path, &layers, &offered, in_order)?;
    let mut tensors = Vec::new();
    for found in &assignment.found {
        tensors.push(NamedTensor { name: found.name.clone(), ..file.read(&found.original)? });
    }
    check_copies(path, &mut file, &assignment, &mut notes)?;
    notes.extend(assignment.notes());
    let imported = Imported::new(path, spec.clone(), tensors)?;
    Ok(Imported { notes, ..imported })
}

/// A layer that has tensors.
struct OwnLayer {
    name: String,
    /// Their names inside the layer, and shapes.
    tensors: Vec<(String, Vec<usize>)>,
    /// For an output layer that shares an embedding's weight, the embedding and the weight's shape.
    tied: Option<(String, Vec<usize>)>,
}

fn layers_with_tensors(spec: &ModelSpec) -> Result<Vec<OwnLayer>, NnError> {
    let tensors = spec.tensors()?;
    let mut layers = Vec::new();
    fn visit(placed: &[PlacedLayer], tensors: &[TensorSpec], layers: &mut Vec<OwnLayer>) {
        for layer in placed {
            let prefix = format!("{}.", layer.name);
            let own = match layer.kind {
                LayerKind::Residual(_) => Vec::new(),
                _ => (tensors.iter())
                    .filter_map(|tensor| {
                        Some((tensor.name.strip_prefix(&prefix)?.to_owned(), tensor.shape.clone()))
                    })
                    .collect(),
            };
            let tied = layer.tied_to.as_ref().and_then(|embedding| {
                let weight = format!("{embedding}.weight");
                let shape = tensors.iter().find(|tensor| tensor.name == weight)?.shape.clone();
                Some((embedding.clone(), shape))
            });
            if !own.is_empty() || tied.is_some() {
                layers.push(OwnLayer { name: layer.name.clone(), tensors: own, tied });
            }
            visit(&layer.body, tensors, layers);
            visit(&layer.shortcut, tensors, layers);
        }
    }
    visit(&spec.placed_layers()?, &tensors, &mut layers);
    Ok(layers)
}

/// The copies of shared weights in the file must be the same numbers.
fn check_copies(
    path: &Path,
    file: &mut TensorFile,
    assignment: &Assignment,
    notes: &mut Vec<String>,
) -> Result<(), ExchangeError> {
    for Copy { layer, embedding, original } in &assignment.copies {
        let weight = format!("{embedding}.weight");
        let Some(weight) = assignment.found.iter().find(|found| found.name == weight) else { continue };
        if file.read(original)?.values != file.read(&weight.original)?.values {
            let problem = format!(
                "{layer} shares the weight of {embedding}, and in the file the two differ; describe a dense layer instead"
            );
            return Err(ExchangeError::Tensor { path: path.to_path_buf(), name: short(original), problem });
        }
        notes.push(format!("'{}' is the weight that {layer} shares with {embedding}", short(original)));
    }
    Ok(())
}
