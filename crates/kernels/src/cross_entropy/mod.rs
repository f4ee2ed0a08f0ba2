//! Softmax cross-entropy from logits: the loss, its gradient and the number of right answers in one pass.
//!
//! A row is read while it is in the nearest cache: for its maximum, for its exponentials, which land in the gradient,
//! and once more to scale those. Rows are summed in blocks of a fixed size, so the loss does not depend on the number
//! of threads.

#[cfg(test)]
pub(crate) mod reference;
#[cfg(test)]
mod tests;

use crate::cpu::Shared;
use crate::simd::{Kernel, Simd};
use crate::softmax::{greatest, powers, scale, sum_of_powers};
use crate::vectors::{each_vector, get, over_rows, put};
use crate::{Cpu, Index, Path};

/// What kind of cross-entropy; the default is the plain one.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CrossEntropy<'a> {
    /// How much of each target is spread over all classes, in `[0, 1)`.
    pub label_smoothing: f32,
    /// How much each class counts; all 1 if `None`.
    pub class_weights: Option<&'a [f32]>,
}

/// What [`cross_entropy`] found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loss {
    /// The mean loss of the rows, weighted by the weight of their targets; not a number if there are no rows.
    pub mean: f32,
    /// Rows whose greatest logit is the target's; of equal logits, the first counts as greatest.
    pub correct: usize,
}

/// Softmax cross-entropy from logits, and its gradient where one is wanted.
///
/// With `p = softmax(logits)`, `K` classes, weights `w` and label smoothing `s`, a row of class `c` costs
/// `-(1 - s) * w[c] * ln p[c] - s / K * Σ_k w[k] * ln p[k]`; the result is the sum over the rows divided by the sum of
/// `w[c]`, as in PyTorch.
///
/// # Shapes
/// - logits: `[rows, classes]`
/// - targets: `[rows]`, each from 0 to `classes - 1`
/// - gradient: `[rows, classes]`, overwritten with the gradient of the mean loss with respect to the logits
///
/// # Panics
/// If a slice has the wrong length or a target is no class.
///
/// ```
/// use fireclay_kernels::{Cpu, CrossEntropy, cross_entropy};
/// let mut gradient = [0.0; 4];
/// let logits = [0.0, 0.0, 0.0, 3.0f32.ln()];
/// let loss = cross_entropy(Cpu::best(1), CrossEntropy::default(), 2, &logits, &[0u32, 1], Some(&mut gradient));
/// assert!((loss.mean - (2.0f32.ln() - 0.75f32.ln()) / 2.0).abs() < 1e-6);
/// assert_eq!(loss.correct, 2);
/// assert!((gradient[0] + 0.25).abs() < 1e-6);
/// ```
pub fn cross_entropy<T: Index>(
    cpu: Cpu,
    kind: CrossEntropy<'_>,
    classes: usize,
    logits: &[f32],
    targets: &[T],
    gradient: Option<&mut [f32]>,
) -> Loss {
    let rows = targets.len();
    assert_eq!(logits.len(), rows * classes, "logits of {rows} rows of {classes} classes");
    let batch = Batch::new(kind, classes, targets);
    let wanted = gradient.is_some();
    let gradient = gradient.unwrap_or(&mut []);
    assert!(!wanted || gradient.len() == logits.len(), "the gradient is not as long as the logits");

    let block = (4096 / classes.max(1)).max(1);
    let mut sums = vec![(0.0, 0); rows.div_ceil(block)];
    let (shared, shared_sums) = (Shared::new(gradient), Shared::new(&mut sums));
    over_rows(cpu, rows.div_ceil(block), logits.len(), |blocks| {
        for at in blocks {
            let rows = at * block..((at + 1) * block).min(rows);
            let places = rows.start * classes..rows.end * classes;
            let (logits, targets) = (&logits[places.clone()], &targets[rows]);
            // SAFETY: the parts share no row; the gradient is as long as the logits, or not touched.
            let gradient = unsafe { shared.part(if wanted { places } else { 0..0 }) };
            let sum = batch.rows(cpu.path, logits, targets, wanted.then_some(gradient));
            // SAFETY: the parts share no block.
            let place = unsafe { shared_sums.part(at..at + 1) };
            place[0] = sum;
        }
    });
    let sum: f64 = sums.iter().map(|sum| sum.0).sum();
    Loss { mean: batch.mean(sum), correct: sums.iter().map(|sum| sum.1).sum() }
}

/// What all rows of a batch have in common.
#[derive(Clone, Copy)]
pub(crate) struct Batch<'a> {
    kind: CrossEntropy<'a>,
    classes: usize,
    /// What the sum of all losses is divided by.
    total: f64,
    /// The sum of the class weights.
    all_weights: f64,
}

