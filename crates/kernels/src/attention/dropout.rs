//! Dropout of attention's probabilities ([Srivastava et al. 2014](https://jmlr.org/papers/v15/srivastava14a.html)).
//!
//! What is dropped is a function of the seed and the place, so that the backward pass finds it again and no mask is kept.

/// Probabilities that are set to zero at random; the others are scaled up, so that their sum stays 1 on average.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AttentionDropout {
    /// Share of probabilities set to zero, in `[0, 1)`; counted in parts of 65536.
    pub rate: f32,
    /// What decides which.
    pub seed: u64,
}

impl AttentionDropout {
    /// Writes the factor of each key, 0 or a little more than 1, for one query of one head.
    pub(super) fn factors(&self, query: usize, factors: &mut [f32]) {
        let dropped = ((self.rate * 65536.0).round() as u64).min(65535);
        let kept = 65536.0 / (65536 - dropped) as f32;
        // Each query has a stream of its own, of which each number decides for four keys.
        let stream = mixed(self.seed ^ mixed(query as u64));
        for (at, four) in factors.chunks_mut(4).enumerate() {
            let bits = mixed(stream.wrapping_add(at as u64));
            for (place, factor) in four.iter_mut().enumerate() {
                *factor = if (bits >> (16 * place)) & 0xFFFF < dropped { 0.0 } else { kept };
            }
        }
    }
}

/// A number that looks random and is the same for the same input: SplitMix64 ([Steele et al.
/// 2014](https://doi.org/10.1145/2714064.2660195)).
fn mixed(number: u64) -> u64 {
    let mut x = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}
