//! The one small trait between a network and the training loop.

use burn::module::Module;
use burn::tensor::Tensor;
use fireclay_backend::ops::{Activation, dense};

use crate::{AnyTensor, InputSpec, Target};

/// Goes through samples with what is known of them, batch by batch, as often as it is called.
pub type Batches<'a> = dyn Fn() -> Box<dyn Iterator<Item = (AnyTensor, Target)> + 'a> + 'a;

/// What a network hands to a loss.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "one is held at a time")]
pub enum Outputs {
    /// `[batch, outputs]`, as [`Network::forward`] gives them.
    Computed(Tensor<2>),
    /// What the last layer makes them of, if it is a dense one: `input · weight + bias`. Of a large vocabulary there are so many
    /// outputs that a loss had better not hold all of them at once.
    Dense {
        /// `[batch, features]`
        input: Tensor<2>,
        /// `[features, outputs]`
        weight: Tensor<2>,
        /// `[outputs]`
        bias: Option<Tensor<1>>,
    },
}

impl Outputs {
    /// `[batch, outputs]`
    pub fn compute(self) -> Tensor<2> {
        match self {
            Outputs::Computed(outputs) => outputs,
            Outputs::Dense { input, weight, bias } => dense(input, weight, bias, Activation::None),
        }
    }
}

/// What `fit` needs from a network: a forward pass over a batch.
///
/// [`Model`](crate::Model) implements it; so does any `#[derive(Module)]` struct in three lines:
///
/// ```
/// use burn::module::Module;
/// use burn::nn::{Linear, LinearConfig};
/// use burn::tensor::{Device, Tensor, activation::relu};
/// use fireclay_nn::{AnyTensor, Network};
///
/// #[derive(Module, Debug)]
/// struct Mine {
///     hidden: Linear,
///     output: Linear,
/// }
///
/// impl Network for Mine {
///     fn forward(&self, input: AnyTensor) -> Tensor<2> {
///         self.output.forward(relu(self.hidden.forward(input.rows())))
///     }
/// }
///
/// let device = Device::flex();
/// let mine = Mine { hidden: LinearConfig::new(4, 8).init(&device), output: LinearConfig::new(8, 3).init(&device) };
/// let logits = mine.forward(Tensor::<2>::ones([5, 4], &device).into());
/// assert_eq!(logits.dims(), [5, 3]);
/// ```
pub trait Network: Module {
    /// Computes logits or predictions for a batch.
    ///
    /// # Shapes
    /// - input: `[batch, features]`, `[batch, steps, features]` or `[batch, channels, height, width]`, f32, or
    ///   `[batch, tokens]`, whole numbers, as the data set gives them
    /// - output: `[batch, outputs]`: one logit for each class, or one number for each target. A network with an output at
    ///   each step, as a language model, gives `[batch * steps, outputs]`: all steps of the first sample, then those of the
    ///   second
    fn forward(&self, input: AnyTensor) -> Tensor<2>;

    /// As [`forward`](Self::forward), for a loss that may run the last layer itself, see [`Outputs::Dense`].
    fn forward_for_loss(&self, input: AnyTensor) -> Outputs {
        Outputs::Computed(self.forward(input))
    }

    /// What one sample is that the network takes, if it takes only one kind: other data is then refused before
    /// training begins.
    fn input_spec(&self) -> Option<&InputSpec> {
        None
    }

    /// Whether the samples of a batch may all be shorter than [`input_spec`](Self::input_spec) says; where they may not,
    /// data that puts samples together by their length is refused before training begins.
    fn supports_variable_length(&self) -> bool {
        true
    }

    /// How many different tokens the network knows, if it reads tokens: data with others is then refused before
    /// training begins.
    fn vocabulary_size(&self) -> Option<usize> {
        None
    }

    /// Why the network only answers and is not to be trained, if that is so: `fit` then refuses it.
    fn only_answers(&self) -> Option<&'static str> {
        None
    }

    /// Whether each parameter is read by one of the operations in [`fireclay_backend::ops`] whose [norms of
    /// samples](fireclay_backend::ops::sample_norms) are gathered, and by no other: a private training then takes the norms of a batch's
    /// gradients at once, else one sample after another. Saying so of a network of which it is not true breaks what such a training promises.
    fn has_sample_norms(&self) -> bool {
        false
    }

    /// Whether some of the network is set by the training data before the first epoch.
    fn adapts(&self) -> bool {
        false
    }

    /// The network as the training data sets it. `fit` calls it once before the first epoch, if [`adapts`](Self::adapts)
    /// says so; `batches` goes through the training samples in their order, without augmentation, each time it is called.
    fn adapt(self, batches: &Batches) -> Self {
        let _ = batches;
        self
    }

    /// The name under which a tensor is saved, given its path in the module (`hidden.weight`).
    fn tensor_name(&self, path: &str) -> String {
        path.to_string()
    }

    /// The name of the first layer whose output is not finite for this input, if the network can tell.
    fn first_not_finite(&self, input: AnyTensor) -> Option<String> {
        let _ = input;
        None
    }

    /// Units of rectifiers that give 0 for every sample of an input, which learn nothing any more: the layer's name, how many of its
    /// units do, and how many it has. Empty if the network cannot tell.
    fn dead_units(&self, input: AnyTensor) -> Vec<DeadUnits> {
        let _ = input;
        Vec::new()
    }
}

/// Units of a layer that give 0 whatever comes in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadUnits {
    /// The layer's name: `relu_1`.
    pub layer: String,
    /// How many of its units, of images channels, give 0 for all samples.
    pub dead: usize,
    /// How many it has.
    pub units: usize,
}
