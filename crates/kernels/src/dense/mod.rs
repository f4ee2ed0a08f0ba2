//! The dense layer, `output = input · weight + bias`, with ReLU in the same pass, and its gradients.

#[cfg(test)]
pub(crate) mod reference;
mod row;
#[cfg(test)]
mod tests;

use crate::Cpu;
use crate::cpu::{Shared, in_parallel, ranges};
use crate::elementwise::{column_sums, relu_gradient};
use crate::memory::Values;
use crate::product::{Packed, Product, Start, Term, multiply_transposed, strided, strided_terms};
use crate::transpose::transpose;
use row::multiply_row;

/// Fewer multiplications than this are done on the caller's thread.
const WORTH_A_THREAD: usize = if cfg!(test) { 1000 } else { 100_000 };

/// Whether the products of these sizes are made from packed factors, which cost a copy and are read in order.
/// `bench-kernels` has sizes on both sides.
fn pays_to_pack(rows: usize, in_features: usize, out_features: usize) -> bool {
    let least = if cfg!(test) { 12 } else { 64 };
    rows.min(in_features).min(out_features) >= least
}

/// Sizes of a dense layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DenseShape {
    /// Rows of input and output.
    pub rows: usize,
    /// Numbers of an input row.
    pub in_features: usize,
    /// Numbers of an output row.
    pub out_features: usize,
    /// Whether negative outputs become 0.
    pub relu: bool,
}

impl DenseShape {
    fn multiplications(&self) -> usize {
        self.rows * self.in_features * self.out_features
    }

    fn threads(&self, cpu: Cpu) -> usize {
        cpu.threads.min(self.multiplications() / WORTH_A_THREAD).max(1)
    }

    fn check(&self, input: usize, weight: usize, output: usize) {
        assert_eq!(input, self.rows * self.in_features, "an input of another size than {self:?}");
        assert_eq!(weight, self.in_features * self.out_features, "weights of another size than {self:?}");
        assert_eq!(output, self.rows * self.out_features, "an output of another size than {self:?}");
    }
}

/// Where the gradients of a dense layer are written; what is `None` is not computed.
#[derive(Debug, Default)]
pub struct DenseGradients<'a> {
    /// `[rows, in_features]`
    pub input: Option<&'a mut [f32]>,
    /// `[in_features, out_features]`
    pub weight: Option<&'a mut [f32]>,
    /// `[out_features]`
    pub bias: Option<&'a mut [f32]>,
}

/// `output = input · weight + bias`.
///
/// # Shapes
/// - `input`: `[rows, in_features]`
/// - `weight`: `[in_features, out_features]`
/// - `bias`: `[out_features]`
/// - `output`: `[rows, out_features]`
///
/// # Panics
/// If a slice has another length.
///
/// ```
/// use fireclay_kernels::{Cpu, DenseShape, dense};
/// let shape = DenseShape { rows: 1, in_features: 2, out_features: 2, relu: true };
/// let mut output = [0.0; 2];
/// dense(Cpu::best(1), &shape, &[1.0, 2.0], &[3.0, -4.0, 5.0, -6.0], Some(&[0.5, 0.5]), &mut output);
/// assert_eq!(output, [13.5, 0.0]);
/// ```
pub fn dense(
    cpu: Cpu,
    shape: &DenseShape,
    input: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    output: &mut [f32],
) {
    shape.check(input.len(), weight.len(), output.len());
    if let Some(bias) = bias {
        assert_eq!(bias.len(), shape.out_features, "a bias of another size than {shape:?}");
    }
    let DenseShape { rows, in_features, out_features, relu } = *shape;
    if output.is_empty() {
        return;
    }
    let start = bias.map_or(Start::Zero, Start::Row);
    if pays_to_pack(rows, in_features, out_features) {
        let cpu = Cpu { threads: shape.threads(cpu), ..cpu };
        let weight = Packed::new(cpu, weight, in_features, out_features);
        return weight.multiply(cpu, input, rows, start, relu, output);
    }
    if rows == 1 {
        return multiply_row(cpu, input, weight, start, relu, output);
    }
    let product = Shares {
        a: input,
        rows: strided(rows, in_features),
        terms: strided_terms(in_features, 1, out_features),
        b: weight,
        columns: out_features,
        start,
        relu,
    };
    product.run(cpu, shape.threads(cpu), output);
}

/// The weights of a dense layer in the order in which they are multiplied, for calls that have them in common. Few rows at a
/// time, fewer than [`LEAST_ROWS`](Self::LEAST_ROWS), are faster with the weights as they are.
#[derive(Debug)]
pub struct DenseWeights {
    packed: Packed,
    sizes: [usize; 2],
}

impl DenseWeights {
    /// Rows from which the order pays; `bench-kernels` has 1 and 4.
    pub const LEAST_ROWS: usize = 4;

    /// Orders `[in_features, out_features]`.
    ///
    /// # Panics
    /// If there are as many others, or none.
    pub fn new(cpu: Cpu, weight: &[f32], in_features: usize, out_features: usize) -> Self {
        assert!(!weight.is_empty(), "a layer without weights");
        let packed = Packed::new(cpu, weight, in_features, out_features);
        DenseWeights { packed, sizes: [in_features, out_features] }
    }

    /// In-features and out-features.
    pub(crate) fn sizes(&self) -> [usize; 2] {
        self.sizes
    }

    pub(crate) fn packed(&self) -> &Packed {
        &self.packed
    }
}

