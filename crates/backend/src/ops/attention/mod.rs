//! Self-attention: the tokens of a sequence ask one another.
//!
//! It takes what one dense layer made of the tokens, queries, keys and values side by side, and gives the heads side by
//! side, as the next dense layer reads them. On a CPU that is one operation which never holds all scores. Elsewhere it is
//! Burn's operations, which autodiff differentiates by itself.

mod autodiff;
#[cfg(feature = "flex")]
mod flex;
mod reference;

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::{Int, Tensor};

use super::dropout::DropoutSeed;
use super::fallback::is_supported;
use super::maybe::MaybeInt;
use super::run_reference_on_other_devices;
use super::stored::StoresActivations;

/// How tokens ask one another.
#[derive(Clone, Debug)]
pub struct AttentionOptions {
    /// Heads, each with its part of the values.
    pub num_heads: usize,
    /// Whether a token sees only itself and those before it.
    pub causal: bool,
    /// Whether queries and keys are turned by their positions ([Su et al. 2021](https://arxiv.org/abs/2104.09864)): in each
    /// head the values `2 i` and `2 i + 1` of token `t` by the angle `t * 10000^(-2 i / dim)`.
    pub rotary: bool,
    /// Share of the probabilities set to zero, in `[0, 1)`; the others are scaled up. Not 0 in training only.
    pub dropout: f64,
    /// `[batch]`: how many tokens each sequence has. Those after its end are not seen, and give zeros.
    pub lengths: Option<Tensor<1, Int>>,
}

impl AttentionOptions {
    /// Every token sees every other.
    pub fn new(num_heads: usize) -> Self {
        AttentionOptions { num_heads, causal: false, rotary: false, dropout: 0.0, lengths: None }
    }
}

/// `softmax(query · keyᵀ / √dim) · value` for each head, of `dim` values
/// ([Vaswani et al. 2017](https://arxiv.org/abs/1706.03762)).
///
/// # Shapes
/// - projected: `[batch, steps, 3 * num_heads * dim]`: the queries of all heads, their keys, their values
/// - output: `[batch, steps, num_heads * dim]`
///
/// # Panics
/// If the shapes do not agree, `dim` is odd with `rotary`, or `dropout` is not in `[0, 1)`; on Flex if a length is negative.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use fireclay_backend::ops::{AttentionOptions, self_attention};
/// let device = Device::default();
/// // Two steps with the query 0, so that each sees both alike; the values are 4 and 8.
/// let projected = Tensor::<3>::from_floats([[[0.0, 1.0, 4.0], [0.0, 2.0, 8.0]]], &device);
/// let output = self_attention(projected.clone(), &AttentionOptions::new(1));
/// assert_eq!(output.into_data().try_into_vec::<f32>().unwrap(), [6.0, 6.0]);
/// let causal = AttentionOptions { causal: true, ..AttentionOptions::new(1) };
/// let output = self_attention(projected, &causal);
/// assert_eq!(output.into_data().try_into_vec::<f32>().unwrap(), [4.0, 6.0]);
/// ```
pub fn self_attention(projected: Tensor<3>, options: &AttentionOptions) -> Tensor<3> {
    let [batch, _, width] = projected.dims();
    let &AttentionOptions { num_heads, causal, rotary, dropout, .. } = options;
    assert!(num_heads > 0 && width.is_multiple_of(3 * num_heads), "{num_heads} heads share {width} values");
    let dim = width / 3 / num_heads;
    assert!(dim > 0 && !(rotary && dim % 2 == 1), "{dim} values of a head, of which pairs are turned");
    assert!((0.0..1.0).contains(&dropout), "dropout is in [0, 1)");
    if let Some(lengths) = &options.lengths {
        assert_eq!(lengths.dims(), [batch], "one length for each sequence");
    }
    let settings = AttentionSettings { num_heads, causal, rotary, dropout };
    let projected = projected.into_dispatch();
    let lengths = MaybeInt::from_tensor(options.lengths.clone());
    Tensor::from_dispatch(match is_supported(&projected) {
        true => Dispatch::self_attention(projected, lengths, settings),
        false => reference::forward::<Dispatch>(projected, lengths.into_option(), settings),
    })
}

/// Everything about the operation but its tensors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AttentionSettings {
    /// Heads.
    pub num_heads: usize,
    /// Whether a token sees only itself and those before it.
    pub causal: bool,
    /// Whether queries and keys are turned by their positions.
    pub rotary: bool,
    /// Share of the probabilities set to zero.
    pub dropout: f64,
}

/// The operation on a device.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(any(feature = "wgpu", feature = "cuda", feature = "rocm")),
    Autodiff
)]
pub trait AttentionOp: Backend {
    /// See [`self_attention`].
    fn self_attention(
        projected: FloatTensor<Self>,
        #[extension_type] lengths: MaybeInt<Self>,
        settings: AttentionSettings,
    ) -> FloatTensor<Self> {
        reference::forward::<Self>(projected, lengths.into_option(), settings)
    }
}

/// Its gradient on a device. Without a kernel there is nothing to implement: autodiff then runs the reference on its own
/// tensors.
pub trait AttentionGradient: AttentionOp + StoresActivations {
    /// Whether the other functions are there for a tensor of this type.
    fn attention_has_kernel(projected: &FloatTensor<Self>) -> bool {
        let _ = projected;
        false
    }

    /// The output, and what the gradient needs.
    fn attention_for_training(
        projected: FloatTensor<Self>,
        lengths: Option<IntTensor<Self>>,
        settings: AttentionSettings,
    ) -> (FloatTensor<Self>, AttentionKept<Self>) {
        let _ = (projected, lengths, settings);
        unreachable!("there is no kernel")
    }

    /// The gradient by `projected`, from the gradient by the output.
    fn attention_backward(kept: AttentionKept<Self>, gradient: FloatTensor<Self>) -> FloatTensor<Self> {
        let _ = (kept, gradient);
        unreachable!("there is no kernel")
    }
}

/// What a kernel keeps for the backward pass.
#[derive(Clone, Debug)]
pub struct AttentionKept<B: StoresActivations> {
    /// What came in, its queries and keys turned if they are.
    pub projected: B::Stored,
    /// `[batch, steps, num_heads * dim]`
    pub output: B::Stored,
    /// `[batch, num_heads, steps]`: the logarithm of each query's sum of exponentials.
    pub log_sums: FloatTensor<B>,
    /// `[batch]`
    pub lengths: Option<Vec<u32>>,
    /// What decides which probabilities are dropped.
    pub seed: DropoutSeed,
    /// The rest of the operation.
    pub settings: AttentionSettings,
}

run_reference_on_other_devices!(AttentionOp, AttentionGradient);
