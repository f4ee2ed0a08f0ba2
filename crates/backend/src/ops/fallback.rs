//! Which devices the operations are implemented for, and so which ones run the reference on `Dispatch` itself.
//!
//! A Burn backend extension finds its implementation through a list of backends, and panics at one that is not on it.
//! The list is made of *this* crate's features, while Cargo gives every crate of a build the same Burn: a program that
//! asks for `burn/flex` itself, or for a backend that Fireclay has no feature for, opens devices that are not on the list.
//! There, the public functions run the bodies of `reference.rs` on [`Dispatch`](burn::backend::Dispatch), which is a
//! backend like any other, and Burn's autodiff differentiates them. As with Burn's own operations, an output without a value
//! may not be tracked.

use burn::backend::{DispatchTensor, DispatchTensorKind};

/// Whether the operations are implemented for the backend that a tensor is on.
pub(crate) fn is_supported(tensor: &DispatchTensor) -> bool {
    is_listed(&tensor.kind)
}

fn is_listed(kind: &DispatchTensorKind) -> bool {
    match kind {
        #[cfg(feature = "flex")]
        DispatchTensorKind::Flex(_) => true,
        #[cfg(feature = "ndarray")]
        DispatchTensorKind::NdArray(_) => true,
        #[cfg(any(feature = "wgpu", feature = "cuda", feature = "rocm"))]
        DispatchTensorKind::Cube(_) => true,
        DispatchTensorKind::Autodiff(inner) => is_listed(inner),
        #[allow(unreachable_patterns, reason = "reachable if Burn was built with another backend")]
        _ => false,
    }
}
