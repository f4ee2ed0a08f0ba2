//! What the kernels' tests share: numbers, paths, and one comparison.

use crate::Path;

/// A stream of numbers in -1..1 with a fixed beginning ([splitmix64](https://doi.org/10.1145/2660193.2660195)).
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Self {
        Numbers(seed)
    }

    pub(crate) fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A whole number in `0..below`.
    pub(crate) fn below(&mut self, below: usize) -> usize {
        (self.next_u64() % below.max(1) as u64) as usize
    }

    pub(crate) fn next(&mut self) -> f32 {
        (self.next_u64() >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }

    pub(crate) fn vec(&mut self, len: usize) -> Vec<f32> {
        (0..len).map(|_| self.next()).collect()
    }
}

/// The paths that this machine can run.
pub(crate) fn paths() -> impl Iterator<Item = Path> {
    Path::ALL.into_iter().filter(|path| path.is_available())
}

/// Compares within `absolute + relative · |expected|` and names the worst element.
pub(crate) fn assert_close(found: &[f32], expected: &[f32], absolute: f32, relative: f32, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}: lengths differ");
    let excess = |at: usize| {
        let gap = (found[at] - expected[at]).abs() - relative * expected[at].abs();
        if gap.is_nan() && found[at].to_bits() != expected[at].to_bits() { f32::INFINITY } else { gap }
    };
    let worst = (0..found.len()).max_by(|x, y| excess(*x).total_cmp(&excess(*y)));
    if let Some(at) = worst {
        assert!(excess(at) <= absolute, "{what}: at {at} found {}, expected {}", found[at], expected[at]);
    }
}
