//! What every layer says of itself. A description implements [`Description`], what it builds implements [`Forward`], and
//! the table in [`layers`](super) joins them.

use std::fmt;

use burn::tensor::{Device, Tensor};

use super::PlannedLayer;
use super::flow::{Flow, Following, Fusable};
use super::memory::Memory;
use crate::error::LayerProblem;
use crate::losses::Target;
use crate::shapes::{InputSpec, MAX_VALUES, TensorSpec, count_values};
use crate::tensor::AnyTensor;

/// What a layer is going to give, before it exists.
pub(crate) struct Inferred {
    /// Shape of one sample that leaves the layer; tokens leave none.
    pub(crate) output: InputSpec,
    /// The layer's tensors, by their names within the layer.
    pub(crate) tensors: Vec<TensorSpec>,
    /// Floating-point operations of one forward pass over one sample; a multiply-add counts two.
    pub(crate) flops: u64,
}

impl Inferred {
    /// A layer without tensors.
    pub(crate) fn plain(output: Vec<usize>, flops_per_value: u64) -> Result<Self, LayerProblem> {
        let flops = values(&output)?.saturating_mul(flops_per_value);
        Ok(Inferred { output: output.into(), tensors: Vec::new(), flops })
    }
}

/// Multiplies sizes that come from outside.
pub(crate) fn values(shape: &[usize]) -> Result<u64, LayerProblem> {
    count_values(shape).ok_or(LayerProblem::TooLarge { limit: MAX_VALUES })
}

impl TensorSpec {
    /// A tensor that training changes, whose size fits into a machine.
    pub(crate) fn trained(name: &str, shape: impl Into<Vec<usize>>) -> Result<Self, LayerProblem> {
        let shape = shape.into();
        values(&shape)?;
        Ok(TensorSpec { name: name.to_string(), shape, trainable: true })
    }
}

/// An embedding that comes before a layer, which may share its weight.
#[derive(Clone, Debug)]
pub(crate) struct KnownEmbedding {
    /// Its name within its list of layers.
    pub(crate) name: String,
    pub(crate) num_embeddings: usize,
    pub(crate) embedding_dim: usize,
}

/// Where a layer stands in a network that is being checked.
pub(crate) struct Place<'a> {
    /// One sample that reaches the layer.
    pub(crate) input: &'a InputSpec,
    /// The embeddings before it.
    pub(crate) embeddings: &'a [KnownEmbedding],
    /// For a block, what its layers and its shortcut give.
    pub(crate) branches: [&'a InputSpec; 2],
}

impl<'a> Place<'a> {
    /// The sizes of an input of numbers.
    pub(crate) fn numbers(&self) -> Result<&'a [usize], LayerProblem> {
        match self.input {
            InputSpec::Tokens(_) => Err(LayerProblem::NeedsNumbers),
            InputSpec::Values(shape) => Ok(shape),
        }
    }

    /// How many tokens the input has.
    pub(crate) fn tokens(&self) -> Result<usize, LayerProblem> {
        match self.input {
            InputSpec::Tokens(tokens) => Ok(*tokens),
            InputSpec::Values(_) => Err(LayerProblem::NeedsTokens),
        }
    }
}

/// The description of a layer: its checks, and how it is built.
pub(crate) trait Description {
    /// What is built from it; several kinds may share one.
    type Module: Forward;

    /// Checks the fields and computes output shape, tensors and FLOPs.
    fn infer_at(&self, place: &Place<'_>) -> Result<Inferred, LayerProblem>;

    /// Builds the layer, whose shapes have been checked.
    fn build_at(&self, plan: &PlannedLayer, device: &Device) -> Self::Module;

    /// What the layer remembers when it has read nothing yet, for a network that goes on with what it wrote itself;
    /// `None` for a layer that needs all steps at once. A block's is made by its layers.
    fn memory(&self, plan: &PlannedLayer) -> Option<Memory> {
        let _ = plan;
        None
    }

    /// How many layers it counts as.
    fn depth(&self) -> usize {
        1
    }

    /// How many steps the layer can take, where positions are learnt one by one.
    fn max_steps(&self, input: &InputSpec) -> Option<usize> {
        let _ = input;
        None
    }

    /// How many different tokens the layer knows, if it reads tokens.
    fn vocabulary_size(&self) -> Option<usize> {
        None
    }

    /// What the layer offers to those behind it that share its weight: rows and their width.
    fn embedding(&self) -> Option<[usize; 2]> {
        None
    }

    /// Which of the embeddings before it the layer shares the weight of.
    fn shared_embedding(&self, before: &[KnownEmbedding]) -> Option<usize> {
        let _ = before;
        None
    }

    /// Whether samples of a batch may all have fewer steps than the description says.
    fn supports_variable_length(&self, input: &InputSpec) -> bool {
        let _ = input;
        true
    }

    /// Whether the layer is set by the data before it is trained.
    fn adapts(&self) -> bool {
        false
    }

    /// Whether the layer multiplies rows with weights, which can be done in 8-bit whole numbers without knowing their range before.
    fn multiplies_rows(&self) -> bool {
        false
    }

    /// The activation that the layer is, if it turns numbers into probabilities.
    fn probabilities(&self) -> Option<OutputActivation> {
        None
    }

    /// The path to the layer's tensors within its module, where that is not part of their names.
    fn inner_path(&self) -> Option<&'static str> {
        None
    }
}

/// An activation that turns logits into probabilities, as losses do themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OutputActivation {
    /// Softmax over the outputs.
    Softmax,
    /// The logistic function of each output.
    Sigmoid,
}

impl fmt::Display for OutputActivation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            OutputActivation::Softmax => "softmax",
            OutputActivation::Sigmoid => "sigmoid",
        })
    }
}

/// A built layer.
pub(crate) trait Forward {
    /// Applies the layer, and of those that follow the ones that it can do in the same operation.
    ///
    /// # Panics
    /// If the input does not have the rank and the sizes that the layer was built for.
    fn forward_flow(&self, input: Flow, following: &mut Following<'_>) -> Flow;

    /// Reads some more steps, `[1, steps, features]` or tokens, after those in the memory.
    fn step(&self, input: Flow, memory: &mut Memory) -> Flow {
        let _ = memory;
        self.forward_flow(input, &mut Following::none())
    }

    /// What the layer before may do in its own operation.
    fn fusable(&self) -> Fusable<'_> {
        Fusable::No
    }

    /// The weight `[in_features, out_features]` and the bias of a dense layer, given the weights of the embeddings before it; a
    /// loss may then make the outputs itself.
    fn dense_weights(&self, embeddings: &[Tensor<2>]) -> Option<(Tensor<2>, Option<Tensor<1>>)> {
        let _ = embeddings;
        None
    }

    /// Whether norms of samples have all that the layer learns in them.
    fn has_sample_norms(&self) -> bool {
        true
    }

    /// Whether the layer is set by the data and has not been yet.
    fn awaits_data(&self) -> bool {
        false
    }

    /// The layer as the data sets it; `batches` are what comes to it.
    fn adapt(self, batches: &mut dyn Iterator<Item = (AnyTensor, Target)>) -> Self
    where
        Self: Sized,
    {
        let _ = batches;
        self
    }
}
