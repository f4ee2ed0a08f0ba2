//! A last dense layer with the cross-entropy of what it gives, for many classes, such as a vocabulary.
//!
//! All logits of a batch and their gradients can be more than the rest of a network together. Here a thread makes those of some
//! rows at a time, and the gradients by input and weights from them at once, so that they never leave the caches.

#[cfg(test)]
mod tests;

use crate::cpu::{Shared, in_parallel, ranges};
use crate::cross_entropy::Batch;
use crate::elementwise::{add, column_sums};
use crate::memory::Values;
use crate::product::{Packed, Start, Transposed};
use crate::{Cpu, CrossEntropy, Index, Loss};

/// Bytes of the logits that a thread works on at a time. Smaller blocks read and write the gradient by the weights more often,
/// which is as large as the weights; larger ones leave the caches.
const BLOCK_BYTES: usize = if cfg!(test) { 12 * 4 * 40 } else { 4 << 20 };

/// Rows from which another thread pays.
const ROWS_OF_THREAD: usize = if cfg!(test) { 6 } else { 24 };

/// A dense layer in front of a cross-entropy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DenseCrossEntropyShape {
    /// Rows of the input.
    pub rows: usize,
    /// Numbers of an input row.
    pub features: usize,
    /// Classes, each of which has a logit.
    pub classes: usize,
    /// Whether the weights are `[classes, features]`, as those of an embedding that the layer shares; else `[features,
    /// classes]`.
    pub turned: bool,
}

impl DenseCrossEntropyShape {
    /// Whether this is as fast as one after the other and saves memory worth the name: where the logits of a few rows fill a near
    /// cache, and so many rows that the gradient by the weights is not most of the work. `bench-kernels` has sizes on both sides.
    pub fn pays(&self) -> bool {
        self.classes >= 2048 && self.features >= 64 && self.rows >= 512
    }

    /// Rows that are worked on at a time: whole tiles.
    fn block(&self) -> usize {
        let fitting = BLOCK_BYTES / (size_of::<f32>() * self.classes.max(1));
        fitting.clamp(12, 192) / 6 * 6
    }
}

/// Where the gradients are written.
#[derive(Debug)]
pub struct DenseCrossEntropyGradients<'a> {
    /// `[rows, features]`
    pub input: &'a mut [f32],
    /// As the weights lie.
    pub weight: &'a mut [f32],
    /// `[classes]`
    pub bias: &'a mut [f32],
}

