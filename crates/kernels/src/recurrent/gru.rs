//! Gated recurrent unit ([Cho et al., 2014](https://arxiv.org/abs/1406.1078)), with PyTorch's equations and order of
//! gates, the reset gate applied after the recurrent product:
//!
//! ```text
//! r, z = sigmoid of (projected + h W)
//! n = tanh(projected + r (h W + bias))
//! h' = (1 - z) n + z h
//! ```

use std::marker::PhantomData;

use super::backward::{Backward, Gradients};
use super::forward::Forward;
use super::{Cell, Projected, RecurrentOptions, RecurrentShape, RecurrentTape, Unit, UnitGradient};
use crate::Cpu;
use crate::math::{sigmoid, tanh};
use crate::simd::Simd;

/// What a GRU has learned of its own states.
#[derive(Clone, Copy, Debug)]
pub struct GruWeights<'a> {
    /// `[hidden, 3 · hidden]`, gates in the order reset, update, new.
    pub w_hh: &'a [f32],
    /// `[hidden]`, the recurrent bias of the new gate, which the reset gate multiplies; zeros without. The other
    /// biases are added to the projected input.
    pub bias: Option<&'a [f32]>,
}

/// Where a GRU writes its results.
#[derive(Debug)]
pub struct GruOutput<'a> {
    /// The state at every step, `[batch, steps, hidden]`. Cheaper without.
    pub outputs: Option<&'a mut [f32]>,
    /// The last state, `[batch, hidden]`.
    pub h: &'a mut [f32],
}

/// The gradients that a GRU's backward run starts from, and those that it gives.
#[derive(Debug)]
pub struct GruBackward<'a> {
    /// Of the outputs, `[batch, steps, hidden]`. Beyond a sequence's length it is not read.
    pub d_outputs: Option<&'a [f32]>,
    /// Of the last state, `[batch, hidden]`.
    pub d_h: Option<&'a [f32]>,
    /// Given: of the projected rows, `[rows, 3 · hidden]`, summed over the steps that use a row.
    pub d_projected: &'a mut [f32],
    /// Given: of the recurrent weights, `[hidden, 3 · hidden]`.
    pub d_w_hh: &'a mut [f32],
    /// Given: of the recurrent bias of the new gate, `[hidden]`.
    pub d_bias: Option<&'a mut [f32]>,
    /// Given: of the first state, `[batch, hidden]`.
    pub d_initial_h: Option<&'a mut [f32]>,
}

#[derive(Clone, Copy)]
struct Gru;

impl Cell for Gru {
    const GATES: usize = 3;
    const SAVED: usize = 5;
    const HAS_C: bool = false;
    const C_AT: usize = 0;
    const DIRECT: bool = true;
    const WITHIN_ONE: bool = true;

    #[inline(always)]
    fn forward<S: Simd>(s: S, x: [S::F; 4], sums: [S::F; 4], bias: S::F, h: S::F, c: S::F) -> Unit<S::F> {
        let r = sigmoid(s, s.add(x[0], sums[0]));
        let z = sigmoid(s, s.add(x[1], sums[1]));
        let inner = s.add(sums[2], bias);
        let n = tanh(s, s.mul_add(r, inner, x[2]));
        let h = s.mul_add(z, s.sub(h, n), n);
        Unit { h, c, saved: [r, z, n, inner, h, c] }
    }

    #[inline(always)]
    fn backward<S: Simd>(s: S, saved: [S::F; 6], h: S::F, _: S::F, dh: S::F, dc: S::F) -> UnitGradient<S::F> {
        let [r, z, n, inner, ..] = saved;
        let one = s.splat(1.0);
        let slope = |gate| s.mul(gate, s.sub(one, gate));
        let d_n = s.mul(s.mul(dh, s.sub(one, z)), s.sub(one, s.mul(n, n)));
        let d_z = s.mul(s.mul(dh, s.sub(h, n)), slope(z));
        let d_r = s.mul(s.mul(d_n, inner), slope(r));
        let d_inner = s.mul(d_n, r);
        UnitGradient {
            gates: [d_r, d_z, d_inner, dc],
            projected: [d_r, d_z, d_n, dc],
            h: s.mul(dh, z),
            c: dc,
        }
    }
}