impl<'a> Batch<'a> {
    /// # Panics
    /// If there are not as many class weights as classes, or a target is no class.
    pub(crate) fn new<T: Index>(kind: CrossEntropy<'a>, classes: usize, targets: &[T]) -> Self {
        if let Some(weights) = kind.class_weights {
            assert_eq!(weights.len(), classes, "one class weight for each class");
        }
        for target in targets {
            assert!(target.position() < classes, "a target that is not one of {classes} classes");
        }
        let total = match kind.class_weights {
            Some(weights) => targets.iter().map(|target| f64::from(weights[target.position()])).sum(),
            None => targets.len() as f64,
        };
        let all_weights = match kind.class_weights {
            Some(weights) => weights.iter().map(|&weight| f64::from(weight)).sum(),
            None => classes as f64,
        };
        Batch { kind, classes, total, all_weights }
    }

    /// The mean loss, of the sum over all rows.
    pub(crate) fn mean(&self, sum: f64) -> f32 {
        (sum / self.total) as f32
    }

    /// The sum of the losses of some rows, and how many of them are right; on the caller's thread. The gradient is that of the
    /// mean loss of the whole batch.
    pub(crate) fn rows<T: Index>(
        &self,
        path: Path,
        logits: &[f32],
        targets: &[T],
        gradient: Option<&mut [f32]>,
    ) -> (f64, usize) {
        let batch = *self;
        match gradient {
            Some(gradient) => path.run(Rows { batch, logits, targets, gradient }),
            None => path.run(WithoutGradient(Rows { batch, logits, targets, gradient: &mut [] })),
        }
    }
}

/// Some rows; the result is the sum of their losses and how many of them are right.
struct Rows<'a, T> {
    batch: Batch<'a>,
    logits: &'a [f32],
    targets: &'a [T],
    gradient: &'a mut [f32],
}

struct WithoutGradient<'a, T>(Rows<'a, T>);

impl<T: Index> Kernel for Rows<'_, T> {
    type Output = (f64, usize);

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> (f64, usize) {
        self.rows::<S, true>(s)
    }
}

impl<T: Index> Kernel for WithoutGradient<'_, T> {
    type Output = (f64, usize);

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> (f64, usize) {
        self.0.rows::<S, false>(s)
    }
}

impl<T: Index> Rows<'_, T> {
    #[inline(always)]
    fn rows<S: Simd, const GRADIENT: bool>(self, s: S) -> (f64, usize) {
        let Rows { batch: Batch { kind, classes, total, all_weights }, logits, targets, gradient } = self;
        let smoothing = f64::from(kind.label_smoothing);
        let spread = smoothing / classes as f64;
        let (mut loss, mut correct) = (0.0, 0);
        for (at, (row, target)) in logits.chunks_exact(classes).zip(targets).enumerate() {
            let target = target.position();
            let weight = kind.class_weights.map_or(1.0, |weights| f64::from(weights[target]));
            let greatest = greatest(s, row);
            if row[target] == greatest && !row[..target].contains(&greatest) {
                correct += 1;
            }
            let sharp = (1.0 - smoothing) * weight;
            let sum = if GRADIENT {
                let gradient = &mut gradient[at * classes..][..classes];
                let sum = powers(s, row, greatest, gradient);
                scale(s, gradient, ((sharp + spread * all_weights) / (f64::from(sum) * total)) as f32);
                if smoothing > 0.0 {
                    take_spread(s, gradient, kind.class_weights, (spread / total) as f32);
                }
                gradient[target] -= (sharp / total) as f32;
                sum
            } else {
                sum_of_powers(s, row, greatest)
            };
            let log_sum = f64::from(sum.ln());
            loss += sharp * (log_sum - f64::from(row[target] - greatest));
            // Without smoothing, a logit of minus infinity is no matter unless it is the target's.
            if smoothing > 0.0 {
                loss += spread * (all_weights * log_sum - weighted_sum(row, kind.class_weights, greatest));
            }
        }
        (loss, correct)
    }
}

/// Takes `spread` times the weight of each class off its gradient.
#[inline(always)]
fn take_spread<S: Simd>(s: S, gradient: &mut [f32], weights: Option<&[f32]>, spread: f32) {
    let minus = s.splat(-spread);
    each_vector!(S::LANES, gradient.len(), |at, count| {
        let weight = match weights {
            Some(weights) => get(s, weights, at, count),
            None => s.splat(1.0),
        };
        let x = get(s, gradient, at, count);
        put(s, gradient, at, count, s.mul_add(weight, minus, x));
    });
}

/// `Σ_k weights[k] · (row[k] - greatest)`
#[inline(always)]
fn weighted_sum(row: &[f32], weights: Option<&[f32]>, greatest: f32) -> f64 {
    match weights {
        Some(weights) => row.iter().zip(weights).map(|(x, w)| f64::from(x - greatest) * f64::from(*w)).sum(),
        None => row.iter().map(|x| f64::from(x - greatest)).sum(),
    }
}
