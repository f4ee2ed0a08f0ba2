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

/// Runs an operation backwards: `backward` gets what was kept, the gradient of the output, and which inputs want a
/// gradient, and gives those, in the order of the operation's inputs.
pub(crate) fn run_backward<B: Backend, S, const N: usize>(
    ops: Ops<S, N>,
    grads: &mut Gradients,
    backward: impl FnOnce(S, FloatTensor<B>, [bool; N]) -> [Option<FloatTensor<B>>; N],
) {
    let gradient = grads.consume::<B>(&ops.node);
    let wanted = ops.parents.each_ref().map(Option::is_some);
    let gradients = backward(ops.state, gradient, wanted);
    for (parent, gradient) in ops.parents.into_iter().zip(gradients) {
        if let (Some(parent), Some(gradient)) = (parent, gradient) {
            grads.register::<B>(parent.id, gradient);
        }
    }
}
