//! Weights drawn from a seed, other than those that training begins with: biases and statistics are not 0 and 1.

use fireclay_nn::{Device, ModelSpec, NamedTensor, state};
use fireclay_store::{ModelCard, ModelFile};

/// A network with weights, biases and running statistics that are a function of the seed.
pub(super) fn model(spec: ModelSpec, seed: u64) -> ModelFile {
    let mut numbers = Numbers(seed);
    let mut tensors = state(&spec.build(&Device::flex()).unwrap());
    for NamedTensor { name, shape, values } in &mut tensors {
        let fan_in: usize = shape.iter().skip(1).product();
        let (mean, deviation) = match (shape.len(), name.rsplit('.').next().unwrap_or_default()) {
            (_, "running_var") => (1.0, 0.25),
            (1, "weight") => (1.0, 0.3),
            (1, _) => (0.0, 0.3),
            _ if name.starts_with("embedding") => (0.0, 0.7),
            // A state that grows would hide how the others differ.
            _ if name.contains("weight_hh") => (0.0, 0.7 / (fan_in as f32).sqrt()),
            // As large as in training. With half as much again, the softmax and normalization of a decoder of 2 layers make
            // 40 times as much of a rounding at one place of 16,000 as elsewhere.
            _ if name.starts_with("transformer") => (0.0, 1.0 / (fan_in as f32).sqrt()),
            _ => (0.0, 1.5 / (fan_in as f32).sqrt()),
        };
        values.iter_mut().for_each(|value| *value = mean + deviation * numbers.next());
    }
    ModelFile { card: ModelCard::new(spec), tensors }
}

/// Numbers of mean 0 and variance 1, between -√3 and √3.
pub(super) struct Numbers(pub(super) u64);

impl Numbers {
    pub(super) fn next(&mut self) -> f32 {
        (self.bits() as f32 / 2f32.powi(32) - 0.5) * 12f32.sqrt()
    }

    /// Below `limit`.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        ((u64::from(self.bits()) * limit as u64) >> 32) as usize
    }

    fn bits(&mut self) -> u32 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) >> 32) as u32
    }
}
