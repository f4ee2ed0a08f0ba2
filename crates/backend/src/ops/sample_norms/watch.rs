//! What is put into the graph: operations that leave values as they are, and whose backward pass adds to the norms.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Autodiff, AutodiffBackend, Backend, TensorMetadata, backend_extension};
use burn::tensor::Shape;

use super::squares;
use crate::ops::maybe::Maybe;
use crate::ops::run_reference_on_other_devices;

/// The operations on a device. Where no gradient is recorded they do nothing.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(any(feature = "wgpu", feature = "cuda", feature = "rocm")),
    Autodiff
)]
pub trait WatchOp: Backend {
    /// `output`, which is `input · weight + bias` made of weights that are cut off from the graph: adds what the gradients of those of
    /// `weight` and `bias` that gradients are recorded for have for squares.
    ///
    /// # Shapes
    /// - output: `[batch · steps, out_features]`, input: `[batch · steps, in_features]`
    fn watch_rows(
        output: FloatTensor<Self>,
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        #[extension_type] bias: Maybe<Self>,
        batch: usize,
    ) -> FloatTensor<Self> {
        let _ = (input, weight, bias, batch);
        output
    }

    /// `output`, which is the rows of `weight` for tokens.
    ///
    /// # Shapes
    /// - output: `[batch, time, dim]`, tokens: `[batch, time]`
    fn watch_tokens(
        output: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        tokens: IntTensor<Self>,
        padding_idx: Option<usize>,
    ) -> FloatTensor<Self> {
        let _ = (weight, tokens, padding_idx);
        output
    }

    /// A parameter once for each sample, `[batch, ..]`.
    fn watch_copies(parameter: FloatTensor<Self>, batch: usize) -> FloatTensor<Self> {
        copies::<Self>(parameter, batch)
    }

    /// A parameter that only the sample of this number reads.
    fn watch_sample(parameter: FloatTensor<Self>, sample: usize) -> FloatTensor<Self> {
        let _ = sample;
        parameter
    }
}

run_reference_on_other_devices!(WatchOp);

#[cfg(feature = "flex")]
impl WatchOp for burn::backend::Flex {}

fn copies<B: Backend>(parameter: FloatTensor<B>, batch: usize) -> FloatTensor<B> {
    let sizes = parameter.shape().to_vec();
    let one = Shape::from([vec![1], sizes.clone()].concat());
    B::float_expand(B::float_reshape(parameter, one), Shape::from([vec![batch], sizes].concat()))
}

/// An operation that adds to the norms, and what it keeps for it.
#[derive(Clone, Debug)]
enum Watched<B: Backend> {
    Rows { input: FloatTensor<B>, batch: usize, for_weight: bool, for_bias: bool },
    Tokens { tokens: IntTensor<B>, padding_idx: Option<usize> },
    Copies,
    Sample(usize),
}

#[derive(Debug)]
struct Watch;

impl<B: Backend> Backward<B, 1> for Watch {
    type State = Watched<B>;

    fn backward(self, ops: Ops<Watched<B>, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let [Some(parent)] = ops.parents else { return };
        let is_leaf = parent.parents.is_empty();
        match ops.state {
            Watched::Rows { input, batch, for_weight, for_bias } => {
                squares::of_rows::<B>(input, gradient.clone(), batch, for_weight, for_bias);
            }
            Watched::Tokens { tokens, padding_idx } => {
                squares::of_tokens::<B>(tokens, padding_idx, gradient.clone());
            }
            Watched::Copies => {
                squares::of_copies::<B>(0, gradient.clone());
                // A leaf is a parameter, and nobody asks for its gradient; what made another wants one to go on with.
                if !is_leaf {
                    let sum = B::float_sum_dim(gradient, 0);
                    let sizes = Shape::from(sum.shape().to_vec().split_off(1));
                    grads.register::<B>(parent.id, B::float_reshape(sum, sizes));
                }
                return;
            }
            Watched::Sample(sample) => {
                let one = Shape::from([vec![1], gradient.shape().to_vec()].concat());
                squares::of_copies::<B>(sample, B::float_reshape(gradient.clone(), one));
                if is_leaf {
                    return;
                }
            }
        }
        grads.register::<B>(parent.id, gradient);
    }
}

/// The tensor with an operation behind it whose backward pass adds to the norms.
fn watched<B: Backend, C: CheckpointStrategy>(
    tensor: FloatTensor<Autodiff<B, C>>,
    kept: Watched<B>,
    value: impl FnOnce(FloatTensor<B>) -> FloatTensor<B>,
) -> FloatTensor<Autodiff<B, C>> {
    // What is made of nothing that is learnt still has a gradient, since a weight was cut off from it.
    let tensor = if tensor.is_tracked() { tensor } else { tensor.require_grad() };
    let (primitive, node) = tensor.into_parts();
    match Watch.prepare::<C>([node]).compute_bound().stateful() {
        OpsKind::UnTracked(prep) => prep.finish(value(primitive)),
        OpsKind::Tracked(prep) => prep.finish(kept, value(primitive)),
    }
}

impl<B: Backend, C: CheckpointStrategy> WatchOp for Autodiff<B, C> {
    fn watch_rows(
        output: FloatTensor<Self>,
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: Maybe<Self>,
        batch: usize,
    ) -> FloatTensor<Self> {
        let for_weight = weight.is_tracked();
        let for_bias = bias.as_option().is_some_and(|bias| bias.is_tracked());
        if !for_weight && !for_bias {
            return output;
        }
        let input = input.into_primitive();
        watched::<B, C>(output, Watched::Rows { input, batch, for_weight, for_bias }, |output| output)
    }

    fn watch_tokens(
        output: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        tokens: IntTensor<Self>,
        padding_idx: Option<usize>,
    ) -> FloatTensor<Self> {
        match weight.is_tracked() {
            true => watched::<B, C>(output, Watched::Tokens { tokens, padding_idx }, |output| output),
            false => output,
        }
    }

    fn watch_copies(parameter: FloatTensor<Self>, batch: usize) -> FloatTensor<Self> {
        match parameter.is_tracked() {
            true => watched::<B, C>(parameter, Watched::Copies, |values| copies::<B>(values, batch)),
            false => Self::from_inner(copies::<B>(parameter.into_primitive(), batch)),
        }
    }

    fn watch_sample(parameter: FloatTensor<Self>, sample: usize) -> FloatTensor<Self> {
        match parameter.is_tracked() {
            true => watched::<B, C>(parameter, Watched::Sample(sample), |values| values),
            false => parameter,
        }
    }
}
