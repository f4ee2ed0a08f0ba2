//! The simple recurrent network ([Elman, 1990](https://doi.org/10.1207/s15516709cog1402_1)):
//!
//! ```text
//! h' = tanh(projected + h W)    or    max(projected + h W, 0)
//! ```

use std::marker::PhantomData;

use super::backward::{Backward, Gradients};
use super::forward::Forward;
use super::{Cell, Projected, RecurrentOptions, RecurrentShape, RecurrentTape, Unit, UnitGradient};
use crate::Cpu;
use crate::math::tanh;
use crate::simd::Simd;

/// The function at the end of each step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RnnActivation {
    /// Hyperbolic tangent.
    Tanh,
    /// `max(x, 0)`
    Relu,
}

/// What a simple recurrent network has learned of its own states.
#[derive(Clone, Copy, Debug)]
pub struct RnnWeights<'a> {
    /// `[hidden, hidden]`. All biases are added to the projected input.
    pub w_hh: &'a [f32],
    /// The function at the end of each step.
    pub activation: RnnActivation,
}

/// Where a simple recurrent network writes its results.
#[derive(Debug)]
pub struct RnnOutput<'a> {
    /// The state at every step, `[batch, steps, hidden]`. Cheaper without.
    pub outputs: Option<&'a mut [f32]>,
    /// The last state, `[batch, hidden]`.
    pub h: &'a mut [f32],
}

/// The gradients that a simple recurrent network's backward run starts from, and those that it gives.
#[derive(Debug)]
pub struct RnnBackward<'a> {
    /// Of the outputs, `[batch, steps, hidden]`. Beyond a sequence's length it is not read.
    pub d_outputs: Option<&'a [f32]>,
    /// Of the last state, `[batch, hidden]`.
    pub d_h: Option<&'a [f32]>,
    /// Given: of the projected rows, `[rows, hidden]`, summed over the steps that use a row.
    pub d_projected: &'a mut [f32],
    /// Given: of the recurrent weights, `[hidden, hidden]`.
    pub d_w_hh: &'a mut [f32],
    /// Given: of the first state, `[batch, hidden]`.
    pub d_initial_h: Option<&'a mut [f32]>,
}

#[derive(Clone, Copy)]
struct TanhCell;

#[derive(Clone, Copy)]
struct ReluCell;

/// All that is kept is the state, from which both slopes follow.
macro_rules! cell {
    ($cell:ty, $within_one:literal, $s:ident, |$x:ident| $value:expr, |$h:ident, $dh:ident| $slope:expr) => {
        impl Cell for $cell {
            const GATES: usize = 1;
            const SAVED: usize = 1;
            const HAS_C: bool = false;
            const C_AT: usize = 0;
            const DIRECT: bool = false;
            const WITHIN_ONE: bool = $within_one;

            #[inline(always)]
            fn forward<S: Simd>(
                $s: S,
                x: [S::F; 4],
                sums: [S::F; 4],
                _: S::F,
                _: S::F,
                c: S::F,
            ) -> Unit<S::F> {
                let $x = $s.add(x[0], sums[0]);
                let h = $value;
                Unit { h, c, saved: [h; 6] }
            }

            #[inline(always)]
            fn backward<S: Simd>(
                $s: S,
                saved: [S::F; 6],
                _: S::F,
                c: S::F,
                $dh: S::F,
                _: S::F,
            ) -> UnitGradient<S::F> {
                let ($h, zero) = (saved[0], $s.splat(0.0));
                let gates = [$slope, zero, zero, zero];
                UnitGradient { gates, projected: gates, h: zero, c }
            }
        }
    };
}

cell!(TanhCell, true, s, |x| tanh(s, x), |h, dh| s.mul(dh, s.sub(s.splat(1.0), s.mul(h, h))));
cell!(ReluCell, false, s, |x| s.select_gt_or_nan(x, s.splat(0.0), x, s.splat(0.0)), |h, dh| {
    s.select_gt(h, s.splat(0.0), dh, s.splat(0.0))
});

/// Runs a simple recurrent network and keeps nothing for gradients.
///
/// # Shapes
/// - projected: rows of `hidden` numbers, biases included
/// - weights: see [`RnnWeights`]
/// - initial: `[batch, hidden]`; zeros without
///
/// # Panics
/// If a slice has another length than its shape says, a length is greater than `steps`, or an index has no row.
///
/// ```
/// use fireclay_kernels::Cpu;
/// use fireclay_kernels::recurrent::*;
/// let shape = RecurrentShape { batch: 1, steps: 3, hidden: 1 };
/// let projected = Projected { rows: &[1.0, 1.0, 1.0], index: None };
/// let weights = RnnWeights { w_hh: &[2.0], activation: RnnActivation::Relu };
/// let (mut outputs, mut h) = ([0.0; 3], [0.0]);
/// let output = RnnOutput { outputs: Some(&mut outputs), h: &mut h };
/// rnn_inference(Cpu::best(1), shape, projected, weights, None, &RecurrentOptions::default(), output);
/// assert_eq!((outputs, h), ([1.0, 3.0, 7.0], [7.0]));
/// ```
pub fn rnn_inference(
    cpu: Cpu,
    shape: RecurrentShape,
    projected: Projected<'_>,
    weights: RnnWeights<'_>,
    initial: Option<&[f32]>,
    options: &RecurrentOptions<'_>,
    output: RnnOutput<'_>,
) {
    match weights.activation {
        RnnActivation::Tanh => {
            forward::<TanhCell>(cpu, shape, projected, weights, initial, options, output, None);
        }
        RnnActivation::Relu => {
            forward::<ReluCell>(cpu, shape, projected, weights, initial, options, output, None);
        }
    }
}

