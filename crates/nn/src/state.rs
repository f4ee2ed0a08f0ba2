//! The weights of any module as named arrays, and back.
//!
//! This is the one place where Burn's names and layouts become PyTorch's: a dense weight is transposed to
//! `[out_features, in_features]`, a recurrent layer's matrices likewise, under names such as `weight_ih_l0`, attention's
//! `in_proj.weight` is `in_proj_weight`, and `gamma` and `beta` of normalisations are called `weight` and `bias`. Files,
//! fixtures and comparisons all go through here.

use std::collections::BTreeMap;

use burn::module::{ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::{Gradients, Tensor, TensorData};
use fireclay_backend::ops::conv2d_weight;

use crate::error::{NnError, WeightsMismatch};
use crate::network::Network;
use crate::spec::ModelSpec;

/// A tensor in host memory, row-major, f32.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedTensor {
    /// `conv2d_1.weight`
    pub name: String,
    /// Sizes in PyTorch's layout.
    pub shape: Vec<usize>,
    /// The values; as many as the sizes multiply to.
    pub values: Vec<f32>,
}

impl NamedTensor {
    /// Refuses NaN and infinity.
    ///
    /// # Errors
    /// [`NnError::NotFinite`] with the first such value and its place.
    pub fn check_finite(&self) -> Result<(), NnError> {
        match self.values.iter().position(|value| !value.is_finite()) {
            None => Ok(()),
            Some(index) => {
                Err(NnError::NotFinite { name: self.name.clone(), value: self.values[index], index })
            }
        }
    }
}

