//! A graph that was read and checked, in host memory.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fireclay_nn::{Device, InputSpec, NnError};

use super::super::export::OnnxValue;
use super::super::import::{Graph, Values};
use super::batch::mark_reshapes;
use super::freeze;
use super::input::Input;
use super::module::{Described, OnnxNetwork, Weights};
use super::options::{OnnxGraphOptions, chosen_output};
use super::output::final_activation;
use super::plan::Plan;
use super::trial::try_sizes;
use crate::words::short;
use crate::{ExchangeError, Unsupported};

/// An ONNX graph of another tool, ready to become a network. It need not be a chain of layers: nodes may part and join,
/// and there may be several inputs.
///
/// What a network learns is found by where it is read: kernels, matrices, what is added to a product and what scales a
/// channel are parameters, under the names that the file gives them; bounds, masks and what is subtracted from the input
/// are not. [`parameters`](Self::parameters) says which, and [`freeze`](Self::freeze) leaves some as they are.
///
/// A softmax or sigmoid at the end is left out, as losses have it in themselves; [`notes`](Self::notes) say so.
///
/// ```
/// use fireclay_exchange::{ModelFile, onnx};
/// use fireclay_nn::{AnyTensor, Device, ModelSpec, Network, state};
/// use fireclay_store::ModelCard;
///
/// // A file as another tool might have written it.
/// let spec = ModelSpec::new([4]).dense(8).relu().dense(3);
/// let model = spec.build_seeded(1, &Device::default())?;
/// let file = ModelFile { card: ModelCard::new(spec), tensors: state(&model) };
/// let path = std::env::temp_dir().join(format!("graph-{}.onnx", std::process::id()));
/// onnx::export(&file, &onnx::OnnxOptions::default())?.write(&path)?;
///
/// let graph = onnx::OnnxGraph::read(&path)?;
/// assert_eq!(graph.inputs()[0].to_string(), "input: float32 [batch, 4]");
/// assert_eq!(graph.parameters().len(), 4);
/// let network = graph.build(&Device::default());
/// let batch = AnyTensor::from_values(vec![0.5; 8], &[2, 4], &Device::default());
/// let (ours, theirs) = (model.forward(batch.clone()), network.forward(batch));
/// assert!((ours - theirs).abs().max().into_scalar::<f32>() < 1e-6);
/// # std::fs::remove_file(path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct OnnxGraph {
    described: Arc<Described>,
    weights: Weights,
    notes: Vec<String>,
}

