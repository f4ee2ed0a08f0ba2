//! The norm of the gradient of each sample of a batch, without the gradients themselves.
//!
//! While a [`SampleNorms`] is open in a thread, operations with weights run in a form in which the backward pass adds to it what the
//! weights' gradient of each sample has for a square, and no gradient of a weight is made. For a dense layer that is a product of the norms of
//! a sample's input and of its output's gradient ([Goodfellow 2015](https://arxiv.org/abs/1510.01799)); for one that reads several
//! steps it is made of products of steps or, where that is less, of the sample's gradient
//! ([Li et al. 2021](https://arxiv.org/abs/2110.05679), "ghost clipping"). An embedding has a row for each of a sample's tokens. A
//! convolution makes the gradient of one image after another, and a recurrent network that of one sample.
//!
//! Operations that run in another form have it in their `by_sample.rs`; `watch.rs` is what that form puts into the graph. Operations that
//! have a backward pass of their own for it call [`run_backward`].

mod parameters;
mod squares;
mod watch;

use std::cell::RefCell;
use std::marker::PhantomData;

use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::Ops;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, TensorMetadata};
use burn::tensor::{Device, Shape};

use super::fallback;
pub(super) use parameters::constant;
pub use parameters::parameter_for_samples;
pub(super) use squares::sum_of_squares;
pub use watch::WatchOp;

thread_local! {
    /// The squared norms so far, one for each sample.
    static OPEN: RefCell<Option<Vec<f64>>> = const { RefCell::new(None) };
}

/// Norms of the gradients of a batch's samples, gathered in this thread from [`sample_norms`] on.
#[must_use = "it gathers until it is dropped"]
#[derive(Debug)]
pub struct SampleNorms {
    /// It belongs to its thread.
    thread: PhantomData<*const ()>,
}

/// Has the operations of this thread add to the norms of each sample's gradient as they run backwards, until that is dropped. In
/// between a forward pass over a batch of `batch` samples, then the backward pass of the *sum* of its samples' losses. Weights get no gradient
/// in it. Rows and images are in the order of their samples, all of one sample after all of the one before.
///
/// What is counted is every weight that gradients are recorded for and that one of [`ops`](crate::ops) reads by itself, and what goes through
/// [`parameter_for_samples`](crate::ops::parameter_for_samples). A weight that several operations read is counted as if it were several.
///
/// # Panics
/// If one is open in this thread already, and if an operation inside gets a number of rows that is not a multiple of `batch`.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use fireclay_backend::ops::{Activation, dense, sample_norms};
/// let device = Device::default().autodiff();
/// let weight = Tensor::<2>::from_floats([[1.0], [1.0]], &device).require_grad();
/// let input = Tensor::<2>::from_floats([[3.0, 4.0], [0.0, 2.0]], &device);
/// let norms = sample_norms(2);
/// let output = dense(input, weight, None, Activation::None);
/// output.sum().backward();
/// assert_eq!(norms.finish(), [5.0, 2.0]);
/// ```
pub fn sample_norms(batch: usize) -> SampleNorms {
    OPEN.with_borrow_mut(|open| {
        assert!(open.is_none(), "norms of samples are gathered already");
        *open = Some(vec![0.0; batch]);
    });
    SampleNorms { thread: PhantomData }
}

/// Whether a device has what [`sample_norms`] needs: it has where a feature of this crate stands for it.
pub fn has_sample_norms(device: &Device) -> bool {
    fallback::is_supported(&burn::tensor::Tensor::<1>::zeros([1], device).into_dispatch())
}

impl SampleNorms {
    /// The norm of each sample's gradient, all weights together.
    pub fn finish(self) -> Vec<f64> {
        let squares = OPEN.with_borrow_mut(Option::take).unwrap_or_default();
        squares.into_iter().map(f64::sqrt).collect()
    }
}

impl Drop for SampleNorms {
    fn drop(&mut self) {
        OPEN.with_borrow_mut(|open| *open = None);
    }
}

/// How many samples the batch has whose norms are gathered in this thread, if they are.
pub(super) fn watched_batch() -> Option<usize> {
    OPEN.with_borrow(|open| open.as_ref().map(Vec::len))
}

/// Whether norms of samples are gathered in this thread: what several operations read must then be made once for all of them.
pub fn gathers_sample_norms() -> bool {
    watched_batch().is_some()
}

/// Adds the squares of some samples, from the sample `first` on.
fn add(first: usize, squares: impl IntoIterator<Item = f64>) {
    OPEN.with_borrow_mut(|open| {
        // Nobody asks any more for what a backward pass finds after the end.
        let Some(sums) = open else { return };
        for (sum, square) in sums[first..].iter_mut().zip(squares) {
            // What is no number is as long as can be, and not as short: 0 times what is beyond the numbers is none.
            *sum += if square.is_nan() { f64::INFINITY } else { square };
        }
    });
}

/// Runs an operation backwards that knows the squares of each of its samples: `backward` gives the gradients of inputs that are samples'
/// own, and the squares of the others, which get no gradient. Of those `shapes` has the shapes.
pub(super) fn run_backward<B: Backend, S, const N: usize>(
    ops: Ops<S, N>,
    grads: &mut Gradients,
    shapes: [Option<Shape>; N],
    backward: impl FnOnce(S, FloatTensor<B>, [bool; N]) -> ([Option<FloatTensor<B>>; N], Vec<f64>),
) {
    let gradient = grads.consume::<B>(&ops.node);
    let (device, dtype) = (gradient.device(), gradient.dtype().into());
    let wanted = ops.parents.each_ref().map(Option::is_some);
    let (gradients, squares) = backward(ops.state, gradient, wanted);
    let batch = watched_batch().unwrap_or(squares.len());
    assert_eq!(squares.len(), batch, "an operation on another number of samples");
    add(0, squares);
    for ((parent, gradient), shape) in ops.parents.into_iter().zip(gradients).zip(shapes) {
        let Some(parent) = parent else { continue };
        // What a weight was made of wants a gradient to go on with; a leaf does not.
        let nothing =
            shape.filter(|_| !parent.parents.is_empty()).map(|shape| B::float_zeros(shape, &device, dtype));
        if let Some(gradient) = gradient.or(nothing) {
            grads.register::<B>(parent.id, gradient);
        }
    }
}
