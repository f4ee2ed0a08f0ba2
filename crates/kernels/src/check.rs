//! What the tests share: numbers at random, every CPU to run on, and one comparison.

use crate::{Cpu, Path};

/// Numbers that look random and are the same in every run.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as u32
    }

    /// A whole number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.next() as usize % end
    }

    /// A number in `-1..1`.
    pub(crate) fn number(&mut self) -> f32 {
        self.next() as f32 / (1u64 << 30) as f32 - 1.0
    }

    pub(crate) fn numbers(&mut self, len: usize) -> Vec<f32> {
        (0..len).map(|_| self.number()).collect()
    }

    /// Small whole numbers, of which many are equal.
    pub(crate) fn steps(&mut self, len: usize) -> Vec<f32> {
        (0..len).map(|_| self.below(5) as f32 - 2.0).collect()
    }
}

/// Every path that this CPU has.
pub(crate) fn paths() -> impl Iterator<Item = Path> {
    Path::ALL.into_iter().filter(|path| path.is_available())
}

/// Every path that this CPU has, with 1, 2 and 3 threads.
pub(crate) fn cpus() -> impl Iterator<Item = Cpu> {
    paths().flat_map(|path| (1..=3).map(move |threads| Cpu { threads, ..Cpu::single(path) }))
}

/// Panics with the worst element unless each is within `tolerance`, absolute and relative; what is not a number must
/// be so in both, and infinities must be equal.
#[track_caller]
pub(crate) fn assert_close(found: &[f32], expected: &[f32], tolerance: f32, what: std::fmt::Arguments<'_>) {
    assert_eq!(found.len(), expected.len(), "{what}: lengths");
    let error = |at: usize| {
        let (found, expected) = (found[at], expected[at]);
        if found == expected || (found.is_nan() && expected.is_nan()) {
            return 0.0;
        }
        let error = (found - expected).abs() / (1.0 + expected.abs());
        if error.is_finite() { error } else { f32::INFINITY }
    };
    let Some(worst) = (0..found.len()).max_by(|&a, &b| error(a).total_cmp(&error(b))) else { return };
    assert!(
        error(worst) <= tolerance,
        "{what}: value {worst} of {} is {} and should be {}",
        found.len(),
        found[worst],
        expected[worst]
    );
}

/// The same numbers in `f64`.
pub(crate) fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&value| f64::from(value)).collect()
}

/// The same numbers in `f32`.
pub(crate) fn narrow(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&value| value as f32).collect()
}

/// The gradient of `Σ weights · f(x)` by central differences.
pub(crate) fn differences(x: &[f64], weights: &[f64], f: impl Fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
    const STEP: f64 = 1e-5;
    let mut x = x.to_vec();
    let total = |x: &[f64]| -> f64 { f(x).iter().zip(weights).map(|(y, weight)| y * weight).sum() };
    (0..x.len())
        .map(|at| {
            let middle = x[at];
            x[at] = middle + STEP;
            let above = total(&x);
            x[at] = middle - STEP;
            let below = total(&x);
            x[at] = middle;
            (above - below) / (2.0 * STEP)
        })
        .collect()
}