impl OnnxGraph {
    /// Reads a file of operator sets 7 to 28.
    ///
    /// # Errors
    /// [`ExchangeError::Unsupported`] with all nodes whose operators or settings are not known here, by position, name and kind, or
    /// with the first whose sizes do not fit;
    /// [`ExchangeError::Malformed`], [`ExchangeError::TooLarge`] and [`ExchangeError::Tensor`] for a file that is not as ONNX
    /// has it.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, ExchangeError> {
        OnnxGraph::read_with(path, &OnnxGraphOptions::default())
    }

    /// As [`read`](Self::read), for another output or with the activation at the end.
    ///
    /// # Errors
    /// As for [`read`](Self::read), and [`ExchangeError::NoOutput`] for an output that the file does not have.
    pub fn read_with(path: impl AsRef<Path>, options: &OnnxGraphOptions) -> Result<Self, ExchangeError> {
        let path = path.as_ref();
        OnnxGraph::of(path, Graph::read(path)?, options)
    }

    pub(super) fn of(
        path: &Path,
        mut graph: Graph,
        options: &OnnxGraphOptions,
    ) -> Result<Self, ExchangeError> {
        let mut notes = std::mem::take(&mut graph.notes);
        let chosen = chosen_output(path, &graph, options, &mut notes)?;
        let mut output = chosen.clone();
        if let Some(node) = final_activation(&graph, &chosen)
            && !options.keep_final_activation
            && let Some(input) = node.input(0)
        {
            let kind = node.kind.to_lowercase();
            notes.push(format!(
                "the {kind} at the end is left out: the output is what losses take, without it"
            ));
            output = input.to_owned();
        }
        let inputs = inputs(path, &graph, &mut notes)?;
        mark_reshapes(&mut graph, &inputs);
        let unsupported = |items| ExchangeError::Unsupported { path: path.to_path_buf(), items };
        let mut plan = Plan::new(&graph, inputs, &output).map_err(unsupported)?;
        plan.drop_unread_inputs();
        try_sizes(&plan, &graph).map_err(|stopped| unsupported(vec![plan.problem(stopped)]))?;
        if let Some(batch) = plan.inputs.iter().find_map(Input::fixed_batch) {
            notes.push(format!("the file was written for batches of {batch}; others work as well"));
        }
        // Of several inputs each has its own, and a trainer asks for one.
        let vocabulary_size = match plan.inputs.as_slice() {
            [input] => input.vocabulary_size(&graph),
            _ => None,
        };
        let parameters = take_floats(&mut graph, &plan.parameters);
        let statistics = take_floats(&mut graph, &plan.statistics);
        check_finite(path, plan.parameters.iter().zip(&parameters))?;
        check_finite(path, plan.statistics.iter().zip(&statistics))?;
        let weights = Weights { parameters, statistics, frozen: BTreeSet::new() };
        Ok(OnnxGraph { described: Arc::new(Described::new(path, plan, vocabulary_size)), weights, notes })
    }

    /// What goes in, in the file's order: images with their channels first, whatever the file has.
    pub fn inputs(&self) -> &[OnnxValue] {
        &self.described.inputs
    }

    /// The name of the value that comes out.
    pub fn output(&self) -> &str {
        &self.described.plan.output.1
    }

    /// What one sample is, if there is one input and the file says all of its sizes.
    pub fn input_spec(&self) -> Option<&InputSpec> {
        self.described.input_spec.as_ref()
    }

    /// Names and sizes of what training changes, frozen ones included.
    pub fn parameters(&self) -> Vec<(&str, &[usize])> {
        let names = self.described.plan.parameters.iter().map(String::as_str);
        names.zip(self.weights.parameters.iter().map(|(dims, _)| dims.as_slice())).collect()
    }

    /// What was decided on the way, a sentence each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Leaves parameters and running statistics as they are, those of that name or whose names begin with it and a dot or a
    /// slash: `encoder` stands for `encoder.0.weight`.
    ///
    /// # Errors
    /// [`NnError::UnknownLayer`] with the names that there are, if a name stands for none.
    pub fn freeze(mut self, names: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Self, NnError> {
        let known = || self.described.plan.parameters.iter().chain(&self.described.plan.statistics);
        for name in names {
            let covered = freeze::covered(name.as_ref(), known())?;
            self.weights.frozen.extend(covered);
        }
        Ok(self)
    }

    /// Makes a network of it on a device.
    pub fn build(&self, device: &Device) -> OnnxNetwork {
        OnnxNetwork::new(self.described.clone(), &self.weights, device)
    }
}

fn inputs(path: &Path, graph: &Graph, notes: &mut Vec<String>) -> Result<Vec<Input>, ExchangeError> {
    let mut refused = Vec::new();
    let mut inputs = Vec::new();
    for value in &graph.inputs {
        match Input::new(graph, value) {
            Ok(input) => inputs.push(input),
            Err(reason) => {
                let (position, kind) = ("input".to_owned(), value.element.name().to_owned());
                refused.push(Unsupported { position, name: short(&value.name), kind, reason });
            }
        }
    }
    for input in inputs.iter().filter(|input| input.is_channels_last()) {
        notes.push(format!(
            "images for '{}' are given as everywhere here, [batch, channels, height, width], and turned for the file, which has channels last",
            short(&input.name)
        ));
    }
    match refused.is_empty() {
        true => Ok(inputs),
        false => Err(ExchangeError::Unsupported { path: path.to_path_buf(), items: refused }),
    }
}

/// Sizes and numbers of constants, which the graph need not keep.
fn take_floats(graph: &mut Graph, names: &[String]) -> Vec<(Vec<usize>, Vec<f32>)> {
    let mut taken = Vec::with_capacity(names.len());
    for name in names {
        let Some(constant) = graph.constants.remove(name) else { continue };
        if let Values::Float(values) = constant.values {
            taken.push((constant.shape, values));
        }
    }
    taken
}

fn check_finite<'a>(
    path: &Path,
    tensors: impl Iterator<Item = (&'a String, &'a (Vec<usize>, Vec<f32>))>,
) -> Result<(), ExchangeError> {
    for (name, (_, values)) in tensors {
        if let Some(index) = values.iter().position(|value| !value.is_finite()) {
            let source = NnError::NotFinite { name: short(name), value: values[index], index };
            return Err(ExchangeError::Model { path: PathBuf::from(path), source });
        }
    }
    Ok(())
}
