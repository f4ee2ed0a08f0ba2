//! Muon: momentum whose direction is made orthogonal.

use std::cmp::Reverse;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::{Rule, Task, run};
use crate::Cpu;
use crate::cpu::in_parallel;
use crate::simd::Simd;

/// Muon ([Jordan et al. 2024](https://kellerjordan.github.io/posts/muon/)), for matrices inside a network; biases,
/// embeddings and the last layer are better served by Adam.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Muon {
    /// Size of a step, before the factor for the matrix's shape.
    pub learning_rate: f64,
    /// Share of the last step in the next; 0.95 as published.
    pub momentum: f64,
    /// Whether momentum is Nesterov's, as published.
    pub nesterov: bool,
    /// Share of each weight that a step takes away, divided by the learning rate.
    pub weight_decay: f64,
    /// Whether each matrix is brought to the norm `√outputs` before its step
    /// ([Jordan 2024](https://arxiv.org/abs/2404.00498)), so that only its direction is learnt, as behind a convolution
    /// with batch normalisation.
    pub normalized: bool,
    /// Iterations of the polynomial; 5 as published.
    pub iterations: usize,
    /// Least norm that the direction is divided by; 1e-7 as published.
    pub epsilon: f64,
}

/// One matrix of a Muon step: of a dense layer `[out_features, in_features]`, of a convolution
/// `[out_channels, in_channels · kernel height · kernel width]`, or the transpose of these.
#[derive(Debug)]
pub struct MuonSlot<'a> {
    /// Rows of the matrix, at least 1.
    pub rows: usize,
    /// Columns of the matrix, at least 1.
    pub columns: usize,
    /// Whether outputs lie in columns, as in `[in_features, out_features]`. It decides the factor for the shape.
    pub outputs_in_columns: bool,
    /// `[rows, columns]`, changed in place.
    pub parameter: &'a mut [f32],
    /// `[rows, columns]`
    pub gradient: &'a [f32],
    /// `[rows, columns]`, changed in place; 0 before the first step.
    pub velocity: &'a mut [f32],
}

/// The quintic's coefficients, chosen for the steepest slope at 0
/// ([Jordan et al. 2024](https://kellerjordan.github.io/posts/muon/)).
pub(super) const QUINTIC: [f32; 3] = [3.4445, -4.7750, 2.0315];

/// Makes one step of Muon for all `slots`, the matrices spread over the threads; one matrix is one thread's.
///
/// ```text
/// velocity = momentum · velocity + gradient
/// X = gradient + momentum · velocity  if nesterov, else velocity
/// X = X / max(‖X‖, epsilon)
/// X = 3.4445 · X + (-4.7750 · A + 2.0315 · A²) · X,  A = X · Xᵀ           (`iterations` times)
/// parameter *= 1 - learning_rate · weight_decay                          (if `normalized`, then also √outputs / ‖parameter‖)
/// parameter -= learning_rate · √max(1, outputs / inputs) · X
/// ```
///
/// The iteration brings all singular values of `X` near 1, between about 0.7 and 1.2. The products are those of the
/// `gemm` crate, which chooses its own instructions. `workspace` grows to what is needed and may be kept for the next
/// step; what it holds does not matter.
///
/// # Panics
/// If a slot has no rows or columns, or its lengths are not `rows · columns`.
pub fn muon_step(cpu: Cpu, muon: &Muon, slots: &mut [MuonSlot<'_>], workspace: &mut Vec<f32>) {
    for slot in slots.iter() {
        assert!(slot.rows > 0 && slot.columns > 0, "a matrix has rows and columns");
        assert_eq!(Some(slot.parameter.len()), slot.rows.checked_mul(slot.columns), "parameter's length");
    }
    workspace.clear();
    workspace.resize(slots.iter().map(|slot| workspace_len(slot.rows, slot.columns)).sum(), 0.0);
    let mut rest = &mut workspace[..];
    let mut jobs = Vec::with_capacity(slots.len());
    for slot in slots {
        let mine;
        (mine, rest) = rest.split_at_mut(workspace_len(slot.rows, slot.columns));
        jobs.push((slot, mine));
    }
    // The greatest first, so that none of them is left for the end.
    jobs.sort_by_key(|(slot, _)| Reverse(slot.parameter.len() * slot.rows.min(slot.columns)));
    let jobs: Vec<_> = jobs.into_iter().map(Mutex::new).collect();
    let next = AtomicUsize::new(0);
    in_parallel(cpu.threads.min(jobs.len()), |_| {
        while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            // Each job is locked once.
            let mut job = job.lock().unwrap_or_else(PoisonError::into_inner);
            let (slot, workspace) = &mut *job;
            step(cpu.alone(), muon, slot, workspace);
        }
    });
}

/// Two copies of the matrix and two squares of its lesser side.
fn workspace_len(rows: usize, columns: usize) -> usize {
    let side = rows.min(columns);
    2 * (rows * columns + side * side)
}