/// Runs a simple recurrent network and keeps on the tape what [`rnn_backward`] needs.
///
/// # Shapes
/// As for [`rnn_inference`].
///
/// # Panics
/// As for [`rnn_inference`].
///
/// ```
/// use fireclay_kernels::Cpu;
/// use fireclay_kernels::recurrent::*;
/// let shape = RecurrentShape { batch: 1, steps: 3, hidden: 1 };
/// let projected = Projected { rows: &[1.0; 3], index: None };
/// let weights = RnnWeights { w_hh: &[2.0], activation: RnnActivation::Relu };
/// let (mut tape, mut h) = (RecurrentTape::default(), [0.0]);
/// let output = RnnOutput { outputs: None, h: &mut h };
/// rnn_forward(Cpu::best(1), shape, projected, weights, None, &RecurrentOptions::default(), output, &mut tape);
/// assert_eq!(h, [7.0]);
/// ```
#[allow(clippy::too_many_arguments, reason = "each is a part of the equation, and none has a default")]
pub fn rnn_forward(
    cpu: Cpu,
    shape: RecurrentShape,
    projected: Projected<'_>,
    weights: RnnWeights<'_>,
    initial: Option<&[f32]>,
    options: &RecurrentOptions<'_>,
    output: RnnOutput<'_>,
    tape: &mut RecurrentTape,
) {
    match weights.activation {
        RnnActivation::Tanh => {
            forward::<TanhCell>(cpu, shape, projected, weights, initial, options, output, Some(tape));
        }
        RnnActivation::Relu => {
            forward::<ReluCell>(cpu, shape, projected, weights, initial, options, output, Some(tape));
        }
    }
}

#[allow(clippy::too_many_arguments, reason = "as above")]
fn forward<C: Cell>(
    cpu: Cpu,
    shape: RecurrentShape,
    projected: Projected<'_>,
    weights: RnnWeights<'_>,
    initial: Option<&[f32]>,
    options: &RecurrentOptions<'_>,
    output: RnnOutput<'_>,
    tape: Option<&mut RecurrentTape>,
) {
    Forward {
        cell: PhantomData::<C>,
        cpu,
        shape,
        projected,
        weights: weights.w_hh,
        bias: None,
        initial_h: initial,
        initial_c: None,
        options: *options,
        outputs: output.outputs,
        h: output.h,
        c: None,
    }
    .run(tape);
}

/// The gradients of a simple recurrent network that [`rnn_forward`] ran, with the instructions and the threads that it
/// ran with.
///
/// # Panics
/// If a slice has another length than its shape says, or the tape is not of a simple recurrent network.
///
/// ```
/// use fireclay_kernels::Cpu;
/// use fireclay_kernels::recurrent::*;
/// let shape = RecurrentShape { batch: 1, steps: 2, hidden: 1 };
/// let weights = RnnWeights { w_hh: &[2.0], activation: RnnActivation::Relu };
/// let (mut tape, mut h) = (RecurrentTape::default(), [0.0]);
/// let projected = Projected { rows: &[1.0, 1.0], index: None };
/// let output = RnnOutput { outputs: None, h: &mut h };
/// rnn_forward(Cpu::best(1), shape, projected, weights, None, &RecurrentOptions::default(), output, &mut tape);
/// let (mut d_projected, mut d_w_hh) = ([0.0; 2], [0.0]);
/// let gradients = RnnBackward {
///     d_outputs: None,
///     d_h: Some(&[1.0]),
///     d_projected: &mut d_projected,
///     d_w_hh: &mut d_w_hh,
///     d_initial_h: None,
/// };
/// rnn_backward(&mut tape, weights, gradients);
/// // h = x2 + w x1
/// assert_eq!((d_projected, d_w_hh), ([2.0, 1.0], [1.0]));
/// ```
pub fn rnn_backward(tape: &mut RecurrentTape, weights: RnnWeights<'_>, gradients: RnnBackward<'_>) {
    match weights.activation {
        RnnActivation::Tanh => backward::<TanhCell>(tape, weights, gradients),
        RnnActivation::Relu => backward::<ReluCell>(tape, weights, gradients),
    }
}

fn backward<C: Cell>(tape: &mut RecurrentTape, weights: RnnWeights<'_>, gradients: RnnBackward<'_>) {
    let g = gradients;
    Backward {
        cell: PhantomData::<C>,
        weights: weights.w_hh,
        given: Gradients { outputs: g.d_outputs, h: g.d_h, c: None },
        d_projected: g.d_projected,
        d_weights: g.d_w_hh,
        d_bias: None,
        d_initial_h: g.d_initial_h,
        d_initial_c: None,
    }
    .run(tape);
}