/// Runs a GRU and keeps nothing for gradients.
///
/// # Shapes
/// - projected: rows of `3 · hidden`, gates in the order reset, update, new; biases of the input included, and the
///   recurrent ones of the first two gates
/// - weights: see [`GruWeights`]
/// - initial: `[batch, hidden]`; zeros without
///
/// # Panics
/// If a slice has another length than its shape says, a length is greater than `steps`, or an index has no row.
///
/// ```
/// use fireclay_kernels::Cpu;
/// use fireclay_kernels::recurrent::*;
/// let shape = RecurrentShape { batch: 1, steps: 1, hidden: 1 };
/// // The update gate is shut, so that the state becomes the new one.
/// let projected = Projected { rows: &[0.0, -100.0, 0.5], index: None };
/// let weights = GruWeights { w_hh: &[0.0; 3], bias: None };
/// let mut h = [0.0];
/// let output = GruOutput { outputs: None, h: &mut h };
/// gru_inference(Cpu::best(1), shape, projected, weights, None, &RecurrentOptions::default(), output);
/// assert!((h[0] - 0.5f32.tanh()).abs() < 1e-6);
/// ```
pub fn gru_inference(
    cpu: Cpu,
    shape: RecurrentShape,
    projected: Projected<'_>,
    weights: GruWeights<'_>,
    initial: Option<&[f32]>,
    options: &RecurrentOptions<'_>,
    output: GruOutput<'_>,
) {
    forward(cpu, shape, projected, weights, initial, options, output, None);
}

/// Runs a GRU and keeps on the tape what [`gru_backward`] needs.
///
/// # Shapes
/// As for [`gru_inference`].
///
/// # Panics
/// As for [`gru_inference`].
///
/// ```
/// use fireclay_kernels::Cpu;
/// use fireclay_kernels::recurrent::*;
/// let shape = RecurrentShape { batch: 1, steps: 1, hidden: 1 };
/// let projected = Projected { rows: &[0.0, -100.0, 0.5], index: None };
/// let weights = GruWeights { w_hh: &[0.0; 3], bias: None };
/// let (mut tape, mut h) = (RecurrentTape::default(), [0.0]);
/// let output = GruOutput { outputs: None, h: &mut h };
/// gru_forward(Cpu::best(1), shape, projected, weights, None, &RecurrentOptions::default(), output, &mut tape);
/// assert!((h[0] - 0.5f32.tanh()).abs() < 1e-6);
/// ```
#[allow(clippy::too_many_arguments, reason = "each is a part of the equation, and none has a default")]
pub fn gru_forward(
    cpu: Cpu,
    shape: RecurrentShape,
    projected: Projected<'_>,
    weights: GruWeights<'_>,
    initial: Option<&[f32]>,
    options: &RecurrentOptions<'_>,
    output: GruOutput<'_>,
    tape: &mut RecurrentTape,
) {
    forward(cpu, shape, projected, weights, initial, options, output, Some(tape));
}

#[allow(clippy::too_many_arguments, reason = "as above")]
fn forward(
    cpu: Cpu,
    shape: RecurrentShape,
    projected: Projected<'_>,
    weights: GruWeights<'_>,
    initial: Option<&[f32]>,
    options: &RecurrentOptions<'_>,
    output: GruOutput<'_>,
    tape: Option<&mut RecurrentTape>,
) {
    Forward {
        cell: PhantomData::<Gru>,
        cpu,
        shape,
        projected,
        weights: weights.w_hh,
        bias: weights.bias,
        initial_h: initial,
        initial_c: None,
        options: *options,
        outputs: output.outputs,
        h: output.h,
        c: None,
    }
    .run(tape);
}

/// The gradients of a GRU that [`gru_forward`] ran, with the instructions and the threads that it ran with.
///
/// # Panics
/// If a slice has another length than its shape says, or the tape is not of a GRU.
///
/// ```
/// use fireclay_kernels::Cpu;
/// use fireclay_kernels::recurrent::*;
/// let shape = RecurrentShape { batch: 1, steps: 1, hidden: 1 };
/// // The update gate is shut: h = tanh(x).
/// let projected = Projected { rows: &[0.0, -100.0, 0.5], index: None };
/// let weights = GruWeights { w_hh: &[0.0; 3], bias: None };
/// let (mut tape, mut h) = (RecurrentTape::default(), [0.0]);
/// let output = GruOutput { outputs: None, h: &mut h };
/// gru_forward(Cpu::best(1), shape, projected, weights, None, &RecurrentOptions::default(), output, &mut tape);
/// let (mut d_projected, mut d_w_hh) = ([0.0; 3], [0.0; 3]);
/// let gradients = GruBackward {
///     d_outputs: None,
///     d_h: Some(&[1.0]),
///     d_projected: &mut d_projected,
///     d_w_hh: &mut d_w_hh,
///     d_bias: None,
///     d_initial_h: None,
/// };
/// gru_backward(&mut tape, weights, gradients);
/// assert!((d_projected[2] - (1.0 - h[0] * h[0])).abs() < 1e-6);
/// ```
pub fn gru_backward(tape: &mut RecurrentTape, weights: GruWeights<'_>, gradients: GruBackward<'_>) {
    let g = gradients;
    Backward {
        cell: PhantomData::<Gru>,
        weights: weights.w_hh,
        given: Gradients { outputs: g.d_outputs, h: g.d_h, c: None },
        d_projected: g.d_projected,
        d_weights: g.d_w_hh,
        d_bias: g.d_bias,
        d_initial_h: g.d_initial_h,
        d_initial_c: None,
    }
    .run(tape);
}
