//! Long short-term memory ([Hochreiter and Schmidhuber, 1997](https://doi.org/10.1162/neco.1997.9.8.1735)), with
//! PyTorch's equations and order of gates:
//!
//! ```text
//! i, f, g, o = sigmoid, sigmoid, tanh, sigmoid of (projected + h W)
//! c' = f c + i g
//! h' = o tanh(c')
//! ```

use std::marker::PhantomData;

use super::backward::{Backward, Gradients};
use super::forward::Forward;
use super::{Cell, Projected, RecurrentOptions, RecurrentShape, RecurrentTape, Unit, UnitGradient};
use crate::Cpu;
use crate::math::{sigmoid, tanh};
use crate::simd::Simd;

/// The two states of an LSTM.
#[derive(Clone, Copy, Debug)]
pub struct LstmState<'a> {
    /// `[batch, hidden]`
    pub h: &'a [f32],
    /// `[batch, hidden]`
    pub c: &'a [f32],
}

/// Where an LSTM writes its results.
#[derive(Debug)]
pub struct LstmOutput<'a> {
    /// The state at every step, `[batch, steps, hidden]`. Cheaper without.
    pub outputs: Option<&'a mut [f32]>,
    /// The last state, `[batch, hidden]`.
    pub h: &'a mut [f32],
    /// The last cell state, `[batch, hidden]`.
    pub c: &'a mut [f32],
}

/// The gradients that an LSTM's backward run starts from, and those that it gives.
#[derive(Debug)]
pub struct LstmBackward<'a> {
    /// Of the outputs, `[batch, steps, hidden]`. Beyond a sequence's length it is not read.
    pub d_outputs: Option<&'a [f32]>,
    /// Of the last state, `[batch, hidden]`.
    pub d_h: Option<&'a [f32]>,
    /// Of the last cell state, `[batch, hidden]`.
    pub d_c: Option<&'a [f32]>,
    /// Given: of the projected rows, `[rows, 4 · hidden]`, summed over the steps that use a row.
    pub d_projected: &'a mut [f32],
    /// Given: of the recurrent weights, `[hidden, 4 · hidden]`.
    pub d_w_hh: &'a mut [f32],
    /// Given: of the first state, `[batch, hidden]`.
    pub d_initial_h: Option<&'a mut [f32]>,
    /// Given: of the first cell state, `[batch, hidden]`.
    pub d_initial_c: Option<&'a mut [f32]>,
}

#[derive(Clone, Copy)]
struct Lstm;

impl Cell for Lstm {
    const GATES: usize = 4;
    const SAVED: usize = 6;
    const HAS_C: bool = true;
    const C_AT: usize = 4;
    const DIRECT: bool = false;
    const WITHIN_ONE: bool = true;

    #[inline(always)]
    fn forward<S: Simd>(s: S, x: [S::F; 4], sums: [S::F; 4], _: S::F, _: S::F, c: S::F) -> Unit<S::F> {
        let i = sigmoid(s, s.add(x[0], sums[0]));
        let f = sigmoid(s, s.add(x[1], sums[1]));
        let g = tanh(s, s.add(x[2], sums[2]));
        let o = sigmoid(s, s.add(x[3], sums[3]));
        let c = s.mul_add(f, c, s.mul(i, g));
        let h = s.mul(o, tanh(s, c));
        Unit { h, c, saved: [i, f, g, o, c, h] }
    }

    #[inline(always)]
    fn backward<S: Simd>(s: S, saved: [S::F; 6], _: S::F, c: S::F, dh: S::F, dc: S::F) -> UnitGradient<S::F> {
        let [i, f, g, o, c_after, _] = saved;
        let one = s.splat(1.0);
        let t = tanh(s, c_after);
        let dc = s.mul_add(s.mul(dh, o), s.sub(one, s.mul(t, t)), dc);
        let slope = |gate| s.mul(gate, s.sub(one, gate));
        let gates = [
            s.mul(s.mul(dc, g), slope(i)),
            s.mul(s.mul(dc, c), slope(f)),
            s.mul(s.mul(dc, i), s.sub(one, s.mul(g, g))),
            s.mul(s.mul(dh, t), slope(o)),
        ];
        UnitGradient { gates, projected: gates, h: s.splat(0.0), c: s.mul(dc, f) }
    }
}

/// Runs an LSTM and keeps nothing for gradients.
///
/// # Shapes
/// - projected: rows of `4 · hidden`, gates in the order input, forget, cell, output; biases included
/// - w_hh: `[hidden, 4 · hidden]`
/// - initial: two of `[batch, hidden]`; zeros without
///
/// # Panics
/// If a slice has another length than its shape says, a length is greater than `steps`, or an index has no row.
///
/// ```
/// use fireclay_kernels::Cpu;
/// use fireclay_kernels::recurrent::*;
/// let shape = RecurrentShape { batch: 1, steps: 3, hidden: 1 };
/// // All gates are open, so that the cell counts the steps.
/// let projected = Projected { rows: &[100.0; 12], index: None };
/// let (mut h, mut c) = ([0.0], [0.0]);
/// let output = LstmOutput { outputs: None, h: &mut h, c: &mut c };
/// lstm_inference(Cpu::best(1), shape, projected, &[0.0; 4], None, &RecurrentOptions::default(), output);
/// assert!((c[0] - 3.0).abs() < 1e-6 && (h[0] - 3f32.tanh()).abs() < 1e-6);
/// ```
pub fn lstm_inference(
    cpu: Cpu,
    shape: RecurrentShape,
    projected: Projected<'_>,
    w_hh: &[f32],
    initial: Option<LstmState<'_>>,
    options: &RecurrentOptions<'_>,
    output: LstmOutput<'_>,
) {
    forward(cpu, shape, projected, w_hh, initial, options, output, None);
}