/// The mean [cross-entropy](crate::cross_entropy) of the logits `input · weight + bias`, and the gradients of it.
///
/// # Shapes
/// - `input`: `[rows, features]`
/// - `weight`: `[features, classes]`, or `[classes, features]` if `shape.turned`
/// - `bias`: `[classes]`
/// - `targets`: `[rows]`, each from 0 to `classes - 1`
///
/// # Panics
/// If a slice has another length, a size but the number of rows is 0, or a target is no class.
///
/// ```
/// use fireclay_kernels::{
///     Cpu, CrossEntropy, DenseCrossEntropyGradients, DenseCrossEntropyShape, dense_cross_entropy,
/// };
/// let shape = DenseCrossEntropyShape { rows: 1, features: 1, classes: 2, turned: false };
/// let (mut input, mut weight, mut bias) = ([0.0], [0.0; 2], [0.0; 2]);
/// let into = DenseCrossEntropyGradients { input: &mut input, weight: &mut weight, bias: &mut bias };
/// let kind = CrossEntropy::default();
/// let loss = dense_cross_entropy(Cpu::best(1), kind, &shape, &[2.0], &[1.0, 1.0], None, &[0u32], into);
/// assert!((loss.mean - 2f32.ln()).abs() < 1e-6);
/// assert_eq!((input, weight, bias), ([0.0], [-1.0, 1.0], [-0.5, 0.5]));
/// ```
#[allow(clippy::too_many_arguments, reason = "a dense layer's and a loss's")]
pub fn dense_cross_entropy<T: Index>(
    cpu: Cpu,
    kind: CrossEntropy<'_>,
    shape: &DenseCrossEntropyShape,
    input: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    targets: &[T],
    into: DenseCrossEntropyGradients<'_>,
) -> Loss {
    let DenseCrossEntropyShape { rows, features, classes, turned } = *shape;
    assert!(features * classes > 0, "rows of {shape:?} hold nothing");
    assert_eq!(
        [input.len(), into.input.len()],
        [rows * features; 2],
        "an input of another size than {shape:?}"
    );
    assert_eq!(
        [weight.len(), into.weight.len()],
        [features * classes; 2],
        "weights of another size than {shape:?}"
    );
    assert_eq!([bias.map_or(classes, <[f32]>::len), into.bias.len()], [classes; 2], "a bias of another size");
    assert_eq!(targets.len(), rows, "one target for each row");
    let batch = Batch::new(kind, classes, targets);
    let (to_logits, to_input) = match turned {
        false => {
            (Packed::new(cpu, weight, features, classes), Packed::transposed(cpu, weight, classes, features))
        }
        true => {
            (Packed::transposed(cpu, weight, features, classes), Packed::new(cpu, weight, classes, features))
        }
    };
    let start = bias.map_or(Start::Zero, Start::Row);
    let (block, threads) = (shape.block(), cpu.threads.min(rows / ROWS_OF_THREAD).max(1));
    let parts: Vec<_> = ranges(rows, threads, 6).collect();
    // The first part adds up where the result will be.
    let lens = [weight.len(), classes];
    let mut others: Vec<[Values; 2]> = parts.iter().skip(1).map(|_| lens.map(Values::unspecified)).collect();
    let mut results = [into.weight, into.bias];
    let mut sums = vec![(0.0, 0); rows];
    {
        let (by_input, sums) = (Shared::new(into.input), Shared::new(&mut sums));
        let first = results.each_mut().map(|values| Shared::new(values));
        let rest = others.iter_mut().map(|values| values.each_mut().map(|values| Shared::new(values)));
        let gradients: Vec<[Shared<f32>; 2]> = std::iter::once(first).chain(rest).collect();
        in_parallel(parts.len(), |part| {
            let [by_weight, by_bias] = gradients[part];
            let part = parts[part].clone();
            // SAFETY: each part has sums of its own, of this size.
            let by_bias = unsafe { by_bias.part(0..classes) };
            by_bias.fill(0.0);
            let most = block.min(part.len());
            let mut logits = Values::unspecified(most * classes);
            let mut slopes = Values::unspecified(classes);
            let mut weights = Transposed::new(cpu, if turned { classes } else { features }, most);
            if part.is_empty() {
                // SAFETY: as above.
                unsafe { by_weight.part(0..features * classes) }.fill(0.0);
            }
            for first in part.clone().step_by(block) {
                let rows = first..(first + block).min(part.end);
                let places = first * features..rows.end * features;
                let (input, count) = (&input[places.clone()], rows.len());
                let logits = &mut logits[..count * classes];
                to_logits.multiply_rows(cpu.path, input, count, start, false, logits);
                // SAFETY: each block has rows of its own.
                let (by_input, sums) = unsafe { (by_input.part(places), sums.part(rows.clone())) };
                // From here on the gradients lie where the logits were.
                let of_rows = logits.chunks_exact_mut(classes).zip(&targets[rows]).zip(sums);
                for ((logits, target), sum) in of_rows {
                    *sum = batch.rows(cpu.path, logits, std::slice::from_ref(target), Some(&mut slopes));
                    logits.copy_from_slice(&slopes);
                }
                let gradient = &*logits;
                column_sums(cpu.alone(), gradient, &mut slopes);
                add(cpu.alone(), &slopes, by_bias);
                let start = if first == part.start { Start::Zero } else { Start::Output };
                let (input, gradient) = ((input, features, 0..features), (gradient, classes, 0..classes));
                let (a, b) = if turned { (gradient.clone(), input) } else { (input, gradient.clone()) };
                // SAFETY: each part has sums of its own.
                unsafe { weights.multiply(a, b, start, by_weight) };
                to_input.multiply_rows(cpu.path, gradient.0, count, Start::Zero, false, by_input);
            }
        });
    }
    for values in &others {
        for (result, values) in results.iter_mut().zip(values) {
            add(cpu, values, result);
        }
    }
    let sum = sums.iter().map(|sum| sum.0).sum();
    Loss { mean: batch.mean(sum), correct: sums.iter().map(|sum| sum.1).sum() }
}