/// As [`dense`], with weights that were ordered before.
///
/// # Panics
/// As [`dense`], and if they were ordered for another layer.
///
/// ```
/// use fireclay_kernels::{Cpu, DenseShape, DenseWeights, dense_with};
/// let shape = DenseShape { rows: 1, in_features: 2, out_features: 2, relu: true };
/// let weights = DenseWeights::new(Cpu::best(1), &[3.0, -4.0, 5.0, -6.0], 2, 2);
/// let mut output = [0.0; 2];
/// dense_with(Cpu::best(1), &shape, &[1.0, 2.0], &weights, Some(&[0.5, 0.5]), &mut output);
/// assert_eq!(output, [13.5, 0.0]);
/// ```
pub fn dense_with(
    cpu: Cpu,
    shape: &DenseShape,
    input: &[f32],
    weights: &DenseWeights,
    bias: Option<&[f32]>,
    output: &mut [f32],
) {
    let DenseShape { rows, in_features, out_features, relu } = *shape;
    assert_eq!(weights.sizes, [in_features, out_features], "weights ordered for another layer");
    shape.check(input.len(), in_features * out_features, output.len());
    if let Some(bias) = bias {
        assert_eq!(bias.len(), out_features, "a bias of another size than {shape:?}");
    }
    let cpu = Cpu { threads: shape.threads(cpu), ..cpu };
    weights.packed.multiply(cpu, input, rows, bias.map_or(Start::Zero, Start::Row), relu, output);
}

/// The gradients of [`dense`].
///
/// # Shapes
/// - `input`, `weight`: as the forward pass had them
/// - `output`: what it gave; only read if `shape.relu`
/// - `gradient`: of the output, `[rows, out_features]`
///
/// # Panics
/// If a slice has another length.
///
/// ```
/// use fireclay_kernels::{Cpu, DenseGradients, DenseShape, dense_backward};
/// let shape = DenseShape { rows: 1, in_features: 2, out_features: 1, relu: false };
/// let (mut input, mut weight) = ([0.0; 2], [0.0; 2]);
/// let into = DenseGradients { input: Some(&mut input), weight: Some(&mut weight), bias: None };
/// dense_backward(Cpu::best(1), &shape, &[1.0, 2.0], &[3.0, 4.0], &[], &[10.0], into);
/// assert_eq!((input, weight), ([30.0, 40.0], [10.0, 20.0]));
/// ```
pub fn dense_backward(
    cpu: Cpu,
    shape: &DenseShape,
    input: &[f32],
    weight: &[f32],
    output: &[f32],
    gradient: &[f32],
    into: DenseGradients<'_>,
) {
    shape.check(input.len(), weight.len(), gradient.len());
    let DenseShape { rows, in_features, out_features, relu } = *shape;
    let mut passed = Values::unspecified(if relu { gradient.len() } else { 0 });
    let gradient = match relu {
        false => gradient,
        true => {
            relu_gradient(cpu, output, gradient, &mut passed);
            &passed
        }
    };
    if let Some(into) = into.bias {
        assert_eq!(into.len(), out_features, "room for another bias than that of {shape:?}");
        column_sums(cpu, gradient, into);
    }
    let packs = pays_to_pack(rows, in_features, out_features);
    let threads = shape.threads(cpu);
    if let Some(into) = into.weight {
        assert_eq!(into.len(), weight.len(), "room for other weights than those of {shape:?}");
        if packs {
            let cpu = Cpu { threads, ..cpu };
            multiply_transposed(cpu, input, gradient, [in_features, rows, out_features], into);
        } else if out_features > 0 {
            let product = Shares {
                a: input,
                rows: strided(in_features, 1),
                terms: strided_terms(rows, in_features, out_features),
                b: gradient,
                columns: out_features,
                start: Start::Zero,
                relu: false,
            };
            product.run(cpu, threads, into);
        }
    }
    if let Some(into) = into.input {
        assert_eq!(into.len(), input.len(), "room for another input than that of {shape:?}");
        if packs {
            let cpu = Cpu { threads, ..cpu };
            let weight = Packed::transposed(cpu, weight, out_features, in_features);
            weight.multiply(cpu, gradient, rows, Start::Zero, false, into);
        } else if in_features > 0 {
            let mut transposed = Values::unspecified(weight.len());
            transpose(weight, [in_features, out_features], out_features, &mut transposed);
            let product = Shares {
                a: gradient,
                rows: strided(rows, out_features),
                terms: strided_terms(out_features, 1, in_features),
                b: &transposed,
                columns: in_features,
                start: Start::Zero,
                relu: false,
            };
            product.run(cpu, threads, into);
        }
    }
}

/// A product whose rows are shared out among threads; its output lies row by row.
struct Shares<'a> {
    a: &'a [f32],
    rows: Vec<u32>,
    terms: Vec<Term>,
    b: &'a [f32],
    columns: usize,
    start: Start<'a>,
    relu: bool,
}

impl Shares<'_> {
    fn run(&self, cpu: Cpu, threads: usize, output: &mut [f32]) {
        let Shares { a, rows, terms, b, columns, start, relu } = self;
        assert_eq!(output.len(), rows.len() * columns, "room for another product");
        // Six rows are a tile.
        let parts: Vec<_> = ranges(rows.len(), threads, 6).collect();
        let output = Shared::new(output);
        in_parallel(parts.len(), |part| {
            let part = parts[part].clone();
            Product {
                a,
                rows: &rows[part.clone()],
                terms,
                b,
                columns: *columns,
                pairs: false,
                start: *start,
                relu: *relu,
                // SAFETY: the parts have different rows, all of them inside the output.
                output: unsafe { output.part(part.start * columns..part.end * columns) },
                output_stride: *columns,
                ahead: &[],
            }
            .run(cpu.path);
        });
    }
}