/// Runs an LSTM and keeps on the tape what [`lstm_backward`] needs.
///
/// # Shapes
/// As for [`lstm_inference`].
///
/// # Panics
/// As for [`lstm_inference`].
///
/// ```
/// use fireclay_kernels::Cpu;
/// use fireclay_kernels::recurrent::*;
/// let shape = RecurrentShape { batch: 1, steps: 3, hidden: 1 };
/// let projected = Projected { rows: &[100.0; 12], index: None };
/// let (mut tape, mut h, mut c) = (RecurrentTape::default(), [0.0], [0.0]);
/// let output = LstmOutput { outputs: None, h: &mut h, c: &mut c };
/// lstm_forward(Cpu::best(1), shape, projected, &[0.0; 4], None, &RecurrentOptions::default(), output, &mut tape);
/// assert!((c[0] - 3.0).abs() < 1e-6);
/// ```
#[allow(clippy::too_many_arguments, reason = "each is a part of the equation, and none has a default")]
pub fn lstm_forward(
    cpu: Cpu,
    shape: RecurrentShape,
    projected: Projected<'_>,
    w_hh: &[f32],
    initial: Option<LstmState<'_>>,
    options: &RecurrentOptions<'_>,
    output: LstmOutput<'_>,
    tape: &mut RecurrentTape,
) {
    forward(cpu, shape, projected, w_hh, initial, options, output, Some(tape));
}

#[allow(clippy::too_many_arguments, reason = "as above")]
fn forward(
    cpu: Cpu,
    shape: RecurrentShape,
    projected: Projected<'_>,
    w_hh: &[f32],
    initial: Option<LstmState<'_>>,
    options: &RecurrentOptions<'_>,
    output: LstmOutput<'_>,
    tape: Option<&mut RecurrentTape>,
) {
    Forward {
        cell: PhantomData::<Lstm>,
        cpu,
        shape,
        projected,
        weights: w_hh,
        bias: None,
        initial_h: initial.map(|state| state.h),
        initial_c: initial.map(|state| state.c),
        options: *options,
        outputs: output.outputs,
        h: output.h,
        c: Some(output.c),
    }
    .run(tape);
}

/// The gradients of an LSTM that [`lstm_forward`] ran, with the instructions and the threads that it ran with.
///
/// # Panics
/// If a slice has another length than its shape says, or the tape is not of an LSTM.
///
/// ```
/// use fireclay_kernels::Cpu;
/// use fireclay_kernels::recurrent::*;
/// let shape = RecurrentShape { batch: 1, steps: 2, hidden: 1 };
/// // Input, forget and output gates are open: c = tanh(x1) + tanh(x2), at 0.
/// let projected = Projected { rows: &[100.0, 100.0, 0.0, 100.0, 100.0, 100.0, 0.0, 100.0], index: None };
/// let (mut tape, mut h, mut c) = (RecurrentTape::default(), [0.0], [0.0]);
/// let output = LstmOutput { outputs: None, h: &mut h, c: &mut c };
/// lstm_forward(Cpu::best(1), shape, projected, &[0.0; 4], None, &RecurrentOptions::default(), output, &mut tape);
/// let (mut d_projected, mut d_w_hh) = ([0.0; 8], [0.0; 4]);
/// let gradients = LstmBackward {
///     d_outputs: None,
///     d_h: None,
///     d_c: Some(&[1.0]),
///     d_projected: &mut d_projected,
///     d_w_hh: &mut d_w_hh,
///     d_initial_h: None,
///     d_initial_c: None,
/// };
/// lstm_backward(&mut tape, &[0.0; 4], gradients);
/// assert!((d_projected[2] - 1.0).abs() < 1e-6 && (d_projected[6] - 1.0).abs() < 1e-6);
/// ```
pub fn lstm_backward(tape: &mut RecurrentTape, w_hh: &[f32], gradients: LstmBackward<'_>) {
    let g = gradients;
    Backward {
        cell: PhantomData::<Lstm>,
        weights: w_hh,
        given: Gradients { outputs: g.d_outputs, h: g.d_h, c: g.d_c },
        d_projected: g.d_projected,
        d_weights: g.d_w_hh,
        d_bias: None,
        d_initial_h: g.d_initial_h,
        d_initial_c: g.d_initial_c,
    }
    .run(tape);
}
