//! What both targets do with a network.

use fireclay_nn::{AnyTensor, Device, InputSpec, ModelSpec, Network};
use fireclay_store::ModelFile;

/// Numbers in all tensors or between all layers, and a sixteenth of the operations for a sample, beyond which a network is not run.
const MOST: u64 = 1 << 20;

/// Whether the network is small enough to be run. What a description asks for is known before anything is made of it.
pub fn is_small(spec: &ModelSpec) -> bool {
    let Ok(summary) = spec.summary() else { return false };
    let Ok(layers) = spec.placed_layers() else { return false };
    let count = |shape: &[usize]| shape.iter().fold(1u64, |count, size| count.saturating_mul(*size as u64));
    let between = layers.iter().map(|layer| count(layer.output.shape()));
    let between = between.fold(count(spec.input.shape()), u64::saturating_add);
    let numbers = (summary.parameters() + summary.buffers()) as u64;
    numbers < MOST && summary.flops() < 16 * MOST && between < MOST
}

/// Runs a batch of two, on which all layers that compute in 8-bit whole numbers must agree from call to call.
pub fn run(model: ModelFile) {
    let spec = model.card.spec.clone();
    let tensors = model.tensors.clone();
    let Ok((network, _)) = model.build(&Device::default()) else { return };
    let segments = spec.int8_segments(&tensors).expect("the tensors were those of the network");
    assert!(spec.int8.is_some() || segments.is_empty());
    let shape: Vec<usize> = std::iter::once(2).chain(spec.input.shape().iter().copied()).collect();
    let count: usize = shape.iter().product();
    let input = || match &spec.input {
        InputSpec::Tokens(_) => AnyTensor::from_tokens(vec![0; count], &shape, &Device::default()),
        _ => {
            let values = (0..count).map(|at| at as f32 % 7.0 - 3.0).collect();
            AnyTensor::from_values(values, &shape, &Device::default())
        }
    };
    let outputs =
        || -> Vec<u32> { network.forward(input()).into_data().iter::<f32>().map(f32::to_bits).collect() };
    assert_eq!(outputs(), outputs());
}