/// Whether a name is that of a layer or of something in it: a tensor, or, of a block, a layer.
///
/// ```
/// use fireclay_nn::is_in_layer;
///
/// assert!(is_in_layer("residual_1.conv2d_2.weight", "residual_1") && is_in_layer("dense_1", "dense_1"));
/// assert!(!is_in_layer("dense_10.weight", "dense_1"));
/// ```
pub fn is_in_layer(name: &str, layer: &str) -> bool {
    name.strip_prefix(layer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Whether a name is that of a running statistic of batch norm, which is no weight: what training measures and does not learn.
///
/// ```
/// use fireclay_nn::is_running_statistic;
///
/// assert!(is_running_statistic("batch_norm_1.running_var") && !is_running_statistic("batch_norm_1.weight"));
/// ```
pub fn is_running_statistic(name: &str) -> bool {
    name.ends_with(".running_mean") || name.ends_with(".running_var")
}

/// Reads all tensors of a network: weights, biases and running statistics, in the order of the layers.
///
/// Take it from `network.valid()` while training, so that running statistics include the last step.
pub fn state<N: Network>(network: &N) -> Vec<NamedTensor> {
    collect(network, Of::Values)
}

/// Reads the gradients of all parameters that got one, under the parameters' names and in their layout.
///
/// A trainable parameter that is not in the list had no part in the loss.
pub fn gradients<N: Network>(network: &N, gradients: &Gradients) -> Vec<NamedTensor> {
    collect(network, Of::Gradients(gradients))
}

/// The same of gradients that are on their way to an optimiser.
pub fn gradients_by_id<N: Network>(network: &N, gradients: &GradientsParams) -> Vec<NamedTensor> {
    collect(network, Of::Parameters(gradients))
}

/// Names of trainable parameters that have no gradient: they had no part in the loss.
pub fn parameters_without_gradient<N: Network>(network: &N, gradients: &Gradients) -> Vec<String> {
    let mut finder = Unused { network, gradients, path: Path::default(), names: Vec::new() };
    network.visit(&mut finder);
    finder.names
}

fn collect<N: Network>(network: &N, of: Of) -> Vec<NamedTensor> {
    let mut collector = Collector { network, of, path: Path::default(), tensors: Vec::new() };
    network.visit(&mut collector);
    collector.tensors
}

/// Fills a network with tensors, each of which must fit in name and shape.
///
/// Clones of a network share their running statistics, as everywhere in Burn; to keep the network that this one was
/// cloned from as it is, give `network.valid()`.
///
/// # Errors
/// [`NnError::Weights`] with every tensor that is missing, unexpected or of another shape.
pub fn load_state<N: Network>(network: N, tensors: Vec<NamedTensor>) -> Result<N, NnError> {
    let mut inspector = Inspector { network: &network, path: Path::default(), shapes: BTreeMap::new() };
    network.visit(&mut inspector);
    let expected = inspector.shapes;
    let offered: BTreeMap<&str, &[usize]> =
        tensors.iter().map(|tensor| (tensor.name.as_str(), tensor.shape.as_slice())).collect();
    compare(&expected, &offered)?;
    Ok(load_part(network, tensors))
}

/// Fills in tensors that fit, and leaves the others as they are.
pub(crate) fn load_part<N: Network>(network: N, tensors: Vec<NamedTensor>) -> N {
    let names = network.clone();
    let mut loader = Loader {
        network: &names,
        path: Path::default(),
        tensors: tensors.into_iter().map(|tensor| (tensor.name.clone(), tensor)).collect(),
    };
    network.map(&mut loader)
}

/// Compares what a description will hold with names and shapes from elsewhere, before anything is built.
///
/// # Errors
/// [`NnError::Weights`] with every tensor that is missing, unexpected or of another shape; the description's own
/// errors as for [`ModelSpec::build`].
pub fn check_weights(spec: &ModelSpec, offered: &[(String, Vec<usize>)]) -> Result<(), NnError> {
    let expected = spec.tensors()?.into_iter().map(|tensor| (tensor.name, tensor.shape)).collect();
    let offered = offered.iter().map(|(name, shape)| (name.as_str(), shape.as_slice())).collect();
    compare(&expected, &offered)
}

/// Checks that tensors are those of a description, all of them, with finite values.
///
/// # Errors
/// As for [`check_weights`], and [`NnError::NotFinite`] for the first value that is NaN or infinite.
pub fn check_tensors(spec: &ModelSpec, tensors: &[NamedTensor]) -> Result<(), NnError> {
    let shapes: Vec<_> = tensors.iter().map(|tensor| (tensor.name.clone(), tensor.shape.clone())).collect();
    check_weights(spec, &shapes)?;
    tensors.iter().try_for_each(NamedTensor::check_finite)
}

fn compare(
    expected: &BTreeMap<String, Vec<usize>>,
    offered: &BTreeMap<&str, &[usize]>,
) -> Result<(), NnError> {
    let mut mismatch = WeightsMismatch::default();
    for (name, shape) in expected {
        match offered.get(name.as_str()) {
            None => mismatch.missing.push((name.clone(), shape.clone())),
            Some(found) if *found != shape.as_slice() => {
                mismatch.different.push((name.clone(), shape.clone(), found.to_vec()));
            }
            Some(_) => {}
        }
    }
    for (name, shape) in offered {
        if !expected.contains_key(*name) {
            mismatch.unexpected.push((name.to_string(), shape.to_vec()));
        }
    }
    match mismatch.is_empty() {
        true => Ok(()),
        false => Err(NnError::Weights(Box::new(mismatch))),
    }
}

/// The identities by which an optimiser knows the parameters, by name; a checkpoint keeps them beside its state.
pub fn parameter_ids<N: Network>(network: &N) -> BTreeMap<String, u64> {
    let mut ids = Ids { network, path: Path::default(), ids: BTreeMap::new() };
    network.visit(&mut ids);
    ids.ids
}

/// Gives the parameters the identities they had when a checkpoint was written; names that are not listed keep theirs.
pub fn with_parameter_ids<N: Network>(network: N, ids: &BTreeMap<String, u64>) -> N {
    let names = network.clone();
    network.map(&mut IdSetter { network: &names, path: Path::default(), ids })
}

/// The container of a convolution's weights.
const CONV2D: &str = "Struct:Conv2d";

/// The container of a recurrent layer's weights, `layers.1.reverse.weight_ih` in the module and `weight_ih_l1_reverse` outside.
const RECURRENT: &str = "Struct:RecurrentWeights";

/// The container of attention's projections, of which PyTorch has the first without a module of its own.
const ATTENTION: &str = "Struct:MultiHeadAttention";

/// Where a traversal stands in the module.
#[derive(Default)]
pub(crate) struct Path {
    /// Field names and indices, without the variants of enums, which name a type rather than a place.
    parts: Vec<String>,
    /// The type that holds the innermost field, such as `Struct:Linear`.
    containers: Vec<String>,
}

impl Path {
    pub(crate) fn enter(&mut self, name: &str, container: &str) {
        self.containers.push(container.to_string());
        if !container.starts_with("Enum:") {
            self.parts.push(name.to_string());
        }
    }

    pub(crate) fn exit(&mut self, container: &str) {
        self.containers.pop();
        if !container.starts_with("Enum:") {
            self.parts.pop();
        }
    }

    fn container(&self) -> &str {
        self.containers.last().map_or("", String::as_str)
    }

    /// The name to save under.
    pub(crate) fn name<N: Network>(&self, network: &N) -> String {
        let is_norm = self.container().ends_with("Norm");
        let mut parts: Vec<&str> = self.parts.iter().map(String::as_str).collect();
        if let Some(last) = parts.last_mut() {
            *last = match *last {
                "gamma" if is_norm => "weight",
                "beta" if is_norm => "bias",
                other => other,
            };
        }
        if self.container() == RECURRENT
            && let [outer @ .., "layers", layer, direction, leaf] = parts.as_slice()
        {
            let suffix = if *direction == "reverse" { "_reverse" } else { "" };
            let leaf = format!("{leaf}_l{layer}{suffix}");
            let parts: Vec<&str> = outer.iter().copied().chain([leaf.as_str()]).collect();
            return network.tensor_name(&parts.join("."));
        }
        if self.containers.iter().rev().nth(1).is_some_and(|container| container == ATTENTION)
            && let [outer @ .., "in_proj", leaf] = parts.as_slice()
        {
            let leaf = format!("in_proj_{leaf}");
            let parts: Vec<&str> = outer.iter().copied().chain([leaf.as_str()]).collect();
            return network.tensor_name(&parts.join("."));
        }
        network.tensor_name(&parts.join("."))
    }

    /// Whether Burn keeps this tensor the other way round.
    fn is_transposed(&self, rank: usize) -> bool {
        rank == 2 && matches!(self.container(), "Struct:Linear" | RECURRENT)
    }
}

macro_rules! track_path {
    () => {
        fn enter_module(&mut self, name: &str, container: &str) {
            self.path.enter(name, container);
        }

        fn exit_module(&mut self, _name: &str, container: &str) {
            self.path.exit(container);
        }
    };
}

/// What is read of each parameter.
enum Of<'a> {
    Values,
    Gradients(&'a Gradients),
    Parameters(&'a GradientsParams),
}

struct Collector<'a, N> {
    network: &'a N,
    of: Of<'a>,
    path: Path,
    tensors: Vec<NamedTensor>,
}

impl<N: Network> ModuleVisitor for Collector<'_, N> {
    track_path!();

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let value = param.val();
        let tensor = match self.of {
            Of::Values => Some(value),
            Of::Gradients(gradients) => value.grad(gradients),
            Of::Parameters(gradients) => gradients.get::<D>(param.id),
        };
        let Some(mut tensor) = tensor else { return };
        if self.path.is_transposed(D) {
            tensor = tensor.swap_dims(0, 1);
        }
        let data = tensor.into_data();
        self.tensors.push(NamedTensor {
            name: self.path.name(self.network),
            shape: data.shape().to_vec(),
            values: data.iter::<f32>().collect(),
        });
    }
}