fn step(cpu: Cpu, muon: &Muon, slot: &mut MuonSlot<'_>, workspace: &mut [f32]) {
    let (rows, columns) = (slot.rows, slot.columns);
    let (direction, workspace) = workspace.split_at_mut(rows * columns);
    let gather = Gather { momentum: muon.momentum as f32, nesterov: muon.nesterov };
    run(cpu, &[Task::new(gather, direction, slot.gradient, [&mut *slot.velocity])]);

    let scale = (1.0 / norm_of(direction).max(muon.epsilon)) as f32;
    direction.iter_mut().for_each(|x| *x *= scale);
    let direction = orthogonalize(direction, rows, columns, muon.iterations, workspace);

    let (outputs, inputs) = if slot.outputs_in_columns { (columns, rows) } else { (rows, columns) };
    let ratio = (outputs as f64 / inputs as f64).max(1.0).sqrt();
    let keep = match (muon.normalized, norm_of(slot.parameter)) {
        (true, norm) if norm > 0.0 => (outputs as f64).sqrt() / norm,
        _ => 1.0,
    };
    let apply = Apply {
        minus_rate: (-muon.learning_rate * ratio) as f32,
        keep: (keep * (1.0 - muon.learning_rate * muon.weight_decay)) as f32,
    };
    run(cpu, &[Task::new(apply, &mut *slot.parameter, direction, [])]);
}

/// The root of the sum of squares.
fn norm_of(values: &[f32]) -> f64 {
    values.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>().sqrt()
}

/// Runs the iteration on `x`, `[rows, columns]`; the result is in `x` or in the workspace.
fn orthogonalize<'a>(
    mut x: &'a mut [f32],
    rows: usize,
    columns: usize,
    iterations: usize,
    workspace: &'a mut [f32],
) -> &'a [f32] {
    let side = rows.min(columns);
    let (mut other, squares) = workspace.split_at_mut(rows * columns);
    let (a, b) = squares.split_at_mut(side * side);
    let [linear, cubic, quintic] = QUINTIC;
    let square = Matrix::rows(side, side);
    // A tall matrix takes part from the right, as Xᵀ · X and X · B, instead of being transposed.
    let x_shape = Matrix::rows(rows, columns);
    for _ in 0..iterations {
        if rows <= columns {
            product((0.0, a, square), 1.0, (x, x_shape), (x, x_shape.transposed()));
        } else {
            product((0.0, a, square), 1.0, (x, x_shape.transposed()), (x, x_shape));
        }
        b.copy_from_slice(a);
        product((cubic, b, square), quintic, (a, square), (a, square));
        other.copy_from_slice(x);
        if rows <= columns {
            product((linear, other, x_shape), 1.0, (b, square), (x, x_shape));
        } else {
            product((linear, other, x_shape), 1.0, (x, x_shape), (b, square));
        }
        std::mem::swap(&mut x, &mut other);
    }
    x
}

/// How a slice is read as a matrix.
#[derive(Clone, Copy)]
struct Matrix {
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl Matrix {
    fn rows(rows: usize, columns: usize) -> Self {
        Matrix { rows, columns, row_stride: columns, column_stride: 1 }
    }

    fn transposed(self) -> Self {
        let Matrix { rows, columns, row_stride, column_stride } = self;
        Matrix { rows: columns, columns: rows, row_stride: column_stride, column_stride: row_stride }
    }

    /// Elements of a slice that holds it.
    fn len(self) -> usize {
        self.rows * self.columns
    }
}

/// `output = keep · output + factor · left · right`, on this thread.
fn product(
    (keep, output, output_shape): (f32, &mut [f32], Matrix),
    factor: f32,
    (left, left_shape): (&[f32], Matrix),
    (right, right_shape): (&[f32], Matrix),
) {
    assert!(left_shape.rows == output_shape.rows && right_shape.columns == output_shape.columns);
    assert!(left_shape.columns == right_shape.rows);
    assert!(output.len() == output_shape.len() && left.len() == left_shape.len());
    assert!(right.len() == right_shape.len());
    // SAFETY: the shapes agree with each other and with the lengths; the output is borrowed alone.
    unsafe {
        gemm::gemm(
            output_shape.rows,
            output_shape.columns,
            left_shape.columns,
            output.as_mut_ptr(),
            output_shape.column_stride as isize,
            output_shape.row_stride as isize,
            keep != 0.0,
            left.as_ptr(),
            left_shape.column_stride as isize,
            left_shape.row_stride as isize,
            right.as_ptr(),
            right_shape.column_stride as isize,
            right_shape.row_stride as isize,
            keep,
            factor,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

/// Advances the velocity and writes the direction where a parameter would be.
#[derive(Clone, Copy)]
struct Gather {
    momentum: f32,
    nesterov: bool,
}

impl Rule<1> for Gather {
    #[inline(always)]
    fn update<S: Simd>(self, s: S, _: S::F, gradient: S::F, [velocity]: &mut [S::F; 1]) -> S::F {
        *velocity = s.mul_add(s.splat(self.momentum), *velocity, gradient);
        if self.nesterov { s.mul_add(s.splat(self.momentum), *velocity, gradient) } else { *velocity }
    }
}

/// Takes a direction, given as a gradient, off a parameter.
#[derive(Clone, Copy)]
struct Apply {
    minus_rate: f32,
    keep: f32,
}

impl Rule<0> for Apply {
    #[inline(always)]
    fn update<S: Simd>(self, s: S, parameter: S::F, direction: S::F, _: &mut [S::F; 0]) -> S::F {
        s.mul_add(s.splat(self.minus_rate), direction, s.mul(s.splat(self.keep), parameter))
    }
}
