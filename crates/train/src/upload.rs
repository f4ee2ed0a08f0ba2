//! From a batch in host memory to tensors on a device: one upload for the inputs, one for the targets.

use burn::tensor::{Device, Int, Tensor, TensorData};
use fireclay_data::{Batch, BatchFeatures, BatchTargets};
use fireclay_nn::{AnyTensor, Target};

/// Puts a batch onto a device, without gradients. On a CPU its memory becomes the tensor's, without a copy.
pub(crate) fn upload(batch: Batch, device: &Device) -> (AnyTensor, Target) {
    let samples = batch.len();
    let input = match batch.features {
        BatchFeatures::Values(values) => AnyTensor::from_values(values, &batch.shape, device),
        BatchFeatures::Tokens(tokens) => AnyTensor::from_tokens(tokens, &batch.shape, device),
    };
    let classes = |labels: Vec<u32>| {
        let labels: Vec<i32> = labels.into_iter().map(|label| label as i32).collect();
        let count = labels.len();
        Tensor::<1, Int>::from_data(TensorData::new(labels, [count]), device)
    };
    let target = match batch.targets {
        BatchTargets::Classes(labels) | BatchTargets::NextTokens(labels) => Target::Classes(classes(labels)),
        BatchTargets::MixedClasses { labels, partners, share } => {
            Target::MixedClasses { classes: classes(labels), partners: classes(partners), share }
        }
        BatchTargets::Values { width, values } => {
            Target::Values(Tensor::from_data(TensorData::new(values, [samples, width]), device))
        }
    };
    (input, target)
}

/// The same batch where gradients are recorded.
pub(crate) fn record_gradients((input, target): (AnyTensor, Target)) -> (AnyTensor, Target) {
    let target = match target {
        Target::Classes(classes) => Target::Classes(classes.autodiff()),
        Target::MixedClasses { classes, partners, share } => {
            Target::MixedClasses { classes: classes.autodiff(), partners: partners.autodiff(), share }
        }
        Target::Values(values) => Target::Values(values.autodiff()),
    };
    (input.autodiff(), target)
}