struct Unused<'a, N> {
    network: &'a N,
    gradients: &'a Gradients,
    path: Path,
    names: Vec<String>,
}

impl<N: Network> ModuleVisitor for Unused<'_, N> {
    track_path!();

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let value = param.val();
        if value.is_require_grad() && value.grad(self.gradients).is_none() {
            self.names.push(self.path.name(self.network));
        }
    }
}

struct Inspector<'a, N> {
    network: &'a N,
    path: Path,
    shapes: BTreeMap<String, Vec<usize>>,
}

impl<N: Network> ModuleVisitor for Inspector<'_, N> {
    track_path!();

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let mut shape = param.lazy_shape().to_vec();
        if self.path.is_transposed(D) {
            shape.reverse();
        }
        self.shapes.insert(self.path.name(self.network), shape);
    }
}

struct Loader<'a, N> {
    network: &'a N,
    path: Path,
    tensors: BTreeMap<String, NamedTensor>,
}

impl<N: Network> ModuleMapper for Loader<'_, N> {
    track_path!();

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(tensor) = self.tensors.remove(&self.path.name(self.network)) else {
            return param;
        };
        // Turned here rather than on the device, which would keep the values and change only their strides: later
        // products would then take another path and round differently than before the weights were saved.
        let device = param.lazy_device();
        let value = match (self.path.container(), tensor.shape.as_slice()) {
            // As a convolution is built: see `layers/conv2d.rs`.
            (CONV2D, [_, _, _, _]) => conv2d_weight(TensorData::new(tensor.values, tensor.shape), &device),
            (_, &[rows, columns]) if self.path.is_transposed(D) => {
                let turned = transposed(&tensor.values, rows, columns);
                Tensor::from_data(TensorData::new(turned, [columns, rows]), &device)
            }
            _ => Tensor::from_data(TensorData::new(tensor.values, tensor.shape), &device),
        };
        let id = param.id;
        param.transform_for_load(value, id)
    }
}

fn transposed(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    (0..columns).flat_map(|column| (0..rows).map(move |row| values[row * columns + column])).collect()
}

struct Ids<'a, N> {
    network: &'a N,
    path: Path,
    ids: BTreeMap<String, u64>,
}

impl<N: Network> ModuleVisitor for Ids<'_, N> {
    track_path!();

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.ids.insert(self.path.name(self.network), param.id.val());
    }
}

struct IdSetter<'a, N> {
    network: &'a N,
    path: Path,
    ids: &'a BTreeMap<String, u64>,
}

impl<N: Network> ModuleMapper for IdSetter<'_, N> {
    track_path!();

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match self.ids.get(&self.path.name(self.network)) {
            None => param,
            Some(id) => {
                let (_, value, mapper) = param.consume();
                Param::from_mapped_value(ParamId::from(*id), value, mapper)
            }
        }
    }
}
