//! What the backward passes share.

use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{NodeGuard, Ops};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, AutodiffBackend, Backend};

/// The node of an input that may be absent. A node that nobody tracks stands in for it, so that an operation has the
/// same number of inputs either way; `present` is any other input.
pub(crate) fn node_or_untracked<B: Backend, C: CheckpointStrategy>(
    input: Option<&FloatTensor<Autodiff<B, C>>>,
    present: &FloatTensor<Autodiff<B, C>>,
) -> NodeGuard {
    match input {
        Some(input) => input.node(),
        None => <Autodiff<B, C>>::from_inner(present.primitive().clone()).node(),
    }
}

/// Which inputs want a gradient, in the order of the operation's inputs.
pub(crate) fn wanted<S, const N: usize>(ops: &Ops<S, N>) -> [bool; N] {
    ops.parents.each_ref().map(Option::is_some)
}

/// Hands each input its gradient, in the order of the operation's inputs; those that nobody wants are dropped.
pub(crate) fn register<B: Backend, S, const N: usize>(
    ops: Ops<S, N>,
    grads: &mut Gradients,
    gradients: [Option<FloatTensor<B>>; N],
) {
    for (parent, gradient) in ops.parents.into_iter().zip(gradients) {
        if let (Some(parent), Some(gradient)) = (parent, gradient) {
            grads.register::<B>(parent.id, gradient);
        }
    }
}
